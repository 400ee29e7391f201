"""Finds the image fields of a resource: the fields of pod specs, and the fields at the paths of rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from krm_image_setter.locators.forms import RELATED_IMAGE, TEXT, WHOLE, Form, Part, Split
from krm_image_setter.locators.image_field import ImageField, OtherField, source_text
from krm_image_setter.locators.kind_rule import Embedded, FileRule, ImageSource, KindRule, Selector, SelectorMap
from krm_image_setter.locators.pod_spec import MANY, count_pod_spec_names, find_pod_spec_images
from krm_image_setter.resources import CRD, Resource
from krm_image_setter.typed import Final
from krm_image_setter.yaml.tree import Location

__all__ = [
    "PLACEHOLDER_STARTS",
    "RELATED_IMAGE",
    "TEXT",
    "WHOLE",
    "Embedded",
    "FileRule",
    "Form",
    "ImageField",
    "ImageSource",
    "KindRule",
    "OtherField",
    "Part",
    "Selector",
    "SelectorMap",
    "Split",
    "covered",
    "find_image_fields",
    "source_text",
]


def find_image_fields(
    resource: Resource, rules: Iterable[KindRule], pod_spec_uses: Collection[str], matched: set[int]
) -> Iterator[tuple[ImageField | OtherField, KindRule | None]]:
    """Yield the image fields in pod specs whose use is in `pod_spec_uses`, and the fields that `rules` match.

    Each field is yielded with its rule, or with None if it is in a pod spec. If a rule also matches a field in a
    pod spec, the field is yielded twice. All `rules` must select the resource, or a resource inside it. The
    positions of the rules that match a field are added to `matched`. If a rule of `kinds` reads a string as a
    document, the catalog does not read it again. For a field with only a placeholder, such as `$(params.image)`,
    the fields with the defaults and values of the parameter are yielded instead, if the resource contains them.
    """
    parameters = None
    for field, rule in _find(resource, rules, pod_spec_uses, matched):
        if isinstance(field, ImageField) and field.current.startswith(PLACEHOLDER_STARTS) and not field.part:
            if parameters is None:
                from krm_image_setter.locators.parameters import Parameters  # noqa: PLC0415  (few resources have any)

                parameters = Parameters(resource.node)
            yield from ((image, rule) for image in parameters.images(field) or (field,))
        else:
            yield field, rule


#: How a placeholder starts: in Tekton and Shipwright, in OpenShift, and in Argo Workflows.
PLACEHOLDER_STARTS: Final = ("$(", "${", "{{")


def _find(
    resource: Resource, rules: Iterable[KindRule], pod_spec_uses: Collection[str], matched: set[int]
) -> Iterator[tuple[ImageField | OtherField, KindRule | None]]:
    # The schema of a CustomResourceDefinition can look like a pod spec, but contains no images (kustomize #890).
    if pod_spec_uses and resource.ref.kind != CRD:
        names = count_pod_spec_names(resource.tree.source.text)
        if names and resource.tree.document.aliased:
            names = MANY
        for field in find_pod_spec_images(resource.node, pod_spec_uses, names) if names else ():
            yield field, None
    documents: set[Location] = set()  # the strings that an earlier rule reads as documents
    keywords = _keywords_in(resource.tree.source.text)
    for rule in rules:
        if not keywords[rule.path.keyword]:
            continue
        for location, value in rule.find(resource.node):
            if not isinstance(rule.form, Split) or rule.form.has_repository(value):
                matched.add(rule.position)
            for found in rule.form.fields(resource.node, location, value):
                if isinstance(found, OtherField) and found.embedded is not None:
                    if rule.origin == "catalog" and location in documents:
                        continue
                    documents.add(location)
                yield found, rule


#: The number of keywords for which a text is searched. Above it, the searches could take quadratic time.
_MOST_KEYWORDS: Final = 64


class _Keywords(dict[str, bool]):
    """Whether a text can contain the keyword of a path. An escape or a line break can hide a keyword."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __missing__(self, keyword: str) -> bool:
        if len(self) >= _MOST_KEYWORDS:
            return True
        self[keyword] = found = not keyword.isalnum() or keyword in self._text or "\\" in self._text
        return found


@lru_cache(maxsize=1)  # thousands of resources can share a text, such as the items of a JSON list
def _keywords_in(text: str) -> _Keywords:
    return _Keywords(text)


def covered(fields: Iterable[tuple[ImageField | OtherField, KindRule | None]]) -> set[Location]:
    """Return the locations of the result of `find_image_fields`."""
    found: set[Location] = set()
    for field, _ in fields:
        found.add(field.location)
        if isinstance(field, ImageField):
            found.update(field.parts)
    return found
