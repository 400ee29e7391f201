"""Finds the image fields in the resources and patches of kustomizations, and how kustomize reaches each field.

kustomize does not search the same fields as this program: see `api/filters/imagetag` in the kustomize repository.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zlib import crc32

from krm_image_setter.documents import Stream
from krm_image_setter.errors import InputError
from krm_image_setter.images import IMAGE, Usage
from krm_image_setter.locators import ImageField, KindRule, SelectorMap, find_image_fields
from krm_image_setter.locators.json_patch import is_json_patch, json_patch_fields, target_location
from krm_image_setter.resources import CRD, NO_REF, Resource, ResourceRef
from krm_image_setter.rules import Rules
from krm_image_setter.scan import LocatedField, searched
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml import tree
from krm_image_setter.yaml.tree import Location

_CONTAINERS: Final = ("containers", "initContainers")
#: The locations of the pod specs in which kustomize sets image volumes and applies `tagSuffix` twice.
_POD_SPECS: Final = (("spec",), ("spec", "template", "spec"))
#: The location that is assumed for an image that a chart renders from its values.
CHART_IMAGE: Final = ("spec", "template", "spec", "containers", 0, "image")
#: The file name of a text that is not a file. No rule for named files, such as `compose.yaml`, selects it.
ANY_FILE: Final = "patch"


class FoundField(Record):
    """An image in a resource or patch of a kustomization. `location` is its location in the built resource.

    `offset` is in code points of the text, and `line` counts from 1. If `is_known` is false, only kustomize reads
    the field as an image, and `set` must not change it. If `is_patch` is true, the field is in a JSON 6902 patch,
    and the resource is unknown. If `is_test` is true, the operation of the patch is `test`: the build fails if the
    resource has another image.
    """

    offset: int
    line: int
    image: str
    location: Location
    resource: ResourceRef
    usage: Usage
    is_known: bool = True
    is_patch: bool = False
    is_test: bool = False

    @property
    def times(self) -> int:
        """How often kustomize applies an entry to the field: 0, 1 or 2. Only `tagSuffix` makes 2 differ from 1."""
        if self.resource.kind == CRD or len(self.location) < 3 or self.location[-3] not in _CONTAINERS:
            return 0
        return 1 + (self.location[:-3] in _POD_SPECS) if self.location[-1] == "image" else 0

    @property
    def is_volume(self) -> bool:
        """Whether the field is an image volume, which kustomize can set only since version 5.7."""
        location = self.location
        in_volume = location[-2:] == ("image", "reference") and location[-4:-3] == ("volumes",)
        return in_volume and (location[:-4] in _POD_SPECS or self.is_patch)


class Fields(Record):
    """The image fields of a text, and a checksum of the text."""

    found: tuple[FoundField, ...]
    checksum: int


#: The image fields of a text that is not part of a kustomization: none.
NO_FIELDS: Final = Fields((), 0)


def checksum(text: str) -> int:
    """Return a checksum of a text, to detect whether a file has changed since it was read."""
    return crc32(text.encode())


def _fields_of(
    resource: Resource, known: Iterable[LocatedField], rules: Rules, specs: SelectorMap[KindRule]
) -> Iterator[FoundField]:
    """Yield the image fields of a resource, or of a JSON patch, that kustomize or `set` can change.

    `known` contains the fields that the rules find. `specs` are rules for the fields that only kustomize finds.
    """
    if is_json_patch(resource.node):
        for value in json_patch_fields(resource.node):
            operation = resource.node[value.location[0]]
            target = target_location(operation)
            # The index `-` appends an item. Use 0, because entries apply to all items in the same way.
            at = tuple(0 if step == "-" else step for step in (*target, *value.location[2:]))
            yield _found(resource, value, at)._replace(is_patch=True, is_test=operation["op"] == "test")
        return
    if resource.ref == NO_REF:  # Helm values; assume that the chart uses each image for a container
        fields_of_values = (field for field, _ in known if isinstance(field, ImageField))
        yield from (_found(resource, field, CHART_IMAGE) for field in fields_of_values)
        return
    others = () if IMAGE in rules.pod_spec_uses else (IMAGE,)
    unknown = find_image_fields(resource, specs.matching(resource.ref), others, set())
    seen: set[Location] = set()
    for is_known, fields in ((True, known), (False, unknown)):
        for field, _ in fields:
            if not isinstance(field, ImageField) or field.location in seen or not _is_whole(resource, field):
                continue
            seen.add(field.location)
            # Lists and messages show the images of builds, and must not show values of Secrets.
            if not resource.is_secret_at(field.location):
                yield _found(resource, field, field.location, is_known=is_known)


def _is_whole(resource: Resource, field: ImageField) -> bool:
    """Return whether a field contains only a whole image reference, without white space around it."""
    value: Any = tree.at(resource.node, field.location)
    return value == field.current and field.usage.use == IMAGE and not field.part


def _found(resource: Resource, field: ImageField, location: Location, *, is_known: bool = True) -> FoundField:
    source = resource.tree.source
    offset = resource.offset(field.location)
    line = source.line(offset - source.start)
    return FoundField(offset, line, field.current, location, resource.ref, field.usage, is_known)


class FieldCollector:
    """Collects the image fields of the resources of a text."""

    def __init__(self, rules: Rules, specs: SelectorMap[KindRule]) -> None:
        self._rules = rules
        self._specs = specs
        self._found: list[FoundField] = []

    def __call__(self, resource: Resource, fields: Iterable[LocatedField]) -> None:
        """Collect the image fields of a resource. `fields` contains the fields that the rules find."""
        self._found.extend(_fields_of(resource, fields, self._rules, self._specs))

    def fields(self, stream: Stream) -> Fields:
        """Return the collected fields together with the checksum of `stream`, which contains them."""
        return Fields(tuple(self._found), checksum(stream.text))


def fields_in(text: str, rules: Rules, specs: SelectorMap[KindRule]) -> Fields | None:
    """Return the image fields of a text, or None if the text is not a stream of resources and patches."""
    stream, collector = Stream(text, ANY_FILE), FieldCollector(rules, specs)
    try:
        for resource, _, _ in searched(stream, rules._replace(catalog=True)):
            collector(resource, find_image_fields(resource, rules.kinds_in(resource), rules.pod_spec_uses, set()))
    except InputError:
        return None
    return collector.fields(stream)
