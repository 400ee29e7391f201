"""The references that entries of `images` take `from` fields of resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import NamedTuple

from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import ImageRule, explain, parse_reference
from krm_image_setter.locators import ImageSource, Selector, SelectorMap
from krm_image_setter.paths import type_of
from krm_image_setter.rules import usable_keywords


class Found(NamedTuple):
    """The references in the fields of one source, each with the resource that has it.

    Only the first two that differ are kept, because more than one is an error. For the message about a source
    without a reference, `resource` is the first resource that it selects, and `type` the type of the first value
    that its path matches; both are empty if there is none.
    """

    references: dict[str, str]
    resource: str = ""
    type: str = ""

    def merged(self, other: Found) -> Found:
        """Return what was found in a stream and in the next one."""
        references = islice({**self.references, **other.references}.items(), 2)
        return Found(dict(references), self.resource or other.resource, self.type or other.type)


def references_in(stream: Stream, config: ImageSetter) -> dict[int, Found]:
    """Return what a stream contains for each entry with `from`, by the position of the entry.

    Raises InputError if a document is not valid YAML or not a resource.
    """
    sources: dict[int, ImageSource] = {
        position: rule.source for position, rule in enumerate(config.images) if rule.source
    }
    # Entries can share a source. Paths are compared by their text, because not every parsed path can be hashed.
    keys = {position: (source.selector, source.path.text) for position, source in sources.items()}
    found: dict[tuple[Selector, str], Found] = {key: Found({}) for key in keys.values()}
    by_key = {keys[position]: source for position, source in sources.items()}
    selected = SelectorMap((source.selector, source) for source in by_key.values())
    trees = stream.trees(usable_keywords(source.selector.keyword for source in by_key.values()))
    for resource in (resource for tree in trees if tree for resource in tree.resources()):
        for selector, path in () if resource.is_secret else selected.matching(resource.ref):
            key, ref = (selector, path.text), str(resource.ref)
            found[key] = found[key].merged(Found({}, ref))
            for _, value in path.find(resource.node):
                reference = value.strip() if isinstance(value, str) else ""
                kind = "an empty string" if value == "" else type_of(value)
                found[key] = found[key].merged(Found({reference: ref} if reference else {}, ref, kind))
    return {position: found[key] for position, key in keys.items()}


def resolve(config: ImageSetter, found: Iterable[Mapping[int, Found]]) -> dict[int, str]:
    """Return the reference of each entry with `from`; `found` has the result of `references_in` for each stream.

    Raises ConfigError if an entry has no reference, or more than one, or if its value is not a reference.
    """
    together: dict[int, Found] = {}
    for in_stream in found:
        for position, one in in_stream.items():
            together[position] = together.get(position, Found({})).merged(one)
    return {
        position: _reference(rule, together.get(position, Found({})))
        for position, rule in enumerate(config.images)
        if rule.source
    }


def _reference(rule: ImageRule, found: Found) -> str:
    selector, path = rule.source.selector, rule.source.path.text
    if not found.resource:
        raise _error(rule, f"no resource matches {selector}")
    if not found.type:
        raise _error(rule, f"path {path} matches no field of {found.resource}")
    if not found.references:
        raise _error(rule, f"path {path} of {found.resource} points to {found.type}, expected an image reference")
    for value, resource in found.references.items():
        if parse_reference(value) is None:  # the value can be a secret, so the message does not contain it
            raise _error(rule, f"the value at {path} of {resource} is not an image reference: {explain(value)}")
    new, *others = found.references
    if others:
        values = " and ".join(f'"{value}" ({resource})' for value, resource in found.references.items())
        raise _error(rule, f"{path} has different values: {values}; narrow the selector")
    return new


def _error(rule: ImageRule, message: str) -> ConfigError:
    file, line, field = rule.config_location
    error = ConfigError(f'cannot set "{rule.name}": {message}', file=file, line=line)
    return error.at(field=f"{field}.from" if field else None)
