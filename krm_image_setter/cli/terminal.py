"""What is written for people and pipes, and how."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from krm_image_setter.errors import CONTROLS, python_escaped
from krm_image_setter.streams import write_output

_STYLES: Final = {"---": "1", "+++": "1", "@@": "36", "-": "31", "+": "32"}


def write(text: str, style: str = "") -> None:
    """Write to standard output, in UTF-8 whatever the locale is, and a file name's bytes as they are.

    To a terminal, as ls and kubectl do, nothing in the text may speak; it is written in a style if that wants one.
    """
    if sys.stdout.isatty():
        text = python_escaped(rf"(?!\t|\r?\n){CONTROLS}", text)
        if style and is_coloured():
            text = f"\x1b[{style}m{text.rstrip(chr(10))}\x1b[m\n"
    with _quiet():
        write_output(text)


def flush() -> None:
    """Write what is held back until now."""
    with _quiet():
        sys.stdout.flush()


@contextmanager
def _quiet() -> Iterator[None]:
    """End with 2 where standard output is closed: Typer would make it 1, which says that something was found."""
    try:
        yield
    except BrokenPipeError:
        raise SystemExit(2) from None


def is_coloured() -> bool:
    """Say whether a terminal wants colour (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def style_of(line: str) -> str:
    """Return the style of a line of a diff."""
    return next((style for start, style in _STYLES.items() if line.startswith(start)), "")


def counted(count: int, what: str) -> str:
    """Return a number of things in words."""
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{count:,} {what if count == 1 else plural}"


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return each row as a line whose columns stand below each other, two blanks apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
