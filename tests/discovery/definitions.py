"""CustomResourceDefinitions for the tests, and the findings in a text."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from krm_image_setter.config import ImageSetter
from krm_image_setter.discovery import Finding, discover, propose, unknown_images
from krm_image_setter.documents import Stream
from krm_image_setter.rules import rules_for

RULES = rules_for(ImageSetter(), {})
STRING = {"type": "string"}


def fields(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object."""
    return {"type": "object", "properties": properties}


def listed(item: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a list."""
    return {"type": "array", "items": item}


def mapped(value: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a mapping with any keys."""
    return {"type": "object", "additionalProperties": value}


CONTAINER = fields(image=STRING, command=listed(STRING), env={})
VOLUME = fields(emptyDir={}, image=fields(reference=STRING), rbd=fields(image=STRING))

SCHEMAS = [
    pytest.param(fields(image={"type": "integer"}), {}, id="number"),
    pytest.param(fields(image=fields(name=STRING)), {}, id="object named image"),
    pytest.param(
        fields(image={**STRING, "description": "the AMI of the machine"}), {}, id="description of another image"
    ),
    pytest.param(fields(image={"x-kubernetes-preserve-unknown-fields": True}), {}, id="unknown fields"),
    pytest.param(fields(template=fields(spec=fields(containers=listed(CONTAINER)))), {}, id="pod template"),
    pytest.param(fields(volumes=listed(VOLUME)), {}, id="volumes of a pod"),
    pytest.param(fields(status=fields(image=STRING)), {}, id="nested status"),
    pytest.param(fields(image=STRING), {"{.spec.image}": "likely"}, id="field name"),
    pytest.param(
        fields(web=CONTAINER),
        {"{.spec.web.image}": "sure", "{.spec.web.command[*]}": "possible"},
        id="container",
    ),
    pytest.param(
        fields(web={**CONTAINER, "properties": {**CONTAINER["properties"], "version": STRING}}),
        {"{.spec.web.image}": "likely", "{.spec.web.command[*]}": "possible"},
        id="container with a version",
    ),
    pytest.param(
        fields(sidecars=listed(CONTAINER)),
        {"{.spec.sidecars[*].image}": "sure", "{.spec.sidecars[*].command[*]}": "possible"},
        id="list of containers",
    ),
    pytest.param(fields(extra=mapped(fields(image=STRING))), {"{.spec.extra.*.image}": "likely"}, id="mapping"),
    pytest.param(fields(images=mapped(STRING)), {"{.spec.images.*}": "likely"}, id="mapping of images"),
    pytest.param(fields(images=listed(STRING)), {"{.spec.images[*]}": "likely"}, id="list of images"),
    pytest.param(
        fields(images=fields(web=STRING, db=STRING)),
        {"{.spec.images.web}": "likely", "{.spec.images.db}": "likely"},
        id="named images",
    ),
    pytest.param(
        fields(image=fields(repository=STRING, tag=STRING)), {"{.spec.image}": "sure"}, id="split reference"
    ),
    pytest.param(fields(image={**STRING, "enum": ["a", "b"]}), {}, id="enum"),
    pytest.param(fields(baseImage=STRING, version=STRING), {"{.spec}": "likely"}, id="tag in another field"),
    pytest.param(
        fields(webImage=fields(repository=STRING, version=STRING)),
        {"{.spec.webImage}": "likely"},
        id="split reference with a version",
    ),
    pytest.param(fields(image=STRING, version=STRING), {"{.spec.image}": "likely"}, id="version of the software"),
    pytest.param(fields(**{"my.image": STRING}), {"{.spec['my.image']}": "likely"}, id="field name in quotes"),
]


def crd(spec: dict[str, Any], version: str = "v1") -> str:
    """Return a CustomResourceDefinition whose resources have this schema of `spec`."""
    schema = {"openAPIV3Schema": fields(spec=spec, status=spec, metadata={})}
    names = {"group": "example.com", "names": {"kind": "Thing"}}
    by_version = {
        "v1": {**names, "versions": [{"name": "v1", "schema": schema}]},
        "v1beta1": {**names, "validation": schema, "version": "v1"},
        "v1beta1 versions": {**names, "versions": [{"name": "v1", "schema": schema}, {"name": "v2"}]},
    }
    kind = {
        "apiVersion": f"apiextensions.k8s.io/{version.split(maxsplit=1)[0]}",
        "kind": "CustomResourceDefinition",
    }
    return json.dumps({**kind, "metadata": {"name": "things.example.com"}, "spec": by_version[version]})


def found_in(text: str) -> list[Finding]:
    """Return the fields that are found in a text, and whose rules are safe."""
    stream = Stream(text)
    found = discover(stream, RULES)
    unknown = [each for each in found.images if each.finding.kind not in found.pod_specs]
    proposed = propose(unknown, lambda look: [look(stream)], partial(unknown_images, rules=RULES), RULES)
    return list(dict.fromkeys([*found.findings, *filter(None, proposed)]))


def confidences(text: str) -> dict[str, str]:
    """Return the confidence of each path that is found in a text."""
    return {finding.path: finding.confidence.name.lower() for finding in found_in(text)}
