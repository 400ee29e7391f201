"""Reads text files with one image per line: `NAME=REFERENCE`, or a reference that sets images with its name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from krm_image_setter.builds.reading import BuiltImage, built_image, image_of_its_name
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import parse_reference
from krm_image_setter.typed import Final

_COMMENT: Final = re.compile(r"(?:^|\s)#.*")


def is_lines(text: str) -> bool:
    """Return whether the first line is `NAME=REFERENCE` or a reference. No other format starts like this."""
    _, line = next(_lines(text), (0, ""))
    name, equals, _ = line.partition("=")
    return parse_reference(line) is not None or bool(equals and not re.search(r"""[\s"'{]""", name.strip()))


def read_lines(text: str, file: str) -> Iterator[BuiltImage]:
    """Yield the image of each line. Raises ConfigError if a line is invalid."""
    for number, line in _lines(text):

        def locate(error: ConfigError, number: int = number) -> ConfigError:
            return error.at(file=file, line=number)

        name, equals, reference = line.partition("=")
        yield built_image(name, reference, locate) if equals else image_of_its_name(line, locate)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line that is not empty, without its comment, together with its line number (from 1)."""
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        content = _COMMENT.sub("", line).strip()
        if content:
            yield number, content
