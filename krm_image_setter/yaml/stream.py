"""Split a stream into slices that can be parsed alone, so that most of a long stream is not parsed.

Splitting must not change the result of a run.

- `---` in column 0 always ends a document, even inside quotes and block scalars (YAML 1.2, 9.1.2).
- JSON objects can follow each other without `---`, as in the output of `jq -c`. kubectl reads such objects,
  although they are not YAML.
- A list is split into items only if it has the form that orchestrators write. If an item is not valid alone, the
  caller must parse the whole document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import accumulate, chain, pairwise

from krm_image_setter.errors import InputError
from krm_image_setter.line_breaks import BREAKS, count_breaks, has_other_breaks, line_start
from krm_image_setter.typed import Final, Record, TypeAlias

#: A part of a text, `text[start:end]`, in code points: one document, or one item of a list.
Slice: TypeAlias = tuple[int, int]


class Listing(Record):
    """A document that is a list of resources, split into `items` and `frame`.

    `items` are the slices of the items. `frame` is the text of the document without the items. The items were
    removed at the offset `resumes` of the frame. To convert an offset in the frame from `resumes` on to an offset
    in the document, add `shift`.
    """

    items: list[Slice]
    frame: str
    resumes: int
    shift: int


class Source(Record):
    """A text that is parsed alone. It is the part of `stream` that starts at `stream[start]`."""

    text: str
    stream: str
    start: int

    def line(self, offset: int) -> int:
        """Return the line that contains the code point `offset` of this text, counted from 1 in the stream."""
        at = self.start + offset
        block = at // _BLOCK
        before = _lines_before(self.stream)[block] if block else 0
        return before + count_breaks(self.stream, block * _BLOCK, at) + 1

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and column of the code point `offset` of this text, counted from 1 in the stream."""
        at = self.start + offset
        since = at // _BLOCK * _BLOCK
        start = line_start(self.stream, at, since)
        if start == since > 0:
            # The line starts in an earlier block: the last block before that has fewer lines before it.
            before = _lines_before(self.stream)
            block = before.index(before[since // _BLOCK]) - 1
            start = line_start(self.stream, (block + 1) * _BLOCK, block * _BLOCK) if block >= 0 else 0
        return self.line(offset), at - start + 1


#: A short block makes `Source.line` fast: with 65,536 code points, it took 22 µs, 16 times as long.
_BLOCK: Final = 2048


@lru_cache(maxsize=4)
def _lines_before(text: str) -> list[int]:
    """Return the number of lines before each block of the text.

    The numbers are cached because a run can have thousands of results. The cache contains a long stream and the
    long documents in its strings.
    """
    starts = range(0, len(text), _BLOCK)
    return [*accumulate((count_breaks(text, start, start + _BLOCK) for start in starts), initial=0)]


def position(text: str, index: int) -> tuple[int, int]:
    """Return the line and column of the code point of `text` at `index`. Both count from 1."""
    return count_breaks(text, 0, index) + 1, index - line_start(text, index) + 1


def error_at(text: str, index: int, message: str, kind: type[InputError] = InputError) -> InputError:
    """Return an error with the line and column of the code point of `text` at `index`."""
    line, column = position(text, index)
    return kind(message, line=line, column=column)


# These patterns start with a line feed instead of `^`. `re` finds a character fast, but tries `^` at each offset.
_DOCUMENT_START: Final = r"\n---(?=\s|\Z)"
# A stream with a directive or `...` is not split, because a directive belongs to the document after it.
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
    # White space before the first marker is not a document.
    is_blank = bool(starts) and not text[: starts[0]].lstrip("\ufeff").strip()
    return list(pairwise([0, *starts[is_blank:], len(text)]))


_JSON_SEAM: Final = r"\}[ \t\r\n]*\{"
_JSON_START: Final = r"\ufeff?(?:---(?=\s))?[ \t\r\n]*(?=\{)"
# This pattern matches a JSON object if another object follows the first object. A YAML document cannot contain two
# such objects, because flow mappings need a comma between them. Text with single quotes or comments never matches.
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
    """Split the document `text[start:end]`. Return None if it does not have the form that orchestrators write.

    The caller must check that the frame is a list of resources without items.
    """
    at = start if text.startswith("items:", start) else text.find("\nitems:", start, end) + 1
    head = re.compile(_ITEMS).match(text, at, end) if at >= start else None
    if head is None or has_other_breaks(text, start, end):
        return None
    dash = head[1]
    first = head.end() - len(dash) - 2
    # One pattern finds the starts of all items and the key after the list, which is in column 0. A list can have
    # thousands of items. If the dashes are not indented, a search for a set of characters takes a third of the
    # time.
    pattern = re.compile(rf"\n(?={dash}-[ ]|[^-\s#])" if dash else r"\n[^\s#]")
    found = [match.start() + 1 for match in pattern.finditer(text, first - 1, end)]
    starts = found if dash else [at for at in found if text[at] != "-" or text.startswith("- ", at, end)]
    if (dash or len(starts) < len(found)) and text.find("\n---", first, end) >= 0:
        return None
    of_item = text[first]
    count = next((n for n, at in enumerate(starts) if text[at] != of_item), len(starts))
    last = starts[count] if count < len(starts) else end
    items = list(pairwise([*starts[:count], last]))
    return Listing(items, text[start:first] + text[last:end], first - start, last - first)


# The value of the key `kind` in column 0.
_KIND: Final = r"\n[\"']?kind[\"']? *:[ \t]*(.*?)\r?(?=\n|\Z)"


def has_kind(part: str, kind: str) -> bool:
    """Return whether the resource in a document is of a kind. A list and JSON are never of the kind."""
    return kind in part and re.findall(_KIND, f"\n{part}") == [kind]


def searchable(word: str) -> str:
    """Return a word if each YAML text with this word contains it, apart from escapes; otherwise an empty string.

    YAML can write a space as a line break, a quote as two quotes, and other characters only as escapes.
    """
    return word if word.isprintable() and _OTHER_WAYS.isdisjoint(word) else ""


_OTHER_WAYS: Final = frozenset(" '\"\\")

#: A word, or two words that must both occur.
Keyword: TypeAlias = str | tuple[str, str]
# This pattern matches a backslash that can escape a character of a keyword, or join two lines of a string. A
# string can contain a document with strings, so the backslash itself can be escaped.
_ESCAPE: Final = rf"\\(?:[xuU/{BREAKS}]|\\\\[nrNLP]|\Z)"


def keyword_test(text: str, keywords: Iterable[Keyword] | None) -> Callable[[str], bool]:
    """Return a function that tests whether the strings in a slice of `text` can contain one of `keywords`.

    If `keywords` is None, the test is always true.

    The slices must not contain aliases. The function is called for thousands of slices. Therefore it uses only
    searches that run in C, and only for the keywords that `text` contains.
    """
    if keywords is None:
        return lambda _: True
    # Treat a single word as a pair with the empty text, which every part contains.
    pairs = [("", keyword) if isinstance(keyword, str) else keyword for keyword in keywords]
    words = set(chain.from_iterable(pairs))
    if any(word and not searchable(word) for word in words):
        return lambda _: True
    # Each word is searched for once, because a long text can contain many kinds.
    found = {word for word in words if word in text}
    seconds: dict[str, list[str]] = {}
    for first, second in pairs:
        if first in found and second in found:
            seconds.setdefault(first, []).append(second)
    escapes = "\\" in text

    def can_contain(part: str) -> bool:
        for first, others in seconds.items():
            if first in part:
                for second in others:
                    if second in part:
                        return True
        return escapes and has_escape(part)

    return can_contain


def has_escape(text: str) -> bool:
    """Return whether a text contains an escape that can hide a word."""
    return "\\" in text and re.search(_ESCAPE, text) is not None
