"""The documentation is right: every YAML block and every sample passes `viewgate check`, every key is described.

In README.md and config/*.md a block fenced as ```yaml is a configuration file. Where it has no `routes:` or no `upstreams:`,
the test adds a route, and the upstreams `catalog` and `legacy`. A block fenced as ```yaml refused must be refused, and the
```text block that follows it must be what `check` prints."""

import os
import pathlib
import re
import subprocess

import pytest

from support.certs import Authority
from support.gateway import binary

TOP = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = ["README.md", *(f"config/{path.name}" for path in sorted((TOP / "config").glob("*.md")))]
SAMPLES = sorted(str(path.relative_to(TOP)) for path in (TOP / "config").rglob("*.yaml"))
FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

ROUTES = "routes:\n  - {name: added-by-the-test, path: /added-by-the-test, view: respond, text: added}\n"
UPSTREAMS = "upstreams:\n  catalog: {url: \"http://127.0.0.1:8000\"}\n  legacy: {url: \"http://127.0.0.1:8001\"}\n"


def fences(name):
    """(line, language, the rest of the info string, text) of each block."""
    text = (TOP / name).read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start()) + 1, m.group(1), m.group(2).strip(), m.group(3)) for m in FENCE.finditer(text)]


def completed(block):
    for section, addition in (("routes", ROUTES), ("upstreams", UPSTREAMS)):
        if not re.search(rf"^{section}:", block, re.MULTILINE):
            block += addition
    return block


def check(path, folder):
    """What `viewgate check` says of a file, with every variable set that the file takes."""
    variables = re.findall(r"\$\{(\w+)\}", path.read_text(encoding="utf-8"))
    environment = {**os.environ, **{name: "a-value-of-the-test" for name in variables}}
    return subprocess.run([str(binary()), "check", "-c", path.name], cwd=folder, env=environment, capture_output=True,
                          text=True, timeout=60, check=False)


def blocks(kind):
    found = []
    for name in DOCUMENTS:
        every = fences(name)
        for index, (line, language, info, text) in enumerate(every):
            if language == "yaml" and info == kind:
                following = every[index + 1][3] if index + 1 < len(every) and every[index + 1][1] == "text" else None
                found.append(pytest.param(text, following, id=f"{name}:{line}"))
    return found


def certificates(folder):
    """The files that the documentation names."""
    authority = Authority(folder)
    issued = authority.issue("www.example.com")
    for name in ("fullchain.pem", "shop.pem", "client.pem"):
        (folder / name).write_bytes(issued.path.read_bytes())
    for name in ("privkey.pem", "shop.key", "client.key"):
        (folder / name).write_bytes(issued.key.read_bytes())


@pytest.mark.parametrize("text, _following", blocks(""))
def test_block_passes_check(text, _following, tmp_path):
    file = tmp_path / "viewgate.yaml"
    file.write_text(completed(text))
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "added.yaml").write_text(
        "routes:\n  - {name: included, path: /included-by-the-test, view: respond, text: included}\n")
    (tmp_path / "maintenance.html").write_text("<p>Back soon.</p>\n")
    if "tls/" in text:
        certificates(tmp_path / "tls")
    done = check(file, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("text, following", blocks("refused"))
def test_block_is_refused_with_these_words(text, following, tmp_path):
    file = tmp_path / "viewgate.yaml"
    file.write_text(text)
    done = check(file, tmp_path)
    assert done.returncode == 78, done.stdout + done.stderr
    assert following is not None, "no ```text block with the words follows"
    assert following.strip() in done.stdout + done.stderr


def test_every_yaml_block_is_of_a_kind_that_is_tested():
    unknown = [f"{name}:{line}: {info}" for name in DOCUMENTS for line, language, info, _ in fences(name)
               if language in ("yaml", "yml") and (language == "yml" or info not in ("", "refused"))]
    assert unknown == []


@pytest.mark.parametrize("sample", SAMPLES)
def test_sample_passes_check(sample):
    path = TOP / sample
    done = check(path, path.parent)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_key_is_in_the_reference():
    reference = "".join(path.read_text(encoding="utf-8") for path in (TOP / "config").glob("*.md"))
    described = set(re.findall(r"`([a-z][a-z0-9_.-]*)(?::[^`]*)?`", reference))
    described |= {part for name in described for part in name.split(".")}
    named = set()
    for room in ("config", "source", "view", "policy"):
        for source in (TOP / "src" / room).rglob("*.cc"):
            named |= set(re.findall(r'\b(?:refused_)?key\("([a-z_]+)"', source.read_text(encoding="utf-8")))
    assert len(named) > 60, "the tables of the settings were not found"
    assert sorted(named - described) == []


def test_documents_link_to_files_that_exist():
    broken = []
    for name in ["README.md", "CHANGELOG.md", "config/README.md", "config/resilience.md", "config/tls.md", "config/http2.md", "plugins/README.md", "tests/compile_fail/README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (TOP / name).read_text(encoding="utf-8")):
            if not (TOP / name).parent.joinpath(target).exists():
                broken.append(f"{name}: {target}")
    assert broken == []
