"""What is read of Starlark: calls, and values as far as literals go."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter.errors import InputError
from krm_image_setter.importers.starlark import Arguments, Function, NotReadError, is_text, read_calls


def told(text: str) -> tuple[list[Any], list[Any]]:
    """Return what calls of `f(a, b)` give as `a` and where they stand, and the notes."""
    calls: list[Any] = []

    def tell(arguments: Arguments) -> None:
        calls.append((arguments.text("a"), arguments.origin))

    notes = read_calls(text, {"f": Function(("a", "b"), tell), "g": Function(("a",), tell)})
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
        ("if h():\n  f('x')\nelse:\n  f('y')\n", [("x", "line 2, if the condition at line 1 holds"), ("y", "line 4, if the condition at line 1 holds")]),
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
def test_told(text: str, calls: list[Any]) -> None:
    assert told(text) == (calls, [])


@pytest.mark.parametrize(
    "text, shown",
    [
        ("f(h())\n", "h()"),
        ("f(y)\n", "y"),
        ("y = 'x'\ny = 'z'\nf(y)\n", "y"),
        ("def h(y):\n  f(y)\n", "y"),
        ("y = ['x']\ny.append('z')\nfor z in y:\n  f(z)\n", "z"),
        ("y = {'x': 'z'}\ny['x'] = 'w'\nf(y)\n", "y"),
        ("f('x' % 1)\n", "'x' % 1"),
        ("f({h(): 'x'})\n", "{h(): 'x'}"),
        ("f('" + "x" * 1500 + "' + '" + "x" * 1500 + "')\n", "'" + "x" * 58 + "…"),
        ("f(['x'])\n", "['x']"),
        ("f(*h())\n", "h()"),
        ("f(**h())\n", "h()"),
    ],
)
def test_not_known(text: str, shown: str) -> None:
    calls, notes = told(text)
    assert calls == []
    assert [message.partition("`a` is ")[2] for _, message in notes] == [
        f'"{shown}", not a literal; add the entry by hand'
    ]
    assert notes[0][0] == text[: text.rindex("f(")].count("\n") + 1


@pytest.mark.parametrize(
    "text",
    ["f(", "f('x'", "f(\n\n)\x00", "f('\ud800')", "(" * 5000, "f(" + "-" * 100_000 + "1)", "x" + ".a" * 50_000],
)
def test_error_is_one_sentence(text: str) -> None:
    with pytest.raises(InputError) as caught:
        told(text)
    assert "\n" not in str(caught.value)


def test_names_that_double_end() -> None:
    text = "a0 = 'xxxxxxxxxx'\n" + "".join(f"a{n + 1} = a{n} + a{n}\n" for n in range(60)) + "f(a60)\n"
    assert len(told(text)[1]) == 1


@pytest.mark.parametrize("depth", [100, 400, 900, 3000])
def test_depth_is_no_crash(depth: int) -> None:
    for argument in ("-" * depth + "x", "x" + ".a" * depth, "x" + " + 'a'" * depth):
        try:
            _, ((line, message),) = told(f"f({argument})\n")
        except InputError as error:
            assert str(error) == "the file is nested too deeply"
        else:
            assert line == 1
            assert message.endswith('…", not a literal; add the entry by hand')


def test_loops_in_loops_end() -> None:
    values = f"[{'1, ' * 100}]"
    loops = "".join(f"{' ' * n}for i{n} in {values}:\n" for n in range(8))
    assert told(f"{loops}{' ' * 8}f('x')\n")[0] == [("x", "line 9, in the loop at line 8")] * 100


def test_required_text() -> None:
    def tell(arguments: Arguments) -> None:
        with pytest.raises(NotReadError) as caught:
            arguments.required_text("a")
        assert caught.value.note == (1, "f: not imported: missing argument `a`")

    assert read_calls("f('')\n", {"f": Function(("a",), tell)}) == []
    assert not is_text("a\nb")


@given(st.text("fgxy()[]{}'\"=+,.: \n0", max_size=30))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        told(text)
    except InputError as error:
        assert "\n" not in str(error)
