"""From text to tree: by lines where that is enough, else by the events of a parser."""

from __future__ import annotations

import re
from typing import Final

from krm_image_setter.errors import InputError
from krm_image_setter.yaml import lines
from krm_image_setter.yaml.tree import MAX_DEPTH, Document

# The pure parser takes time in the third power of how many brackets are open: it is spared what nobody writes.
_MAX_FLOW_DEPTH: Final = 2 * MAX_DEPTH
_NESTED: Final = f"this is nested more than {MAX_DEPTH} levels deep: flatten it"


def _flow_depth(text: str) -> int:
    """Return how many brackets are open at most, those in quotes and comments counted too."""
    depth = deepest = 0
    for match in re.finditer(r"[\[{]|[\]}]", text):
        depth += 1 if match[0] in "[{" else -1
        deepest = max(deepest, depth)
        depth = max(depth, 0)
    return deepest


def parse(text: str) -> list[Document]:
    """Return the documents of `text`, which has no BOM.

    Raises InputError (line and column in `text`) where it is not YAML, is nested deeper than MAX_DEPTH,
    grows by its aliases beyond MAX_ALIASED_NODES, or has an alias without an anchor or inside its own one.
    """
    plain = lines.read(text)
    if plain is not None:
        return [plain]
    from krm_image_setter.yaml import building, events  # noqa: PLC0415  (a run on plain YAML needs no parser)

    fast = events.c_parser()
    if fast is not None:
        try:
            return building.build(text, fast)
        except fast.refusals as error:
            if _flow_depth(text) > _MAX_FLOW_DEPTH:
                refusal = events.refusal(error)
                if "nesting depth" in refusal.message:  # libyaml's own limit, of a thousand
                    raise InputError(_NESTED, line=refusal.line, column=refusal.column) from error
                raise refusal from error
    elif _flow_depth(text) > _MAX_FLOW_DEPTH:
        raise InputError(_NESTED)
    pure = events.pure_parser()
    try:
        return building.build(text, pure)
    except pure.refusals as error:
        raise events.refusal(error) from error
