"""The calls in a Starlark file, and their known arguments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter.errors import InputError
from krm_image_setter.importers.starlark import Arguments, Function, NotReadError, is_text, read_calls


def calls_and_notes(text: str) -> tuple[list[Any], list[Any]]:
    """Return the values of `a` and the origins of the calls of `f(a, b)`, and the notes."""
    calls: list[Any] = []

    def read(arguments: Arguments) -> None:
        calls.append((arguments.text("a"), arguments.origin))

    notes = read_calls(text, {"f": Function(("a", "b"), read), "g": Function(("a",), read)})
    return calls, [tuple(note) for note in notes]


@pytest.mark.parametrize(
    "text, calls",
    [
        ("f('x')\n", [("x", "line 1")]),
        ("f(b=1, a='x')\n", [("x", "line 1")]),
        ("f(**{'a': 'x'})\n", [("x", "line 1")]),
        ("f()\n", [("", "line 1")]),
        ("y = 'x'\nf(y + 'z')\n", [("xz", "line 2")]),
        ("h(f('x'))\nf('y')\n", [("x", "line 1"), ("y", "line 2")]),
        (
            "if h():\n  f('x')\nelse:\n  f('y')\n",
            [("x", "line 2, if the condition at line 1 holds"), ("y", "line 4, if the condition at line 1 holds")],
        ),
        ("def h():\n  f('x')\n", [("x", "line 2, in h()")]),
        ("for y in ['x', 'z']:\n  f(y)\n", [("x", "line 2"), ("z", "line 2")]),
        ("for y in h():\n  f('x')\n", [("x", "line 2, in the loop at line 1")]),
        ("[f('x') for y in h()]\n", [("x", "line 1, in the loop at line 1")]),
        ("h(lambda: f('x'))\n", [("x", "line 1, in the function at line 1")]),
        ("load('ext://e', 'g', k='f')\ng('x')\nk('y')\n", [("x", "line 2"), ("y", "line 3")]),
        ("def f(a):\n  pass\nf('x')\n", []),
        ("h.f('x')\n", []),
        ("\ufeff# c\nf(r'\\d')\n", [("\\d", "line 2")]),
    ],
)  # fmt: skip
def test_calls_have_values_and_origins(text: str, calls: list[Any]) -> None:
    assert calls_and_notes(text) == (calls, [])


@pytest.mark.parametrize(
    "text, shown",
    [
        ("f(h())\n", "h()"),
        ("f(y)\n", "y"),
        ("y = 'x'\ny = 'z'\nf(y)\n", "y"),
        ("def h(y):\n  f(y)\n", "y"),
        ("y = ['x']\ny.append('z')\nfor z in y:\n  f(z)\n", "z"),
        ("y = {'x': 'z'}\ny['x'] = 'w'\nf(y)\n", "y"),
        ("f('x' % h())\n", "'x' % h()"),
        ("f({h(): 'x'})\n", "{h(): 'x'}"),
        ("f('" + "x" * 1500 + "' + '" + "x" * 1500 + "')\n", "'" + "x" * 58 + "…"),
        ("f(['x'])\n", "['x']"),
        ("f(*h())\n", "h()"),
        ("f(**h())\n", "h()"),
    ],
)
def test_computed_argument_is_noted(text: str, shown: str) -> None:
    calls, notes = calls_and_notes(text)
    assert calls == []
    assert [message.partition("`a` is ")[2] for _, message in notes] == [
        f'"{shown}", not a literal; add the entry by hand'
    ]
    assert notes[0][0] == text[: text.rindex("f(")].count("\n") + 1


@pytest.mark.parametrize(
    "text",
    ["f(", "f('x'", "f(\n\n)\x00", "f('\ud800')", "(" * 5000, "f(" + "-" * 100_000 + "1)", "x" + ".a" * 50_000],
)
def test_error_is_one_line(text: str) -> None:
    with pytest.raises(InputError) as caught:
        calls_and_notes(text)
    assert "\n" not in str(caught.value)


def test_doubling_names_are_limited() -> None:
    text = "a0 = 'xxxxxxxxxx'\n" + "".join(f"a{n + 1} = a{n} + a{n}\n" for n in range(60)) + "f(a60)\n"
    assert len(calls_and_notes(text)[1]) == 1


@pytest.mark.parametrize("depth", [100, 400, 900, 3000])
def test_deep_nesting_is_an_error_or_a_note(depth: int) -> None:
    for argument in ("-" * depth + "x", "x" + ".a" * depth, "x" + " + 'a'" * depth):
        try:
            _, ((line, message),) = calls_and_notes(f"f({argument})\n")
        except InputError as error:
            assert str(error) == "the file is nested too deeply"
        else:
            assert line == 1
            assert message.endswith('…", not a literal; add the entry by hand')


def test_nested_loops_are_limited() -> None:
    values = f"[{'1, ' * 100}]"
    loops = "".join(f"{' ' * n}for i{n} in {values}:\n" for n in range(8))
    calls, _ = calls_and_notes(f"{loops}{' ' * 8}f('x')\n")
    assert {value for value, _ in calls} == {"x"}
    assert 0 < len(calls) < 10_000


def test_nested_calls_are_limited() -> None:
    """Each function calls the next one twice: without a limit, this takes years."""
    functions = "".join(f"def h{n}(y):\n  h{n + 1}(y)\n  h{n + 1}(y)\n" for n in range(60))
    calls, notes = calls_and_notes(f"{functions}def h60(y):\n  f(y)\nh0('x')\n")
    assert {value for value, _ in calls} <= {"x"}
    assert len(calls) + len(notes) < 100_000


def test_recursive_functions_are_read_once() -> None:
    calls, _ = calls_and_notes("def h(y):\n  f(y)\n  h(y)\nh('x')\n")
    assert calls == [("x", "line 2, in h(), called at line 4")]


FOLLOWED = [
    ("function with a parameter", "def h(y):\n  f(y)\nh('x')\nh('z')\n", ["x", "z"]),
    ("keyword argument", "def h(y, z):\n  f(y)\nh(z=1, y='x')\n", ["x"]),
    ("default of a parameter", "def h(y='x'):\n  f(y)\nh()\n", ["x"]),
    ("default of a keyword-only parameter", "def h(*, y='x'):\n  f(y)\nh()\n", ["x"]),
    ("keywords of a dict", "def h(y):\n  f(y)\nh(**{'y': 'x'})\n", ["x"]),
    ("other keywords passed on", "def h(**more):\n  f(**more)\nh(a='x')\n", ["x"]),
    ("other arguments as a list", "def h(*more):\n  for y in more:\n    f(y)\nh('x', 'z')\n", ["x", "z"]),
    ("parameter with the name of a constant", "y = 'z'\ndef h(y):\n  f(y)\nh('x')\n", ["x"]),
    ("parameter name in two functions", "def g1(y):\n  f(y)\ndef g2(y):\n  g1(y + 'z')\ng2('x')\n", ["xz"]),
    ("constant of the file in a function", "y = 'x'\ndef h():\n  f(y)\nh()\n", ["x"]),
    ("local constant", "def h(y):\n  z = 'r/' + y\n  f(z)\nh('x')\n", ["r/x"]),
    ("function in a loop", "def h(y):\n  f(y)\nfor y in ['x', 'z']:\n  h(y)\n", ["x", "z"]),
    ("function that returns a value", "def h(y):\n  return 'r/' + y\nf(h('x'))\n", ["r/x"]),
    (
        "function with a docstring that returns a value",
        "def h(y):\n  'Doc.'\n  z = y\n  return z\nf(h('x'))\n",
        ["x"],
    ),
    ("dict of options", "def h(y):\n  f(y['n'], y.get('b', 2))\nh({'n': 'x'})\n", ["x"]),
    ("loop variable used twice", "for y in ['x']:\n  f(y)\nfor y in ['z']:\n  f(y)\n", ["x", "z"]),
    ("loop over pairs", "for y, z in [('x', 1), ('w', 2)]:\n  f(y)\n", ["x", "w"]),
    ("loop over a dict", "y = {'x': 1, 'z': 2}\nfor z in y:\n  f(z)\n", ["x", "z"]),
    ("loop over items", "for y, z in {'x': {'n': 'w'}}.items():\n  f(y + z['n'])\n", ["xw"]),
    ("loop over dicts", "for y in [{'n': 'x'}, {'n': 'z'}]:\n  f(y['n'])\n", ["x", "z"]),
    ("dict with keywords", "for y in [dict(n='x')]:\n  f(y['n'])\n", ["x"]),
    ("assignment in a loop", "for y in ['x', 'z']:\n  w = 'r/' + y\n  f(w)\n", ["r/x", "r/z"]),
    ("list comprehension", "[f(y) for y in ['x', 'z']]\n", ["x", "z"]),
    ("percent with one value", "y = 'x'\nf('r/%s:1' % y)\n", ["r/x:1"]),
    ("percent with a tuple", "f('%s/%s:%d' % ('r', 'x', 1))\n", ["r/x:1"]),
    ("format with positions", "f('{}/{}'.format('r', 'x'))\n", ["r/x"]),
    ("format with numbers", "f('{1}/{0}'.format('x', 'r'))\n", ["r/x"]),
    ("format with names", "f('{r}/x'.format(r='q'))\n", ["q/x"]),
    ("join of a list", "f('/'.join(['r', 'x']))\n", ["r/x"]),
    ("index of a list", "y = ['w', 'x']\nf(y[1])\n", ["x"]),
    ("method without an effect", "y = {'n': 'x'}\ny.get('n')\nf(y['n'])\n", ["x"]),
    ("function defined after its call", "h('x')\ndef h(y):\n  f(y)\n", ["x"]),
    ("function called in an uncalled function", "def h(y):\n  f(y)\ndef main():\n  h('x')\n", ["x"]),
]


@pytest.mark.parametrize(("text", "values"), [row[1:] for row in FOLLOWED], ids=[row[0] for row in FOLLOWED])
def test_functions_and_loops_are_followed(text: str, values: list[str]) -> None:
    calls, notes = calls_and_notes(text)
    assert ([value for value, _ in calls], notes) == (values, [])


UNKNOWN = [
    ("parameter bound twice", "def h(y):\n  y = y + 'z'\n  f(y)\nh('x')\n"),
    ("constant hidden by a parameter", "y = 'x'\ndef h(y):\n  f(y)\n"),
    ("constant hidden by a local name", "y = 'x'\ndef h():\n  for y in w():\n    f(y)\nh()\n"),
    ("loop variable changed in the loop", "for y in ['x']:\n  y = y + w()\n  f(y)\n"),
    ("dict changed in a function", "y = {'n': 'x'}\ndef h():\n  y.update(w())\nh()\nf(y['n'])\n"),
    ("function defined twice", "def h(y):\n  return y\ndef h(y):\n  return 'z'\nf(h('x'))\n"),
    ("function with a condition", "def h(y):\n  if w():\n    return 'z'\n  return y\nf(h('x'))\n"),
    ("missing key", "f({'n': 'x'}['m'])\n"),
    ("index out of range", "f(['x'][1])\n"),
    ("join of unknown texts", "f('/'.join(['r', w()]))\n"),
    ("percent with too few values", "f('%s/%s' % 'x')\n"),
    ("percent with another conversion", "f('%r' % 'x')\n"),
    ("format with a specification", "f('{:>9}'.format('x'))\n"),
    ("format with too few values", "f('{}{}'.format('x'))\n"),
    ("argument after a star", "def h(y):\n  f(y)\nh(*w())\n"),
    ("keywords that are not known", "def h(y):\n  f(y)\nh(**w())\n"),
    ("rows of different lengths", "for y, z in [('x', 1), ('w',)]:\n  f(y)\n"),
]


@pytest.mark.parametrize("text", [row[1] for row in UNKNOWN], ids=[row[0] for row in UNKNOWN])
def test_value_that_is_not_certain_is_noted(text: str) -> None:
    calls, notes = calls_and_notes(text)
    assert calls == []
    assert len(notes) == 1
    assert "not a literal; add the entry by hand" in notes[0][1]


def test_error_missing_argument() -> None:
    def read(arguments: Arguments) -> None:
        with pytest.raises(NotReadError) as caught:
            arguments.required_text("a")
        assert caught.value.note == (1, "f: not imported: missing argument `a`")

    assert read_calls("f('')\n", {"f": Function(("a",), read)}) == []
    assert not is_text("a\nb")


@given(st.text("fgxy()[]{}'\"=+,.: \n0", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        calls_and_notes(text)
    except InputError as error:
        assert "\n" not in str(error)
