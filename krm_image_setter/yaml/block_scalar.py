"""Write changes into a literal or folded block scalar.

The rules are those of libyaml, which agree with YAML 1.2, section 8.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from krm_image_setter.edits import Edit, apply_edits
from krm_image_setter.line_breaks import BREAK, BREAKS, line_break
from krm_image_setter.typed import Final, Record
from krm_image_setter.yaml.scalar import changed
from krm_image_setter.yaml.tree import Fragment
from krm_image_setter.yaml.units import Unit, Units


def rewrite(source: str, start: int, end: int, value: str, fragments: list[Fragment]) -> list[Edit] | None:
    """Return the edits that write `fragments` into the `value` of the block scalar `source[start:end]`.

    Return None if a block scalar cannot express the new text, or if the units of the source do not match the
    value.
    """
    block = _read(source, start, end, value)
    if block is None:
        return None
    written = Units(block.units(), end)
    ending = line_break(source, start)
    if block.is_folded:
        serialized = [_with_folds(value, fragment, ending, " " * block.indent) for fragment in fragments]
    else:
        serialized = [_in_lines(fragment, ending, " " * block.indent) for fragment in fragments]
    edits = [written.edit(fragment, fragment.text) for fragment in serialized]
    # Read the result to check it. The lines before and after a line determine whether it can start or end with
    # spaces, and whether its line break is folded.
    text = apply_edits(source[start:end], [Edit(a - start, b - start, new) for a, b, new in edits])
    new = _read(text, 0, len(text), changed(value, fragments))
    if new is None or new.indent != block.indent or (source[end - 1] in BREAKS) > (text[-1] in BREAKS):
        return None
    return edits


def units(source: str, start: int, end: int, value: str) -> Units | None:
    """Return the units of the block scalar `source[start:end]`, or None if they do not match its value."""
    block = _read(source, start, end, value)
    return None if block is None else Units(block.units(), end)


def _in_lines(fragment: Fragment, ending: str, indent: str) -> Fragment:
    text = re.sub(r"\n(?=\n)", ending, fragment.text)
    return fragment._replace(text=re.sub(r"\n(?!\n)", ending + indent, text))


def _with_folds(value: str, fragment: Fragment, ending: str, indent: str) -> Fragment:
    """Convert a fragment of the value of a folded block scalar: replace its text with the source of the text.

    The source of a line break depends on the lines before and after it (see `_is_blank`). If the first or last
    line of the fragment changes the breaks next to it, the result also contains these breaks.
    """
    start, end, text = fragment
    if "\n" not in text:
        return fragment
    line_start = value.rfind("\n", 0, start) + 1
    line, rest = value[line_start:start], value[end:].lstrip("\n")
    if _is_blank(value[line_start:]) != _is_blank(line + text):
        start = len(value[:start].rstrip("\n"))
        text = value[start : fragment.start] + text
        line = value[value.rfind("\n", 0, start) + 1 : start]
    if rest and _is_blank(value[line_start:]) != _is_blank((line + text).rpartition("\n")[2]):
        text, end = text + value[end : len(value) - len(rest)], len(value) - len(rest)
    serialized = ""
    *pieces, last = re.split(r"(\n+)", text)
    for content, breaks, following in zip(pieces[::2], pieces[1::2], [*pieces[2::2], last], strict=True):
        folds = not (_is_blank(line + content) or _is_blank(following or rest))
        serialized += content + ending * (len(breaks) + folds) + indent * bool(following)
        line = ""
    return Fragment(start, end, serialized + last)


def _is_blank(line: str) -> bool:
    """Return whether a break next to `line` is not folded in a folded block scalar (YAML 1.2, section 8.1.3).

    Between two lines that are not blank, a parser reads one break as a space. Therefore a line break of the value
    is written as two breaks.
    """
    return line[:1] in ("", " ", "\t", "\n")


_HEADER: Final = rf"(?P<style>[|>])(?P<marks>[-+1-9]*)[ \t]*(?:#[^{BREAKS}]*)?(?:{BREAK})"
_LINE: Final = rf"(?P<text>[^{BREAKS}]*)(?P<break>{BREAK}|\Z)"


class _Block(Record):
    """A block scalar. `lines` are the lines after its header, each with its offset, text and line break."""

    lines: list[tuple[int, str, str]]
    indent: int
    marks: str
    is_folded: bool

    def units(self) -> Iterator[Unit]:
        """Yield the units of the lines.

        In a folded scalar, a break between two lines folds into a space, except if an empty line follows, or if
        one of the lines is indented further.
        """
        # The line breaks since the last line with text.
        pending: list[Unit] = []
        after_blank = False
        is_first = True
        for offset, line, ending in self.lines:
            text = line[self.indent :]
            at = offset + len(line) - len(text)
            if text:
                blank = text[0] in " \t"
                can_fold = self.is_folded and not (is_first or after_blank or blank)
                if can_fold and pending and pending[0].text == "\n":
                    first, *rest = pending
                    pending = rest or [Unit(" ", first.start, first.end)]
                    if rest:
                        yield Unit("", first.start, first.end)
                yield from pending
                yield Unit(text, at, at + len(text))
                pending, after_blank, is_first = [], blank, False
            if ending:
                # A parser keeps LS and PS in the value, and converts all other line breaks to a line feed.
                kept = ending if ending in "\u2028\u2029" else "\n"
                pending.append(Unit(kept, at + len(text), at + len(text) + len(ending)))
        if "+" in self.marks:
            yield from pending
        elif pending and "-" not in self.marks:
            yield pending[0]


def _read(source: str, start: int, end: int, value: str) -> _Block | None:
    """Read the block scalar `source[start:end]`. Return None if its units do not match the value."""
    header = re.compile(_HEADER).match(source, start, end)
    if header is None:
        return None
    lines = [
        (match.start(), match["text"], match["break"])
        for match in re.compile(_LINE).finditer(source, header.end(), end)
        if match[0]
    ]
    filled = [(len(text) - len(text.lstrip(" ")), text) for _, text, _ in lines if text.strip(" ")]
    is_explicit = any(mark.isdigit() for mark in header["marks"])
    if not filled:
        return None
    width, first = filled[0]
    # The first line with text determines the indentation. libyaml allows neither a tab after this indentation nor
    # a line with more spaces before this line.
    wider = any(len(text) > width for _, text, _ in takewhile(lambda line: line[1] != first, lines))
    if not is_explicit and (first[width] == "\t" or wider):
        return None
    if is_explicit:
        # Subtract the spaces that are part of the value. The indentation indicator cannot be used, because it
        # counts from the column of the parent node, which is not known here.
        width -= next((len(line) - len(line.lstrip(" ")) for line in re.split(BREAK, value) if line.strip(" ")), 0)
    block = _Block(lines, width, header["marks"], header["style"] == ">")
    return block if "".join(unit.text for unit in block.units()) == value else None
