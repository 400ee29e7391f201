"""Where images are in a resource: in pod specs, and where the rules for its kind say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from krm_image_setter.locators.image_field import ImageField
from krm_image_setter.locators.kind_rule import KindRule, Selector
from krm_image_setter.locators.pod_spec import find_pod_spec_images
from krm_image_setter.resources import Resource

__all__ = ["ImageField", "KindRule", "Selector", "find_image_fields"]


def find_image_fields(resource: Resource, rules: Iterable[KindRule], *, pod_specs: bool) -> Iterator[ImageField]:
    """Yield what `rules`, which select the resource, lead to in it, and the images of its pod specs.

    A field that two rules lead to comes twice.
    """
    for rule in rules:
        for location, value in rule.path.find(resource.node):
            yield ImageField(location, value, rule)
    # The schema of a CustomResourceDefinition has the keys of a pod spec, but no images (kustomize #890).
    if pod_specs and resource.ref.kind != "CustomResourceDefinition":
        yield from find_pod_spec_images(resource.node)
