"""Writing into a scalar, and whether a new text needs quotes.

The author's style stays. Quotes are added only where the new text would not read back as the same string, by
YAML 1.1 or 1.2: a tool on the way may use either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from krm_image_setter.edits import Edit
from krm_image_setter.line_breaks import BREAK, BREAKS
from krm_image_setter.yaml.tree import Fragment


def rewrite(source: str, event: Any, *, flow: bool, fragments: Iterable[Fragment]) -> list[Edit]:
    """Return the edits of `source` that put `fragments` into the value of the scalar of `event`.

    `flow` says whether the scalar stands in a `{…}` or `[…]`. The fragments are disjoint and in order. Anchor, tag
    and everything between the fragments stay, and the style too where it can hold them.
    """
    value: str = event.value
    start, end = content_span(source, event)
    fragments = list(fragments)
    if not event.style and not is_plain(changed(value, fragments), flow=flow):
        return [Edit(start, end, quoted(changed(value, fragments)))]
    if source[start:end] == value:  # plain, on one line: by far the commonest
        return [Edit(start + a, start + b, text) for a, b, text in fragments]
    if event.style in ("|", ">"):
        from krm_image_setter.yaml import block_scalar  # noqa: PLC0415  (few runs need it)

        edits = block_scalar.rewrite(source, start, end, value, fragments)
        while source[end - 1] in BREAKS:
            end -= 1
    else:
        from krm_image_setter.yaml import flow_scalar  # noqa: PLC0415  (most runs need it only in its simplest form)

        edits = flow_scalar.rewrite(source, start, end, value, fragments)
    return [Edit(start, end, quoted(changed(value, fragments)))] if edits is None else edits


def line_starts(source: str, event: Any) -> list[int]:
    """Return where in the source each line of the value of a scalar starts."""
    from krm_image_setter.yaml import block_scalar, flow_scalar  # noqa: PLC0415  (few runs need them)

    style = block_scalar if event.style in ("|", ">") else flow_scalar
    start, end = content_span(source, event)
    units = style.units(source, start, end, event.value)
    starts = [0, *(match.end() for match in re.finditer(BREAK, event.value))]
    return [start if units is None else units.source_index(index) for index in starts]


def content_span(source: str, event: Any) -> tuple[int, int]:
    """Return the span of a scalar without its anchor and tag, which its event counts in."""
    end: int = event.end_mark.index
    return content_start(source, event, end), end


def content_start(source: str, event: Any, end: int) -> int:
    """Return where a node's own text begins, after its anchor and tag; `end` is where it ends.

    A tag that follows the anchor of a mapping can be that of its first key. With the tag before the anchor, the
    event of a pure parser starts at the anchor.
    """
    start: int = event.start_mark.index
    if event.anchor is None and event.tag is None:
        return start
    # The parsers do not agree on which characters an anchor ends before.
    anchor = "" if event.anchor is None else "&" + re.escape(event.anchor) + _BLANKS
    tag = "" if event.tag is None else rf"!\S*(?=\s|\Z){_BLANKS}"
    match = re.compile(rf"{anchor}(?:{tag})?" if source[start] == "&" else rf"{tag}{anchor}").match(
        source, start, end
    )
    return match.end() if match else start


@lru_cache(maxsize=4096)
def is_plain(text: str, *, flow: bool) -> bool:
    """Say whether `text` can stand without quotes and read back as the same string everywhere."""
    if text[:1].isalpha() and text.isascii() and text.replace("-", "").isalnum():  # as the names of resources
        return text.lower() not in _TYPED_WORDS
    return (
        re.fullmatch(_PLAIN, text) is not None
        and not (flow and (text[0] == ":" or any(character in ",[]{}?" for character in text)))
        and text.lower() not in _TYPED_WORDS
        and (text[0] not in _TYPED_START or re.fullmatch(_TYPED, text) is None)
    )


def quoted(text: str) -> str:
    """Return `text` in double quotes, as both YAML and JSON spell it."""
    import json  # noqa: PLC0415  (2 ms, and most runs quote nothing)

    return escaped(json.dumps(text, ensure_ascii=False))


def escaped(quoted_text: str) -> str:
    """Return JSON with what YAML takes for a line break, or refuses, escaped as both read it."""
    if quoted_text.isprintable():
        return quoted_text
    return re.sub(f"[{_ODD}]", lambda odd: f"\\u{ord(odd[0]):04x}", quoted_text)


def serialized(text: str, *, flow: bool) -> str:
    """Return the source text of a new scalar: plain where it reads back as `text`, else quoted."""
    return text if is_plain(text, flow=flow) else quoted(text)


# Patterns are compiled where they are first used: most runs need few of them, and each costs start-up time.
_BLANKS: Final = rf"(?:[ \t]+|(?:#[^{BREAKS}]*)?(?:{BREAK}))*"

# Beyond ASCII's own controls, what YAML takes for a line break or refuses.
_ODD: Final = r"\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff"
# A stricter set than YAML's plain style: no leading indicator, no ": " or " #", one line.
_PLAIN: Final = (
    rf"(?!---|\.\.\.|<<)(?:[^\s\x00-\x20\-?:,\[\]{{}}#&*!|>'\"%@`{_ODD}]"
    r"|[-?:](?=[^\s,\[\]{}]))"
    rf"(?:[^\s\x00-\x1f:#{_ODD}]|:(?=[^\s,\[\]{{}}])|(?<=\S)\#|[ ](?=[^\s#]))*"
)
_TYPED_WORDS: Final = frozenset(
    ("y", "yes", "n", "no", "true", "false", "on", "off", "null", "~", "=", ".inf", "+.inf", "-.inf", ".nan")
)
_TYPED_START: Final = "+-.0123456789"
# Whatever YAML 1.1 or 1.2 reads as a number or a time; a reader may know only one of them.
_TYPED: Final = (
    r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+"
    r"|[0-9][0-9_]*(?::[0-9]+)*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9_]+(?:[eE][-+]?[0-9]+)?)"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"
)


def changed(value: str, fragments: Iterable[Fragment]) -> str:
    """Return `value` with the texts of `fragments`, which are disjoint and in order."""
    pieces: list[str] = []
    position = 0
    for start, end, text in fragments:
        pieces += (value[position:start], text)
        position = end
    return "".join((*pieces, value[position:]))
