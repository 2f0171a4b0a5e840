"""Files and functions of the source stay short: 400 lines a file, 60 a function."""

import cxx
import tree

FILE_LINES = 400
FUNCTION_LINES = 60


def check_file(name, text):
    errors = []
    lines = text.count("\n") + (not text.endswith("\n"))
    if lines > FILE_LINES:
        errors.append(f"{name}:{FILE_LINES}: {lines} lines; a file has at most {FILE_LINES}")
    found = cxx.tokens(text)
    for token in found:
        if token.text == "{" and token.brace in ("function", "lambda") and token.match >= 0:
            length = found[token.match].line - token.line + 1
            if length > FUNCTION_LINES:
                errors.append(f"{name}:{token.line}: a function of {length} lines; at most {FUNCTION_LINES}")
    return errors


def check():
    errors = []
    for name in tree.cxx_files("src", "plugins"):
        errors += check_file(name, tree.read(name))
    return errors
