"""What does not belong into a committed file: paths of one machine, hosts of package registries, unfinished work."""

import re

import tree

# Written in pieces, so that this file does not find itself.
_FORBIDDEN = [
    (re.compile("/wor" + "k/|/far" + "m/|/ro" + "ot/|/hom" + r"e/\w"), "a path of one machine"),
    (re.compile(r"deb\.debi" + r"an\.org|registry\.npm" + r"js|pypi\.o" + r"rg|proxy\.gol" + r"ang"), "the host of a package registry"),
    (re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b"), "unfinished by its own words"),
    (re.compile(r"\bnot (?:yet )?implem" + r"ented\b|\bunimplem" + r"ented\b"), "unfinished by its own words"),
    (re.compile("DISAB" + r"LED_\w"), "a test that does not run"),
]
_BINARY = (".png", ".gz", ".ico", ".bin")


def check_text(name, text):
    errors = []
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, what in _FORBIDDEN:
            hit = pattern.search(line)
            if hit:
                errors.append(f"{name}:{number}: {what}: {hit.group()}")
    return errors


def check():
    errors = []
    for name in tree.files():
        if name == "LICENSE" or name.endswith(_BINARY) or "/corpus/" in name:
            continue
        errors += check_text(name, tree.read(name))
    return errors
