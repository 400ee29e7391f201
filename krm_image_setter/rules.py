"""A configuration made ready to be asked which reference a field is to hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import (
    HUB,
    IMAGE,
    ImageMap,
    ImageRule,
    InvalidReference,
    Reference,
    RegistryMap,
    check_reference,
)
from krm_image_setter.locators import ImageField, ImageSource, Part, Text
from krm_image_setter.resources import Indivisible, Parsed, read, read_slices, resources_in

NAME: Final = Part("name")


class Rules(NamedTuple):
    """The rules of a configuration.

    `pod_spec_uses` are the uses of references that are looked for in pod specs. At least one of `words` is in
    every text that matters; None where there are none such. `depth` counts documents within documents.
    """

    config: ImageSetter
    images: ImageMap
    registries: RegistryMap
    pod_spec_uses: Collection[str]
    words: list[str] | None
    depth: int = 0

    def proposed(self, field: ImageField) -> tuple[str, ImageRule | None]:
        """Return the reference that a field is to hold, maybe the one it does, and the image rule that says so."""
        found = self.images.find(field.current, field.place)
        if found is not None:
            reference, rule = found
            return rule.rewrite(reference), rule
        if self.config.registries and field.place.use == IMAGE and not self.is_set(field):
            moved = self.registries.find(field.current)
            if moved is not None and not _may_be_no_image(field, moved[0]):
                return moved[1].rewrite(moved[0]), None
        return field.current, None

    def is_set(self, field: ImageField) -> bool:
        """Say whether `images` may have set a field, now or in an earlier run; of a name alone its name tells."""
        if field.rule is not None and field.rule.form == NAME:
            return bool(self.images.that_name(field.current))
        return self.images.has_set(field.current)


def _may_be_no_image(field: ImageField, reference: Reference) -> bool:
    """Say whether a reference in a text may be something else: `application/json`."""
    in_text = field.rule is not None and isinstance(field.rule.form, Text)
    return in_text and reference.tag is None and reference.digest is None and reference.domain == HUB


def rules_for(text: str, config: ImageSetter) -> Rules:
    """Return the rules for `text`, from which some entries of `images` may take their reference.

    Raises ConfigError where it is not there.
    """
    rules = tuple(_resolved(text, rule) if rule.source else rule for rule in config.images)
    uses = {use for rule in rules for use in rule.uses}
    return Rules(
        config._replace(images=rules),
        ImageMap(rules),
        RegistryMap(config.registries),
        uses | {IMAGE} if config.pod_specs else (),
        _words(config),
    )


def _words(config: ImageSetter) -> list[str] | None:
    """Return words of which at least one is in every text that matters, or None where there are none such.

    A resource that `kinds` selects matters even where no image is in it: its path may lead nowhere.
    """
    words = [rule.mention for rule in config.images] + [rule.mention for rule in config.registries]
    words += [rule.selector.word for rule in config.kinds]
    return list(dict.fromkeys(words)) if all(words) else None


def _resolved(text: str, rule: ImageRule) -> ImageRule:
    """Return a rule that takes its new reference from a field of the stream as one that has it."""
    source: ImageSource = rule.source
    where = f'the image "{rule.name}" comes from {source.path.text} of {source.selector}'
    word = source.selector.word
    values: dict[str, None] = {}
    for parsed in _trees(text, [word] if word else None):
        for resource in resources_in(parsed):
            if source.selector.matches(resource.ref):
                found = (match.value for match in source.path.find(resource.node))
                values.update((value.strip(), None) for value in found if isinstance(value, str) and value.strip())
    if not values:
        raise ConfigError(f"{where}: no such field is in the stream")
    new, *others = values
    if others:
        raise ConfigError(f'{where}: that is "{new}" and "{others[0]}", make the selector narrower')
    try:
        check_reference(new)
    except InvalidReference as error:
        raise ConfigError(f"{where}: {error.message}") from error
    return rule._replace(new_image=new, source=None)


def _trees(text: str, words: list[str] | None) -> Iterator[Parsed]:
    for part in read_slices(text):
        try:
            yield from list(read(text, part, words))
        except Indivisible:
            yield from read(text, part, words, whole=True)
