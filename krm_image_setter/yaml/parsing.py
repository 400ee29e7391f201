"""From text to tree: by lines where that is enough, else by the events of a parser."""

from __future__ import annotations

from krm_image_setter.yaml import lines
from krm_image_setter.yaml.tree import Document


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
        except fast.refusals:
            pass
    pure = events.pure_parser()
    try:
        return building.build(text, pure)
    except pure.refusals as error:
        raise events.refusal(error, text) from error
