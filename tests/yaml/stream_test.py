"""Which slices surely have none of some words, so that they need not be read."""

from __future__ import annotations

import pytest

from krm_image_setter.yaml import stream

MENTIONS = [
    ("a: nginx\n", True),
    ("a: redis\n", False),
    ("# the broker's setting\na: redis\n", False),
    ("a: 'it''s'\nb: \"what's\" # users' own, isn't it\n", True),
    ("a: 'redis\n", True),
    ("rest of it'\nb: redis\n", True),
    ('a: "re\\x6eginx"\n', True),
    ("a: *x\n", True),
]


@pytest.mark.parametrize(("text", "expected"), MENTIONS)
def test_what_may_mention_a_word(text: str, expected: bool) -> None:
    assert stream.mention_test(text, ["nginx"])(text) is expected


CUTS = [
    ("a: b\n", ["a: b\n"]),
    ("---\na: b\n---\nc: d\n", ["---\na: b\n", "---\nc: d\n"]),
    ("\ufeff\n---\na: b\n", ["\ufeff\n---\na: b\n"]),
    ("a: b\n---c\n", ["a: b\n---c\n"]),
    ("%YAML 1.2\n---\na: b\n", None),
    ("text\n...\n---\na: b\n", None),
    ("text\n...\na: b\n", None),
]


@pytest.mark.parametrize(("text", "expected"), CUTS)
def test_documents(text: str, expected: list[str] | None) -> None:
    """What may hold more than one document and is not cut is no document that could be skipped."""
    cut = stream.cut_documents(text)
    assert (None if cut is None else [text[start:end] for start, end in cut]) == expected
