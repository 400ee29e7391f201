"""Map the characters of a scalar's value to its source, which can contain escapes and folded lines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from krm_image_setter.edits import Edit
from krm_image_setter.typed import Record
from krm_image_setter.yaml.tree import Fragment


class Unit(Record):
    """A piece of a scalar's value. `start` and `end` are the offsets of the piece in the source."""

    text: str
    start: int
    end: int


class Units:
    """The units of a scalar in order. `end` is the offset of the end of the scalar in the source."""

    def __init__(self, units: Iterable[Unit], end: int) -> None:
        self._units = list(units)
        self._end = end
        self._starts = [0, *accumulate(len(unit.text) for unit in self._units)]
        self.value = "".join(unit.text for unit in self._units)

    def edit(self, fragment: Fragment, text: str) -> Edit:
        """Return the edit that replaces a fragment of the value by `text`, the source of the new characters."""
        start, end, _ = fragment
        # A folded line can end between two characters of the value. Insert text directly after the first one.
        follows = start > 0 and (start == end or self.value[start] == "\n")
        first = self.span(start - 1)[1] if follows else self.span(start)[0]
        return Edit(first, self.span(end - 1)[1] if end else first, text)

    def span(self, index: int) -> tuple[int, int]:
        """Return the start and end in the source of the code point of the value at `index`.

        At the end of the value, the start equals the end.
        """
        if index == self._starts[-1]:
            return self._end, self._end
        number = bisect_right(self._starts, index) - 1
        text, start, stop = self._units[number]
        if len(text) == stop - start:
            start += index - self._starts[number]
            stop = start + 1
        return start, stop
