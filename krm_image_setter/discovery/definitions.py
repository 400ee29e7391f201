"""Reads the CustomResourceDefinitions (CRDs) of a stream as plain data.

A CRD is never edited, so the positions of its values are not needed. Most of its text is descriptions of several
lines. If each description is on one line, reading a CRD takes a third of the time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from krm_image_setter.documents import Stream
from krm_image_setter.errors import InputError
from krm_image_setter.resources import CRD, LISTS
from krm_image_setter.yaml import parsing
from krm_image_setter.yaml.stream import Slice, cut_documents, cut_items

_LINE: Final = re.compile(rf"^(?:- |  )?[\"']?kind[\"']?: [\"']?{CRD}", re.MULTILINE)
# A key in a block mapping, and a scalar that continues on the next lines, which are indented more than the key.
_LONG: Final = re.compile(
    r"^( *+)(- )?([\w./-]++): ++([|>][-+0-9]*|[^\s\[{&*!#%@`?,|>-].*)\n((?:(?:[ \t]*+\n)*+\1(?(2)  ) ++\S.*\n)++)",
    re.MULTILINE,
)
# A key and a quoted scalar on one line.
_SHORT: Final = re.compile(
    r"""^( *+(?:- ++)?[\w./-]++): ++('(?:[^'\n]++|'')*+'|"(?:[^"\\\n]++|\\.)*+") *$""", re.MULTILINE
)
_QUOTED: Final = re.compile(r"""'(?:[^']++|'')*+'|"(?:[^"\\]++|\\[nt "\\\n])*+\"""")
_ESCAPE: Final = re.compile(r"\\(\n\s*|.)")
# A plain scalar with one of these is not valid, or ends before it.
_NOT_PLAIN: Final = re.compile(r"\s#|:(?:\s|\Z)")


def take_definitions(stream: Stream) -> tuple[list[dict[str, Any]], Stream]:
    """Return the CRDs of a stream, and a stream with the other documents on the same lines.

    A document that cannot be read as plain data remains in the stream, so that its errors are reported.
    """
    text = stream.text
    if CRD not in text:
        return [], stream
    definitions: list[dict[str, Any]] = []
    rest: list[str] = []
    done = 0
    for start, end in _slices(text):
        part = text[start:end]
        found = _definitions(_plain_data(part)) if CRD in part else []
        definitions += found
        if found:
            rest += [text[done:start], "\n" * part.count("\n")]
            done = end
    others = "".join([*rest, text[done:]]) if done < len(text) or "".join(rest).strip() else ""
    return definitions, Stream(others, stream.file, stream.directory, stream.source, is_found=stream.is_found)


def _slices(text: str) -> Iterator[Slice]:
    """Yield the documents of a text, or the items of a document that is a list."""
    for document in cut_documents(text) or [(0, len(text))]:
        listing = cut_items(text, *document)
        yield from listing.items if listing else [document]


def _definitions(root: Any) -> list[dict[str, Any]]:
    """Return the CRDs in a document, or in one item of a list, if it contains nothing else."""
    is_list = isinstance(root, dict) and root.get("kind") in LISTS
    items = root if isinstance(root, list) else root.get("items") if is_list else [root]
    if not isinstance(items, list):
        return []
    is_definition = [
        isinstance(item, dict) and item.get("kind") == CRD and "apiVersion" in item for item in items or ()
    ]
    return items if all(is_definition) else []


def _plain_data(part: str) -> Any:
    """Return a document as plain data; None if it is not valid or no CRD."""
    try:
        if part.lstrip().startswith("{"):
            return json.loads(part)
        documents = parsing.parse(_on_one_line(part.removeprefix("---\n"))) if _LINE.search(part) else []
    except (ValueError, RecursionError, InputError):
        return None
    return documents[0].root if len(documents) == 1 else None


def _on_one_line(text: str) -> str:
    """Return a text with the long or quoted scalars of block mappings on one line, without escapes.

    Escapes, quotes and spaces inside a scalar are not kept, because they do not matter in a description.
    """
    return _SHORT.sub(_shortened, _LONG.sub(_joined, text))


def _shortened(match: re.Match[str]) -> str:
    text = _unquoted(match[2])
    return match[0] if text is None else f"{match[1]}: {_quoted(text)}"


def _joined(match: re.Match[str]) -> str:
    indent, dash, key, first, lines = match.groups("")
    text: str | None = lines if first[0] in "|>" else _unquoted(f"{first}\n{lines}".rstrip())
    return match[0] if text is None else f"{indent}{dash}{key}: {_quoted(text)}\n"


def _unquoted(scalar: str) -> str | None:
    """Return the text of a plain or quoted scalar, or None if it might not be valid or contains a rare escape."""
    if scalar[0] not in "'\"":
        return None if _NOT_PLAIN.search(scalar) else scalar
    if not _QUOTED.fullmatch(scalar):
        return None
    return scalar[1:-1].replace("''", "'") if scalar[0] == "'" else _ESCAPE.sub(_character, scalar[1:-1])


def _character(match: re.Match[str]) -> str:
    return " " if match[1] in ("n", "t", " ") else match[1].strip()


def _quoted(text: str) -> str:
    text = text.replace('"', "'").replace("\\", "")
    return f'"{" ".join(text.split())}"'
