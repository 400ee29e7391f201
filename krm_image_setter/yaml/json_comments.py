"""JSON with comments, which some formats allow although JSON and YAML do not: https://jsonc.org."""

from __future__ import annotations

import re

from krm_image_setter.line_breaks import BREAKS
from krm_image_setter.typed import Final

# An unterminated string or comment matches up to the end of the text, so that the search takes linear time.
_STRING_OR_COMMENT: Final = re.compile(
    r'(?P<kept>"(?:[^"\\]++|\\.)*+(?:"|\Z))|//[^\r\n]*+|/\*.*?(?:\*/|(?P<open>\Z))', re.DOTALL
)


def blanked(text: str) -> str:
    """Return a JSON text with spaces in place of its comments, so that all offsets and lines remain the same."""
    return _STRING_OR_COMMENT.sub(_blank, text)


def _blank(found: re.Match[str]) -> str:
    is_comment = found["kept"] is None and found["open"] is None
    return re.sub(rf"[^{BREAKS}]", " ", found[0]) if is_comment else found[0]
