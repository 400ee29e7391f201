"""Parsing a text to trees, line by line if it is simple, otherwise with the events of a parser."""

from __future__ import annotations

from krm_image_setter.yaml import lines
from krm_image_setter.yaml.tree import Document


def parse(text: str) -> list[Document]:
    """Return the documents of `text`, which has no BOM.

    Raises InputError (line and column in `text`) if it is not YAML, if it exceeds MAX_DEPTH or MAX_ALIASED_NODES,
    or if an alias is undefined or inside the node that it refers to.
    """
    plain = lines.read(text)
    if plain is not None:
        return [plain]
    from krm_image_setter.yaml import building, events  # noqa: PLC0415  (a run on simple YAML needs no parser)

    fast = events.c_parser()
    if fast is not None:
        try:
            return building.build(text, fast)
        except fast.refusals:
            pass
    pure = events.pure_parser()
    try:
        return building.build(text, pure)
    except pure.refusals as error:
        raise events.refusal(error, text) from error
