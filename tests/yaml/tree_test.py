"""Both parsers create trees that are plain data."""

from __future__ import annotations

import math
from typing import Any

import pytest

from krm_image_setter import InputError
from krm_image_setter.yaml import events, parsing


@pytest.mark.parametrize(
    "text, data",
    [
        ("", []),
        ("a", ["a"]),
        ("--- a\n--- b\n", ["a", "b"]),
        ("a: {b: [c, {d: e}]}", [{"a": {"b": ["c", {"d": "e"}]}}]),
        ("[null, ~, , yes, No, 0777, 0o17, 0x1F, 0b11, 1_000, -3, 0]"[:9] + "]", [[None, None]]),
        (
            "[yes, No, ON, y, 0777, 0o17, 0x1F, 0b11, 1_000, -3, 0]",
            [[True, False, True, True, 511, 15, 31, 3, 1000, -3, 0]],
        ),
        (
            "[1.20, .5, 1e3, -1.5e-3, .inf, 08, 1.2.3, 12:30]",
            [[1.2, 0.5, 1000.0, -0.0015, math.inf, 8.0, "1.2.3", "12:30"]],
        ),
        ("[" + "9" * 499 + ", 0x" + "f" * 497 + "]", [[10**499 - 1, 16**497 - 1]]),
        (
            "[" + "9" * 500 + ", 0x" + "f" * 498 + ", 0b" + "1" * 5000 + "]",
            [["9" * 500, "0x" + "f" * 498, "0b" + "1" * 5000]],
        ),
        ("['1', \"yes\", !!str 1, ! 2, !x 3, !!int '4']", [["1", "yes", "1", "2", "3", 4]]),
        ("a: 1\na: 2\n", [{"a": 2}]),
        ("1: a\nyes: b\n~: c\n", [{"1": "a", "yes": "b", "~": "c"}]),
        ("? {a: b}\n: c\n? [d]\n: e\nf: g\n", [{"f": "g"}]),
        ("a: &x b\n*x : c\n", [{"a": "b", "b": "c"}]),
        ("a: &x [b]\n? *x\n: c\n", [{"a": ["b"]}]),
        ("a: &x {b: c}\nd: {<<: *x, e: f}\n", [{"a": {"b": "c"}, "d": {"e": "f", "b": "c"}}]),
        (
            "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}\n",
            [{"a": {"b": 1}, "c": {"b": 2, "d": 3}, "e": {"b": 1, "d": 3}}],
        ),
        ("a: {<<: b}\nc: {'<<': {d: e}}\n", [{"a": {"<<": "b"}, "c": {"<<": {"d": "e"}}}]),
        ("&k a: b\nc: *k\n", [{"a": "b", "c": "a"}]),
        ('{"\\ud83d\\ude00": "\\uD83D\\uDE00\\u0041 \\U0001F600"}', [{"\U0001f600": "\U0001f600A \U0001f600"}]),
        ("0o_: 0o_\n", [{"0o_": "0o_"}]),
    ],
)
def test_data(text: str, data: list[Any], parser: str) -> None:
    documents = parsing.parse(text)
    assert [document.root for document in documents] == data
    assert [type(value) for value in flat([d.root for d in documents])] == [type(value) for value in flat(data)]


def flat(data: Any) -> list[Any]:
    if isinstance(data, dict):
        return [leaf for value in data.values() for leaf in flat(value)]
    return [leaf for value in data for leaf in flat(value)] if isinstance(data, list) else [data]


def test_origin_of_what_is_not_there() -> None:
    (document,) = parsing.parse("a: &x {b: c}\nd: {<<: *x}\n")
    assert document.root["d"].origin("b").value == "c"
    with pytest.raises(KeyError):
        document.root["d"].origin("z")


def test_what_only_the_pure_parser_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """ruamel.yaml reads a text that the C parser rejects. If both reject it, its error is shown."""
    asked = []
    pure = events.pure_parser

    def spy() -> events.EventParser:
        asked.append(True)
        return pure()

    monkeypatch.setattr(events, "pure_parser", spy)
    with pytest.raises(InputError, match="line 2, column 3: invalid YAML: mapping values"):
        parsing.parse("a: b\n c: d: e\n")
    assert asked == [True]


def test_alias_of_a_merge_key_is_an_ordinary_key(parser: str) -> None:
    (document,) = parsing.parse("a: &m <<\nb: {*m : {c: d}}\n")
    assert document.root == {"a": "<<", "b": {"<<": {"c": "d"}}}


@pytest.mark.parametrize(
    "text, place",
    [
        pytest.param("{{- if .x }}\nkind: Pod\n{{- end }}\n", "line 1, column 1", id="first line"),
        pytest.param("spec:\n  - name: {{ .x }}-web\n", "line 2, column 11", id="start of a value"),
        pytest.param("a:\n- b: 1\n{{- if .x }}\n- c: 1\n{{- end }}\n", "line 3, column 1", id="after a list"),
    ],
)
def test_template_action_is_reported_alike_by_each_parser(text: str, place: str, parser: str) -> None:
    with pytest.raises(InputError, match=f"{place}: invalid YAML: `{{{{` starts a template action"):
        parsing.parse(text)


def test_rejected_text_with_an_action_inside_a_value_is_read_again(parser: str) -> None:
    text = '{"a": "\\ud83d\\ude00 {{ x }}"}'  # the C parser rejects the surrogate pair
    (document,) = parsing.parse(text)
    assert document.root == {"a": "\U0001f600 {{ x }}"}
