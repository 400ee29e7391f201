"""The ends of lines.

In YAML 1.1, and so in libyaml and go-yaml, a lone CR, NEL, LS or PS also ends a line. Code that adds, copies or
counts lines must do the same. Otherwise text after such a break moves to another key.
"""

from __future__ import annotations

from typing import Final

# These characters (NEL, LS and PS) end a line only in YAML 1.1.
_YAML_1_1: Final = "\x85\u2028\u2029"
#: The characters that end a line, for the character class of a pattern.
BREAKS: Final = f"\r\n{_YAML_1_1}"
#: A pattern for one line break.
BREAK: Final = rf"\r\n?|[\n{_YAML_1_1}]"
# All except the line feed. They are rare, so code searches for each of them with a str method, which runs in C.
_RARE: Final = f"\r{_YAML_1_1}"


def count_breaks(text: str, start: int, end: int) -> int:
    """Return the number of lines that end in `text[start:end]`. A CR LF ends a line at its LF."""
    count = text.count("\n", start, end) + sum(text.count(rare, start, end) for rare in _RARE)
    # Search for CR first: a search for one character is ten times as fast as for two.
    return count - (text.count("\r\n", start, end + 1) if text.find("\r", start, end) >= 0 else 0)


def has_other_breaks(text: str, start: int, end: int) -> bool:
    """Return whether a line in `text[start:end]` ends with anything but LF or CR LF."""
    return count_breaks(text, start, end) != text.count("\n", start, end)


def line_start(text: str, at: int) -> int:
    """Return the offset of the start of the line of offset `at`."""
    start = text.rfind("\n", 0, at) + 1
    return max(start, *(text.rfind(rare, start, at) + 1 for rare in _RARE))


def line_end(text: str, at: int) -> int:
    """Return the offset of the end of the line of offset `at`, before its break."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return min([end, *(found for rare in _RARE if (found := text.find(rare, at, end)) >= 0)])


def only_in_yaml_1_1(text: str, end: int) -> bool:
    """Return whether the text before `end` ends a line only in YAML 1.1: with NEL, LS or PS."""
    return text[end - 1 : end] in tuple(_YAML_1_1)


def line_break(text: str, at: int = 0) -> str:
    """Return the break for a new line next to the line of offset `at`: the same break.

    If this is the last line and has no break, it is the first break of the text. NEL, LS and PS are not repeated.
    """
    end = line_end(text, at)
    if end == len(text):
        end = line_end(text, 0)
    if text.startswith("\r\n", end):
        return "\r\n"
    return "\r" if text.startswith("\r", end) else "\n"
