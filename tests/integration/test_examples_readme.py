"""config/examples/README.md says the truth: what it quotes stands in the files, what it runs answers what it shows.

In a ```sh block, a line `[NAME=value …] viewgate run -c FILE` starts FILE's gateway for the lines that follow in its
section, and a line that begins with curl is asked of it. The block after it shows the answer: ```json its content (laid
out for reading), ```http its status line, some of its fields, and its content if it shows one; of an error at least the
members shown. A ```text block is a part of what the `viewgate explain` before it prints. services.yaml, which plays the
services, runs all along."""
import json
import re
import shlex
import urllib.parse

import pytest

from support.example_upstreams import EXAMPLES, parse, skip_unless_views_run
from support.gateway import command

skip_unless_views_run()

README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = sorted(path.name for path in EXAMPLES.glob("*.yaml") if path.name != "services.yaml")
SERVICES = re.findall(r"name: (\w+), address:", (EXAMPLES / "services.yaml").read_text(encoding="utf-8"))


def section(name):
    found = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"{name} has no section"
    return found[1]


def curl(line):
    """(method, target, headers, body) of a curl command; it must name the examples' own address."""
    words = shlex.split(line)[1:]
    method, url, headers, body = None, None, [], None
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            headers.append(tuple(part.strip() for part in words.pop(0).split(":", 1)))
        elif word == "-d":
            body = words.pop(0).encode()
        elif word != "-i":
            assert url is None, f"what is {word}?"
            url = urllib.parse.urlsplit(word)
    assert url.netloc == "127.0.0.1:8080"
    if body is not None and "content-type" not in {n.lower() for n, _ in headers}:
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    target = url.path + (f"?{url.query}" if url.query else "")
    return method or ("POST" if body is not None else "GET"), target, headers, body


def started(line, world, services):
    """The gateway of a line `NAME=value … viewgate run -c FILE`, with the services where they are here."""
    *settings, _, _, _, path = shlex.split(line)
    urls = {f"{name.upper()}_URL": f"http://127.0.0.1:{services.port_of(name)}" for name in SERVICES}
    for setting in settings:
        name, _, value = setting.partition("=")
        shown = re.match(r"http://127\.0\.0\.1:90\d\d(/\w+)$", value)  # a path of the same service
        urls[name] = urls[name] + shown[1] if shown else value
    text = (EXAMPLES / path.removeprefix("config/examples/")).read_text(encoding="utf-8")
    return world.gateway(text, env={"LISTEN": "127.0.0.1:0", **urls})


def explain(line):
    _, name, option, path, method, target = shlex.split(line)
    said = command(name, option, EXAMPLES.parent.parent / path, method, target)
    assert said.returncode == 0, said.stderr
    return said.stdout


def holds(shown, found):
    """What is shown of an error is in it."""
    return json.loads(found).items() >= json.loads(shown).items()


def compare(language, shown, answered):
    content = shown
    if language == "http":
        head, _, content = shown.partition("\n\n")
        first, *fields = head.strip().split("\n")
        assert answered.raw_head.decode().startswith(first + "\r\n")
        for name, value in (field.split(": ", 1) for field in fields):
            assert answered.headers.one(name) == value
    if content.strip():
        if answered.headers.one("content-type").startswith("application/problem+json"):
            assert holds(content, answered.body)
        else:
            assert parse(answered.body) == parse(content)


def test_every_example_has_a_section_and_a_line_in_the_table():
    assert all(f"\n## {name}\n" in README and f"\n| [{name}]({name}) |" in README for name in FILES)


@pytest.mark.parametrize("name", FILES)
def test_what_the_readme_quotes_stands_in_the_file(name):
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    quoted = [code for row in re.findall(r"^\| (`.*?`) \| ", section(name), re.MULTILINE)
              for code in re.findall(r"`([^`]+)`", row)]
    assert len(quoted) >= 4
    assert [code for code in quoted if code not in text] == []


@pytest.mark.parametrize("name", FILES)
def test_what_the_readme_asks_is_answered_as_it_shows(name, world):
    listen = {f"{service.upper()}_LISTEN": "127.0.0.1:0" for service in SERVICES}
    services = world.gateway((EXAMPLES / "services.yaml").read_text(encoding="utf-8"), env=listen)
    gateway, answered, explained, shown = None, None, "", 0
    for language, text in FENCE.findall(section(name)):
        if language == "text":
            assert text in explained
        elif language != "sh":
            compare(language, text, answered)
            shown += 1
        for line in text.strip().split("\n") if language == "sh" else ():
            if " explain -c " in line:
                explained = explain(line)
            elif " run -c " in line:
                gateway = started(line, world, services)
            elif line.startswith("curl "):
                answered = gateway.fetch(*curl(line))
    assert shown >= 2


def test_every_command_names_a_file_that_exists():
    for path in re.findall(r"config/examples/[\w.-]+", README):
        assert (EXAMPLES.parent.parent / path).is_file(), path
    for line in re.findall(r"^(?:\w+=\S+ )*viewgate .*|^curl .*", README, re.MULTILINE):
        assert shlex.split(line)
