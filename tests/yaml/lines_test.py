"""The reader of lines returns the same tree as the parsers, or None."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import assert_same_as_parsed

from krm_image_setter.yaml import lines, tree

READ = [
    "a: b\n",
    "a: b",
    "---\na: b\n",
    "--- \r\na: 'b'\r\nc: \"d\"  # e\r\n",
    "a:\n- b\n- c:\n    d: e\n  f: [1, {g: h}]\ni:\n",
    "a:\n  - - b\n    -  c\n  - d: 1\n    e: -2\n",
    "# c\n\na: b # c\n\n# d\n",
    "- {a: b, 'c': \"d\", e: {}, f: [], g: [{h: i}]} # j\n- []\n",
    "a: {image: nginx:1.25, url: http://x:80/y#z, n: -1, t: a b}\n",
    "a: x#y\nb: x:y\nc: -x\nd: 1.10\ne: 0x1F\nf: yes\ng: ~\nh: .5\ni: é ü\n",
    "a/b.c-d_e: f\n1: 2\ntrue: no\n",
    "a: |\n  b\n",
    "a: |  # c\n   b\n\n     c: d\n   # e\n    \n\n# f\ng: h\n",
    "a:\n- |-\n x\n  - y: |\n- b: |\n    z\ty\n     \n\n  c: |-\r\n    d\r\n \r\n",
    "a: 'b''c d'  # e\n",
    'a: "\\n\\t\\"\\\\n\\/\\ \\u00e9\\u2028"  # b\nc: "\\\\"\n',
    "- - |\n    a\n  - |\n\n    \u00e9\n  -  b: |\n       ---\n     c: d\n",
]
PASSED_ON = [
    "",
    "# only a comment\n",
    "---\n",
    "a: b\n---\nc: d\n",
    "a: b\n...\n",
    "%YAML 1.2\n---\na: b\n",
    "a: >-\n  b\n",
    "a: |\n  b",
    "a: |\n  b\n ",
    "a: |\n  b\n  # c",
    "a: |\n  b\n\r",
    "a: |\nb: c\n",
    "a:\n  b: |\n  c\n  d: e\n",
    "a:\n  b: |\n c\n  d: e\n",
    "a: |\n   \n  b\n",
    "a: |\n  \tb\n",
    "a: |\n    b\n  c\n",
    "a: |\n  b\x07\n",
    "a: |\n  b\u2028\n",
    "a: |\n  b\n\tc\n",
    "a: |+\n  b\n",
    "a: |2\n  b\n",
    "a: |#b\n  c\n",
    "- |\n- a\n",
    "a: b\n  c\n",
    "a:\n  b\n",
    'a: "b\n  c"\n',
    'a: "\\x41"\n',
    'a: "\\ud83d\\ude00"\n',
    'a: "\\u0007"\n',
    'a: ["\\n"]\n',
    "a: ['b''c']\n",
    "a: 'b''\n",
    "a: {b: c,\n  d: e}\n",
    "a: &b c\nd: *b\n",
    "a: !!str 1\n",
    "? a\n: b\n",
    "'a': b\n",
    "<<: {a: b}\n",
    "a: {<<: {b: c}}\n",
    "a:\tb\n",
    "a: b\tc\n",
    "a: b: c\n",
    "a: b:\n",
    "a: - b\n",
    "a: @b\n",
    "a: b\n c: d\n",
    "a:\n    b: c\n  d: e\n",
    "a: b\n- c\n",
    "a: b\na: c\n",
    "- a\nb: c\n",
    "a: [b, c: d]\n",
    "a: [b, , c]\n",
    "a: [b,]\n",
    "a: {b}\n",
    "a: {b: c, b: d}\n",
    "a: {b: }\n",
    "a: [b}\n",
    "a: [b] c\n",
    "a: [b\n",
    'a: "b" c\n',
    'a: "b"#c\n',
    "a: \x07\n",
    "a: b\x85c: d\n",
    "a: b\rc: d\n",
    "\ta: b\n",
    "-\ta\n",
    "-\n  a: b\n",
    "text\n",
    "{a: b}\n",
    "a" * 300 + ": b\n",
    "".join("  " * level + "a:\n" for level in range(tree.MAX_DEPTH)) + "b: c\n",
    "- " * tree.MAX_DEPTH + "a: b\n- c\n",
    "a: " + "[" * 30 + "]" * 30 + "\n",
]


@pytest.mark.parametrize("text", READ)
def test_reads(text: str) -> None:
    document = lines.read(text)
    assert document is not None
    assert_same_as_parsed(text, document)


@pytest.mark.parametrize("text", PASSED_ON)
def test_passes_on(text: str) -> None:
    assert lines.read(text) is None


usual = st.sampled_from(
    [
        "",
        "a",
        "|",
        "|-",
        '"\\n\\u0041"',
        "nginx:1",
        "'b c'",
        "'a''b'",
        '"d"',
        "{e: f}",
        "[g, 'h', {i: 1}]",
        "1.10",
        "yes",
        "-1",
        "x#y",
    ]
)
odd = st.sampled_from(
    [
        "{}",
        "-",
        "--",
        "a: b",
        "c:",
        "{",
        "'",
        "''",
        '"',
        "*a",
        "&a b",
        "!t c",
        "|",
        "> ",
        "{a: [b}",
        "[a, b: c]",
        "~",
        "=",
        "é",
        "? a",
        "x\ty",
        "[a]b",
        "'a'b",
        "{a: b, c}",
        "[[a], -1, - b]",
        "{a:b}",
        "{'a':b}",
        "{a: 'x}y'}",
        "%a",
        "...",
        "---",
    ]
)
texts = st.lists(
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["", "", "", "  ", "  ", "    ", " "]),
            st.sampled_from(["", "", "", "- ", "- ", "-  ", "- - ", "-", "? "]),
            st.sampled_from(["a: ", "b: ", "c:", "d:", "a/b:  ", "", "'e': ", "<<: ", "f :", "#"]),
            st.one_of(usual, usual, usual, odd),
            st.sampled_from(["", "", "", " ", " # c", "#c"]),
            st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n", "\n   \n", ""]),
        ),
    ),
    max_size=7,
).map("".join)


@settings(max_examples=2000, deadline=None)
@given(texts)
def test_what_it_reads_is_what_the_parser_reads(text: str) -> None:
    document = lines.read(text)
    if document is not None:
        assert_same_as_parsed(text, document)
