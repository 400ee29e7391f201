"""Finds the new references for entries of `images` with `from`, which refers to a field of an input resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import ImageRule, explain, parse_reference
from krm_image_setter.locators import ImageSource, Selector, SelectorMap
from krm_image_setter.paths import type_of
from krm_image_setter.rules import usable_keywords
from krm_image_setter.typed import Record
from krm_image_setter.yaml.stream import keyword_test


class Found(Record):
    """The fields that a `from` selects. `references` maps the value of each field to the resource of the field.

    Only two different references are kept, because the second one is an error. `resource` is the first selected
    resource, and `type` is the type of the first value at the path. Both are for error messages, and are empty if
    nothing was found.
    """

    references: dict[str, str]
    resource: str = ""
    type: str = ""

    def merged(self, other: Found) -> Found:
        """Combine the references that were found in one stream with those in the next stream."""
        references = islice({**self.references, **other.references}.items(), 2)
        return Found(dict(references), self.resource or other.resource, self.type or other.type)


def references_in(stream: Stream, config: ImageSetter) -> dict[int, Found]:
    """Find the references for the entries with `from` in a stream. Return them by the position of the entry.

    Raises InputError if a document is not valid YAML.
    """
    sources: dict[int, ImageSource] = {
        position: rule.source for position, rule in enumerate(config.images) if rule.source
    }
    # Two entries can have the same `from`. Compare its path as text, because some parsed paths have no hash.
    keys = {position: (source.selector, source.path.text) for position, source in sources.items()}
    found: dict[tuple[Selector, str], Found] = {key: Found({}) for key in keys.values()}
    by_key = {keys[position]: source for position, source in sources.items()}
    selected = SelectorMap((source.selector, source) for source in by_key.values())
    keywords = usable_keywords(source.selector.keyword for source in by_key.values())
    trees = stream.trees(keyword_test(stream.text, keywords))
    # A document that is not a resource is ignored here. `scan` reports it, unless a rule selects it.
    for resource in (resource for tree in trees if tree for resource in tree.nodes()):
        for selector, path in () if resource.is_secret else selected.matching(resource.ref):
            key, ref = (selector, path.text), str(resource.ref)
            found[key] = found[key].merged(Found({}, ref))
            for _, value in path.find(resource.node):
                reference = value.strip() if isinstance(value, str) else ""
                kind = "an empty string" if value == "" else type_of(value)
                found[key] = found[key].merged(Found({reference: ref} if reference else {}, ref, kind))
    return {position: found[key] for position, key in keys.items()}


def resolve(config: ImageSetter, found: Iterable[Mapping[int, Found]]) -> dict[int, str]:
    """Return the new reference of each entry with `from`. `found` has one result of `references_in` per stream.

    Raises ConfigError if an entry has no reference, or several, or if the value is not an image reference.
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
        if parse_reference(value) is None:
            # The message must not contain the value, because it can be secret.
            raise _error(rule, f"the value at {path} of {resource} is not an image reference: {explain(value)}")
    new, *others = found.references
    if others:
        values = " and ".join(f'"{value}" ({resource})' for value, resource in found.references.items())
        raise _error(rule, f"{path} has different values: {values}; narrow the selector")
    return new


def _error(rule: ImageRule, message: str) -> ConfigError:
    file, line, field = rule.config_location
    field = f"{field}.from" if field else None
    return ConfigError(f'cannot set "{rule.name}": {message}', file=file, line=line, field=field)
