"""Just enough of C++ for the lints: tokens without comments and strings, and what each brace opens."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/|\\\n)
      | (?P<directive>^[ \t]*\#(?:[^\n\\]|\\\n|\\.)*)
      | (?P<string>(?:u8|[uUL])?R"(?P<delimiter>[^()\s\\]*)\(.*?\)(?P=delimiter)"|(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*")
      | (?P<char>(?:u8|[uUL])?'(?:[^'\\\n]|\\.)+')
      | (?P<number>\.?[0-9](?:[eEpP][+-]|'?[\w.])*)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<punctuation><=>|<<=|>>=|\.\.\.|->\*|::|->|\+\+|--|<<|<=|>=|==|!=|&&|\|\||\+=|-=|\*=|/=|%=|&=|\|=|\^=|.)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)

_OPENERS = {"(": ")", "[": "]", "{": "}"}
_CONDITIONS = {"if", "while", "for", "switch", "catch"}


@dataclass
class Token:
    text: str
    line: int
    kind: str
    match: int = -1  # the index of the bracket that belongs to this one
    brace: str = ""  # of a "{": block, function, type, lambda or init


def tokens(source):
    """The tokens of a file, brackets matched and braces classified."""
    found, line = [], 1
    for piece in _TOKEN.finditer(source):
        kind, text = piece.lastgroup, piece.group()
        if kind == "delimiter":
            kind = "string"
        if kind != "skip":
            found.append(Token(text, line, kind))
        line += text.count("\n")
    _match_brackets(found)
    for index, token in enumerate(found):
        if token.text == "{" and token.kind == "punctuation":
            token.brace = _classify(found, index)
    return found


def _match_brackets(found):
    stack = []
    for index, token in enumerate(found):
        if token.kind != "punctuation":
            continue
        if token.text in _OPENERS:
            stack.append(index)
        elif token.text in ")]}":
            while stack and _OPENERS[found[stack[-1]].text] != token.text:
                stack.pop()
            if stack:
                opener = stack.pop()
                token.match, found[opener].match = opener, index


def condition_of(found, index):
    """The keyword whose condition the "(" at index opens, or ""."""
    before = index - 1
    if before >= 0 and found[before].text == "constexpr":
        before -= 1
    return found[before].text if before >= 0 and found[before].text in _CONDITIONS else ""


def opens_lambda(found, index):
    """Whether the "[" at index begins a lambda, and not a subscript, an attribute or a structured binding."""
    if index + 1 < len(found) and found[index + 1].text == "[":
        return False
    if index == 0:
        return False
    before = found[index - 1]
    if before.text == "[":
        return False
    if before.text in ("auto", "&", "&&"):
        step = index - 1
        while found[step].text in ("&", "&&"):
            step -= 1
        return found[step].text != "auto"
    if before.kind == "word":
        return before.text in ("return", "co_return", "co_await", "co_yield", "case", "else", "throw")
    return before.text not in (")", "]", "}", ">") and before.kind not in ("string", "number")


def _classify(found, index):
    """What the "{" at index opens, read from what stands before it."""
    step = index - 1
    if step < 0:
        return "block"
    # Over what may stand between a parameter list and a body: const, noexcept(...), a trailing return type.
    arrow = _trailing_return(found, step)
    if arrow >= 0:
        step = arrow - 1
    while step >= 0 and found[step].text in ("const", "noexcept", "override", "final", "mutable", "&", "&&", "try"):
        step -= 1
    while step >= 0 and found[step].text == ")" and found[step].match > 0 and found[found[step].match - 1].text == "noexcept":
        step = found[step].match - 2
        while step >= 0 and found[step].text in ("const", "override", "final", "mutable"):
            step -= 1
    before = found[step]
    if before.text == "]" and before.match >= 0 and opens_lambda(found, before.match):
        return "lambda"
    if before.text == ")" and before.match > 0:
        opener = before.match
        if condition_of(found, opener):
            return "block"
        if found[opener - 1].text == "]" and opens_lambda(found, found[opener - 1].match):
            return "lambda"
        return "function"
    last = found[index - 1]
    if last.text in ("else", "do", "try", ";", "{", "}") and not _inside_init(found, index):
        # "}" may also end the last member initialiser of a constructor: then this is its body.
        return "block"
    if last.text == ":":
        return "block"
    return "type" if _declares_scope(found, index) else "init"


def _trailing_return(found, step):
    """The index of the "->" of a trailing return type that ends at step, or -1."""
    depth, first = 0, step
    while step >= 0 and first - step < 60:
        text = found[step].text
        if text in (")", "]") and found[step].match >= 0 and depth == 0:
            return -1
        if text == ">":
            depth += 1
        elif text == ">>":
            depth += 2
        elif text == "<":
            depth -= 1
        elif text == "->" and depth == 0:
            return step if step > 0 and found[step - 1].text in (")", "const", "mutable", "noexcept", "]") else -1
        elif text in (";", "{", "}", "=") and depth == 0:
            return -1
        elif text in (";", "{", "}"):
            return -1
        step -= 1
    return -1


def _inside_init(found, index):
    """Whether the innermost open bracket around index is an initialiser's or an argument list's."""
    step = index - 1
    while step >= 0:
        token = found[step]
        if token.text in (")", "]", "}") and token.kind == "punctuation" and token.match >= 0:
            step = token.match - 1
            continue
        if token.text in ("(", "[") and token.kind == "punctuation":
            return True
        if token.text == "{" and token.kind == "punctuation":
            return token.brace == "init"
        step -= 1
    return False


def _declares_scope(found, index):
    """Whether the declaration that ends at the "{" is a namespace, class, enum, union or extern "C"."""
    step = index - 1
    while step >= 0:
        token = found[step]
        if token.text in (")", "]") and token.match >= 0:
            step = token.match - 1
            continue
        if token.kind == "punctuation" and token.text in (";", "{", "}", "(", "=") or token.kind == "directive":
            return False
        if token.text in ("namespace", "class", "struct", "union", "enum", "extern"):
            return True
        step -= 1
    return False
