"""A change to a text, as a value; and applying many of them at once. Knows no YAML."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


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
    pieces: list[str] = []
    position = 0
    last: Edit | None = None
    for edit in sorted(set(edits)):
        start, end, text = edit
        if not 0 <= start <= end <= len(source):
            raise ValueError(f"edit {edit} lies outside a text of {len(source)} code points")
        if start < position or (last is not None and start == last.start):
            raise ValueError(f"edits {last} and {edit} overlap")
        pieces += (source[position:start], text)
        position = end
        last = edit
    pieces.append(source[position:])
    return "".join(pieces)
