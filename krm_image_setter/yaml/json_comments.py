"""JSON with comments, which some formats allow although JSON and YAML do not: https://jsonc.org."""

from __future__ import annotations

import re
from typing import Final

from krm_image_setter.line_breaks import BREAKS

_STRING_OR_COMMENT: Final = rf'"(?:[^"\\]++|\\.)*+"|//[^\r\n]*+|/\*(?s:.*?)\*/'


def blanked(text: str) -> str:
    """Return a JSON text with spaces in place of its comments, so that all offsets and lines remain the same."""
    return re.sub(_STRING_OR_COMMENT, lambda found: _blank(found[0]), text)


def _blank(text: str) -> str:
    return text if text.startswith('"') else re.sub(rf"[^{BREAKS}]", " ", text)
