"""References that entries of `images` take `from` fields of resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import ImageRule, explain, parse_reference
from krm_image_setter.locators import ImageSource, Selector, SelectorMap
from krm_image_setter.rules import few


def references_in(stream: Stream, config: ImageSetter) -> dict[int, list[str]]:
    """Return the references in a stream for entries with `from`, by the position of the entry.

    Of references that differ these are the first two: more than one is an error. Raises InputError.
    """
    sources: dict[int, ImageSource] = {
        position: rule.source for position, rule in enumerate(config.images) if rule.source
    }
    # Entries can share a source. A path is known by its text, because not every parsed path can be hashed.
    keys = {position: (source.selector, source.path.text) for position, source in sources.items()}
    found: dict[tuple[Selector, str], list[str]] = {key: [] for key in keys.values()}
    by_key = {keys[position]: source for position, source in sources.items()}
    selected = SelectorMap((source.selector, source) for source in by_key.values())
    trees = stream.trees(few(source.selector.keyword for source in by_key.values()))
    for resource in (resource for one in trees if one for resource in one.resources()):
        for selector, path in () if resource.is_secret else selected.matching(resource.ref):
            references = found[selector, path.text]
            for match in path.find(resource.node):
                reference = match.value.strip() if isinstance(match.value, str) else ""
                if reference and reference not in references and len(references) < 2:
                    references.append(reference)
    return {position: found[key] for position, key in keys.items()}


def resolve(config: ImageSetter, found: Iterable[Mapping[int, list[str]]]) -> dict[int, str]:
    """Return the reference of each entry with `from`; `found` are those in each stream (`references_in`).

    Raises ConfigError if there is none for an entry, or more than one, or if it is not a reference.
    """
    together: dict[int, dict[str, None]] = {}
    for references in found:
        for position, values in references.items():
            together.setdefault(position, {}).update(dict.fromkeys(values))
    return {
        position: _one(rule, list(together.get(position, ())))
        for position, rule in enumerate(config.images)
        if rule.source
    }


def _one(rule: ImageRule, values: list[str]) -> str:
    source: ImageSource = rule.source
    where = f'the image "{rule.name}" comes from {source.path.text} of {source.selector}'
    if not values:
        raise ConfigError(f"{where}: no such field is in the stream")
    for value in values:
        if parse_reference(value) is None:  # it can be anything, so no message shows it
            raise ConfigError(f"{where}: its value is not an image reference: {explain(value)}")
    new, *others = values
    if others:
        raise ConfigError(f'{where}: that is "{new}" and "{others[0]}", make the selector narrower')
    return new
