"""The errors of the parsers are one sentence."""

from __future__ import annotations

from typing import Final

import pytest

from krm_image_setter import InputError, read_config, set_images
from krm_image_setter.yaml import parsing


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("%YAML 1.3\n---\na: b\n", "invalid YAML: "),
        (
            "a: [b\n",
            "line 2, column 1: invalid YAML: expected ',' or ']', but got '<stream end>' (while "
            "parsing a flow sequence)",
        ),
        ('a:\n  "b\\ud83d"\n', "line 2, column 3: invalid YAML: unpaired surrogate escape"),
        ('a: "\\ude00\\ud83d"\n', "line 1, column 4: invalid YAML: unpaired surrogate escape"),
        ('a: "\\U0000d83d"\n', "line 1, column 4: invalid YAML: unpaired surrogate escape"),
        (
            "a: 1\nb: 'c\nd: e\nf: g\n",
            "line 2, column 4: invalid YAML: the quote at this position is not closed; ",
        ),
        ('a: "b\n--- c\n', "line 1, column 4: invalid YAML: the quote at this position is not closed; "),
        ("a: b: c\n", "line 1, column 5: invalid YAML: mapping values are not allowed here"),
    ],
)
def test_refused(text: str, sentence: str, parser: str) -> None:
    with pytest.raises(InputError) as caught:
        parsing.parse(text)
    assert str(caught.value).startswith(sentence)
    assert "',)" not in str(caught.value)


ESC: Final = "the character U+001B is not allowed; remove it, or escape it in double quotes"
TAB: Final = "a tab (U+0009) is not allowed at this position; indent with spaces"
CHARACTERS = [
    # text, line, column, message
    pytest.param('a: b\nc: "\x1b[0m"\n', 2, 5, ESC, id="escape"),
    pytest.param("a: b # \x1b\nc: d\n", 1, 8, ESC, id="escape in a comment"),
    pytest.param("a: |\n  b\n  \x1b\n", 3, 3, ESC, id="escape in a block scalar"),
    pytest.param("a: b\r\nc: \x1b\r\n", 2, 4, ESC, id="escape, CRLF"),
    pytest.param("a: b\rc: \x1b\r", 2, 4, ESC, id="escape, CR"),
    pytest.param("a: b # \x85 \u2028\nc: \x1b\n", 4, 4, ESC, id="escape, NEL and LS"),
    pytest.param("é: 😀\nc: 😀\x1b\n", 2, 5, ESC, id="escape, not ASCII"),
    pytest.param("a: b\n---\nc: \x1b\n", 3, 4, ESC, id="escape, document 2"),
    pytest.param("a: \x7f\n", 1, 4, ESC.replace("1B", "7F"), id="delete"),
    pytest.param("a: \x90\n", 1, 4, ESC.replace("1B", "90"), id="C1 control"),
    pytest.param("a: \x0c\n", 1, 4, ESC.replace("1B", "0C"), id="form feed"),
    pytest.param("a: \ufffe\n", 1, 4, ESC.replace("001B", "FFFE"), id="no character"),
    pytest.param("a: \ud800\n", 1, 4, ESC.replace("001B", "D800"), id="half a surrogate pair"),
    pytest.param("a\x00\n", 1, 2, "the character U+0000 is not allowed; convert UTF-16 to UTF-8", id="NUL"),
    pytest.param("a:\n  b: c\n\td: e\n", 3, 1, TAB, id="tab"),
    pytest.param("a:\n  b: c\n  \td: e\n", 3, 3, TAB, id="tab after spaces"),
    pytest.param("a:\n\t- b\n", 2, 1, TAB, id="tab before a dash"),
    pytest.param("# c\n\ta: b\n", 2, 1, TAB, id="tab before the root"),
    pytest.param("a: |\n\tb\n", 2, 1, TAB, id="tab in a block scalar"),
    pytest.param("a:\r\n\tb: c\r\n", 2, 1, TAB, id="tab, CRLF"),
    pytest.param("a: 'b\n\tc'\n\td: e\n", 3, 1, TAB, id="tab after a tab in quotes"),
    pytest.param("a: b # \x85\nc:\n\td: e\n", 4, 1, TAB, id="tab, NEL"),
    pytest.param("a: @b\n", 1, 4, "found character '@' that cannot start any token", id="another character"),
    pytest.param("# \u2028\na: &a [*a]\n", 3, 8, "is inside the node that it refers to", id="alias, LS"),
]


@pytest.mark.parametrize("text, line, column, message", CHARACTERS)
def test_refused_character_is_named_with_its_place(
    text: str, line: int, column: int, message: str, parser: str
) -> None:
    with pytest.raises(InputError) as caught:
        parsing.parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert message in caught.value.message
    assert str(caught.value).isprintable()


EMBEDDED = [
    pytest.param('"kind: A\\n\\tb: nginx\\n"', TAB, "line 2, column 1", id="tab"),
    pytest.param('"kind: A\\nb: nginx\\e\\n"', ESC, "line 2, column 9", id="escape"),
    pytest.param("|\n    kind: A\n    \tb: nginx", TAB, "line 2, column 1", id="tab in a block scalar"),
]


@pytest.mark.parametrize("string, message, place", EMBEDDED)
def test_refused_character_of_an_embedded_document_is_named(
    string: str, message: str, place: str, parser: str
) -> None:
    head = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nonUnused: ignore\n"
    kinds = "kinds: {ConfigMap: {path: .data.a, as: yaml}}\n"
    setter = read_config(f"{head}images: {{nginx: nginx:2}}\n{kinds}")
    text = f"kind: ConfigMap\ndata:\n  a: {string}\n"
    (warning,) = set_images(text, setter).results
    assert f"{place} of the string: invalid YAML: {message}" in warning.message
