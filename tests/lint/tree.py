"""The files of the project, as the lints see them."""

import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]


def files():
    """Every file of the project, tracked or about to be, relative to the top."""
    listed = subprocess.run(
        ["git", "-C", str(TOP), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        names = listed.stdout.decode().split("\0")
        return sorted(name for name in names if name and (TOP / name).is_file())
    found = []
    for folder, folders, names in os.walk(TOP):
        folders[:] = [name for name in folders if name not in (".git", "build", "__pycache__", ".cache", ".pytest_cache")]
        found += [str((pathlib.Path(folder) / name).relative_to(TOP)) for name in names]
    return sorted(found)


def cxx_files(*roots):
    """The C++ files below these folders."""
    return [name for name in files() if name.endswith((".cc", ".h")) and name.startswith(tuple(root + "/" for root in roots))]


def read(name):
    return (TOP / name).read_text(encoding="utf-8", errors="replace")
