"""Other tools' configurations -> ImageSetter: one module a tool, text in, text and notes out."""

from __future__ import annotations

from typing import NamedTuple


class Note(NamedTuple):
    """What stands at `line` (from 1) of the source and is not, or not wholly, in the ImageSetter; what to do."""

    line: int
    message: str


class Imported(NamedTuple):
    """An ImageSetter as a YAML document, and what could not be carried over to it, by line."""

    text: str
    notes: tuple[Note, ...]
