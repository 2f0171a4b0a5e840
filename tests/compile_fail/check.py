#!/usr/bin/env python3
"""Compiles the programs of this folder and says whether the compiler treats them as it should: see README.md."""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

LEVELS = ["-O0", "-O2"]


def flags(args):
    version = subprocess.run([args.compiler, "--version"], capture_output=True, text=True, check=True).stdout
    chosen = ["-std=c++20", "-Wall", "-Wextra", "-I", args.include]
    return chosen + ([] if "clang" in version else ["-fcoroutines"]), version.splitlines()[0]


def compile_with(args, *more):
    return subprocess.run([args.compiler, *flags(args)[0], *more], capture_output=True, text=True, check=False)


def rejected(args):
    """The program does not compile, for the reason it names; with -DCONTROL it does."""
    expected = re.search(r"^// expect: (.*)$", args.source.read_text(), re.MULTILINE).group(1)
    control = compile_with(args, "-Werror", "-fsyntax-only", "-DCONTROL", str(args.source))
    if control.returncode:
        return [f"the right form does not compile:\n{control.stderr}"]
    wrong = compile_with(args, "-Werror", "-fsyntax-only", str(args.source))
    if wrong.returncode == 0:
        return ["the wrong form compiles"]
    return [] if re.search(expected, wrong.stderr) else [f"refused, but not for /{expected}/:\n{wrong.stderr}"]


def run_one(args, folder, *more):
    """("right", "wrong" or "rejected", what was printed)"""
    program = pathlib.Path(folder) / "program"
    program.unlink(missing_ok=True)
    built = compile_with(args, *more, str(args.source), "-o", str(program))
    if built.returncode:
        return "rejected", built.stderr
    try:
        ran = subprocess.run([str(program)], capture_output=True, text=True, errors="replace", timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "wrong", "did not end"
    return "right" if ran.returncode == 0 else "wrong", ran.stdout + ran.stderr


def allowed(args):
    """Every form that the source uses works."""
    errors = []
    with tempfile.TemporaryDirectory() as folder:
        for level in LEVELS:
            verdict, output = run_one(args, folder, level)
            if verdict != "right":
                errors.append(f"{level}: {verdict}\n{output}")
    return errors


def forbidden(args):
    """Prints what the compiler makes of the forms that the source avoids. A form that nothing can be said of is an error."""
    text = args.source.read_text()
    errors, fixed = [], []
    print(flags(args)[1])
    with tempfile.TemporaryDirectory() as folder:
        forms = re.findall(r"^// form (\d+): ?([^|]*)\| (\w+) \| (.*)$", text, re.MULTILINE)
        for number, extra, recorded, form in forms:
            verdicts = {level: run_one(args, folder, level, f"-DFORM={number}", *extra.split()) for level in LEVELS}
            words = ", ".join(f"{level} {verdict}" for level, (verdict, _) in verdicts.items())
            print(f"  {words:28} {form}  (g++ 12.2: {recorded})")
            if all(verdict == "right" for verdict, _ in verdicts.values()):
                fixed.append(form)
            for level, (verdict, output) in verdicts.items():
                if verdict == "rejected" and recorded != "rejected" and "internal compiler error" not in output:
                    errors.append(f"form {number} does not compile at {level}: the probe is broken\n{output}")
    if fixed:
        print("  right with this compiler:", "; ".join(fixed))
    if not forms:
        errors.append("no forms found")
    return errors


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--include", required=True, help="the folder src")
    parser.add_argument("kind", choices=["rejected", "allowed", "forbidden"])
    parser.add_argument("source", type=pathlib.Path)
    args = parser.parse_args()
    errors = {"rejected": rejected, "allowed": allowed, "forbidden": forbidden}[args.kind](args)
    for error in errors:
        print(f"{args.source.name}: {error}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
