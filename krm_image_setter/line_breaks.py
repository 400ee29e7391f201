"""Find and count the line breaks of YAML.

In YAML 1.1, a lone CR, NEL, LS or PS also ends a line. libyaml and go-yaml follow this rule. Code that adds,
copies or counts lines must follow the rule too. Otherwise the text after such a break could move to another key.
"""

from __future__ import annotations

from krm_image_setter.typed import Final

# These characters (NEL, LS and PS) end a line only in YAML 1.1.
_YAML_1_1: Final = "\x85\u2028\u2029"
#: The characters that end a line, as a string for use in a character class: `[^{BREAKS}]`.
BREAKS: Final = f"\r\n{_YAML_1_1}"
#: A pattern that matches one line break.
BREAK: Final = rf"\r\n?|[\n{_YAML_1_1}]"
# Line breaks other than the line feed are rare. Code searches for each of them with a str method, which runs in C.
_RARE: Final = f"\r{_YAML_1_1}"


def count_breaks(text: str, start: int, end: int) -> int:
    """Return the number of lines that end in `text[start:end]`. A CR LF counts once, at its LF."""
    rare = "\r" if text.isascii() else _RARE
    count = text.count("\n", start, end) + sum(text.count(one, start, end) for one in rare)
    # Search for CR before CR LF, because a search for one character is ten times as fast as for two characters.
    return count - (text.count("\r\n", start, end + 1) if text.find("\r", start, end) >= 0 else 0)


def has_other_breaks(text: str, start: int, end: int) -> bool:
    """Return whether `text[start:end]` contains a line break other than LF and CR LF."""
    # Counting the line feeds of a text of 6 MB took 4 ms.
    if not text.isascii() and any(text.find(one, start, end) >= 0 for one in _YAML_1_1):
        return True
    return text.find("\r", start, end) >= 0 and text.count("\r", start, end) > text.count("\r\n", start, end + 1)


def line_start(text: str, at: int, since: int = 0) -> int:
    """Return the offset of the start of the line that contains offset `at`, but at least `since`."""
    start = max(text.rfind("\n", since, at) + 1, since)
    return max(start, *(text.rfind(rare, start, at) + 1 for rare in _RARE))


def line_end(text: str, at: int) -> int:
    """Return the offset of the end of the line that contains offset `at`, before its line break."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return min([end, *(found for rare in _RARE if (found := text.find(rare, at, end)) >= 0)])


def only_in_yaml_1_1(text: str, end: int) -> bool:
    """Return whether the character before `end` is NEL, LS or PS: a line break in YAML 1.1 but not in 1.2."""
    return text[end - 1 : end] in tuple(_YAML_1_1)


def line_break(text: str, at: int = 0) -> str:
    """Return the line break for a new line next to the line that contains offset `at`.

    A new line gets the break of its neighbor. If the neighbor is the last line and has no break, the new line gets
    the first break of the text. NEL, LS and PS are not used for new lines.
    """
    end = line_end(text, at)
    if end == len(text):
        end = line_end(text, 0)
    if text.startswith("\r\n", end):
        return "\r\n"
    return "\r" if text.startswith("\r", end) else "\n"
