"""An independent reader: PyYAML's pure composer and a constructor of our own, which types nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

Location = tuple[str | int, ...]
_STRING = "tag:yaml.org,2002:str"


class _Composer(
    yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer, yaml.resolver.Resolver
):
    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        yaml.composer.Composer.__init__(self)
        yaml.resolver.Resolver.__init__(self)

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if not isinstance(event, yaml.AliasEvent):  # PyYAML refuses an anchor that is defined anew; YAML does not
            self.anchors.pop(event.anchor, None)
        return super().compose_node(parent, index)


def load(text: str) -> list[Any]:
    """Return the documents of a stream: strings as they are, other scalars as ("not a string", text)."""
    composer = _Composer(text.removeprefix("\ufeff"))
    documents = []
    while composer.check_node():
        documents.append(_data(composer.get_node()))
    return documents


def _data(node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.tag == _STRING else ("not a string", node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_data(child) for child in node.value]
    merged: dict[str, Any] = {}
    own = {}
    for key, child in node.value:
        value = _data(child)
        if key.tag == "tag:yaml.org,2002:merge":
            for source in reversed(value if isinstance(value, list) else [value]):
                merged |= source
        else:
            own[key.value] = value
    return merged | own


def resources(document: Any, location: Location = ()) -> Iterator[tuple[Location, Any]]:
    """Yield the resources of a document and where they are."""
    if isinstance(document, dict):
        kind, items = document.get("kind"), document.get("items")
        if isinstance(kind, str) and kind.endswith("List") and isinstance(items, list):
            for index, item in enumerate(items):
                yield from resources(item, (*location, "items", index))
            return
    yield location, document


def pod_spec_images(node: Any, location: Location = ()) -> Iterator[tuple[Location, str]]:
    """Yield the images of pod specs anywhere in a resource, by the plainest definition there is."""
    pairs = list(node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ())
    for key, value in pairs:
        if key == "metadata":
            continue
        if isinstance(value, list):
            for index, item in enumerate(value):
                if not isinstance(item, dict):
                    continue
                if key in ("containers", "initContainers", "ephemeralContainers") and isinstance(
                    item.get("image"), str
                ):
                    yield (*location, key, index, "image"), item["image"]
                source = item.get("image")
                if key == "volumes" and isinstance(source, dict) and isinstance(source.get("reference"), str):
                    yield (*location, key, index, "image", "reference"), source["reference"]
        yield from pod_spec_images(value, (*location, key))
