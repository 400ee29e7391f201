"""A configuration made ready to be asked which reference a field is to hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Mapping as Map
from typing import Final, NamedTuple

from krm_image_setter.config.catalog import catalog_rules, kinds_in_parts
from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import (
    HUB,
    IMAGE,
    ImageMap,
    ImageRule,
    Reference,
    RegistryMap,
    explain,
    parse_reference,
)
from krm_image_setter.locators import ImageField, ImageSource, KindRule, Part, Selector, SelectorMap, Text
from krm_image_setter.resources import Indivisible, Resource, ResourceRef, read, read_slices, resources_in

NAME: Final = Part("name")
# What may be the kind of a resource: one pass takes a tenth of the time that looking for each known kind does.
_KIND: Final = r"kind(?:: |[\"']?\s*:\s*[\"']?)([A-Za-z0-9]+)"


class Rules(NamedTuple):
    """The rules of a configuration.

    `pod_spec_uses` are the uses of references that are looked for in pod specs. At least one of `words` is in
    every resource that matters, but for some of the catalog (`words_for`); None where there are none such. `depth`
    counts documents within documents. `listing` asks for what is found, not for what is to be done. `hides_values`
    is for documents in a Secret.
    """

    config: ImageSetter
    images: ImageMap
    registries: RegistryMap
    kinds: SelectorMap[KindRule]
    pod_spec_uses: Collection[str]
    words: list[str] | None
    depth: int = 0
    listing: bool = False
    hides_values: bool = False

    def kinds_for(self, ref: ResourceRef) -> list[KindRule]:
        """Return the rules for a resource: those of `kinds` come before those of the catalog."""
        kinds = self.kinds.matching(ref)
        if self.config.catalog:
            kinds += catalog_rules(ref.api_version, ref.kind)
        return kinds

    def words_for(self, text: str) -> list[str] | None:
        """Return words of which at least one is in every resource of `text` that matters, or None."""
        if self.words is None or not self.config.catalog:
            return self.words
        return [*self.words, *kinds_in_parts().intersection(re.findall(_KIND, text))]

    def proposed(self, field: ImageField) -> tuple[str, ImageRule | None]:
        """Return the reference that a field is to hold, maybe the one it does, and the image rule that says so."""
        new = self.images.new(field.current, field.place)
        if new is not None:
            return new
        if self.config.registries and field.place.use == IMAGE and not self.is_set(field):
            moved = self.registries.find(field.current)
            if moved is not None and not may_be_no_image(field):
                return moved[1].rewrite(moved[0]), None
        return field.current, None

    def is_set(self, field: ImageField) -> bool:
        """Say whether `images` may have set a field, now or in an earlier run; of a name alone its name tells."""
        if field.rule is not None and field.rule.form == NAME:
            return self.images.has_set_name(field.current)
        return self.images.has_set(field.current, field.place)


def may_be_no_image(field: ImageField) -> bool:
    """Say whether a reference in a text may be something else: `application/json`."""
    if field.rule is None or not isinstance(field.rule.form, Text):
        return False
    reference = parse_reference(field.current)
    return reference is None or (reference == Reference(reference.name) and reference.domain == HUB)


def rules_for(config: ImageSetter, given: Map[int, Iterable[str]]) -> Rules:
    """Return the rules of a configuration; `given` are the references that its sources give (`given_references`).

    Raises ConfigError where a source gives none, or several.
    """
    rules = tuple(
        _resolved(rule, given.get(position, ())) if rule.source else rule
        for position, rule in enumerate(config.images)
    )
    uses = {use for rule in rules for use in rule.uses}
    return Rules(
        config._replace(images=rules),
        ImageMap(rules),
        RegistryMap(config.registries),
        SelectorMap((rule.selector, rule) for rule in config.kinds),
        uses | {IMAGE} if config.pod_specs else (),
        _words(config),
    )


def given_references(text: str, config: ImageSetter) -> dict[int, list[str]]:
    """Return what a stream gives to entries of `images` that take their reference `from` it, by their position.

    Of references that differ these are the first two: more than one is an error.
    """
    sources: dict[int, ImageSource] = {
        position: rule.source for position, rule in enumerate(config.images) if rule.source
    }
    if not sources:
        return {}
    # Entries can share a source. A path is known by its text, because not every parsed path can be hashed.
    keys = {position: (source.selector, source.path.text) for position, source in sources.items()}
    given: dict[tuple[Selector, str], list[str]] = {key: [] for key in keys.values()}
    by_key = {keys[position]: source for position, source in sources.items()}
    selected = SelectorMap((source.selector, source) for source in by_key.values())
    for resource in _resources(text, _few([source.selector.word for source in by_key.values()])):
        for selector, path in () if resource.is_secret else selected.matching(resource.ref):
            references = given[selector, path.text]
            for match in path.find(resource.node):
                reference = match.value.strip() if isinstance(match.value, str) else ""
                if reference and reference not in references and len(references) < 2:
                    references.append(reference)
    return {position: given[key] for position, key in keys.items()}


def merged(given: Iterable[Map[int, list[str]]]) -> dict[int, list[str]]:
    """Return what several streams give together (`given_references`)."""
    together: dict[int, list[str]] = {}
    for references in given:
        for position, values in references.items():
            together.setdefault(position, []).extend(values)
    return together


def _words(config: ImageSetter) -> list[str] | None:
    """Return words of which at least one is in every text that matters, or None where there are none such.

    A resource that `kinds` selects matters even where no image is in it: its path may lead nowhere.
    """
    words = [rule.mention for rule in config.images] + [rule.mention for rule in config.registries]
    words += [rule.selector.word for rule in config.kinds]
    return _few(words)


def _few(words: Iterable[str]) -> list[str] | None:
    """Return words to search texts for, or None if there is none such or if it is faster to read all texts."""
    distinct = list(dict.fromkeys(words))
    return distinct if all(distinct) and len(distinct) <= _MOST_WORDS else None


# To search a resource for one word takes a hundredth of the time that it takes to read the resource.
_MOST_WORDS: Final = 100


def _resolved(rule: ImageRule, given: Iterable[str]) -> ImageRule:
    """Return a rule that takes its new reference from a field as one that has it."""
    source: ImageSource = rule.source
    where = f'the image "{rule.name}" comes from {source.path.text} of {source.selector}'
    values = dict.fromkeys(given)
    if not values:
        raise ConfigError(f"{where}: no such field is in the stream")
    for value in values:
        if parse_reference(value) is None:  # it can be anything, so no message shows it
            raise ConfigError(f"{where}: its value is not an image reference: {explain(value)}")
    new, *others = values
    if others:
        raise ConfigError(f'{where}: that is "{new}" and "{others[0]}", make the selector narrower')
    return rule._replace(new_image=new, source=None)


def _resources(text: str, words: list[str] | None) -> Iterator[Resource]:
    """Yield the resources of a stream that can contain one of `words`."""
    for part in filter(None, read_slices(text, words)):
        try:
            trees = list(read(text, part, words))
        except Indivisible:
            trees = list(read(text, part, words, whole=True))
        for parsed in filter(None, trees):
            yield from resources_in(parsed)
