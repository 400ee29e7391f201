"""An independent reader: the events of PyYAML's pure parser, and the plainest definition of what an image is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import yaml

Location: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class NonString:
    """A plain scalar that YAML 1.1 or 1.2 reads as null, bool, int or float; `text` as it is written."""

    text: str


STANDARD: Final = "tag:yaml.org,2002:"
NON_STRING_TAGS: Final = frozenset(f"{STANDARD}{name}" for name in ("null", "bool", "int", "float"))
NON_STRING: Final = re.compile(
    r"""
      | ~ | null | Null | NULL
      | [yY] | yes | Yes | YES | [nN] | no | No | NO | true | True | TRUE | false | False | FALSE
      | on | On | ON | off | Off | OFF
      | [-+]? 0b [01_]+ | [-+]? 0x [0-9a-fA-F_]+ | 0o [0-7]+ | [-+]? [0-9][0-9_]*
      | [-+]? [1-9][0-9_]* (?: : [0-5]?[0-9] )+ | [-+]? [0-9][0-9_]* (?: : [0-5]?[0-9] )+ \. [0-9_]*
      | [-+]? (?: [0-9][0-9_]* (?: \. [0-9_]* )? | \. [0-9][0-9_]* ) (?: [eE] [-+]? [0-9]+ )?
      | [-+]? \. (?: inf | Inf | INF ) | \. (?: nan | NaN | NAN )
    """,
    re.VERBOSE,
)


def is_non_string(text: str) -> bool:
    return NON_STRING.fullmatch(text) is not None


def load(text: str, loader: Any = yaml.SafeLoader) -> list[Any]:
    """Return the documents of `text`: dict, list, str and NonString, aliases and merge keys resolved.

    From events: PyYAML's composer refuses an anchor that is defined twice.
    """
    return [construct(next(events), events, {}) for events in documents(text, loader)]


def documents(text: str, loader: Any = yaml.SafeLoader) -> Iterator[Iterator[Any]]:
    """Yield for each document the events from its root on."""
    events: Iterator[Any] = yaml.parse(text, Loader=loader)
    return (events for event in events if isinstance(event, yaml.DocumentStartEvent))


def construct(event: Any, events: Iterator[Any], anchors: dict[str | None, Any]) -> Any:
    data: Any
    if isinstance(event, yaml.AliasEvent):
        return anchors[event.anchor]
    if isinstance(event, yaml.ScalarEvent):
        plain = event.tag is None and event.implicit[0]
        unknown = str(event.tag).startswith(STANDARD) and event.tag != f"{STANDARD}str"
        typed = event.tag in NON_STRING_TAGS or ((plain or unknown) and is_non_string(event.value))
        data = NonString(event.value) if typed else event.value
    elif isinstance(event, yaml.SequenceStartEvent):
        data = []
        while not isinstance(child := next(events), yaml.SequenceEndEvent):
            data.append(construct(child, events, anchors))
    else:
        data = {}
        merged: dict[Any, Any] = {}
        while not isinstance(child := next(events), yaml.MappingEndEvent):
            merges = isinstance(child, yaml.ScalarEvent) and child.value == "<<" and child.implicit[0]
            key = construct(child, events, anchors)
            value = construct(next(events), events, anchors)
            sources = value if isinstance(value, list) else [value]
            if merges and all(isinstance(source, dict) for source in sources):
                merged = {}
                for source in sources:
                    merged = source | merged  # the first one wins
            elif isinstance(key, str | NonString):  # no path leads through a collection as key
                data[key] = value
        data = merged | data
    if event.anchor is not None:
        anchors[event.anchor] = data
    return data


def spans(text: str) -> list[dict[Location, tuple[int, int]]]:
    """Return for each document where its scalars are written; it must have no aliases.

    A span has neither anchor nor tag in it, nor the header of a block scalar and the line breaks behind it.
    """
    tokens: Iterator[Any] = yaml.scan(text, Loader=yaml.SafeLoader)
    starts = {token.end_mark.index: token.start_mark.index for token in tokens if token.id == "<scalar>"}

    def walk(event: Any, events: Iterator[Any], here: Location) -> Iterator[tuple[Location, tuple[int, int]]]:
        end = event.end_mark.index
        if isinstance(event, yaml.ScalarEvent):
            start = starts.get(end, end)
            if event.style in ("|", ">"):
                start = text.index("\n", start)
                end = start + len(text[start:end].rstrip())
            yield here, (start, end)
        elif isinstance(event, yaml.SequenceStartEvent):
            index = 0
            while not isinstance(child := next(events), yaml.SequenceEndEvent):
                yield from walk(child, events, (*here, index))
                index += 1
        else:
            while not isinstance(key := next(events), yaml.MappingEndEvent):
                yield from walk(next(events), events, (*here, key.value))

    return [dict(walk(next(events), events, ())) for events in documents(text)]


def resources(document: Any, kind: str | None = None) -> Iterator[tuple[Location, str | None, dict[Any, Any]]]:
    """Yield the resources of a document, where they are and their kinds: itself, or the items of a `kind: *List`.

    `kind` is that of a resource that does not say its own: a PodList lists Pods.
    """
    if not isinstance(document, dict):
        return
    own, items = document.get("kind", kind), document.get("items")
    if isinstance(own, str) and own.endswith("List") and isinstance(items, list):
        listed = own.removesuffix("List").removesuffix("Resource") or None
        for index, item in enumerate(items):
            for location, item_kind, resource in resources(item, listed):
                yield ("items", index, *location), item_kind, resource
    else:
        yield (), own if isinstance(own, str) else None, document


def locate_images(document: Any) -> Iterator[tuple[Location, str]]:
    """Yield the images of the pod specs in a document's resources, and where they are."""
    for start, kind, resource in resources(document):
        if kind != "CustomResourceDefinition":
            for location, value in pod_spec_images(resource):
                yield start + location, value


def pod_spec_images(data: Any) -> Iterator[tuple[Location, str]]:
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, child in pairs:
        if key == "metadata":
            continue
        for index, item in enumerate(child if isinstance(child, list) else []):
            image = item.get("image") if isinstance(item, dict) else None
            if key in {"containers", "initContainers", "ephemeralContainers"} and isinstance(image, str):
                yield (key, index, "image"), image
            if key == "volumes" and isinstance(image, dict) and isinstance(image.get("reference"), str):
                yield (key, index, "image", "reference"), image["reference"]
        for location, value in pod_spec_images(child):
            yield (key, *location), value
