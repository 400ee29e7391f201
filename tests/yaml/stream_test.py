"""Streams are split into slices, slices without a keyword are skipped, and lines are counted."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krm_image_setter.yaml import stream

JSON_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)

MENTIONS = [
    pytest.param("a: nginx\n", True, id="word"),
    pytest.param("a: redis\n", False, id="another word"),
    pytest.param("# nginx\na: redis\n", True, id="word in a comment"),
    pytest.param("a: 'redis'\n", False, id="quoted word"),
    pytest.param('a: "ngin\\x78"\n', True, id="escaped character"),
    pytest.param('a: "ngin\\u0078"\n', True, id="escaped character in four digits"),
    pytest.param('a: "ngin\\U00000078"\n', True, id="escaped character in eight digits"),
    pytest.param('a: "ngi\\\n  nx"\n', True, id="escaped line break"),
    pytest.param('a: "ngi\\\r\n  nx"\n', True, id="escaped CRLF"),
    pytest.param('a: "ngi\\\x85  nx"\n', True, id="escaped next line character"),
    pytest.param('a: "ngi\\\u2028  nx"\n', True, id="escaped line separator"),
    pytest.param('a: "b: \\"ngin\\\\u0078\\""\n', True, id="escaped character in a document in a string"),
    pytest.param('a: "b: \\"ngi\\\\\\n nx\\""\n', True, id="escaped line break in a document in a string"),
    pytest.param('a: "\\"b\\"\\n\\td\\\\"\n', False, id="escapes that stand for no character of a word"),
    pytest.param("a: \\d\n", False, id="backslash"),
    pytest.param("a: b\\", True, id="backslash at the end"),
]


@pytest.mark.parametrize(("text", "expected"), MENTIONS)
def test_slice_mentions_a_word(text: str, expected: bool) -> None:
    assert stream.keyword_test(text, ["nginx"])(text) is expected


@pytest.mark.parametrize("word", ["a b", "it's", 'a"b', "a\\b", "a\tb", "\x01"])
def test_word_that_can_be_escaped_is_not_searched_for(word: str) -> None:
    assert stream.keyword_test("a: b\n", ["c", word])("a: b\n")


PAIRS = [
    pytest.param("kind: ConfigMap\nb: web\n", True, id="both words"),
    pytest.param("kind: Service\nb: web\n", False, id="first word"),
    pytest.param("kind: ConfigMap\nb: api\n", False, id="second word"),
    pytest.param('kind: ConfigMap\nb: "we\\x62"\n', True, id="escape"),
]


@pytest.mark.parametrize(("text", "expected"), PAIRS)
def test_slice_mentions_two_words(text: str, expected: bool) -> None:
    others = "kind: ConfigMap\nb: web\n"
    assert stream.keyword_test(others + text, ["nginx", ("ConfigMap", "web")])(text) is expected


KINDS_OF_DOCUMENTS = [
    pytest.param("kind: CRD\na: b\n", True, id="first line"),
    pytest.param("---\na: b\r\nkind:  CRD\r\nc:\n  kind: d\n", True, id="later line"),
    pytest.param("a: b\nkind: CRD", True, id="last line"),
    pytest.param("kind: CRDs\n", False, id="longer kind"),
    pytest.param("kind: a\nb:\n  kind: CRD\n", False, id="kind inside"),
    pytest.param("kind: CRD\nkind: a\n", False, id="repeated key"),
    pytest.param("kind: CRD\n'kind' : a\n", False, id="repeated key in quotes"),
    pytest.param('{"kind": "CRD"}\n', False, id="JSON"),
    pytest.param("- kind: CRD\n", False, id="item"),
]


@pytest.mark.parametrize(("text", "expected"), KINDS_OF_DOCUMENTS)
def test_document_has_a_kind(text: str, expected: bool) -> None:
    assert stream.has_kind(text, "CRD") is expected


CUTS = [
    ("a: b\n", ["a: b\n"]),
    ("---\na: b\n---\nc: d\n", ["---\na: b\n", "---\nc: d\n"]),
    ("\ufeff\n---\na: b\n", ["\ufeff\n---\na: b\n"]),
    ("a: b\n---c\n", ["a: b\n---c\n"]),
    ("%YAML 1.2\n---\na: b\n", None),
    ("text\n...\n---\na: b\n", None),
    ("text\n...\na: b\n", None),
]


# `kubectl label --local -f` names both objects of each of these, except where a comment says otherwise.
JSON = [
    pytest.param('{"a": 1}{"b": 2}', ['{"a": 1}', '{"b": 2}'], id="nothing between"),
    pytest.param('{"a": 1}\n{"b": 2}\n', ['{"a": 1}\n', '{"b": 2}\n'], id="newline"),
    pytest.param('{"a": 1}\r\n{"b": 2}\r\n', ['{"a": 1}\r\n', '{"b": 2}\r\n'], id="CRLF"),
    pytest.param('{"a": 1}\n \n\t{"b": 2}', ['{"a": 1}\n \n\t', '{"b": 2}'], id="blank lines"),
    pytest.param('\n {"a": 1}{"b": 2}', ['\n {"a": 1}', '{"b": 2}'], id="blank before"),
    pytest.param('\ufeff{"a": 1}{"b": 2}', ['\ufeff{"a": 1}', '{"b": 2}'], id="BOM"),
    pytest.param("{}{}{}", ["{}", "{}", "{}"], id="empty objects"),
    pytest.param('{\n "a": {}\n}{\n "b": [{}]\n}\n', ['{\n "a": {}\n}', '{\n "b": [{}]\n}\n'], id="pretty"),
    pytest.param(r'{"a": "}{\"}{"}{"b": "\\"}', [r'{"a": "}{\"}{"}', r'{"b": "\\"}'], id="seam in a string"),
    pytest.param('{"é": "😀"}{"b": -1.5e+3}', ['{"é": "😀"}', '{"b": -1.5e+3}'], id="not ASCII"),
    # kubectl reads only the first JSON object after `---`, without a message.
    pytest.param('---\n{"a": 1}\n{"b": 2}\n', ['---\n{"a": 1}\n', '{"b": 2}\n'], id="marker before"),
    pytest.param("a: b\n---\n{}\n{}\n---\nc: d\n", ["a: b\n", "---\n{}\n", "{}\n", "---\nc: d\n"], id="YAML"),
    pytest.param('{"a": 1}\n{"b": 2}\n---\n{}\n', ['{"a": 1}\n', '{"b": 2}\n', "---\n{}\n"], id="marker after"),
    # kubectl rejects the text after the objects.
    pytest.param("{}\n{}\n# c\n", ["{}\n", "{}\n# c\n"], id="comment after"),
    pytest.param("{}\n{}\na: b\n", ["{}\n", "{}\na: b\n"], id="YAML after"),
    pytest.param("{}\n{}\n{", ["{}\n", "{}\n", "{"], id="open object after"),
]
NO_JSON = [
    pytest.param("{a: '}{', b: c}\n", id="single quotes"),
    pytest.param("{a: b, # }{\n c: d}\n", id="comment"),
    pytest.param('{a: "}\n {"}\n', id="string of two lines"),
    pytest.param("{a: b}\n# }\n{c: d}\n", id="comment between"),
    pytest.param("a: {}\nb: '{}{}'\n", id="block mapping"),
    pytest.param("a: |\n  {}\n  {}\n", id="block scalar"),
    pytest.param("- {}\n- {}\n", id="list"),
    pytest.param("{}\n", id="one object"),
    pytest.param("[{}]\n[{}]\n", id="lists"),
]


@pytest.mark.parametrize("text, expected", JSON)
def test_json_objects_that_follow_each_other_are_cut(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in stream.cut_documents(text) or []] == expected


@pytest.mark.parametrize("text", NO_JSON)
def test_yaml_with_braces_is_not_cut(text: str) -> None:
    assert stream.cut_documents(text) == [(0, len(text))]


@settings(max_examples=40)
@given(st.lists(st.dictionaries(st.text(), JSON_VALUES, max_size=4), min_size=1, max_size=4), st.data())
def test_any_json_objects_are_cut_where_they_end(objects: list[Any], data: st.DataObject) -> None:
    parts = []
    for value in objects:
        written = json.dumps(
            value, indent=data.draw(st.sampled_from([None, 1])), ensure_ascii=data.draw(st.booleans())
        )
        parts.append(written + data.draw(st.text(" \t\r\n", max_size=3)))
    text = "".join(parts)
    assert [text[start:end] for start, end in stream.cut_documents(text) or []] == parts


@pytest.mark.parametrize("yaml", ["a: b\nc:\n- d\n", "# c\n---\na: b\n---\nc: d\n", "- 'a'\n- \"b\"\n"])
def test_block_yaml_is_not_searched_for_json(yaml: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def searched(*_: object) -> NoReturn:
        raise AssertionError

    monkeypatch.setattr(stream, "_cut_json", searched)
    monkeypatch.setattr(stream, "_JSON_SEAM", None)
    assert stream.cut_documents(yaml) is not None


PIECES = [
    '{"',
    "{}",
    "{} {",
    '{"a":',
    "}",
    '{"a"}{',
    '{"}{"',
    "{'}{'",
    "{\\",
    '"}{',
    "{}\n{#",
    "} ",
    "---\n{}{,\n",
]


@pytest.mark.parametrize("piece", PIECES)
def test_hostile_json_takes_linear_time(piece: str) -> None:
    text = f"{{{piece * 100_000}}}{{"
    slices = stream.cut_documents(text)
    assert slices is not None
    assert (slices[0][0], slices[-1][1]) == (0, len(text))


LINES = [
    pytest.param("a\nb\n|c", (3, 1), id="LF"),
    pytest.param("a\r\nb\r\n |c", (3, 2), id="CRLF"),
    pytest.param("a\rb\rcd|", (3, 3), id="CR"),
    pytest.param("a\r\rb\n\r\n|", (5, 1), id="mixed"),
    pytest.param("a\x85b\u2028c|", (3, 2), id="NEL and LS"),
    pytest.param("|a", (1, 1), id="start"),
    pytest.param("x" * 65_535 + "\r\n|", (2, 1), id="CRLF at the edge of a block"),
    pytest.param("x" * 65_535 + "\r|", (2, 1), id="CR at the edge of a block"),
    pytest.param("a\n" + "x" * 200_000 + "|", (2, 200_001), id="line in several blocks"),
    pytest.param("\r\n" * 70_000 + "|", (70_001, 1), id="CRLF in several blocks"),
]


@pytest.mark.parametrize("marked, expected", LINES)
def test_lines_are_counted_as_libyaml_does(marked: str, expected: tuple[int, int]) -> None:
    index = marked.index("|")
    text = marked.replace("|", "") + "z\r\n"
    assert stream.position(text, index) == expected
    assert stream.Source(text[index:], text, index).line(0) == expected[0]
    assert stream.Source(text[index:], text, index).position(0) == expected


@given(st.text(st.sampled_from("ab\r\n\x85\u2028"), max_size=40), st.data())
def test_position_is_found_in_blocks_of_a_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    index = data.draw(st.integers(start, len(text)))
    if text[index - 1 : index + 1] == "\r\n":
        return  # an offset between CR and LF is not the start of a value
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "_BLOCK", data.draw(st.integers(1, 9)))
        stream._lines_before.cache_clear()
        found = stream.Source(text[start:], text, start).position(index - start)
    stream._lines_before.cache_clear()
    assert found == stream.position(text, index)


@pytest.mark.parametrize(("text", "expected"), CUTS)
def test_documents(text: str, expected: list[str] | None) -> None:
    """A slice that might contain several documents is never skipped as one document."""
    cut = stream.cut_documents(text)
    assert (None if cut is None else [text[start:end] for start, end in cut]) == expected
