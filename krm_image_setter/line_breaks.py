"""Where lines end.

YAML 1.1, and so libyaml and go-yaml, also ends a line at a lone CR, NEL, LS and PS. Code that adds, copies or
counts lines must do the same; otherwise text that follows such a break moves to another key.
"""

from __future__ import annotations

from typing import Final

#: The characters that end a line, for a character class.
BREAKS: Final = "\r\n\x85\u2028\u2029"
#: One line break, as a pattern.
BREAK: Final = r"\r\n?|[\n\x85\u2028\u2029]"
# All but the line feed: nearly no text has one, and each search for one character runs in C.
_RARE: Final = "\r\x85\u2028\u2029"


def count_breaks(text: str, start: int, end: int) -> int:
    """Return how many lines end in `text[start:end]`; a CR LF ends one where its LF is."""
    count = text.count("\n", start, end) + sum(text.count(rare, start, end) for rare in _RARE)
    # One character is found ten times as fast as two.
    return count - (text.count("\r\n", start, end + 1) if text.find("\r", start, end) >= 0 else 0)


def has_other_breaks(text: str, start: int, end: int) -> bool:
    """Return whether a line in `text[start:end]` ends with anything but LF or CR LF."""
    return count_breaks(text, start, end) != text.count("\n", start, end)


def line_start(text: str, at: int) -> int:
    """Return where the line of code point `at` starts."""
    start = text.rfind("\n", 0, at) + 1
    return max(start, *(text.rfind(rare, start, at) + 1 for rare in _RARE))


def line_end(text: str, at: int) -> int:
    """Return where the line of code point `at` ends, before its break."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return min([end, *(found for rare in _RARE if (found := text.find(rare, at, end)) >= 0)])


def only_in_yaml_1_1(text: str, end: int) -> bool:
    """Return whether the text before `end` ends a line only for YAML 1.1: with NEL, LS or PS."""
    return text[end - 1 : end] in ("\x85", "\u2028", "\u2029")


def line_break(text: str, at: int = 0) -> str:
    """Return the break for a new line next to the line of code point `at`: the one that ends that line.

    The last line has none; then it is the first one of the text. A break that only YAML 1.1 knows is not repeated.
    """
    end = line_end(text, at)
    if end == len(text):
        end = line_end(text, 0)
    if text.startswith("\r\n", end):
        return "\r\n"
    return "\r" if text.startswith("\r", end) else "\n"
