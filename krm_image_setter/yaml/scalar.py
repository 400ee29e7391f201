"""Find the text of a scalar in the source, and serialize a new scalar.

A new scalar is quoted if a parser of YAML 1.1 or 1.2 would not read the plain text as the same string. Both
versions matter, because the tools in a pipeline use different versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from krm_image_setter.line_breaks import BREAK, BREAKS
from krm_image_setter.typed import TYPE_CHECKING, Final
from krm_image_setter.yaml.tree import Fragment

if TYPE_CHECKING:
    from krm_image_setter.yaml.tree import NodeEvent


def content_span(source: str, event: NodeEvent) -> tuple[int, int]:
    """Return the span of a scalar in the source, without its anchor and tag. The event includes them."""
    end = event.end_mark.index
    return content_start(source, event, end), end


def content_start(source: str, event: NodeEvent, end: int) -> int:
    """Return the start of the text of a node, after its anchor and tag. `end` is the end of the node.

    A tag after the anchor of a mapping can belong to the first key of the mapping. If a tag is before the anchor,
    the event of ruamel.yaml's parser starts at the anchor, not at the tag.
    """
    start = event.start_mark.index
    if event.anchor is None and event.tag is None:
        return start
    # Search for the exact name, because the parsers disagree about the characters that an anchor can contain.
    anchor = "" if event.anchor is None else "&" + re.escape(event.anchor) + _BLANKS
    tag = "" if event.tag is None else rf"!\S*(?=\s|\Z){_BLANKS}"
    pattern = rf"{anchor}(?:{tag})?" if source[start] == "&" else rf"{tag}{anchor}"
    match = re.compile(pattern).match(source, start, end)
    return match.end() if match else start


@lru_cache(maxsize=4096)
def is_plain(text: str, *, flow: bool) -> bool:
    """Return whether every YAML parser reads `text` without quotes as the same string."""
    # Names, references, paths and messages pass these tests. Compiling the pattern takes 0.5 ms.
    if text[:1].isalpha() and text.isascii():
        if text.replace("-", "").isalnum():
            return text.lower() not in _CONSTANTS
        # A colon must not be at the end, or before a space or bracket. A space must be alone.
        is_harmless = not flow and text.translate(_HARMLESS).isalnum() and text[-1] not in ": "
        if is_harmless and not (": " in text or ":[" in text or ":]" in text or "  " in text):
            return True
    return (
        re.fullmatch(_PLAIN, text) is not None
        and not (flow and (text[0] == ":" or any(character in ",[]{}?" for character in text)))
        and text.lower() not in _CONSTANTS
        and (text[0] not in _TYPED_START or re.fullmatch(_TYPED, text) is None)
    )


def quoted(text: str) -> str:
    """Return `text` in double quotes, in a form that is valid YAML and valid JSON."""
    import json  # noqa: PLC0415  (2 ms, and most runs quote nothing)

    return escaped(json.dumps(text, ensure_ascii=False))


def escaped(quoted_text: str) -> str:
    """Escape the characters of a JSON string that YAML forbids or treats as line breaks."""
    if quoted_text.isprintable():
        return quoted_text
    return re.sub(f"[{_ODD}]", lambda odd: f"\\u{ord(odd[0]):04x}", quoted_text)


def serialized(text: str, *, flow: bool) -> str:
    """Return the source of a new scalar: plain if every YAML parser reads it as `text`, otherwise quoted."""
    return text if is_plain(text, flow=flow) else quoted(text)


# The patterns are compiled at their first use, because compiling takes time and most runs need few patterns.
_BLANKS: Final = rf"(?:[ \t]+|(?:#[^{BREAKS}]*)?(?:{BREAK}))*"

# DEL, and the characters above ASCII that are line breaks in YAML or that YAML does not allow.
_ODD: Final = r"\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff"
# This pattern matches a plain scalar in one line that contains no leading indicator, `: ` or ` #`.
_PLAIN: Final = (
    rf"(?!---|\.\.\.|<<)(?:[^\s\x00-\x20\-?:,\[\]{{}}#&*!|>'\"%@`{_ODD}]"
    r"|[-?:](?=[^\s,\[\]{}]))"
    rf"(?:[^\s\x00-\x1f:#{_ODD}]|:(?=[^\s,\[\]{{}}])|(?<=\S)\#|[ ](?=[^\s#]))*"
)
_CONSTANTS: Final = frozenset(
    ("y", "yes", "n", "no", "true", "false", "on", "off", "null", "~", "=", ".inf", "+.inf", "-.inf", ".nan")
)
_TYPED_START: Final = "+-.0123456789"
# Removes characters that a plain scalar can contain after its first character.
_HARMLESS: Final = str.maketrans("", "", '-._/@:"[] ')
# This pattern matches the numbers and times of YAML 1.1 and 1.2.
_TYPED: Final = (
    r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+"
    r"|[0-9][0-9_]*(?::[0-9]+)*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9_]+(?:[eE][-+]?[0-9]+)?)"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"
)


def changed(value: str, fragments: Iterable[Fragment]) -> str:
    """Write `fragments` into `value`, and return the result. The fragments are disjoint and in order."""
    pieces: list[str] = []
    position = 0
    for start, end, text in fragments:
        pieces += (value[position:start], text)
        position = end
    return "".join((*pieces, value[position:]))
