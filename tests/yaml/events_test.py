"""What the parsers refuse is one sentence."""

from __future__ import annotations

import pytest

from krm_image_setter import InputError
from krm_image_setter.yaml import parsing


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("%YAML 1.3\n---\na: b\n", "this is not YAML: "),
        ("a: [b\n", "line 2 column 1: this is not YAML: while parsing a flow sequence, expected ',' or ']'"),
        ('a:\n  "b\\ud83d"\n', "line 2 column 3: this is not YAML: half of a surrogate pair stands alone"),
        ('a: "\\ude00\\ud83d"\n', "line 1 column 4: this is not YAML: half of a surrogate pair stands alone"),
        ('a: "\\U0000d83d"\n', "line 1 column 4: this is not YAML: half of a surrogate pair stands alone"),
        ("a: b: c\n", "line 1 column 5: this is not YAML: mapping values are not allowed here"),
    ],
)
def test_refused(text: str, sentence: str, parser: str) -> None:
    with pytest.raises(InputError) as caught:
        parsing.parse(text)
    assert str(caught.value).startswith(sentence)
    assert "',)" not in str(caught.value)
