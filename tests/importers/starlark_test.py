from __future__ import annotations

import ast

import pytest

from krm_image_setter.errors import InputError
from krm_image_setter.importers import Note
from krm_image_setter.importers.starlark import Arguments, Function, Value, read_calls


def calls(text: str) -> list[tuple[str, Value]]:
    """Return where each `f` stands, and its first argument; what is not known as `?` and its source."""
    seen: list[tuple[str, Value]] = []

    def tell(arguments: Arguments) -> None:
        value = arguments.value("a")
        seen.append((arguments.origin, f"?{ast.unparse(value)}" if isinstance(value, ast.expr) else value))

    assert read_calls(text, {"f": Function(("a",), tell)}) == []
    return seen


def values(text: str) -> list[Value]:
    return [value for _, value in calls(text)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# f('a')\n",
        "'f(1)'\n",
        "g('a')\n",
        "x.f('a')\n",
        "f\n",
        "[f]\n",
        "x = f\n",
        "def f(a):\n  pass\nf('a')\n",
        "def g(f):\n  f('a')\n",
        "lambda f: f('a')\n",
        "f = g()\nf('a')\n",
        "for f in g:\n  f('a')\n",
        "for a in []:\n  f(a)\n",
        "for a in {}:\n  f(a)\n",
        "load('x', 'f')\n",
        "load('x', f='g')\nf('a')\n",
        "f.x('a')\n",
        "(f if x else g)('a')\n",
        "def g():\n  g()\ng()\n",
    ],
)
def test_no_call(text: str) -> None:
    assert calls(text) == []


UNKNOWN = [
    # text before, argument
    ("", "g()"),
    ("", "x"),
    ("", "g"),
    ("", "'a' if x else 'b'"),
    ("", "'a' + x"),
    ("", "x + 'a'"),
    ("", "'a' * 3"),
    ("", "'a' - 'b'"),
    ("", "['a'] + 'b'"),
    ("", "x % 'a'"),
    ("", "'%s' % x"),
    ("", "'%s%s' % 'a'"),
    ("", "'%s' % ('a', 'b')"),
    ("", "'%d' % 'a'"),
    ("", "'%s' % 1"),
    ("", "'{}'.format()"),
    ("", "'{}'.format(x)"),
    ("", "'{'.format('a')"),
    ("", "'{:>9}'.format('a')"),
    ("", "'{!r}'.format('a')"),
    ("", "'{a.b}'.format(a='a')"),
    ("", "'{0}'.format(*x)"),
    ("", "'{a}'.format(**x)"),
    ("", "'a'.upper()"),
    ("", "x.format('a')"),
    ("", "{'a': 'b'}['c']"),
    ("", "{'a': 'b'}[x]"),
    ("", "{x: 'b'}['c']"),
    ("", "['a'][1]"),
    ("", "['a'][-2]"),
    ("", "['a']['b']"),
    ("", "['a'][0:1]"),
    ("", "{**x}"),
    ("", "{'a': 'b'}.get('a')"),
    ("", "[y for y in x]"),
    ("", "-1"),
    ("x = 'a'\nx = g()\n", "x"),
    ("x = 'a'\nx -= 'b'\n", "x"),
    ("x = 'a'\nx += 1\n", "x"),
    ("x += 'a'\n", "x"),
    ("if g:\n  x = 'a'\n", "x"),
    ("if g:\n  x = 'a'\nelse:\n  x = 'b'\n", "x"),
    ("if g:\n  x = 'a'\nelif h:\n  x = 'b'\n", "x"),
    ("x = 'a'\nif g:\n  x = h()\n", "x"),
    ("x = 'a'\nfor x in g:\n  pass\n", "x"),
    ("x = 'a'\nwhile g:\n  x = 'b'\n", "x"),
    ("x, y = g()\n", "x"),
    ("x, y = ['a']\n", "x"),
    ("x, *y = ['a', 'b']\n", "y"),
    ("x = 'a'\n[g(x) for x in y]\nx = y\n", "x"),
    ("def g():\n  x = 'a'\ng()\n", "x"),
    ("load('x', 'x')\n", "x"),
    ("x = 'a'\nload('y', 'x')\n", "x"),
    ("x = {}\nx['a'] = 'b'\nx.clear()\n", "x['a']"),
    ("x = {'a': 'b'}\nif g:\n  x['a'] = 'c'\n", "x['a']"),
    ("x = {'a': 'b'}\nx[g] = 'c'\n", "x['a']"),
    ("x = 'a'\n" + "x = x + x\n" * 99, "x"),
    ("x = 'a'\n" + "x = '%s%s' % (x, x)\n" * 99, "x"),
    ("x = 'a'\n" + "x = '{0}{0}'.format(x)\n" * 99, "x"),
    ("x = ['a']\n" + "x = x + x\n" * 99, "x"),
]


@pytest.mark.parametrize("before, argument", UNKNOWN)
def test_not_known(before: str, argument: str) -> None:
    assert values(f"{before}f({argument})\n") == [f"?{argument}"]


KNOWN: list[tuple[str, str, Value]] = [
    # text before, argument, value
    ("", "'a'", "a"),
    ("", "a='a'", "a"),
    ("", "", None),
    ("", "None", None),
    ("", "True", True),
    ("", "7", 7),
    ("", "0o17", 15),
    ("", "r'\\.'", "\\."),
    ("", "'\\.'", "\\."),
    ("", "'''a\nb'''", "a\nb"),
    ("", "'a' 'b'", "ab"),
    ("", "'a' + 'b' + 'c'", "abc"),
    ("", "['a'] + ['b']", ["a", "b"]),
    ("", "('a', ['b'])", ("a", ["b"])),
    ("", "{'a': 'b'}", {"a": "b"}),
    ("", "{'a': {'b': 'c'}}['a']['b']", "c"),
    ("", "['a', 'b'][1]", "b"),
    ("", "('a', 'b')[0]", "a"),
    ("", "'%s/%s:100%%' % ('a', 'b')", "a/b:100%"),
    ("", "'%s' % 'a'", "a"),
    ("", "'{}/{}'.format('a', 'b')", "a/b"),
    ("", "'{1}{0}{{}}{c}'.format('a', 'b', c='c')", "ba{}c"),
    ("", "{'a': 'b'}.keys()", ["a"]),
    ("", "{'a': 'b'}.values()", ["b"]),
    ("", "{'a': 'b'}.items()", [("a", "b")]),
    ("x = 'a'\n", "x", "a"),
    ("x = y = 'a'\n", "y", "a"),
    ("x, y = 'a', 'b'\n", "x + y", "ab"),
    ("[x, (y, z)] = 'a', ('b', 'c')\n", "x + y + z", "abc"),
    ("x = 'a'\nx = 'b'\n", "x", "b"),
    ("x = 'a'\nx += 'b'\n", "x", "ab"),
    ("x = ['a']\nx += ['b']\n", "x", ["a", "b"]),
    ("x = ['a']\ny = x\ny.append('b')\nx.extend(('c',))\nx.index('a')\n", "x", ["a", "b", "c"]),
    ("x = {}\nx['a'] = 'b'\nx.get('c')\n", "x", {"a": "b"}),
    ("x = {'a': 'b'}\nx['a'] += 'c'\n", "x", {"a": "bc"}),
    ("x = 'a'\nif g:\n  y = 'b'\n", "x", "a"),
    ("x = 'a'\nfor y in g:\n  z = 'b'\n", "x", "a"),
    ("x = 'a'\ndef g(x):\n  x = 'b'\ng('c')\n", "x", "a"),
    ("x = []\ndef g(y):\n  x.append(y)\ng('a')\ng('b')\n", "x", ["a", "b"]),
    ("x.y = 'a'\n", "'a'", "a"),
    ("", "**{'a': 'b'}", "b"),
    ("x = {'a': 'b'}\n", "**x", "b"),
]


@pytest.mark.parametrize("before, argument, value", KNOWN)
def test_known(before: str, argument: str, value: Value) -> None:
    assert values(f"{before}f({argument})\n") == [value]


@pytest.mark.parametrize(
    "change",
    [
        "x.insert(0, 'b')",
        "x.extend(y)",
        "x += y",
        "x[0] = 'b'",
        "if y:\n  x.append('b')",
        "if y:\n  x += ['b']",
    ],
)
def test_a_list_that_changes_unknowably(change: str) -> None:
    [value] = values(f"x = ['a']\n{change}\nf(x)\n")
    assert isinstance(value, list)
    assert [type(item).__module__ for item in value] == ["ast"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("g = f\ng('a')\n", [("line 2", "a")]),
        ("load('x', g='f')\ng('a')\n", [("line 2", "a")]),
        ("g(f('a'))\n", [("line 1", "a")]),
        ("f(f('a'))\n", [("line 1", "a"), ("line 1", "?f('a')")]),
        ("x = [f('a')]\n", [("line 1", "a")]),
        ("x += f('a')\n", [("line 1", "a")]),
        ("g(x=f('a'))\n", [("line 1", "a")]),
        ("load(f('a'), g)\n", [("line 1", "a")]),
        ("with g:  # Python's, not Starlark's\n  f('a')\n", [("line 2", "a")]),
        ("f(\n  'a'\n)\n", [("line 1", "a")]),
        ("f('a'); f('b')\n", [("line 1", "a"), ("line 1", "b")]),
        ("\r\nf('a')\r\n", [("line 2", "a")]),
        ("\ufefff('a')\n", [("line 1", "a")]),
        ("f(*x)\n", [("line 1", "?x")]),
        ("f(*x, 'a')\n", [("line 1", "?x")]),
        ("f(**x)\n", [("line 1", "?x")]),
        ("f(**{y: 'a'})\n", [("line 1", "?{y: 'a'}")]),
        ("for x in ['a', g()]:\n  f(x)\n", [("line 2", "a"), ("line 2", "?x")]),
        ("for x in ('a', 'b'):\n  f(x)\n", [("line 2", "a"), ("line 2", "b")]),
        ("for x, y in {'a': 'b'}.items():\n  f(x + y)\n", [("line 2", "ab")]),
        ("for x in {'a': 'b'}:\n  f(x)\n", [("line 2", "a")]),
        ("for x in ['a']:\n  for y in ['b', 'c']:\n    f(x + y)\n", [("line 3", "ab"), ("line 3", "ac")]),
        ("x = ['a']\nfor y in x:\n  x.append(y)\nf(x)\n", [("line 4", ["a", "a"])]),
        ("for x in g():\n  f(x)\n  f('a')\n", [("line 2, in the loop of line 1", "?x"), ("line 3, in the loop of line 1", "a")]),
        ("x = 'a'\nfor y in g():\n  f(x)\n  x = 'b'\n", [("line 3, in the loop of line 2", "?x")]),
        ("while f('a'):\n  f('b')\n", [("line 1, in the loop of line 1", "a"), ("line 2, in the loop of line 1", "b")]),
        ("[f(x) for x in ['a']]\n", [("line 1, in the expression of line 1", "?x")]),
        ("x = 'a'\ng(lambda x: f(x))\n", [("line 2, in the expression of line 2", "?x")]),
        (
            "if f('a'):\n  f('b')\nelif f('c'):\n  f('d')\nelse:\n  f('e')\n",
            [
                ("line 1", "a"),
                ("line 2, on the condition of line 1", "b"),
                ("line 3", "c"),
                ("line 4, on the condition of line 3", "d"),
                ("line 6, on the condition of line 3", "e"),
            ],
        ),
        (
            "if x:\n  pass\nelse:\n  if y:\n    f('a')\n",
            [("line 5, on the condition of line 1, on the condition of line 4", "a")],
        ),
        ("def g(x):\n  f(x)\ng('a')\ng(x='b')\n", [("line 2, called in line 3", "a"), ("line 2, called in line 4", "b")]),
        ("def g(x, y='b'):\n  f(x + y)\ng('a')\n", [("line 2, called in line 3", "ab")]),
        ("def g(x, *, y='b', z):\n  f(x + y)\ng('a', y='c')\n", [("line 2, called in line 3", "ac")]),
        ("def g(*x):\n  f(x)\ng('a', 'b')\n", [("line 2, called in line 3", ("a", "b"))]),
        ("def g(x, **y):\n  f(x, **y)\n  f(y['z'])\ng('a', z='b')\n", [("line 2, called in line 4", "a"), ("line 3, called in line 4", "b")]),
        ("def g(x, y='b'):\n  f(y)\ng(*z)\n", [("line 2, called in line 3", "?y")]),
        ("def g(x):\n  f(x)\ng()\n", [("line 2, called in line 3", "?x")]),
        ("def g(x):\n  f(x)\n  g(x)\ng('a')\n", [("line 2, called in line 4", "a")]),
        ("x = 'a'\ndef g():\n  f(x)\nx = 'b'\ng()\n", [("line 3, called in line 5", "b")]),
        ("x = 'a'\ndef g():\n  f(x)\ndef h(x):\n  g()\nh('b')\n", [("line 3, called in line 6, called in line 5", "a")]),
        ("def g():\n  def h(x):\n    f(x)\n  h('a')\ng()\n", [("line 3, called in line 5, called in line 4", "a")]),
        ("def g():\n  return f('a')\ng()\n", [("line 2, called in line 3", "a")]),
        ("def g(x=f('a')):\n  pass\n", [("line 1", "a")]),
        ("x = 'a'\ndef g(x):\n  f(x)\n  f('b')\n", [("line 3, in g(), which nothing here calls", "?x"), ("line 4, in g(), which nothing here calls", "b")]),
        (
            "def g(x):\n  f(x)\ndef h():\n  g('a')\n",
            [("line 2, in h(), which nothing here calls, called in line 4", "a")],
        ),
        ("def g():\n  def h():\n    f('a')\n", [("line 3, in h(), which nothing here calls", "a")]),
    ],
)  # fmt: skip
def test_where(text: str, expected: list[tuple[str, Value]]) -> None:
    assert calls(text) == expected


def test_text_and_notes() -> None:
    seen: list[str] = []
    functions = {"f": Function(("a", "b"), lambda arguments: seen.append(arguments.required_text("b")))}
    text = (
        "f(1, 'x')\nf(1,\n  g)\nf()\nf(b='\\n')\nf(b=7)\nf(b='')\nf(b=0x"
        + "f" * 9999
        + ")\nf(b="
        + "g" * 99
        + ")\n"
    )
    assert read_calls(text, functions) == [
        Note(3, 'f: b is "g", which is no plain literal: add by hand what it gives'),
        Note(4, "f: b is missing: add it"),
        Note(5, "f: b is \"'\\n'\", which is no plain literal: add by hand what it gives"),
        Note(6, 'f: b is "7", which is no plain literal: add by hand what it gives'),
        Note(7, "f: b is missing: add it"),
        Note(8, 'f: b is "…", which is no plain literal: add by hand what it gives'),
        Note(9, f'f: b is "{"g" * 59}…", which is no plain literal: add by hand what it gives'),
    ]
    assert seen == ["x"]


DEEP = "this is nested too deeply to be read: take it apart"
MUCH = "this does too much to be followed: take it apart"
STARLARK = "this can't be read as Starlark: "


@pytest.mark.parametrize(
    "text, line, message",
    [
        ("f(\n", 1, STARLARK),
        ("\nx = = 1\n", 2, STARLARK),
        ("if x:\npass\n", 2, STARLARK),
        ("print 'x'\n", 1, STARLARK),
        ("x = " + "(" * 9999, 1, STARLARK),
        ("\ud800", None, STARLARK),
        ("x = " + "-" * 99999 + "1\n", None, DEEP),
        ("x = y" + ".z" * 99999 + "\n", None, DEEP),
        ("\nf(" + "+".join("x" * 2000) + ")\n", 2, DEEP),
    ],
)  # fmt: skip
def test_error(text: str, line: int | None, message: str) -> None:
    with pytest.raises(InputError) as error:
        calls(text)
    assert error.value.message.startswith(message)
    assert error.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{' ' * depth}for x in [0, 1, 2, 3, 4]:\n" for depth in range(15)) + " " * 15 + "f('a')\n",
        "def g0():\n  f('a')\n"
        + "".join(f"def g{n}():\n  g{n - 1}()\n  g{n - 1}()\n" for n in range(1, 60))
        + "g59()\n",
        "".join(f"x{n} = 'a'\n" for n in range(9999)) + "if y:\n  pass\n" * 99,
    ],
)
def test_error_without_end(text: str) -> None:
    with pytest.raises(InputError, match=MUCH) as error:
        calls(text)
    assert error.value.line


def test_error_nul() -> None:
    with pytest.raises(InputError, match="null"):
        calls("f('\0')\n")


def test_error_where_the_parser_has_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(_: str) -> ast.Module:
        raise MemoryError

    monkeypatch.setattr(ast, "parse", parse)
    with pytest.raises(InputError, match=DEEP):
        calls("f('a')\n")
