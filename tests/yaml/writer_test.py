"""In documents with anchors, aliases and merge keys, only the requested values change."""

from __future__ import annotations

import re
from typing import Any

import pytest
from properties.reader import load
from trees import edits_of

from krm_image_setter.edits import apply_edits
from krm_image_setter.yaml import events, parsing
from krm_image_setter.yaml.tree import Change, Fragment

Location = tuple[str | int, ...]

CASES: list[tuple[str, list[Location], str]] = [
    ("n: &a x\ni: *a\n", [("i",)], "n: &a x\ni: NEW:2\n"),
    ("i: &a x\nm: *a\n", [("i",)], "i: &a NEW:2\nm: x\n"),
    ("i: &a x\nm: *a\n", [("i",), ("m",)], "i: &a NEW:2\nm: *a\n"),
    (
        "t: &t\n  n: &n z\n  m: *n\n  i: x\no: &n y\nu: *t\n",
        [("t", "i")],
        "t: &t\n  n: &n z\n  m: *n\n  i: NEW:2\no: &n y\nu: \n  n: z\n  m: z\n  i: x\n",
    ),
    (
        "k: &k n\nt: &t\n  *k : z\n  i: x\no: &k y\nu: *t\n",
        [("t", "i")],
        "k: &k n\nt: &t\n  *k : z\n  i: NEW:2\no: &k y\nu: \n  n : z\n  i: x\n",
    ),
    ("&k a: b\nm:\n  *k : c\ni: x\n", [("i",)], "&k a: b\nm:\n  *k : c\ni: NEW:2\n"),
    ("&k a: b\nc: *k\ni: x\n", [("i",)], "&k a: b\nc: *k\ni: NEW:2\n"),
    ("&k x: b\nc: *k\n", [("c",)], "&k x: b\nc: NEW:2\n"),
    ("? &m {a: b}\n: z\nc: *m\ni: x\n", [("i",)], "? &m {a: b}\n: z\nc: *m\ni: NEW:2\n"),
    ("? &m {i: x}\n: z\nc: *m\n", [("c", "i")], "? &m {i: x}\n: z\nc: {i: NEW:2}\n"),
    ("i: &a y\ni: x\nm: *a\n", [("i",)], "i: &a y\ni: NEW:2\nm: *a\n"),
    ("b: &b {i: x}\nc: {<<: *b, n: 1}\n", [("c", "i")], "b: &b {i: x}\nc: {<<: *b, i: NEW:2, n: 1}\n"),
    ("b: &b {i: x}\nc: {<<: *b, n: 1}\n", [("b", "i"), ("c", "i")], "b: &b {i: NEW:2}\nc: {<<: *b, n: 1}\n"),
    (
        "b: &b {i: x}\nc:\n  <<: *b # c\n  n: 1\n",
        [("c", "i")],
        "b: &b {i: x}\nc:\n  <<: *b # c\n  i: NEW:2\n  n: 1\n",
    ),
    ("b: &b {i: x}\nc:\r\n  <<: [*b]\r\n", [("c", "i")], "b: &b {i: x}\nc:\r\n  <<: [*b]\r\n  i: NEW:2\r\n"),
    ("b: &b {i: x}\nc: {<<: *b, i: z}\n", [("c", "i")], "b: &b {i: x}\nc: {<<: *b, i: NEW:2}\n"),
    ("t: &t {c: [{i: x}]}\nu: *t\n", [("u", "c", 0, "i")], "t: &t {c: [{i: x}]}\nu: {c: [{i: NEW:2}]}\n"),
    (
        "t: &t\n  c:\n  - i: &q x # c\n    s: |\n      a\n       b\n  - *q\nu: *t # d\n",
        [("u", "c", 0, "i")],
        "t: &t\n  c:\n  - i: &q x # c\n    s: |\n      a\n       b\n  - *q\n"
        "u:  # d\n  c:\n  - i: NEW:2 # c\n    s: |\n      a\n       b\n  - *q\n",
    ),
    ("t: &t\n    i: x\nv:\n- *t\n- *t\n", [("v", 1, "i")], "t: &t\n    i: x\nv:\n- *t\n- \n  i: NEW:2\n"),
    (
        "t: &t\n  a: {i: x}\nu:\n  <<: *t\n",
        [("u", "a", "i")],
        "t: &t\n  a: {i: x}\nu:\n  <<: *t\n  a: {i: NEW:2}\n",
    ),
    (
        "t: &t\n  a:\n    i: x\nu:\n  <<: *t\n  b: 1\n",
        [("u", "a", "i")],
        "t: &t\n  a:\n    i: x\nu:\n  <<: *t\n  a:\n    i: NEW:2\n  b: 1\n",
    ),
    (
        "x: &x\n  n: &n z\nt: &t\n  a: *n\nu: {<<: *t}",
        [("u", "a")],
        "x: &x\n  n: &n z\nt: &t\n  a: *n\nu: {<<: *t, a: NEW:2}",
    ),
    (
        "t: &t\n  i: x\nu:\n  v: &v\n    w: *t\nz: *v",
        [("z", "w", "i")],
        "t: &t\n  i: x\nu:\n  v: &v\n    w: *t\nz: \n  w: \n    i: NEW:2",
    ),
    (
        "b: &b {i: x, j: x}\nc: {<<: *b, n: 1}\n",
        [("c", "i"), ("c", "j")],
        "b: &b {i: x, j: x}\nc: {<<: *b, i: NEW:2, j: NEW:2, n: 1}\n",
    ),
    (
        "b: &b {i: x, j: {k: x}}\nc:\r\n  <<: *b # c\r\n  n: 1\r\n",
        [("c", "i"), ("c", "j", "k")],
        "b: &b {i: x, j: {k: x}}\nc:\r\n  <<: *b # c\r\n  i: NEW:2\r\n  j: {k: NEW:2}\r\n  n: 1\r\n",
    ),
    # A pair without braces gets them with its second pair.
    ("b: &b {i: x}\nc: [<<: *b]\n", [("c", 0, "i")], "b: &b {i: x}\nc: [{<<: *b, i: NEW:2}]\n"),
    (
        "b: &b {i: x, j: x}\nc: [a, <<: [*b] , d]\n",
        [("c", 1, "i"), ("c", 1, "j")],
        "b: &b {i: x, j: x}\nc: [a, {<<: [*b], i: NEW:2, j: NEW:2} , d]\n",
    ),
    ("b: &b {i: x}\nc: [? <<\n : *b\n]\n", [("c", 0, "i")], "b: &b {i: x}\nc: [{? <<\n : *b, i: NEW:2}\n]\n"),
    (
        "b: &b {i: x}\nc: &c [<<: *b]\nd: *c\n",
        [("d", 0, "i")],
        "b: &b {i: x}\nc: &c [<<: *b]\nd: [{<<: *b, i: NEW:2}]\n",
    ),
    (
        "n: &n x\nb: &b {i: *n}\nc: *b\nd: {<<: *b}\n",
        [("b", "i")],
        "n: &n x\nb: &b {i: NEW:2}\nc: {i: *n}\nd: {<<: *b, i: x}\n",
    ),
    # A key has an anchor, or is an alias, which is not changed.
    ("&k i: x\nm: *k\n", [("i",)], "&k i: NEW:2\nm: *k\n"),
    ("&k i: x\nm: *k\n", [("m",)], "&k i: x\nm: NEW:2\n"),
    ("i: &k x\nm: {*k : z}\n", [("i",)], "i: &k NEW:2\nm: {x : z}\n"),
    ("i: &k x\nm:\n  *k : z\n", [("m", "x")], "i: &k x\nm:\n  *k : NEW:2\n"),
    ("i: &k x\nm:\n  *k : z\n", [("i",), ("m", "x")], "i: &k NEW:2\nm:\n  x : NEW:2\n"),
    ("x: &x z\nc: [i: *x]\n", [("c", 0, "i")], "x: &x z\nc: [i: NEW:2]\n"),
    # A copy has one line if it is in flow style, or if another anchor could be the target of an alias under its merge key.
    ("t: &t\n  i: x\nu: [*t]\n", [("u", 0, "i")], "t: &t\n  i: x\nu: [{i: NEW:2}]\n"),
    (
        "t: &t\n  a:\n    i: x\nu: {<<: *t}\n",
        [("u", "a", "i")],
        "t: &t\n  a:\n    i: x\nu: {<<: *t, a: {i: NEW:2}}\n",
    ),
    (
        "n: &n {z: 1}\nt: &t\n  <<: *n\n  i: x\no: &n {z: 2}\nu: *t\n",
        [("t", "i")],
        "n: &n {z: 1}\nt: &t\n  <<: *n\n  i: NEW:2\no: &n {z: 2}\nu: {i: x, z: 1}\n",
    ),
    (
        "t: &t\n  - 1\n  - 'a b'\n  - i: x\n    no: ~\nu: [*t]\n",
        [("t", 2, "i")],
        "t: &t\n  - 1\n  - 'a b'\n  - i: NEW:2\n    no: ~\nu: [[1, a b, {i: x, no: ~}]]\n",
    ),
    # An alias in a mapping directly under a merge key has no location of its own.
    ("i: &i x\na:\n  <<: {image: *i}\n", [("i",)], "i: &i NEW:2\na:\n  <<: {image: x}\n"),
    ("i: &i x\na: {<<: {image: *i}, b: 1}\n", [("i",)], "i: &i NEW:2\na: {<<: {image: x}, b: 1}\n"),
    (
        "i: &i x\nb: &b {c: 1}\na:\n  <<: [*b, {image: *i}]\n",
        [("i",)],
        "i: &i NEW:2\nb: &b {c: 1}\na:\n  <<: [*b, {image: x}]\n",
    ),
    ("i: &i x\na:\n  <<: {n: {image: [*i]}}\n", [("i",)], "i: &i NEW:2\na:\n  <<: {n: {image: [x]}}\n"),
    ("i: &i x\na:\n  <<: {<<: {image: *i}}\n", [("i",)], "i: &i NEW:2\na:\n  <<: {<<: {image: x}}\n"),
    (
        "i: &i x\na:\n  <<: {image: *i}\n",
        [("i",), ("a", "image")],
        "i: &i NEW:2\na:\n  <<: {image: x}\n  image: NEW:2\n",
    ),
    ("a:\n  <<: {image: &i x}\nb: *i\n", [("b",)], "a:\n  <<: {image: &i x}\nb: NEW:2\n"),
    ("a:\n  <<: {image: &i x}\nb: *i\n", [("a", "image")], "a:\n  <<: {image: &i x}\n  image: NEW:2\nb: *i\n"),
    ("a:\n  <<: &m {image: x}\nb: *m\n", [("b", "image")], "a:\n  <<: &m {image: x}\nb: {image: NEW:2}\n"),
    ("a:\n  <<:\n    image: x\nb: 1\n", [("a", "image")], "a:\n  <<:\n    image: NEW:2\nb: 1\n"),
    # The values keep their tags.
    ("i: &i !!str 12\nj: *i\n", [("i",)], 'i: &i !!str NEW:2\nj: !!str "12"\n'),
    ("t: &t !x {i: !!str x}\nu: *t\n", [("u", "i")], "t: &t !x {i: !!str x}\nu: !x {i: !!str NEW:2}\n"),
    ("t: &t !x\n  i: x\nu: *t\n", [("u", "i")], "t: &t !x\n  i: x\nu: !x\n  i: NEW:2\n"),
    # A flow collection in several lines is indented below its new key; a block scalar keeps its last lines.
    (
        "c: &c [\n  {i: x,\n  j: 1}]\ns:\n  t:\n    u: *c\n",
        [("c", 0, "i")],
        "c: &c [\n  {i: NEW:2,\n  j: 1}]\ns:\n  t:\n    u: [\n     {i: x,\n     j: 1}]\n",
    ),
    (
        "c: &c\n  i: x\n  s: |\n    a  \n\nu: *c\nv: 1\n",
        [("c", "i")],
        "c: &c\n  i: NEW:2\n  s: |\n    a  \n\nu: \n  i: x\n  s: |\n    a  \nv: 1\n",
    ),
    (
        "c: &c\n  i: x\n  s: |+\n    a\n\nu: *c\n\nv: 1\n",
        [("c", "i")],
        'c: &c\n  i: NEW:2\n  s: |+\n    a\n\nu: {i: x, s: "a\\n\\n"}\n\nv: 1\n',
    ),
    (
        "c: &c\n  i: x\n  s: |\n    a\nu: *c",
        [("c", "i")],
        'c: &c\n  i: NEW:2\n  s: |\n    a\nu: {i: x, s: "a\\n"}',
    ),
]

ENDINGS = {"CR": "\r", "CRLF": "\r\n", "NEL": "\x85", "LS": "\u2028", "PS": "\u2029"}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("before, locations, after", CASES)
def test_only_what_was_asked_for_with_other_line_ends(
    before: str, locations: list[Location], after: str, ending: str
) -> None:
    if events.c_parser() is None:
        pytest.skip("only libyaml ends a line at NEL, LS and PS")
    text = before.replace("\n", ending)
    (expected,) = load(after.replace("\n", ending))
    (document,) = parsing.parse(text)
    changes = []
    for location in locations:
        old: Any = document.root
        for step in location:
            old = old[step]
        changes.append(Change(location, Fragment(0, len(old), "NEW:2")))
    changed = apply_edits(text, edits_of(text, document, changes)[0])
    assert unbroken(load(changed)) == unbroken([expected])


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_escaped_line_end_before_an_image_is_kept(ending: str) -> None:
    if events.c_parser() is None:
        pytest.skip("only libyaml ends a line at NEL, LS and PS")
    text = f'i: "a \\{ending}  b \\{ending}  x"\n'
    (document,) = parsing.parse(text)
    edits, _ = edits_of(text, document, [Change(("i",), Fragment(4, 5, "NEW:2"))])
    assert apply_edits(text, edits) == text.replace("x", "NEW:2")


def unbroken(data: Any) -> Any:
    """Return data with one line break instead of several, because LS and PS are content and do not fold."""
    if isinstance(data, dict):
        return {key: unbroken(value) for key, value in data.items()}
    if isinstance(data, list):
        return [unbroken(value) for value in data]
    return re.sub("[\n\u2028\u2029]+", "\n", data) if isinstance(data, str) else data


KEYS = [
    # id, text, the text with an image set
    pytest.param("i: &i x\n? [*i]\n: y\n", "i: &i NEW:2\n? [x]\n: y\n", id="alias in a key that is a list"),
    pytest.param(
        "i: &i x\n? {a: *i}\n: y\n", "i: &i NEW:2\n? {a: x}\n: y\n", id="alias in a key that is a mapping"
    ),
    pytest.param("i: &i x\n? [a]\n: *i\n", "i: &i NEW:2\n? [a]\n: x\n", id="alias as value of such a key"),
    pytest.param("i: &i x\n? [a]\n: {b: *i}\n", "i: &i NEW:2\n? [a]\n: {b: x}\n", id="alias below such a key"),
    pytest.param("i: &i x\nm: {*i : y}\n", "i: &i NEW:2\nm: {x : y}\n", id="alias as key"),
]


@pytest.mark.parametrize("before, after", KEYS)
def test_what_a_key_brings_stays(before: str, after: str, parser: str) -> None:
    (document,) = parsing.parse(before)
    edits, kept = edits_of(before, document, [Change(("i",), Fragment(0, 1, "NEW:2"))])
    assert apply_edits(before, edits) == after
    assert [one.alias.name for one in kept] == ["i"]


@pytest.mark.parametrize("before, locations, after", CASES)
def test_only_what_was_asked_for(before: str, locations: list[Location], after: str, parser: str) -> None:
    (document,) = parsing.parse(before)
    changes = []
    (expected,) = load(before)
    expected = unshared(expected)
    for location in locations:
        holder: Any = expected
        for step in location[:-1]:
            holder = holder[step]
        changes.append(Change(location, Fragment(0, len(holder[location[-1]]), "NEW:2")))
        holder[location[-1]] = "NEW:2"
    changed = apply_edits(before, edits_of(before, document, changes)[0])
    assert changed == after
    assert load(changed) == [expected]


def test_an_anchor_within_a_key(parser: str) -> None:
    text = "? [&k i, j]\n: x\nm: *k\n"
    (document,) = parsing.parse(text)
    edits = edits_of(text, document, [Change(("m",), Fragment(0, 1, "NEW:2"))])[0]
    assert apply_edits(text, edits) == text.replace("*k", "NEW:2")


def unshared(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: unshared(value) for key, value in data.items()}
    return [unshared(value) for value in data] if isinstance(data, list) else data
