"""Finds resources, and the fields that a path matches. It knows a part of each notation in paths.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from differential.model.data import Unspecified


class Match(NamedTuple):
    """A field: the mapping or list that contains it, its key or index, and its location from the root."""

    parent: Any
    key: Any
    location: tuple[Any, ...]

    @property
    def value(self) -> Any:
        """The value of the field."""
        return self.parent[self.key]

    @property
    def place(self) -> tuple[int, Any]:
        """A value that identifies the field."""
        return id(self.parent), self.key


class Resource(NamedTuple):
    """A mapping with a kind. `selectors` contains its fields that an entry of `kinds` can select."""

    kind: str
    selectors: dict[str, str]
    data: dict[Any, Any]

    @property
    def is_crd(self) -> bool:
        """Whether the resource is a CustomResourceDefinition, to which special rules apply."""
        return self.kind == "CustomResourceDefinition"


def resources_in(document: Any) -> Iterator[Resource]:
    """Yield the resources of a document.

    peers.md, L19: "the resources are items of a `kind: List` | the items are set".
    """
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        return
    kind, items = document["kind"], document.get("items")
    if kind.endswith("List") and isinstance(items, list):
        for item in items:
            # An item of a typed list, such as a DeploymentList, can be without a kind.
            typed = (
                {**item, "kind": kind.removesuffix("List")}
                if isinstance(item, dict) and "kind" not in item
                else item
            )
            yield from resources_in(typed)
        return
    metadata = document["metadata"] if isinstance(document.get("metadata"), dict) else {}
    values = {
        "kind": kind,
        "apiVersion": document.get("apiVersion"),
        "name": metadata.get("name"),
        "namespace": metadata.get("namespace"),
    }
    yield Resource(kind, {key: value if isinstance(value, str) else "" for key, value in values.items()}, document)


def selects(entry: dict[str, Any], resource: Resource) -> bool:
    """Return whether an entry of `kinds` selects a resource.

    configuration.md: "A selector is case-sensitive and must match the whole value. In a selector, `*` matches any
    text and `?` one character. Wildcards never select a CustomResourceDefinition", and "Only `kind:
    CustomResourceDefinition` selects it."
    """
    if resource.is_crd and entry.get("kind") != resource.kind:
        return False
    return all(
        fnmatchcase(value, entry[key].replace("[", "[[]"))
        for key, value in resource.selectors.items()
        if key in entry
    )


_STEP: Final = re.compile(
    r"""\.\.(?P<deep>[\w-]+) | \.(?P<key>(?:[\w/-]|\\.)+) | \.(?P<all>\*) | \['(?P<quoted>[^']+)'\]
      | \[(?P<items>\*)\] | \[(?P<index>-?\d+)\] | \[\?\(@\.(?P<name>\w+)\s?==\s?"(?P<text>[^"]*)"\)\]""",
    re.VERBOSE,
)


def matches(path: str, data: Any) -> list[Match]:
    """Return the fields that a path matches. Raises Unspecified for a path that the model does not know."""
    if re.search(r"^\w[^{}$]*(/|\[\])", path):
        path = _from_field_spec(path)
    path = path.removeprefix("$").removeprefix("{").removesuffix("}")
    path = path if path.startswith((".", "[")) else f".{path}"
    found = [Match({"": data}, "", ())]
    position = 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise Unspecified(f"a step of a path: {path[position:]}")
        found = [match for before in found for match in _take(step, before)]
        position = step.end()
    return found


def _from_field_spec(path: str) -> str:
    """Convert a path in the notation of kustomize to JSONPath.

    paths.md: "a field name, and contains `/` or `[]`".
    """
    keys = [key.replace("\\/", "/") for key in re.split(r"(?<!\\)/", path)]
    return "".join(f"['{key.removesuffix('[]')}']" + "[*]" * key.endswith("[]") for key in keys)


def _take(step: re.Match[str], before: Match) -> Iterator[Match]:
    """Yield the fields to which one step of a path leads from a field."""
    value = before.value
    if step["deep"]:
        yield from (match for match in [*below(before)][1:] if match.location[-1:] == (step["deep"],))
    elif key := step["quoted"] or re.sub(r"\\(.)", r"\1", step["key"] or ""):
        if isinstance(value, dict) and key in value:
            yield Match(value, key, (*before.location, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            is_chosen = step["all"] or step["items"]
            if step["index"]:
                is_chosen = int(step["index"]) in (index, index - len(value))
            elif step["name"]:
                is_chosen = isinstance(item, dict) and item.get(step["name"]) == step["text"]
            if is_chosen:
                yield Match(value, index, (*before.location, index))
    elif isinstance(value, dict) and step["all"]:
        yield from (Match(value, key, (*before.location, key)) for key in value)


def below(match: Match) -> Iterator[Match]:
    """Yield a field and all fields inside it, at any depth."""
    yield match
    value = match.value
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from below(Match(value, key, (*match.location, key)))


def everything(data: Any) -> Iterator[Match]:
    """Yield the whole data as a field, and all fields inside it."""
    return below(Match({"": data}, "", ()))
