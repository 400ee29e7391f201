"""ParsedStream: each text is parsed at most once, and CustomResourceDefinitions are not parsed."""

from __future__ import annotations

from functools import partial

import pytest
from discovery.definitions import RULES

from krm_image_setter.discovery import propose, unknown_images
from krm_image_setter.discovery.parsed import ParsedStream
from krm_image_setter.documents import Stream
from krm_image_setter.yaml import parsing
from krm_image_setter.yaml.tree import Document

THING = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n"
DEFINITION = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: a\n"


@pytest.mark.parametrize("count", [1, 2])
def test_trial_parses_each_text_once(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    texts: list[str] = []
    parse = parsing.parse

    def counted(text: str) -> list[Document]:
        texts.append(text)
        return parse(text)

    monkeypatch.setattr(parsing, "parse", counted)
    images = ", ".join(f"image{number}: 'r.io/a:{number}'" for number in range(count))
    stream = Stream(f"{THING}spec: {{{images}}}\n")
    unknown = unknown_images(stream, RULES)
    texts.clear()
    propose(unknown, lambda look: [look(stream)], partial(unknown_images, rules=RULES), RULES)
    # One text for each of the three wishes, even if several rules are tried.
    assert len(texts) == len(set(texts)) == 4


def test_json_without_an_image_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "parse", pytest.fail)
    stream = Stream('{"properties": {"kind": {"type": "string"}, "image": {"type": "string"}}}', "schema.json")
    assert unknown_images(stream, RULES) == ()


def test_definitions_are_skipped() -> None:
    stream = ParsedStream.of(Stream(f"{DEFINITION}---\n{THING}"))
    assert [one is not None for one in stream.trees()] == [False, True]
    assert ParsedStream.of(stream) is stream
    assert stream.with_text(DEFINITION).text == DEFINITION


@pytest.mark.parametrize(
    ("text", "root"),
    [
        pytest.param('{"a": 1}', {"a": 1}, id="mapping"),
        pytest.param("[1]", [1], id="list"),
        pytest.param('{"kind": "A"}', None, id="resource"),
        pytest.param("{a: 1}", None, id="YAML"),
        pytest.param("a: 1", None, id="block of YAML"),
        pytest.param("[" * 100_000, None, id="deep list"),
    ],
)
def test_json_root_is_read_without_positions(text: str, root: object) -> None:
    assert ParsedStream.of(Stream(text)).json_root == root
