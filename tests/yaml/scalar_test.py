"""Edits of scalars in every style do not change the text between the fragments."""

from __future__ import annotations

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from krm_image_setter.edits import apply_edits
from krm_image_setter.yaml import parsing, scalar, writer
from krm_image_setter.yaml.tree import Fragment

CASES = [
    ("a: old", "a: NEW"),
    ("a: old # c", "a: NEW # c"),
    ("a: 'old'", "a: 'NEW'"),
    ('a: "old"', 'a: "NEW"'),
    ("a: &x old", "a: &x NEW"),
    ("a: !!str old", "a: !!str NEW"),
    ("a: !!str &x # c\n  'old'", "a: !!str &x # c\n  'NEW'"),
    ("{a: old, b: c}", "{a: NEW, b: c}"),
    ("a: x\n  old\n  y", "a: x\n  NEW\n  y"),
    ("a: 'it''s\n\n  old'", "a: 'it''s\n\n  NEW'"),
    ('a: "t\\tb \\\n   old\\u00e9 \\x41"', 'a: "t\\tb \\\n   NEW\\u00e9 \\x41"'),
    ('a: "\\/ \\N\\_ \n\n old \\"q\\""', 'a: "\\/ \\N\\_ \n\n NEW \\"q\\""'),
    ('a: "\\ud83d\\ude00 old\\u00e9 \\ud83d\\ude00"', 'a: "\\ud83d\\ude00 NEW\\u00e9 \\ud83d\\ude00"'),
    ("a: |\n  x\n   old\n\n  y\n", "a: |\n  x\n   NEW\n\n  y\n"),
    ("a: |-\r\n  x\r\n  old\r\n", "a: |-\r\n  x\r\n  NEW\r\n"),
    ("a: |+ # c\n  old\n\n", "a: |+ # c\n  NEW\n\n"),
    ("a: |2-\n    x\n  old\n", "a: |2-\n    x\n  NEW\n"),
    ("a: >\n  x\n  old\n\n  y\n   more\n  z\n", "a: >\n  x\n  NEW\n\n  y\n   more\n  z\n"),
    ("a: >-\n\n  x\n\n\n  old\n", "a: >-\n\n  x\n\n\n  NEW\n"),
    ("a: 'x \\ old'", "a: 'x \\ NEW'"),
    ("a: x'old", "a: x'NEW"),
    ("a: x''\n  old", "a: x''\n  NEW"),
    ("a: x\\\n  old", "a: x\\\n  NEW"),
]


@pytest.mark.parametrize("before, after", CASES)
def test_one_fragment(before: str, after: str, parser: str) -> None:
    assert write(before, "old", "NEW") == after
    (document,) = parsing.parse(after)
    assert document.root["a"] == parsing.parse(before)[0].root["a"].replace("old", "NEW")


def write(text: str, old: str, new: str) -> str:
    (document,) = parsing.parse(text)
    root = document.root
    start = root["a"].index(old)
    fragments = [Fragment(start, start + len(old), new)]
    return apply_edits(text, writer.rewrite_scalar(text, root.origin("a"), flow=root.flow, fragments=fragments))


def test_many_fragments() -> None:
    (document,) = parsing.parse("a: |\n  one two\n  one\n")
    root = document.root
    edits = writer.rewrite_scalar(
        "a: |\n  one two\n  one\n",
        root.origin("a"),
        flow=False,
        fragments=[Fragment(0, 3, "1"), Fragment(8, 11, "3")],
    )
    assert apply_edits("a: |\n  one two\n  one\n", edits) == "a: |\n  1 two\n  3\n"


@pytest.mark.parametrize(
    "text", ["a: >\n  x o\n   ld\n  y\n", "a: >\n   x\n    o\n   ld\n   y\n", "a: >-\n  o\n\n  ld y\nb: c\n"]
)
def test_a_folded_block_that_loses_a_line_is_quoted(text: str, parser: str) -> None:
    """The lines before and after a line break determine whether it folds."""
    value = parsing.parse(text)[0].root["a"]
    old = value[value.index("o") : value.index("ld") + 2]
    changed = parsing.parse(write(text, old, "NEW"))[0].root
    assert changed == parsing.parse(text)[0].root | {"a": value.replace(old, "NEW")}


def test_quotes_of_the_style_are_escaped() -> None:
    assert write("a: 'old'", "old", "it's") == "a: 'it''s'"
    assert write('a: "old"', "old", 'a"b') == 'a: "a\\"b"'


@pytest.mark.parametrize(
    ("before", "old", "after"),
    [
        ("a: |\n  old\nb: c\n", "old\n", 'a: "NEW"\nb: c\n'),
        ("a: >2\n\n\n   old\nb: c\n", "\n\n old\n", 'a: "NEW"\nb: c\n'),
        ("a: |\n  x\n  old\nb: c\n", "x\nold", "a: |\n  NEW\nb: c\n"),
        ("a: |\n  x\n  old\nb: c\n", "x\n", 'a: "NEWold\\n"\nb: c\n'),
        ("a: |\n  x\n\n  old\nb: c\n", "\nold", 'a: "x\\nNEW\\n"\nb: c\n'),
        ("a: |\n  x\n  old\nb: c\n", "\nold", "a: |\n  xNEW\nb: c\n"),
    ],
)
def test_a_fragment_with_the_end_of_a_line(before: str, old: str, after: str, parser: str) -> None:
    assert write(before, old, "NEW") == after
    assert parsing.parse(after)[0].root == {"a": parsing.parse(before)[0].root["a"].replace(old, "NEW"), "b": "c"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.20",
        "1e3",
        "0777",
        "0x1F",
        "on",
        "Null",
        "12:30",
        "1_000",
        ".5",
        "-1",
        "~",
        "=",
        "2024-01-01",
        "0o7",
        "2024-01-01T00:00:00Z",
        "- a",
        "a: b",
        "a #b",
        "*a",
        "&a",
        "!a",
        "@a",
        "`a",
        "a:",
        " a",
        "a ",
        "---",
        "...",
        "<<",
        "[::1]:5000/a",
        "{a}",
        "a\nb",
        "%a",
        "? a",
        "yes",
        "|",
        ">",
    ],
)
def test_quoted_where_needed(text: str) -> None:
    assert not scalar.is_plain(text, flow=False)
    assert write("a: old", "old", text) == f"a: {scalar.quoted(text)}"


@pytest.mark.parametrize("text", ["nginx", "nginx:1.2", "a/b@sha256:0", "-a", "1.2.3", "a#b", "a:b", "12e", "0a1"])
def test_plain_where_it_reads_back(text: str) -> None:
    assert scalar.is_plain(text, flow=True)
    assert write("a: old", "old", text) == f"a: {text}"


@settings(deadline=None, max_examples=400)
@given(
    st.one_of(
        st.text(max_size=12),
        st.text(":?-,[]{}# a0", max_size=5),
        st.text("a\0\x1b\x7f\x80\x85\x9f\xa0\u2028\u2029\ufeff\ufffd\ufffe\uffff\U0001f600", max_size=3),
    ),
    st.booleans(),
)
def test_a_new_scalar_reads_back(text: str, flow: bool) -> None:
    """PyYAML (YAML 1.1) and our parsers read a serialized text as the same string."""
    source = (
        f"{{a: {scalar.serialized(text, flow=True)}}}" if flow else f"a: {scalar.serialized(text, flow=False)}\n"
    )
    assert pyyaml.safe_load(source) == {"a": text}
    assert parsing.parse(source)[0].root == {"a": text}


@pytest.mark.parametrize(
    "before, after",
    [
        ("a: |2-\n   old\nb: c\n", "a: |2-\n   NEW\nb: c\n"),
        ("a: |1\n  old x\n\n  y\nb: c\n", "a: |1\n  NEW x\n\n  y\nb: c\n"),
        ("- a: >2\n     old\n    x\n  b: c\n", "- a: >2\n     NEW\n    x\n  b: c\n"),
    ],
)
def test_an_indented_block_keeps_its_style(before: str, after: str, parser: str) -> None:
    (document,) = parsing.parse(before)
    holder = document.root[0] if before[0] == "-" else document.root
    start = holder["a"].index("old")
    edits = writer.rewrite_scalar(
        before, holder.origin("a"), flow=False, fragments=[Fragment(start, start + 3, "NEW")]
    )
    assert apply_edits(before, edits) == after
