"""Splitting a stream into slices that can be parsed alone, so that most of a long stream is not parsed.

Splitting must not change the result of a run. `---` in column 0 always ends a document (YAML 1.2, 9.1.2), also in
quotes and block scalars. JSON objects can follow each other without `---`, as in the output of `jq -c`. kubectl
reads them, although they are not YAML. The items of a list are split only in the form that orchestrators write. If
an item is not valid alone, the caller must parse the whole document.
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
    """A document with a list under the key `items` of its root: the slices of the items, and the other text.

    `frame` is the document's text without its items. Its code points from `resumes` on are `shift` code points
    later in the document.
    """

    items: list[Slice]
    frame: str
    resumes: int
    shift: int


class Source(NamedTuple):
    """A text that is parsed alone, and its position in the stream: its code point 0 is `stream[start]`."""

    text: str
    stream: str
    start: int

    def line(self, offset: int) -> int:
        """Return the line of the stream, from 1, that contains code point `offset` of this text."""
        at = self.start + offset
        block = at // _BLOCK
        before = _lines_before(self.stream)[block] if block else 0
        return before + count_breaks(self.stream, block * _BLOCK, at) + 1


_BLOCK: Final = 65536


@lru_cache(maxsize=4)  # for a long stream and long documents in its strings
def _lines_before(text: str) -> list[int]:
    """Return the number of lines that end before each block, because a long stream has thousands of results."""
    ends = (count_breaks(text, start, start + _BLOCK) for start in range(0, len(text), _BLOCK))
    return list(accumulate(ends, initial=0))


def position(text: str, index: int) -> tuple[int, int]:
    """Return the line and column of a code point of a text, both from 1."""
    return count_breaks(text, 0, index) + 1, index - line_start(text, index) + 1


# Each of these patterns starts with a literal character, for which the search is fast; `^` is tried at every
# character.
_DOCUMENT_START: Final = r"\n---(?=\s|\Z)"
# A directive belongs to the document after it, and `...` can precede a directive. Such streams are not split.
_UNCUT: Final = r"\n(?:%|\.\.\.(?=\s|\Z)|\ufeff)"


def cut_documents(text: str) -> list[Slice] | None:
    """Split `text` into slices without gaps, one per document. Return None if it cannot be split."""
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
# An object that is followed by another one. A YAML document cannot contain this: there is a comma between two flow
# mappings, and single quotes and comments, which can contain braces, do not match.
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
    # A line that starts in column 0 without a dash is the next key. A list can have thousands of items, so search
    # with one pattern. (A search for a set of characters takes a third of the time.)
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


# A backslash that can be an escape for a character of a keyword, or join two lines, in a string or in a document
# inside it.
_ESCAPE: Final = rf"\\(?:[xuU/{BREAKS}]|\\\\[nrNLP]|\Z)"


def keyword_test(text: str, keywords: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that tests whether a string of a slice of `text` can contain one of `keywords`.

    The slices must not contain aliases. The function is called for thousands of slices, so it uses only searches
    that run in C, and none for keywords that `text` does not contain.
    """
    keywords = list(keywords)
    joined = "".join(keywords)
    # These characters can be written as other escapes, or as pairs of quotes.
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
