#!/usr/bin/env python3
"""Runs every lint, or those named: python3 tests/lint/run.py [includes coroutines clock layout words length format]"""

import importlib
import sys

LINTS = ["includes", "coroutines", "clock", "layout", "words", "length", "format"]


def main(names):
    errors = []
    for name in names or LINTS:
        errors += importlib.import_module(name).check()
    print("\n".join(errors) if errors else "lint: clean")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
