"""Edits of a text, and functions that apply many edits at once. This module does not depend on YAML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from krm_image_setter.typed import Final, Record

_PIECE: Final = 1 << 16


class Edit(Record):
    """Replace `source[start:end]` with `text`. The offsets count code points of the unedited source."""

    start: int
    end: int
    text: str


def apply_edits(source: str, edits: Iterable[Edit]) -> str:
    """Return `source` with all `edits` applied.

    Equal edits are applied once. An edit can end where another one starts, but two edits must not overlap or start
    at the same offset. Raises ValueError if an edit breaks this rule or is outside the source, which is a bug.
    """
    return "".join(edited(source, edits))


def edited(source: str, edits: Iterable[Edit]) -> Iterator[str]:
    """Return the edited text in pieces, so that a caller can write a long text without a second copy of it.

    All edits are checked before the first piece is returned. Raises ValueError like `apply_edits`.
    """
    ordered = sorted(dict.fromkeys(edits))
    # `before` and `position` are the start and the end of the previous edit.
    before, position = -1, 0
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
        # Small pieces need little memory, so that the program does not run out of memory during the output.
        while start - position > _PIECE:
            yield source[position : position + _PIECE]
            position += _PIECE
        yield source[position:start]
        yield text
        position = end
