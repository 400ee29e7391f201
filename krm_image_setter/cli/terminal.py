"""Writes the output of commands to standard output, which can be a terminal or a pipe."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from krm_image_setter.errors import CONTROLS, python_escaped, without_middle
from krm_image_setter.streams import write_output
from krm_image_setter.typed import Final

_STYLES: Final = {"---": "1", "+++": "1", "@@": "36", "-": "31", "+": "32"}


def write(text: str, style: str = "") -> None:
    """Write text to standard output as UTF-8 in every locale. File names keep bytes that are not UTF-8.

    On a terminal, control characters are escaped, as in `ls` and `kubectl`. `style` is the number of an ANSI
    style, such as "31" for red, which is used only on a terminal with colors.
    """
    if sys.stdout.isatty():
        text = python_escaped(rf"(?!\t|\r?\n){CONTROLS}", text)
        if style and has_colors():
            text = f"\x1b[{style}m{text.rstrip(chr(10))}\x1b[m\n"
    _tried(lambda: write_output(text))


def flush() -> bool:
    """Write the buffered output to standard output. Return whether its reader has accepted all output."""
    _tried(sys.stdout.flush)
    return not _refused


# The errors of writes after a reader such as `head` has closed standard output.
_refused: Final[list[BrokenPipeError]] = []


def _tried(write: Callable[[], object]) -> None:
    """Call a function that writes to standard output. After the reader has closed the pipe, discard all output.

    The command continues, so that its exit status does not depend on how much a reader such as `head` reads.
    """
    try:
        write()
    except BrokenPipeError as error:
        _refused.append(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


def invalid_values(count: int, first: str) -> str:
    """Return the part of a summary about values of images that are not references. `first` shows one of them."""
    return (
        f"1 value is not an image reference: {first}"
        if count == 1
        else f"{counted(count, 'value')} are not image references, such as {first}"
    )


def fitted(rows: Sequence[tuple[str, ...]], indent: str = "") -> list[str]:
    """Return the lines of each row of a table as one text. On a terminal, the lines fit into its width.

    If a table is too wide, `…` replaces the middle of digests. If a row is still too wide, it takes several lines,
    and `…` replaces the middle of texts that are longer than a line.
    """
    width = None
    if sys.stdout.isatty():
        import shutil  # noqa: PLC0415  (2 ms)

        width = max(shutil.get_terminal_size().columns - len(indent), _NARROWEST)
    lines = aligned(rows)
    if width is not None and max(map(len, lines), default=0) > width:
        rows = [tuple(re.sub(_DIGEST, r"\1…\2", cell) for cell in row) for row in rows]
        lines = _wrapped(rows, width)
    return [f"{indent}{line}".replace("\n", f"\n{indent}") for line in lines]


_NARROWEST: Final = 20
# This pattern matches a digest. Its groups are the first and last digits, which are enough to recognize it.
_DIGEST: Final = r"(:[0-9a-f]{8})[0-9a-f]{20,}([0-9a-f]{8})"
# The indentation of the second and later lines of a row.
_NEXT: Final = "    "


def _wrapped(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Return the lines of each row as one text. If a row is too long, its last cells follow on indented lines."""
    rows = [(without_middle(first, width), *rest) for first, *rest in rows]
    sizes = accumulate(max(map(len, column)) + 2 for column in zip(*rows, strict=True))
    fitting = max(1, sum(size - 2 <= width for size in sizes))
    heads = aligned([row[:fitting] for row in rows])
    return [
        line if len(line) <= width else "\n".join([head, *_packed(row[fitting:], width)])
        for row, line, head in zip(rows, aligned(rows), heads, strict=True)
    ]


def _packed(cells: Iterable[str], width: int) -> list[str]:
    """Return indented lines with as many cells as fit into each of them."""
    lines: list[str] = []
    for cell in cells:
        text = without_middle(cell or "-", width - len(_NEXT))
        if lines and len(lines[-1]) + 2 + len(text) <= width:
            lines[-1] += f"  {text}"
        else:
            lines.append(_NEXT + text)
    return lines


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return one line for each row of a table. The columns are aligned and two spaces apart."""
    line = "  ".join(f"{{:{max(map(len, column))}}}" for column in zip(*rows, strict=True))
    return [line.format(*row).rstrip() for row in rows]
