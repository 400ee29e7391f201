"""The image fields of CustomResourceDefinitions, by their schemas (apiextensions.k8s.io v1 and v1beta1)."""

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
from krm_image_setter.discovery.judging import is_container, is_url, judged, parts_of
from krm_image_setter.locators import WHOLE, Form, Text
from krm_image_setter.locators.kind_rule import CRD
from krm_image_setter.resources import Resource

#: Levels of a schema that are read. The deepest public CRD has 47.
_MAX_DEPTH: Final = 100
_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")


class Definition(NamedTuple):
    """What the schema of a kind has: fields that need an entry, and where pod specs are, which need none."""

    kind: Kind
    findings: tuple[Finding, ...]
    pod_specs: tuple[Steps, ...]


def find_in_crd(resource: Resource) -> Definition | None:
    """Return what a CustomResourceDefinition says of its kind, all versions together; None for other resources."""
    if resource.ref.kind != CRD:
        return None
    spec = _mapping(resource.node.get("spec"))
    group, kind = spec.get("group"), _mapping(spec.get("names")).get("kind")
    if not isinstance(group, str) or not isinstance(kind, str):
        return None
    found = _Found(Kind(group, kind))
    for schema in _schemas(spec):
        for name, field in _properties(schema).items():
            if name not in NOT_SPECIFIED:
                found.search(field, (name,), 0)
    return Definition(found.kind, tuple(found.findings.values()), tuple(found.pod_specs))


def _schemas(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas of all versions: in v1beta1 there may be one for all."""
    versions = spec.get("versions")
    for holder in (spec.get("validation"), *(versions if isinstance(versions, list) else ())):
        holder = _mapping(holder)  # noqa: PLW2901
        schema = holder.get("openAPIV3Schema") or _mapping(holder.get("schema")).get("openAPIV3Schema")
        if isinstance(schema, dict):
            yield schema


class _Found:
    """Gathers what the schemas of a kind have."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.findings: dict[Steps, Finding] = {}
        self.pod_specs: dict[Steps, None] = {}

    def search(self, schema: Any, steps: Steps, depth: int) -> None:
        """Look at a field, and at what is in it."""
        if not isinstance(schema, dict) or depth > _MAX_DEPTH or steps[-1] == "status":
            return
        self._field(schema, steps)
        fields = _properties(schema)
        taken = self._object(schema, fields, steps) if fields else frozenset[str]()
        for name, field in fields.items():
            if name not in taken:
                self.search(field, (*steps, name), depth + 1)
        items, values = schema.get("items"), schema.get("additionalProperties")
        if isinstance(items, dict):
            self.search(items, (*steps, ITEMS), depth + 1)
        if isinstance(values, dict):
            self.search(values, (*steps, VALUES), depth + 1)

    def _field(self, schema: dict[str, Any], steps: Steps) -> None:
        """Add a string field whose name says that it is an image; of a list or mapping the name of that counts."""
        if schema.get("type") != "string":
            return
        name, enclosing = name_of(steps)
        judgement = judged(name, _text(schema), enclosing)
        if judgement:
            self._add(steps, *judgement, schema=schema, form=Text() if is_url(name) else WHOLE)

    def _object(self, schema: dict[str, Any], fields: dict[str, Any], steps: Steps) -> frozenset[str]:
        """Add what an object is by its shape, and return the names of its fields that are not to be looked at."""
        taken = {
            name
            for name in _CONTAINERS
            if "image" in _properties(_mapping(_mapping(fields.get(name)).get("items")))
        }
        if taken:
            self.pod_specs[steps] = None
        if "configMap" in (volumes := _properties(_mapping(_mapping(fields.get("volumes")).get("items")))) or (
            "emptyDir" in volumes
        ):
            taken.add("volumes")
        strings = {name for name, field in fields.items() if _mapping(field).get("type") == "string"}
        parts = parts_of(name_of(steps)[0], strings)
        if parts:
            self._add(steps, Confidence.SURE, "a reference in parts", schema=schema, form=parts)
            taken.update(parts)
        elif is_container(fields.keys()) and "image" in strings:
            self._add((*steps, "image"), Confidence.SURE, "a container", schema=fields["image"])
            taken.add("image")
            for key in ("command", "args"):
                if key in fields:
                    self._add(
                        (*steps, key, ITEMS),
                        Confidence.POSSIBLE,
                        "arguments of a container",
                        schema={},
                        form=Text(),
                    )
        return frozenset(taken)

    def _add(
        self, steps: Steps, confidence: Confidence, reason: str, *, schema: dict[str, Any], form: Form = WHOLE
    ) -> None:
        finding = Finding(self.kind, steps, form, confidence, reason, _text(schema))
        if steps not in self.findings or self.findings[steps].confidence < confidence:
            self.findings[steps] = finding


def _text(schema: dict[str, Any]) -> str:
    """Return the description of a field, on one line."""
    description = schema.get("description")
    return " ".join(description.split()) if isinstance(description, str) else ""


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    return _mapping(schema.get("properties"))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
