"""The texts that CustomResourceDefinitions accept."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from krm_image_setter.discovery.limits import Limits, limits_in_stream
from krm_image_setter.documents import Stream
from krm_image_setter.resources import ResourceRef
from krm_image_setter.yaml.tree import Location

IMAGE = f"quay.io/org/app:1@sha256:{'0' * 64}"
AT: Location = ("spec", "image")


def crd(image: Any, *, api: str = "v1") -> str:
    schema = {"openAPIV3Schema": {"properties": {"spec": {"properties": {"image": image}}}}}
    spec: dict[str, Any] = {"group": "example.com", "names": {"kind": "Foo"}}
    if api == "v1":
        spec["versions"] = [{"name": "v1", "schema": schema}, {"name": "v2"}]
    else:
        spec.update(version="v1", validation=schema)
    head = {
        "apiVersion": f"apiextensions.k8s.io/{api}",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "x"},
    }
    return yaml.safe_dump({**head, "spec": spec})


def problem(text: str, location: Location = AT, version: str = "example.com/v1") -> str:
    limits = Limits(limits_in_stream(Stream(text)))
    return limits.problem(ResourceRef(version, "Foo", "", "f"), [(location, IMAGE)])


def string(**fields: Any) -> dict[str, Any]:
    return {"type": "string", **fields}


REJECTING = {
    "pattern": (string(pattern="^[^@]+$"), AT, 'only the pattern "^[^@]+$"'),
    "maximum length": (string(maxLength=63), AT, "at most 63 characters"),
    "pattern of all": (string(allOf=[{"pattern": "^[^@]+$"}]), AT, "only the pattern"),
    "POSIX class": (string(pattern="^[[:alnum:]./:]+$"), AT, "only the pattern"),
    "item of a list": ({"items": string(maxLength=9)}, (*AT, 3), "at most 9 characters"),
    "value of a mapping": ({"additionalProperties": string(maxLength=9)}, (*AT, "any"), "at most 9"),
}
ACCEPTING = {
    "no limit": (string(), AT),
    "pattern that accepts a digest": (string(pattern="^([a-z./]+):([0-9]+)(@sha256:[0-9a-f]+)?$"), AT),
    "pattern for a part": (string(pattern="app"), AT),
    "enough characters": (string(maxLength=100), AT),
    "another field": ({"properties": {"tag": string(maxLength=9)}}, (*AT, "name")),
    "pattern that only Go can compile": (string(pattern=r"^\pL+$"), AT),
    "invalid pattern": (string(pattern="("), AT),
    "pattern of a number": ({"type": "integer", "pattern": "^x"}, AT),
    "schema that is not a mapping": ([], AT),
}


@pytest.mark.parametrize("api", ["v1", "v1beta1"])
@pytest.mark.parametrize(("schema", "location", "message"), REJECTING.values(), ids=REJECTING)
def test_text_that_schema_rejects_is_a_problem(schema: Any, location: Location, message: str, api: str) -> None:
    assert message in problem(crd(schema, api=api), location)


@pytest.mark.parametrize(("schema", "location"), ACCEPTING.values(), ids=ACCEPTING)
def test_text_that_schema_accepts_is_no_problem(schema: Any, location: Location) -> None:
    assert problem(crd(schema), location) == ""


def test_limits_are_those_of_the_version() -> None:
    text = crd(string(maxLength=9))
    assert problem(text)
    assert not problem(text, version="example.com/v2")
    assert not problem(text, version="example.org/v1")


@pytest.mark.parametrize("spec", ["", "spec: []", "spec: {names: [], versions: [1, {schema: x}]}"])
def test_unusual_definition_has_no_limits(spec: str) -> None:
    head = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"
    assert limits_in_stream(Stream(head + spec)) == []
