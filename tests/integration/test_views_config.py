"""Errors in the configuration of views: tests/golden/config/views (SPEC sections 2, 4, 5).

A file says by itself what is wrong with it. A line that ends in "#: a & b" has an error, in which a and b stand; lines
that end in "#~" share one error, which stands at one of them, with what one of them says after "#~". Other lines have
none. What is in NAME.expected beside it is the text of `viewgate check`, to the letter; VIEWGATE_UPDATE_GOLDEN=1
writes it anew, and every changed line is to be read.
"""
import os
import re
import subprocess
from pathlib import Path

import pytest

from support.gateway import binary
from support.rest import needs_views

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "config" / "views"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))

pytestmark = [
    needs_views(),
    pytest.mark.skipif(not os.access(binary(), os.X_OK), reason=f"{binary()} is not built; VIEWGATE_BIN names another"),
]


def check(name):
    done = subprocess.run(
        [binary(), "check", "-c", f"{name}.yaml"], capture_output=True, text=True, timeout=20, cwd=FOLDER
    )
    return done.returncode, done.stdout + done.stderr


def wanted(name):
    """({line: [words of one error, …]}, [(lines of a group, its words), …])."""
    single, groups, group = {}, [], ([], [])
    for number, line in enumerate((FOLDER / f"{name}.yaml").read_text().split("\n"), 1):
        for words in re.findall(r"#: ([^#]+)", line):
            single.setdefault(number, []).append([w.strip() for w in words.split(" & ")])
        mark = re.search(r"#~(.*)$", line)
        if mark:
            group[0].append(number)
            group[1].extend(w.strip() for w in mark[1].split(" & ") if w.strip())
        elif group[0]:
            groups.append(group)
            group = ([], [])
    return single, groups + ([group] if group[0] else [])


def found(name, text):
    return [(int(m[1]), m[2]) for m in re.finditer(rf"^{name}\.yaml:(\d+):\d+: (.*)$", text, re.MULTILINE)]


@pytest.mark.parametrize("name", NAMES)
def test_every_error_is_reported_at_its_line(name):
    code, text = check(name)
    single, groups = wanted(name)
    assert code == (78 if single or groups else 0), text
    errors = found(name, text)
    wrong = [
        f"line {line}: nothing with {words}"
        for line, all_words in single.items()
        for words in all_words
        if not any(at == line and all(w in message for w in words) for at, message in errors)
    ]
    wrong += [
        f"lines {lines}: nothing with {words}"
        for lines, words in groups
        if not any(at in lines and all(w in message for w in words) for at, message in errors)
    ]
    marked = set(single) | {line for lines, _ in groups for line in lines}
    wrong += [f"line {at} is fine, but: {message}" for at, message in errors if at not in marked]
    assert not wrong, "\n".join(wrong) + "\n--- check says\n" + text


@pytest.mark.parametrize("name", NAMES)
def test_the_words_are_these(name):
    expected = FOLDER / f"{name}.expected"
    _, text = check(name)
    if os.environ.get("VIEWGATE_UPDATE_GOLDEN"):
        expected.write_text(text)
    if not expected.exists():
        pytest.skip(f"{expected.name} is not written yet")
    assert text == expected.read_text()
