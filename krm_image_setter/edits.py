"""Edits: changes of a text as values, and applying many of them at once. Nothing depends on YAML."""

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
    """Return `source` with all `edits` applied.

    Equal edits count once. Edits can touch but must not overlap, and two edits must not start at the same offset.
    Raises ValueError if an edit is outside the source or if two overlap; only a bug of the program can cause this.
    """
    return "".join(edited(source, edits))


def edited(source: str, edits: Iterable[Edit]) -> Iterator[str]:
    """Return the edited text in pieces, so that a long text is written without a second copy.

    All edits are checked before the first piece. Raises the errors of `apply_edits`.
    """
    ordered = sorted(dict.fromkeys(edits))
    before, position = -1, 0  # the start and end of the previous edit
    for edit in ordered:
        start, end, _ = edit
        if not 0 <= start <= end <= len(source):
            raise ValueError(f"edit {edit} is outside a text of {len(source)} code points")
        if start < position or start == before:
            raise ValueError(f"edit {edit} overlaps with the edit at {before}")
        before, position = start, end
    return _pieces(source, ordered)


def _pieces(source: str, ordered: Iterable[Edit]) -> Iterator[str]:
    position = 0
    for start, end, text in (*ordered, Edit(len(source), len(source), "")):
        # Small pieces need little memory: if it ran out, the output would end in the middle.
        while start - position > _PIECE:
            yield source[position : position + _PIECE]
            position += _PIECE
        yield source[position:start]
        yield text
        position = end
