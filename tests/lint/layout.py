"""The top level of the project is the agreed one, and nothing else."""

import tree

_ALLOWED = {"CMakeLists.txt", "src", "config", "plugins", "tests", "packaging", "systemd", "Dockerfile", "README.md",
            "CHANGELOG.md", "LICENSE"}


def check_names(names):
    tops = {name.split("/")[0] for name in names}
    return [f"{top}:1: not in the agreed layout of the top level" for top in sorted(tops)
            if top not in _ALLOWED and not top.startswith(".")]


def check():
    return check_names(tree.files())
