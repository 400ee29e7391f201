"""Parse a text into trees: line by line if the text is simple, otherwise from the events of a YAML parser."""

from __future__ import annotations

from krm_image_setter.yaml import lines
from krm_image_setter.yaml.tree import Document


def parse(text: str) -> list[Document]:
    """Return the documents of `text`, which has no byte order mark.

    Raises InputError, with the line and column in `text`, if the text is not YAML, if it exceeds MAX_DEPTH or
    MAX_ALIASED_NODES, if an alias is undefined, or if an alias is inside the node that it refers to.
    """
    plain = lines.read(text)
    if plain is not None:
        return [plain]
    from krm_image_setter.yaml import building, events  # noqa: PLC0415  (a run on simple YAML needs no parser)

    fast = events.c_parser()
    if fast is not None:
        try:
            return building.build(text, fast)
        except fast.refusals as error:
            # The Python parser would take ten times as long for each Helm template, and would also reject it.
            if events.template_action(error, text) is not None:
                raise events.refusal(error, text) from error
    pure = events.pure_parser()
    try:
        return building.build(text, pure)
    except pure.refusals as error:
        raise events.refusal(error, text) from error
