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
        ("f('x' % 1)\n", "'x' % 1"),
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
    assert calls_and_notes(f"{loops}{' ' * 8}f('x')\n")[0] == [("x", "line 9, in the loop at line 8")] * 100


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
