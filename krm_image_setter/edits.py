"""A change to a text, as a value; and applying many of them at once. Knows no YAML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

_PIECE: Final = 1 << 16


class Edit(NamedTuple):
    """Replace `text[start:end]` by `text`; `start` and `end` count code points of the unedited source."""

    start: int
    end: int
    text: str


def apply_edits(source: str, edits: Iterable[Edit]) -> str:
    """Return `source` with all `edits` made.

    Equal edits are one. Edits may touch but not overlap, and at most one may insert at one point.

    Raises ValueError where an edit lies outside the source or two overlap: that is a fault of the program,
    never of its input.
    """
    return "".join(edited(source, edits))


def edited(source: str, edits: Iterable[Edit]) -> Iterator[str]:
    """Return the same in pieces, checked before the first: so a long text is written without a second copy."""
    ordered = sorted(dict.fromkeys(edits))  # most come in order, and so are sorted in no time
    before, position = -1, 0  # where the last one starts and ends
    for edit in ordered:
        start, end, _ = edit
        if not 0 <= start <= end <= len(source):
            raise ValueError(f"edit {edit} lies outside a text of {len(source)} code points")
        if start < position or start == before:
            raise ValueError(f"edit {edit} overlaps with one at {before}")
        before, position = start, end
    return _pieces(source, ordered)


def _pieces(source: str, ordered: Iterable[Edit]) -> Iterator[str]:
    position = 0
    for start, end, text in (*ordered, Edit(len(source), len(source), "")):
        # Each so small that there is memory for it: no output is to end in its middle.
        while start - position > _PIECE:
            yield source[position : position + _PIECE]
            position += _PIECE
        yield source[position:start]
        yield text
        position = end
