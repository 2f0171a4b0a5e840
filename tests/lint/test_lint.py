"""The tree passes every lint, and every lint finds what it is for."""

import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import clock  # noqa: E402
import coroutines  # noqa: E402
import cxx  # noqa: E402
import format as formatting  # noqa: E402
import includes  # noqa: E402
import layout  # noqa: E402
import length  # noqa: E402
import words  # noqa: E402

LINTS = [includes, coroutines, clock, layout, words, length, formatting]


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.__name__)
def test_tree_passes(lint):
    if lint is formatting and not shutil.which("clang-format"):
        pytest.skip("clang-format is not installed; packaging/deps --tests installs it")
    errors = lint.check()
    assert not errors, "\n" + "\n".join(errors)


# --- coroutines

FORBIDDEN = {
    "braces in an argument": "co_await f(Agg{1, s});",
    "designated braces": "co_await f({.a = s});",
    "braces over several lines": "auto r = co_await fetch(\n    call,\n    Options{\n        s});",
    "braces after the await": "auto p = P{co_await a(), co_await b()};",
    "brace declaration": "P p{co_await a()};",
    "a template's braces": "co_await f(std::vector<int>{1});",
    "lambda in an argument": "co_await f([x] { return x; });",
    "lambda awaited at once": "co_await [x]() -> Task<> { co_return; }();",
    "lambda with a default capture": "co_await gather(a, [&](int i) { return i; });",
    "conditional of awaits": "auto r = c ? co_await a() : T();",
    "conditional inside an await": "co_await (c ? f(T()) : g(T()));",
    "and in a condition": "if (c && co_await g()) { h(); }",
    "or in a while": "while (co_await g() || c) { h(); }",
    "and in a range": "for (auto& x : co_await f(a && b)) { h(x); }",
    "or in a return": "co_return co_await a() || b;",
    "word and": "if (c and co_await g()) h();",
    "else if": "if (x) { h(); } else if (y || co_await g()) { h(); }",
    "if": "if (co_await g()) { h(); }",
    "if, negated": "if (!(co_await g()).ok()) co_return 1;",
    "if, compared": "if (n == co_await g()) co_return 1;",
    "if behind an initialiser statement": "if (auto x = f(1); co_await g(x)) { h(); }",
    "if that declares": "if (auto x = co_await g()) { h(); }",
    "if in an argument": "if (h(co_await g())) { h(); }",
    "while": "while (co_await g()) { h(); }",
    "do while": "do { h(); } while (co_await g());",
    "switch": "switch (co_await g()) { default: h(); }",
    "behind an if": "if (x) co_await f({1});",
    "behind else": "if (x) h(); else co_await f(a && b);",
    "inside a lambda's own body": "auto l = [](int i) -> Task<void> { co_await f({i}); };",
    "in a case": "switch (x) { case 1: co_await f({1}); break; }",
}

ALLOWED = {
    "plain": "co_await f(a, b);",
    "a result": "auto r = co_await f(std::move(call));",
    "structured binding": "auto [a, b] = co_await f();",
    "referenced structured binding": "auto&& [a, b] = co_await f();",
    "forwarding reference": "auto&& r = co_await f();",
    "subscript": "auto r = co_await tasks[i];",
    "condition before a plain body": "if (a && b) co_await f();",
    "awaited in an initialiser statement": "if (auto x = co_await g(); x.ok()) { h(T{1}, a && b); }",
    "other initialiser statement": "if (auto x = f({1}); x) { co_await g(x); }",
    "for with three parts": "for (auto x = co_await g(); x; x = co_await g()) { h(); }",
    "awaited in a call": "h(co_await g());",
    "else": "if (a || b) { h(); } else { co_await f(); }",
    "range": "for (auto& x : co_await f()) { h({x}); }",
    "loop": "for (int i = 0; i < 2 && ok; ++i) { co_await f(i); }",
    "statement before": "auto o = Options{1}; co_await f(o);",
    "statement after": "co_await f(); auto o = Options{1}; bool x = a && b;",
    "initialiser before in its own statement": "P p{1, 2};\nco_await f(p);",
    "lambda before in its own statement": "auto l = [] { return 1; };\nco_await f(l);",
    "body of a lambda": "auto l = [](int i) -> Task<void> { co_await f(i); };",
    "string": 'co_await f("{a ? b : c && d}");',
    "comment": "co_await f(/* {1} && */ a);  // c ? d : e",
    "case": "switch (x) { case 1: co_await f(); break; default: co_await g(); }",
    "attribute": "[[maybe_unused]] auto r = co_await f();",
    "rvalue template argument": "auto r = co_await f<T&&>(a);",
    "co_return with braces": "co_return T{1, a && b};",
    "raw string": 'co_await f(R"({"a": 1} && ?)");',
    "do": "do { co_await f(); } while (a && b);",
}


def lint_body(body, header="Task<void> run(Context& ctx)"):
    return coroutines.check_file("x.cc", "#include <a>\nnamespace n {\n" + header + " {\n" + body + "\n}\n}  // namespace n\n")


@pytest.mark.parametrize("body", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_coroutines_finds(body):
    assert lint_body(body)


@pytest.mark.parametrize("body", ALLOWED.values(), ids=ALLOWED.keys())
def test_coroutines_lets_pass(body):
    assert lint_body(body) == []


@pytest.mark.parametrize("header", [
    "Task<Result<Response>> View::run(Context& ctx) const", "auto f() noexcept(true) -> Task<int>", "template <typename T> Task<T> f(T t)",
    "Class::Class() : a_(1), b_{2}", "struct S : public B<int>", "TEST(A, B)", "static Task<std::pair<int, std::vector<int>>> f()",
])
def test_coroutines_knows_bodies_from_initialisers(header):
    assert lint_body("if (x) { co_await f(); }\nco_await g();", header) == []
    assert lint_body("co_await g({1});", header)


def test_coroutines_says_file_and_line():
    assert lint_body("h();\nco_await f(\n    T{1});") == [
        "x.cc:6: a brace initialiser in a statement with co_await (line 5)"]


def test_coroutines_finds_captures_of_a_coroutine_lambda():
    assert lint_body("auto l = [x](int i) -> Task<void> { if (i) { co_await f(x); } };")
    assert lint_body("spawn([this] { co_return; });")
    assert lint_body("auto l = [](X& x) -> Task<void> { co_await f(x); };") == []
    assert lint_body("auto l = [x] { return x; };") == []


def test_coroutines_finds_macros():
    assert coroutines.check_file("x.cc", "#define TRY(x) \\\n  co_await (x)\n")


# --- includes

CMAKE = "room(base)\nroom(coro DEPENDS vg_base)\nroom(net DEPENDS vg_coro PkgConfig::UV)\nroom(json DEPENDS vg_base)\n"


@pytest.mark.parametrize("name, text", [
    ("src/base/a.cc", '#include "coro/task.h"\n'),
    ("src/json/a.cc", '#include "net/loop.h"\n'),
    ("src/json/a.cc", '  #  include "net/loop.h"\n'),
    ("src/json/a.cc", "#include <uv.h>\n"),
    ("src/json/a.cc", '#include "writer.h"\n'),
    ("src/cellar/a.cc", '#include "base/a.h"\n'),
    ("tests/unit/json/a_test.cc", '#include "coro/task.h"\n'),
])
def test_includes_finds(name, text):
    assert includes.check_file(name, text, includes.rooms(CMAKE))


@pytest.mark.parametrize("name, text", [
    ("src/net/a.cc", '#include <uv.h>\n#include "coro/task.h"\n#include "base/error.h"\n#include "net/b.h"\n'),
    ("src/json/a.cc", '#include <rapidjson/reader.h>\n// #include "net/loop.h"\n'),
    ("src/main.cc", '#include "net/loop.h"\n#include "version_generated.h"\n'),
    ("tests/unit/net/a_test.cc", '#include "support/clock.h"\n#include "coro/task.h"\n'),
])
def test_includes_lets_pass(name, text):
    assert includes.check_file(name, text, includes.rooms(CMAKE)) == []


def test_includes_finds_a_room_that_depends_on_a_later_one():
    with pytest.raises(ValueError, match="coro depends on net"):
        includes.rooms("room(coro DEPENDS vg_net)\nroom(net)\n")


# --- the others


def test_layout_finds_a_stray_file():
    assert layout.check_names(["src/a.cc", "notes.txt", ".gitignore", "README.md"]) == [
        "notes.txt:1: not in the agreed layout of the top level"]


@pytest.mark.parametrize("line", [
    "cd /wor" + "k/main", "see /ro" + "ot/x", "curl deb.debi" + "an.org", "// TO" + "DO: later", "// FIX" + "ME", "TEST(A, DISAB" + "LED_B)",
    "throw not_impl(\"not implem" + "ented\")",
])
def test_words_finds(line):
    assert words.check_text("a.cc", "fine\n" + line + "\n")


def test_words_lets_pass():
    assert words.check_text("a.cc", "a framework/main network/x /usr/share TODOS\nmktemp XXXXXX\n501 Not Implemented\n") == []


def test_clock_finds_who_asks_the_system():
    assert clock.check_text("a.cc", "int a;\nauto t = std::chrono::steady_clock::now();\n")
    assert clock.check_text("a.cc", "auto t = Clock::now();\nstd::chrono::steady_clock::time_point p;\n") == []


def test_length_finds_a_long_file():
    assert length.check_file("a.cc", "\n" * 400) == []
    assert length.check_file("a.cc", "\n" * 401)


def test_length_finds_a_long_function():
    assert length.check_file("a.cc", "namespace n {\nint f(int a) const {\n" + "  a();\n" * 58 + "}\n}\n") == []
    assert length.check_file("a.cc", "namespace n {\nint f(int a) const {\n" + "  a();\n" * 59 + "}\n}\n")
    assert length.check_file("a.cc", "class C {\n" + "  int a;\n" * 100 + "};\n") == []


@pytest.mark.skipif(not shutil.which("clang-format"), reason="clang-format is not installed")
def test_format_finds(tmp_path):
    bad, good = tmp_path / "bad.cc", tmp_path / "good.cc"
    (tmp_path / ".clang-format").write_text("BasedOnStyle: Google\n")
    bad.write_text("int   f( ){return 1;}\n")
    good.write_text("int f() { return 1; }\n")
    assert len(formatting.check_files([str(bad)])) == 1
    assert formatting.check_files([str(good)]) == []


def test_tokens_see_no_comments_and_keep_lines():
    found = cxx.tokens("a /* b\n c */ d // e\nf \"g {\" '{' 1'000\n")
    assert [(t.text, t.line) for t in found] == [("a", 1), ("d", 2), ("f", 3), ('"g {"', 3), ("'{'", 3), ("1'000", 3)]
