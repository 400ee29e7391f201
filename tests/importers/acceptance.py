"""The check that an importer writes a valid configuration."""

from __future__ import annotations

import re
from collections.abc import Callable
from textwrap import dedent
from typing import NamedTuple

from krm_image_setter.config import decode, decode_image, read_values
from krm_image_setter.errors import InputError
from krm_image_setter.importers import Imported, Note, Source


class Case(NamedTuple):
    """The input of an importer, the fields that it writes, and its notes."""

    name: str
    text: str
    fields: str
    notes: tuple[tuple[int, str], ...] = ()


def unreadable(path: str) -> str:
    raise InputError("No such file or directory", file=path)


def source(text: str, file: str, read: Callable[[str], str] = unreadable) -> Source:
    return Source(text, file, file.rpartition("/")[2], read)


def accepted(written: Imported) -> Imported:
    """Check that an ImageSetter is valid with `--image`, and with its open references filled in."""
    for config in (written.text, filled(written.text)):
        decode(read_values(config, None), images=[decode_image("another=registry/another:2")])
    return written


def filled(text: str, reference: str = "registry/new:2") -> str:
    """Return an ImageSetter with its open references filled in, as its comment explains."""
    return re.sub(r"(?m)^# (?=images:|- |  )", "", text).replace("NEW-REFERENCE", reference)


def imported(file: str, fields: str, notes: tuple[tuple[int, str], ...] = ()) -> Imported:
    """Return the expected result."""
    head = (
        f"# Imported from {file}; comments contain the line of the source.\n"
        "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nmetadata:\n  name: set-images\n"
    )
    return Imported(head + dedent(fields), tuple(Note(*note) for note in notes))
