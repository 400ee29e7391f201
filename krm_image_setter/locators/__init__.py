"""Where images are in a resource: in pod specs, and where the rules for its kind say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from krm_image_setter.locators.image_field import (
    ImageField,
    OtherField,
    part_field,
    parts_field,
    source_text,
    text_fields,
    whole_field,
)
from krm_image_setter.locators.kind_rule import (
    CRD,
    Embedded,
    Form,
    ImageSource,
    KindRule,
    Part,
    Parts,
    Selector,
    SelectorMap,
    Text,
)
from krm_image_setter.locators.pod_spec import find_pod_spec_images, may_have_pod_spec
from krm_image_setter.resources import Resource
from krm_image_setter.yaml import tree
from krm_image_setter.yaml.tree import Location

__all__ = [
    "Embedded",
    "Form",
    "ImageField",
    "ImageSource",
    "KindRule",
    "OtherField",
    "Part",
    "Parts",
    "Selector",
    "SelectorMap",
    "Text",
    "find_image_fields",
    "source_text",
]


def find_image_fields(
    resource: Resource, rules: Iterable[KindRule], pod_spec_uses: Collection[str]
) -> Iterator[ImageField | OtherField]:
    """Yield the images of the resource's pod specs that are of `pod_spec_uses`, and what `rules` lead to in it.

    The rules must select the resource. What is found twice comes twice.
    """
    # The schema of a CustomResourceDefinition has the keys of a pod spec, but no images (kustomize #890).
    if pod_spec_uses and resource.ref.kind != CRD and may_have_pod_spec(resource.parsed.source.text):
        yield from find_pod_spec_images(resource.node, pod_spec_uses)
    for rule in rules:
        for location, value in rule.path.find(resource.node):
            yield from _fields(resource.node, location, value, rule)


def _fields(root: Any, location: Location, value: Any, rule: KindRule) -> Iterator[ImageField | OtherField]:
    """Yield the image fields of what stands at a location, by the rule that leads there."""
    form = rule.form
    if isinstance(form, Parts) and isinstance(value, tree.Mapping):
        field = parts_field(location, value, form, rule)
        if field is not None:
            yield field
    elif isinstance(form, Part) and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield part_field(location, source_text(root, location), form, rule)
    elif isinstance(form, Parts) or not isinstance(value, str):
        yield OtherField(location, value, rule)
    elif isinstance(form, Text):
        yield from text_fields(location, value, rule=rule)
    elif isinstance(form, Embedded):
        yield OtherField(location, value, rule)
    else:
        policy = ((*location[:-1], "imagePullPolicy"), False)
        yield whole_field(location, value, rule=rule, policy=policy)
