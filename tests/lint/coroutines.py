"""The forms around co_await that g++ 12 miscompiles, or that are undefined everywhere, do not stand in the source.

A statement with co_await in it has no brace initialiser, no lambda, no ?:, && or ||.
The condition of an if, while, switch or do has no co_await: await into a local first. g++ 12.2 makes of
`if (co_await f()) co_return 1;` a frame that goes on in the wrong place.
A lambda that is a coroutine captures nothing: its captures are gone with the closure while the frame lives on."""

import cxx
import tree

_OPERATORS = {"?": "?:", "&&": "&&", "||": "||", "and": "and", "or": "or"}


def check_file(name, text, captures=True):
    found = cxx.tokens(text)
    errors = set()
    for index, token in enumerate(found):
        if token.kind == "directive" and "define" in token.text and "co_await" in token.text:
            errors.add((token.line, "co_await inside a macro: write it out"))
        if token.kind == "word" and token.text == "co_await":
            errors |= _check_statement(found, index)
        if captures and token.kind == "word" and token.text in ("co_await", "co_return", "co_yield"):
            errors |= _check_captures(found, index)
    return [f"{name}:{line}: {what}" for line, what in sorted(errors)]


def _check_statement(found, at):
    errors = set()
    begin, end = _begin(found, at), _end(found, at)
    keyword = _in_condition(found, begin, end)
    if keyword:
        errors.add((found[at].line, f"co_await in the condition of {keyword}: await into a local first"))
    for index in range(begin, end):
        token = found[index]
        if token.kind not in ("punctuation", "word"):
            continue
        if token.text in _OPERATORS and not _is_reference(found, index):
            errors.add((token.line, f"{_OPERATORS[token.text]} in a statement with co_await (line {found[at].line})"))
        elif token.text == "{" and token.brace == "init":
            errors.add((token.line, f"a brace initialiser in a statement with co_await (line {found[at].line})"))
        elif token.text == "[" and cxx.opens_lambda(found, index):
            errors.add((token.line, f"a lambda in a statement with co_await (line {found[at].line})"))
    return errors


def _begin(found, at):
    """The index of the first token of the statement around at."""
    index = at - 1
    while index >= 0:
        token = found[index]
        if token.kind == "directive" or token.text == ";" or token.text in ("else", "do"):
            break
        if token.kind == "punctuation" and token.text == "{" and token.brace != "init":
            break
        if token.kind == "punctuation" and token.text in ")]}" and token.match >= 0:
            opener = found[token.match]
            if opener.text == "{" and opener.brace not in ("init", "lambda"):
                break
            if opener.text == "(" and cxx.condition_of(found, token.match):
                break
            index = token.match
        elif token.text == "(" and cxx.condition_of(found, index):
            break
        index -= 1
    return index + 1


def _in_condition(found, begin, end):
    """The keyword whose condition the statement found[begin:end] is, or "". `if (auto r = co_await f(); r.ok())` and a
    range-for are none: there the awaited value is a statement's of its own, or a declaration's."""
    opener = begin - 1
    while opener >= 0 and found[opener].text not in ("(", ";", "{", "}"):
        opener -= 1
    if opener >= 0 and found[opener].text == ";":
        # Behind an initialiser statement: is it one inside a condition?
        outer = _enclosing(found, opener)
        opener = outer if outer >= 0 else opener
    if opener < 0 or found[opener].text != "(":
        return ""
    keyword = cxx.condition_of(found, opener)
    inside = found[end].text if end < len(found) else ""
    return keyword if keyword in ("if", "while", "switch") and inside != ";" else ""


def _enclosing(found, index):
    """The index of the "(" that is open at index, or -1."""
    while index >= 0:
        token = found[index]
        if token.kind == "punctuation" and token.text in ")]}" and token.match >= 0:
            index = token.match
        elif token.text in ("(", "{", "["):
            return index if token.text == "(" else -1
        index -= 1
    return -1


def _end(found, at):
    """The index behind the last token of the statement around at."""
    index = at + 1
    while index < len(found):
        token = found[index]
        if token.kind == "directive" or token.text == ";":
            break
        if token.kind == "punctuation" and token.text == "{" and token.brace not in ("init", "lambda"):
            break
        if token.kind == "punctuation" and token.text in "([{" and token.match >= 0:
            index = token.match
        elif token.kind == "punctuation" and token.text == ")" and token.match >= 0 and cxx.condition_of(found, token.match):
            break
        elif token.text == "}" and token.match >= 0 and found[token.match].brace != "init":
            break
        index += 1
    return index


def _is_reference(found, index):
    """Whether the && at index is part of a type: auto&& x, T&& in a template's arguments."""
    if found[index].text != "&&" or index == 0 or index + 1 == len(found):
        return False
    return found[index - 1].text == "auto" or found[index + 1].text in (">", ",", ")")


def _check_captures(found, at):
    """Looks at the lambda whose own body the co_await or co_return at `at` stands in, if it is one."""
    index = at - 1
    while index >= 0:
        token = found[index]
        if token.kind == "punctuation" and token.text in ")]}" and token.match >= 0:
            index = token.match - 1
            continue
        if token.text == "{" and token.brace in ("function", "type"):
            return set()
        if token.text == "{" and token.brace == "lambda":
            return _captures_of(found, index)
        index -= 1
    return set()


def _captures_of(found, body):
    step = body - 1
    while step >= 0 and found[step].text != "]":
        step = found[step].match - 1 if found[step].text == ")" and found[step].match >= 0 else step - 1
    opener = found[step].match if step >= 0 else -1
    if opener < 0 or opener + 1 == step:
        return set()
    return {(found[opener].line, "a coroutine lambda with captures: pass them as parameters")}


def check():
    errors = []
    for name in tree.cxx_files("src", "tests", "plugins"):
        if not name.startswith("tests/compile_fail/"):
            errors += check_file(name, tree.read(name), captures=not name.startswith("tests/"))
    return errors
