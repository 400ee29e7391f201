"""Cutting a stream into slices that parse by themselves, so that most of a long one need not be parsed.

A cut may never change a result, only its cost. `---` in column 0 always ends a document (YAML 1.2, 9.1.2), in
quotes and block scalars too. The items of a list are cut at the dash's column only in the form that
orchestrators write, and whoever parses an item that is refused must parse the whole document instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple


class Slice(NamedTuple):
    """A part of a text, `text[start:end]`, in code points: one document, or one item of a list."""

    start: int
    end: int


class Listing(NamedTuple):
    """A document whose root holds a list under `items`: the items' slices, and the rest around them.

    `frame` is the document's text without its items: its code points from `resumes` on stand `shift` further on in
    the document.
    """

    items: list[Slice]
    frame: str
    resumes: int
    shift: int


class Source(NamedTuple):
    """A text that is parsed by itself, and where it stands: its code point 0 is `stream[start]`."""

    text: str
    stream: str
    start: int

    def line(self, offset: int) -> int:
        """Return the line of the stream, from 1, that code point `offset` of this text stands in."""
        at = self.start + offset
        block = at // _BLOCK
        return _lines_before(self.stream)[block] + self.stream.count("\n", block * _BLOCK, at) + 1


_BLOCK: Final = 65536


@lru_cache(maxsize=1)
def _lines_before(text: str) -> list[int]:
    """Return how many lines end before each block: thousands of lines are asked for in one long stream."""
    ends = (text.count("\n", start, start + _BLOCK) for start in range(0, len(text), _BLOCK))
    return list(accumulate(ends, initial=0))


_DOCUMENT_START: Final = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)
# A directive belongs to the document after it, and `...` may stand before one: such streams are not cut.
_UNCUT: Final = re.compile(r"^(?:%|\.\.\.(?=\s|\Z)|\ufeff)", re.MULTILINE)


def cut_documents(text: str) -> list[Slice]:
    """Return the slices of `text`, in order and without a gap, each holding whole documents."""
    if "\n---" not in text:
        return [Slice(0, len(text))]
    starts = [match.start() for match in _DOCUMENT_START.finditer(text)]
    if not starts or _UNCUT.search(text, 1) or text.startswith(("%", "\ufeff%")):
        return [Slice(0, len(text))]
    if starts[0] and not text[: starts[0]].lstrip("\ufeff").strip():
        starts[0] = 0
    elif starts[0]:
        starts.insert(0, 0)
    return [Slice(start, end) for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


_ITEMS: Final = re.compile(r"^items:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*(?P<dash>[ ]*)-[ ]", re.MULTILINE)


@lru_cache(maxsize=1)  # a ResourceList is cut once as what it is, and once as a stream
def cut_items(text: str, start: int, end: int) -> Listing | None:
    """Return the items of the document `text[start:end]`, or None where it is no list as orchestrators write it.

    The caller checks that the frame is the mapping of a list.
    """
    head = _ITEMS.search(text, start, end)
    if head is None:
        return None
    dash = head["dash"]
    first = head.end() - len(dash) - 2
    last = end
    dashes: list[int] = []
    for match in re.compile(rf"^(?:{dash}-[ ]|(?P<key>(?!-[ ])[^ #\r\n]))", re.MULTILINE).finditer(
        text, first, end
    ):
        if match["key"]:
            last = match.start()
            break
        dashes.append(match.start())
    items = [Slice(a, b) for a, b in zip(dashes, [*dashes[1:], last], strict=True)]
    return Listing(items, text[start:first] + text[last:end], first - start, last - first)


_ALIAS: Final = re.compile(r"(?:^|[\s\[{,:])[&*][^\s,\[\]{}&*=|;]", re.MULTILINE)


# What may start or end a quoted scalar: not the apostrophe of a comment, which has a letter on either side.
_QUOTE: Final = re.compile(r"(?<!\w)'|'(?!\w)")


def mentions_none(text: str, part: Slice, words: Iterable[str]) -> bool:
    """Say whether a slice surely has none of `words` in any of its strings.

    A backslash may spell a word otherwise; an anchor or alias may bring it in from elsewhere; an odd number of
    quotes may mean that the slice starts or ends within a quoted scalar.
    """
    start, end = part
    return not (
        any(text.find(word, start, end) >= 0 for word in words)
        or text.find("\\", start, end) >= 0
        or text.count('"', start, end) % 2
        or (text.count("'", start, end) % 2 and len(_QUOTE.findall(text, start, end)) % 2)
        or (
            (text.find("&", start, end) >= 0 or text.find("*", start, end) >= 0)
            and _ALIAS.search(text, start, end)
        )
    )
