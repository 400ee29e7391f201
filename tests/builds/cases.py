"""The checks that the tests of all formats share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from krm_image_setter.builds.any_file import read_images
from krm_image_setter.errors import ImageSetterError

A, B = (f"sha256:{digit * 64}" for digit in "ab")


def becomes(text: str) -> dict[str, str]:
    """Return the new reference of each name: of `NAME:old` if the name has no tag."""
    rules, warnings = read_images([(text, "f")])
    assert warnings == ()
    return {
        str(rule.name): rule.rewrite(rule.name if rule.name.tag else rule.name._replace(tag="old"))
        for rule in rules
    }


def valid_files(cases: list[Any]) -> Callable[..., None]:
    """Return a test for cases of a text and the references that it contains."""

    @pytest.mark.usefixtures("parser")
    @pytest.mark.parametrize("text, expected", cases)
    def test(text: str, expected: dict[str, str]) -> None:
        assert list(becomes(text).items()) == list(expected.items())
        assert becomes("\ufeff" + text.replace("\n", "\r\n")) == expected

    return test


def errors(cases: list[Any]) -> Callable[..., None]:
    """Return a test for cases of an invalid text and the error message."""

    @pytest.mark.parametrize("text, message", cases)
    def test(text: str, message: str) -> None:
        with pytest.raises(ImageSetterError) as error:
            read_images([(text, "f")])
        assert str(error.value) == message

    return test
