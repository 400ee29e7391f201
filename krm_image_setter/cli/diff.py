"""Creates a unified diff from a text and its edits, without comparing two texts."""

from __future__ import annotations

import os
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain

from krm_image_setter.edits import Edit, apply_edits
from krm_image_setter.typed import Final, Record

_CONTEXT: Final = 3


class _Block(Record):
    """Changed lines. The lines from `start` up to and excluding `end` (from 0) are replaced with `new`."""

    start: int
    end: int
    new: list[str]


class _Source(Record):
    """A text and the offsets of its lines. A list of the lines would need several times the memory of the text."""

    text: str
    starts: array[int]

    @property
    def line_count(self) -> int:
        """The number of lines. Text after the last line feed counts as a line too."""
        return len(self.starts) - (self.starts[-1] == len(self.text))

    def at(self, line: int) -> int:
        """Return the offset at which a line starts. After the last line, return the length of the text."""
        return self.starts[line] if line < len(self.starts) else len(self.text)

    def lines(self, start: int, end: int) -> list[str]:
        """Return the text of the lines from `start` up to and excluding `end` (from 0)."""
        return [self.text[self.at(line) : self.at(line + 1)] for line in range(start, end)]

    def line_of(self, offset: int) -> int:
        """Return the number (from 0) of the line that contains the character at `offset`."""
        return bisect_right(self.starts, offset) - 1


def unified_diff(file: str, source: str, edits: Iterable[Edit]) -> Iterator[str]:
    """Yield the lines of the diff, each with its line end. Yield nothing if the edits do not change the text.

    A line ends at a line feed, as in diff and git. A carriage return before the line feed belongs to the line.
    """
    old = _Source(source, array("Q", chain([0], (match.end() for match in re.finditer("\n", source)))))
    blocks = list(_blocks(old, edits))
    if not blocks:
        return
    name = _header_name(file)
    yield f"--- {name}\n"
    yield f"+++ {name}\n"
    shift = 0
    for hunk in _hunks(blocks):
        start = max(hunk[0].start - _CONTEXT, 0)
        end = min(hunk[-1].end + _CONTEXT, old.line_count)
        grown = sum(len(block.new) - (block.end - block.start) for block in hunk)
        yield f"@@ -{_range(start, end)} +{_range(start + shift, end + shift + grown)} @@\n"
        at = start
        for block in hunk:
            yield from _signed(" ", old.lines(at, block.start))
            yield from _signed("-", old.lines(block.start, block.end))
            yield from _signed("+", block.new)
            at = block.end
        yield from _signed(" ", old.lines(at, end))
        shift += grown


def _header_name(file: str) -> str:
    """Return the name of a file for the header of a diff, so that `git apply -p0` and `patch -p0` find the file.

    git accepts neither `./web.yaml` nor an absolute path. A name with special characters must be in quotes, and a
    tab must follow a name with a space (`quote_c_style` in quote.c, and diff.c of https://github.com/git/git).
    """
    try:
        relative = os.path.relpath(file)
    except OSError:  # the current directory was removed
        relative = file
    name = file if relative.startswith("..") else relative
    quoted = re.sub(r'[\x00-\x1f"\\\x7f]', lambda found: _ESCAPES.get(found[0]) or f"\\{ord(found[0]):03o}", name)
    if quoted != name:
        return f'"{quoted}"'
    return f"{name}\t" if " " in name else name


_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _blocks(old: _Source, edits: Iterable[Edit]) -> Iterator[_Block]:
    """Yield the changed lines in order. The first and last lines of each block differ from the old lines."""
    rest = sorted(set(edits), reverse=True)
    while rest:
        inside = [rest.pop()]
        first = old.line_of(inside[0].start)
        last = old.line_of(inside[0].end)
        while rest and old.line_of(rest[-1].start) <= last:
            inside.append(rest.pop())
            last = max(last, old.line_of(inside[-1].end))
        end = min(last + 1, old.line_count)
        at = old.at(first)
        text = old.text[at : old.at(end)]
        moved = [Edit(edit.start - at, edit.end - at, edit.text) for edit in inside]
        new = re.findall(r"[^\n]*\n|[^\n]+", apply_edits(text, moved))
        same = 0
        while same < len(new) and first < end and new[same : same + 1] == old.lines(first, first + 1):
            first, same = first + 1, same + 1
        del new[:same]
        while new and first < end and new[-1:] == old.lines(end - 1, end):
            end -= 1
            new.pop()
        if new or first < end:
            yield _Block(first, end, new)


def _hunks(blocks: Iterable[_Block]) -> Iterator[list[_Block]]:
    """Group the blocks into hunks. If the context lines of blocks touch or overlap, they are in the same hunk."""
    hunk: list[_Block] = []
    for block in blocks:
        if hunk and block.start - hunk[-1].end > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(block)
    yield hunk


def _range(start: int, end: int) -> str:
    """Format a range of lines for a hunk header. For an empty range, use the number of the line before it."""
    count = end - start
    return f"{start + 1 if count else start}" + ("" if count == 1 else f",{count}")


def _signed(sign: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield sign + line
        if not line.endswith("\n"):
            yield "\n\\ No newline at end of file\n"
