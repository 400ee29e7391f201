"""Finds image fields in the schemas of CustomResourceDefinitions (apiextensions.k8s.io v1 and v1beta1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from krm_image_setter.discovery.finding import (
    ITEMS,
    NOT_SPECIFIED,
    VALUES,
    Confidence,
    Finding,
    Kind,
    Steps,
    name_of,
)
from krm_image_setter.discovery.judging import is_container, is_url, judged
from krm_image_setter.locators import WHOLE, Form, Split, Text
from krm_image_setter.locators.shapes import split_references
from krm_image_setter.resources import CRD, Resource

#: The maximum depth of the search in a schema. The deepest schema of a public CRD has 47 levels.
_MAX_DEPTH: Final = 100
_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")


class Definition(NamedTuple):
    """The image fields of a kind that need an entry in `kinds`, and the pod specs of the kind, which need none."""

    kind: Kind
    findings: tuple[Finding, ...]
    pod_specs: tuple[Steps, ...]


def find_in_crd(resource: Resource) -> Definition | None:
    """Return the image fields in all versions of a CustomResourceDefinition. For other resources, return None."""
    if resource.ref.kind != CRD:
        return None
    spec = _mapping(resource.node.get("spec"))
    group, kind = spec.get("group"), _mapping(spec.get("names")).get("kind")
    if not isinstance(group, str) or not isinstance(kind, str):
        return None
    search = _Search(Kind(group, kind))
    for schema in _schemas(spec):
        for name, field in _properties(schema).items():
            if name not in NOT_SPECIFIED:
                search.walk(field, (name,), 0)
    return Definition(search.kind, tuple(search.findings.values()), tuple(search.pod_specs))


def _schemas(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schema of each version. In v1beta1, one schema can apply to all versions."""
    versions = spec.get("versions")
    for holder in (spec.get("validation"), *(versions if isinstance(versions, list) else ())):
        holder = _mapping(holder)  # noqa: PLW2901
        schema = holder.get("openAPIV3Schema") or _mapping(holder.get("schema")).get("openAPIV3Schema")
        if isinstance(schema, dict):
            yield schema


class _Search:
    """A search in the schemas of one kind. It collects findings and pod specs."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.findings: dict[tuple[Steps, Form | None], Finding] = {}
        self.pod_specs: dict[Steps, None] = {}

    def walk(self, schema: Any, steps: Steps, depth: int) -> None:
        """Search the schema of a field, and the schemas of the fields in it."""
        if not isinstance(schema, dict) or depth > _MAX_DEPTH or steps[-1] == "status":
            return
        self._field(schema, steps)
        fields = _properties(schema)
        handled = self._object(schema, fields, steps) if fields else frozenset[str]()
        for name, field in fields.items():
            if name not in handled:
                self.walk(field, (*steps, name), depth + 1)
        items, values = schema.get("items"), schema.get("additionalProperties")
        if isinstance(items, dict):
            self.walk(items, (*steps, ITEMS), depth + 1)
        if isinstance(values, dict):
            self.walk(values, (*steps, VALUES), depth + 1)

    def _field(self, schema: dict[str, Any], steps: Steps) -> None:
        """Add a string field if its name means an image. An item of a list has the name of the list."""
        if schema.get("type") != "string":
            return
        name, enclosing = name_of(steps)
        judgement = judged(name, _text(schema), enclosing)
        if judgement:
            self._add(steps, *judgement, schema=schema, form=Text() if is_url(name) else WHOLE)

    def _object(self, schema: dict[str, Any], fields: dict[str, Any], steps: Steps) -> frozenset[str]:
        """Add an object if it is a container or a split reference. Return its fields that need no search."""
        handled = {
            name
            for name in _CONTAINERS
            if "image" in _properties(_mapping(_mapping(fields.get(name)).get("items")))
        }
        if handled:
            self.pod_specs[steps] = None
        if "configMap" in (volumes := _properties(_mapping(_mapping(fields.get("volumes")).get("items")))) or (
            "emptyDir" in volumes
        ):
            handled.add("volumes")
        strings = {name for name, field in fields.items() if _mapping(field).get("type") == "string"}
        name, around = name_of(steps)
        splits = split_references(name, tuple(sorted(strings)), tuple(around), is_complete=True)
        for keys in splits:
            self._add(steps, Confidence.SURE, "split reference", schema=schema, form=Split(*keys))
            handled.update(keys)
        if not splits and is_container(fields.keys()) and "image" in strings:
            self._add((*steps, "image"), Confidence.SURE, "container", schema=fields["image"])
            handled.add("image")
            for key in ("command", "args"):
                if key in fields:
                    self._add(
                        (*steps, key, ITEMS),
                        Confidence.POSSIBLE,
                        "arguments of a container",
                        schema={},
                        form=Text(),
                    )
        return frozenset(handled)

    def _add(
        self, steps: Steps, confidence: Confidence, reason: str, *, schema: dict[str, Any], form: Form = WHOLE
    ) -> None:
        finding = Finding(self.kind, steps, form, confidence, reason, _text(schema))
        key = steps, form if isinstance(form, Split) else None
        if key not in self.findings or self.findings[key].confidence < confidence:
            self.findings[key] = finding


def _text(schema: dict[str, Any]) -> str:
    """Return the description of a field on one line. Without a description, return an empty string."""
    description = schema.get("description")
    return " ".join(description.split()) if isinstance(description, str) else ""


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    return _mapping(schema.get("properties"))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
