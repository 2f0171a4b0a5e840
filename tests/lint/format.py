"""C++ files are formatted as .clang-format says. `python3 tests/lint/format.py` formats them."""

import re
import subprocess
import sys

import tree


def check_files(names):
    """Errors of these files, each once."""
    if not names:
        return []
    ran = subprocess.run(["clang-format", "--dry-run", "--ferror-limit=1", *names], cwd=tree.TOP, capture_output=True,
                         text=True, check=False)
    hits = re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error):", ran.stderr, re.MULTILINE)
    errors = [f"{name}:{line}: not formatted; run python3 tests/lint/format.py" for name, line in dict(hits).items()]
    if ran.returncode and not errors:
        errors.append(f"clang-format: {ran.stderr.strip()}")
    return errors


def sources():
    return tree.cxx_files("src", "tests", "plugins")


def check():
    return check_files(sources())


if __name__ == "__main__":
    sys.exit(subprocess.run(["clang-format", "-i", *(sys.argv[1:] or sources())], cwd=tree.TOP, check=False).returncode)
