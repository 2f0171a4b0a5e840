"""What time it is, src/ asks base/clock.h alone: a test that moves the clock moves it for all."""

import re

import tree

_ASKED = re.compile(r"(?:steady_clock|system_clock|high_resolution_clock)::now\b")


def check_text(name, text):
    return [f"{name}:{number}: asks the system what time it is; Clock::now() and Clock::wall() say it"
            for number, line in enumerate(text.split("\n"), 1) if _ASKED.search(line)]


def check():
    errors = []
    for name in tree.cxx_files("src"):
        if name != "src/base/clock.h":
            errors += check_text(name, tree.read(name))
    return errors
