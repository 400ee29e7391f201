"""What is written for people and pipes, and how."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

_STYLES: Final = {"---": "1", "+++": "1", "@@": "36", "-": "31", "+": "32"}


def write(text: str) -> None:
    """Write to standard output, in UTF-8 whatever the locale is, and a file name's bytes as they are."""
    with _quiet():
        sys.stdout.buffer.write(text.encode(errors="surrogateescape"))


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
    """Say whether standard output is a terminal that wants colour (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(line: str) -> str:
    """Return a line of a diff with its colour."""
    style = next((style for start, style in _STYLES.items() if line.startswith(start)), None)
    return line if style is None else f"\x1b[{style}m{line.rstrip(chr(10))}\x1b[m\n"


def counted(count: int, what: str) -> str:
    """Return a number of things in words."""
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{count:,} {what if count == 1 else plural}"


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return each row as a line whose columns stand below each other, two blanks apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
