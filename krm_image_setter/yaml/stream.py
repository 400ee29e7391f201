"""Split a stream into slices that can be parsed alone, so that most of a long stream is not parsed.

Splitting must not change the result of a run. `---` in column 0 always ends a document, also inside quotes and
block scalars (YAML 1.2, 9.1.2). JSON objects can follow each other without `---`, as in the output of `jq -c`.
kubectl reads such objects, although they are not YAML. A list is split into items only if it has the form that
orchestrators write. If an item is not valid alone, the caller must parse the whole document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Final, NamedTuple, TypeAlias

from krm_image_setter.line_breaks import BREAKS, count_breaks, has_other_breaks, line_start

#: A part of a text, `text[start:end]`, in code points: one document, or one item of a list.
Slice: TypeAlias = tuple[int, int]


class Listing(NamedTuple):
    """A document with a list `items` at its root, split into the slices of the items and the other text.

    `frame` is the text of the document without the items. The items were removed before offset `resumes` of the
    frame. To get the offset in the document, add `shift` to an offset in the frame from `resumes` on.
    """

    items: list[Slice]
    frame: str
    resumes: int
    shift: int


class Source(NamedTuple):
    """A text that is parsed alone, and its position in the stream. The text starts at `stream[start]`."""

    text: str
    stream: str
    start: int

    def line(self, offset: int) -> int:
        """Return the line that contains the code point `offset` of this text, counted from 1 in the stream."""
        at = self.start + offset
        block = at // _BLOCK
        before = _lines_before(self.stream)[block] if block else 0
        return before + count_breaks(self.stream, block * _BLOCK, at) + 1


_BLOCK: Final = 65536


@lru_cache(maxsize=4)  # the cached texts are a long stream and the long documents in its strings
def _lines_before(text: str) -> list[int]:
    """Return the number of lines before each block of the text. It is cached for thousands of results."""
    ends = (count_breaks(text, start, start + _BLOCK) for start in range(0, len(text), _BLOCK))
    return list(accumulate(ends, initial=0))


def position(text: str, index: int) -> tuple[int, int]:
    """Return the line and column of the code point of `text` at `index`. Both count from 1."""
    return count_breaks(text, 0, index) + 1, index - line_start(text, index) + 1


# Each of these patterns starts with a literal character, because `re` searches for a literal fast. It tries `^`
# at each character.
_DOCUMENT_START: Final = r"\n---(?=\s|\Z)"
# A stream with a directive or `...` is not split. A directive belongs to the next document, and can follow `...`.
_UNCUT: Final = r"\n(?:%|\.\.\.(?=\s|\Z)|\ufeff)"


def cut_documents(text: str) -> list[Slice] | None:
    """Split `text` into one slice per document, without gaps. Return None if the text cannot be split."""
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
# This pattern matches a JSON object if another object follows. A YAML document cannot contain this, because it
# needs a comma between two flow mappings. Single quotes and comments can contain braces, but do not match.
_JSON_OBJECT: Final = (
    r'(?:[\w\s:,.+\[\]{-]++|"(?:[^"\\]++|\\.)*+"|\}(?![ \t\r\n]*\{))*+'
    r"\}[ \t\r\n]*+(?=\{)"
)


def _cut_json(text: str, start: int, end: int) -> list[Slice]:
    """Return the slices of successive JSON objects; the last slice includes the text after its object."""
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
    """Split the document `text[start:end]`. Return None if it is not a list in the form that orchestrators write.

    The caller must check that the frame is the mapping of a list.
    """
    at = start if text.startswith("items:", start) else text.find("\nitems:", start, end) + 1
    head = re.compile(_ITEMS).match(text, at, end) if at >= start else None
    if head is None or has_other_breaks(text, start, end):
        return None
    dash = head[1]
    first = head.end() - len(dash) - 2
    # A line that starts in column 0 without a dash is the next key. One pattern finds all items and this key,
    # because a list can have thousands of items. A search for a set of characters takes a third of the time.
    pattern = re.compile(rf"\n(?={dash}-[ ]|[^-\s#])" if dash else r"\n[^\s#]")
    found = [match.start() + 1 for match in pattern.finditer(text, first - 1, end)]
    starts = found if dash else [at for at in found if text[at] != "-" or text.startswith("- ", at, end)]
    if (dash or len(starts) < len(found)) and text.find("\n---", first, end) >= 0:  # next document
        return None
    of_item = text[first]
    count = next((n for n, at in enumerate(starts) if text[at] != of_item), len(starts))
    last = starts[count] if count < len(starts) else end
    items = list(pairwise([*starts[:count], last]))
    return Listing(items, text[start:first] + text[last:end], first - start, last - first)


# This pattern matches a backslash that can escape a character of a keyword or join two lines. The backslash can be
# in a string, or in a document inside a string.
_ESCAPE: Final = rf"\\(?:[xuU/{BREAKS}]|\\\\[nrNLP]|\Z)"


def keyword_test(text: str, keywords: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that tests whether a string in a slice of `text` can contain one of `keywords`.

    The slices must not contain aliases. The function is called for thousands of slices, so it uses only searches
    that run in C. It does not search for keywords that `text` does not contain.
    """
    keywords = list(keywords)
    joined = "".join(keywords)
    # These characters can be written in other ways: with other escapes, or as two quotes.
    if not joined.isprintable() or " " in joined or "'" in joined or '"' in joined or "\\" in joined:
        return lambda _: True
    keywords = [keyword for keyword in keywords if keyword in text]
    escape = re.compile(_ESCAPE) if "\\" in text else None

    def can_contain(part: str) -> bool:
        for keyword in keywords:
            if keyword in part:
                return True
        return escape is not None and "\\" in part and escape.search(part) is not None

    return can_contain
