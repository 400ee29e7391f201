"""Cutting a stream into slices that parse by themselves, so that most of a long one need not be parsed.

A cut may never change a result, only its cost. `---` in column 0 always ends a document (YAML 1.2, 9.1.2), in
quotes and block scalars too. JSON objects can also follow each other without `---`, as in the output of `jq -c`:
kubectl reads them, although this is not YAML. The items of a list are cut at the dash's column only in the form
that orchestrators write, and whoever parses an item that is refused must parse the whole document instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Final, NamedTuple, TypeAlias

from krm_image_setter.line_breaks import count_breaks, has_other_breaks, line_start

#: A part of a text, `text[start:end]`, in code points: one document, or one item of a list.
Slice: TypeAlias = tuple[int, int]


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
        before = _lines_before(self.stream)[block] if block else 0
        return before + count_breaks(self.stream, block * _BLOCK, at) + 1


_BLOCK: Final = 65536


@lru_cache(maxsize=4)  # texts, because a long stream can have long documents in its strings
def _lines_before(text: str) -> list[int]:
    """Return how many lines end before each block: thousands of lines are asked for in one long stream."""
    ends = (count_breaks(text, start, start + _BLOCK) for start in range(0, len(text), _BLOCK))
    return list(accumulate(ends, initial=0))


def position(text: str, index: int) -> tuple[int, int]:
    """Return the line and the column of a code point of a text, both from 1."""
    return count_breaks(text, 0, index) + 1, index - line_start(text, index) + 1


# Each of these patterns starts with a character that is searched for in C: `^` would be tried at every one.
_DOCUMENT_START: Final = r"\n---(?=\s|\Z)"
# A directive belongs to the document after it, and `...` may stand before one: such streams are not cut.
_UNCUT: Final = r"\n(?:%|\.\.\.(?=\s|\Z)|\ufeff)"


def cut_documents(text: str) -> list[Slice] | None:
    """Return the slices of `text`, in order and without a gap, a document each; None where it can't be cut."""
    if text.startswith(("%", "\ufeff%")) or re.search(_UNCUT, text):
        return None
    slices = _cut_yaml(text)
    if "}" in text and re.search(_JSON_SEAM, text):
        slices = [part for one in slices for part in _cut_json(text, *one)]
    return slices


def _cut_yaml(text: str) -> list[Slice]:
    if "\n---" not in text:
        return [(0, len(text))]
    starts = [match.start() + 1 for match in re.finditer(_DOCUMENT_START, text)]
    if not starts or text[: starts[0]].lstrip("\ufeff").strip():
        starts.insert(0, 0)
    else:
        starts[0] = 0
    return list(pairwise([*starts, len(text)]))


_JSON_SEAM: Final = r"\}[ \t\r\n]*\{"
_JSON_START: Final = r"\ufeff?(?:---(?=\s))?[ \t\r\n]*(?=\{)"
# An object up to the next one. No YAML document has that: two flow mappings have a comma between them, and neither
# single quotes nor comments are let through, which could have braces in them.
_JSON_OBJECT: Final = (
    r'(?:[\w\s:,.+\[\]{-]++|"(?:[^"\\]++|\\.)*+"|\}(?![ \t\r\n]*\{))*+'
    r"\}[ \t\r\n]*+(?=\{)"
)


def _cut_json(text: str, start: int, end: int) -> list[Slice]:
    """Return the slices of JSON objects that follow each other; the last one has whatever comes after it."""
    first = re.compile(_JSON_START).match(text, start, end)
    if first is None or not re.compile(_JSON_SEAM).search(text, start, end):
        return [(start, end)]
    starts = [start]
    at = first.end()
    pattern = re.compile(_JSON_OBJECT, re.ASCII | re.DOTALL)
    while found := pattern.match(text, at, end):
        at = found.end()
        starts.append(at)
    return list(pairwise([*starts, end]))


_ITEMS: Final = r"items:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*([ ]*)-[ ]"


def cut_items(text: str, start: int, end: int) -> Listing | None:
    """Return the items of the document `text[start:end]`, or None where it is no list as orchestrators write it.

    The caller checks that the frame is the mapping of a list.
    """
    at = start if text.startswith("items:", start) else text.find("\nitems:", start, end) + 1
    head = re.compile(_ITEMS).match(text, at, end) if at >= start else None
    if head is None or has_other_breaks(text, start, end):
        return None
    dash = head[1]
    first = head.end() - len(dash) - 2
    # What starts in column 0 with no dash is the next key. It is all searched for in C: there are thousands.
    # (To look for a set of characters takes a third of the time.)
    pattern = re.compile(rf"\n(?={dash}-[ ]|[^-\s#])" if dash else r"\n[^\s#]")
    found = [match.start() + 1 for match in pattern.finditer(text, first - 1, end)]
    starts = found if dash else [at for at in found if text[at] != "-" or text.startswith("- ", at, end)]
    if (dash or len(starts) < len(found)) and text.find("\n---", first, end) >= 0:  # perhaps the next document
        return None
    of_item = text[first]
    count = next((n for n, at in enumerate(starts) if text[at] != of_item), len(starts))
    last = starts[count] if count < len(starts) else end
    items = list(pairwise([*starts[:count], last]))
    return Listing(items, text[start:first] + text[last:end], first - start, last - first)


# A backslash that can spell a character of a word, or join two lines, in this string or in a document inside it.
_ESCAPE: Final = r"\\(?:[xuU/\r\n\x85\u2028\u2029]|\\\\[nrNLP]|\Z)"


def mention_test(text: str, words: Iterable[str]) -> Callable[[str], bool]:
    """Return the test whether a string of a slice of `text` can contain one of `words`.

    It is for slices without aliases; an escape can stand for a character of a word. It is called for thousands of
    slices: so it is a few searches in C, and none for what is not in `text`.
    """
    words = list(words)
    joined = "".join(words)
    # Other escapes, and pairs of quotes, stand for these.
    if not joined.isprintable() or " " in joined or "'" in joined or '"' in joined or "\\" in joined:
        return lambda _: True
    words = [word for word in words if word in text]
    escape = re.compile(_ESCAPE) if "\\" in text else None

    def may_mention(part: str) -> bool:
        for word in words:
            if word in part:
                return True
        return escape is not None and "\\" in part and escape.search(part) is not None

    return may_mention
