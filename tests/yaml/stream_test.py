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
    assert stream.may_mention(text, ["nginx"]) is expected
