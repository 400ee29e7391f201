"""Writes the output of commands to standard output, which can be a terminal or a pipe."""

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
    """Write text to standard output, as UTF-8 in every locale. The bytes of file names do not change.

    On a terminal, control characters are escaped, as in `ls` and `kubectl`. `style` is the number of an ANSI
    style, such as "31" for red, which is used only on a terminal with colors.
    """
    if sys.stdout.isatty():
        text = python_escaped(rf"(?!\t|\r?\n){CONTROLS}", text)
        if style and has_colors():
            text = f"\x1b[{style}m{text.rstrip(chr(10))}\x1b[m\n"
    with _quiet():
        write_output(text)


def flush() -> None:
    """Write the buffered output to standard output."""
    with _quiet():
        sys.stdout.flush()


@contextmanager
def _quiet() -> Iterator[None]:
    """Exit with status 2 if standard output is closed. Typer would exit with 1, which reports differences."""
    try:
        yield
    except BrokenPipeError:
        raise SystemExit(2) from None


def has_colors() -> bool:
    """Return whether the environment allows colors on a terminal (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def style_of(line: str) -> str:
    """Return the ANSI style for a line of a diff. An unchanged line has an empty style."""
    return next((style for start, style in _STYLES.items() if line.startswith(start)), "")


def counted(count: int, noun: str) -> str:
    """Return a number with a noun in the singular or plural, such as "1 file" or "2 entries"."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def placeholders(count: int) -> str:
    """Return the part of a summary about images that contain placeholders, such as `nginx:${TAG}`."""
    return f"{counted(count, 'image')} {'contains a placeholder' if count == 1 else 'contain placeholders'}"


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return one line for each row of a table. The columns are aligned and two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
