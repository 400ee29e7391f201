"""The unified diff of a text and its edits, made from the edits: no two texts are compared."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from krm_image_setter.edits import Edit, apply_edits

_CONTEXT: Final = 3


class _Block(NamedTuple):
    """Lines from `start` on, before `end`, that are replaced by `new`."""

    start: int
    end: int
    new: list[str]


def unified_diff(file: str, source: str, edits: Iterable[Edit]) -> Iterator[str]:
    """Yield the lines of the diff, each with its line end; none where the edits change nothing.

    Lines end at a line feed; a carriage return before it belongs to the line, as for diff and git.
    """
    old = _lines(source)
    blocks = list(_blocks(old, edits))
    if not blocks:
        return
    yield f"--- {file}\n"
    yield f"+++ {file}\n"
    shift = 0
    for hunk in _hunks(blocks):
        start = max(hunk[0].start - _CONTEXT, 0)
        end = min(hunk[-1].end + _CONTEXT, len(old))
        grown = sum(len(block.new) - (block.end - block.start) for block in hunk)
        yield f"@@ -{_range(start, end)} +{_range(start + shift, end + shift + grown)} @@\n"
        at = start
        for block in hunk:
            yield from _told(" ", old[at : block.start])
            yield from _told("-", old[block.start : block.end])
            yield from _told("+", block.new)
            at = block.end
        yield from _told(" ", old[at:end])
        shift += grown


def _lines(text: str) -> list[str]:
    *ended, last = text.split("\n")
    return [line + "\n" for line in ended] + ([last] if last else [])


def _blocks(old: Sequence[str], edits: Iterable[Edit]) -> Iterator[_Block]:
    """Yield the lines that change, in order; those at the ends that come out the same are left out."""
    starts = list(accumulate(map(len, old), initial=0))
    if old and not old[-1].endswith("\n"):
        del starts[-1]  # what is added at the end belongs to the last line
    rest = sorted(set(edits), reverse=True)
    while rest:
        inside = [rest.pop()]
        first = bisect_right(starts, inside[0].start) - 1
        last = bisect_right(starts, inside[0].end) - 1
        while rest and bisect_right(starts, rest[-1].start) - 1 <= last:
            inside.append(rest.pop())
            last = max(last, bisect_right(starts, inside[-1].end) - 1)
        end = min(last + 1, len(old))
        at = starts[first]
        text = "".join(old[first:end])
        new = _lines(apply_edits(text, [Edit(edit.start - at, edit.end - at, edit.text) for edit in inside]))
        while new and first < end and new[0] == old[first]:
            first, new = first + 1, new[1:]
        while new and first < end and new[-1] == old[end - 1]:
            end, new = end - 1, new[:-1]
        if new or first < end:
            yield _Block(first, end, new)


def _hunks(blocks: Iterable[_Block]) -> Iterator[list[_Block]]:
    """Yield blocks together whose contexts meet."""
    hunk: list[_Block] = []
    for block in blocks:
        if hunk and block.start - hunk[-1].end > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(block)
    yield hunk


def _range(start: int, end: int) -> str:
    """Return a range of lines as diff writes it: an empty one counts from the line before it."""
    count = end - start
    return f"{start + 1 if count else start}" + ("" if count == 1 else f",{count}")


def _told(sign: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield sign + line
        if not line.endswith("\n"):
            yield "\n\\ No newline at end of file\n"
