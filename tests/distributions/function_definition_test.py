"""What catalogs of functions are told: up to date, an OpenAPI v3 schema, and one that takes what we take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from harness import ROOT

from krm_image_setter.config import API_VERSION, KIND

FILE = ROOT / "krm-function-metadata.yaml"
DEFINITION = yaml.safe_load(FILE.read_text())
(VERSION,) = DEFINITION["spec"]["versions"]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]
HEAD = f"apiVersion: {API_VERSION}\nkind: {KIND}\n"


def refusals(config: Any) -> list[str]:
    validators = pytest.importorskip(
        "openapi_schema_validator", reason="openapi-schema-validator is not installed"
    )
    validators.OAS30Validator.check_schema(SCHEMA)
    said = [error.message for error in validators.OAS30Validator(SCHEMA).iter_errors(config)]
    return [
        message.replace("[] is too short", "[] should be non-empty") for message in said
    ]  # before jsonschema 4.21


def test_it_is_that_of_the_schema() -> None:
    tool = ROOT / "tools/function_definition.py"
    module: dict[str, Any] = {"__file__": str(tool), "__name__": "function_definition"}
    exec(compile(tool.read_text(), tool, "exec"), module)
    assert module["definition"]() == FILE.read_text(), "run make function-definition"


def test_it_defines_our_configuration() -> None:
    assert f"{DEFINITION['spec']['group']}/{VERSION['name']}" == API_VERSION
    assert DEFINITION["spec"]["names"]["kind"] == KIND


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in [*node.get("properties", {}).values(), node.get("items"), node.get("additionalProperties")]:
        if child is not None:
            yield from nodes(child)


def test_it_is_structural() -> None:
    """https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions."""
    known = {"description", "type", "enum", "required", "minLength", "minItems", "properties", "items"}
    known |= {"additionalProperties", "x-kubernetes-preserve-unknown-fields"}
    found = list(nodes(SCHEMA))
    assert len(found) > 80
    for node in found:
        assert node.keys() <= known
        assert ("type" in node) != (node.get("x-kubernetes-preserve-unknown-fields") is True), node
        assert node.get("type") != "array" or "items" in node
        assert not {"properties", "additionalProperties"} <= node.keys() or "type" not in node


#: Its configuration is wrong, and is to be refused.
WRONG_FIXTURE = ROOT / "fixtures/error-unknown-field/config.yaml"


def image_setters() -> Iterator[Any]:
    for path in [*sorted(ROOT.glob("fixtures/*/config.yaml")), ROOT / "functions.yaml"]:
        for document in yaml.safe_load_all(path.read_text()):
            if path != WRONG_FIXTURE and isinstance(document, dict) and document.get("kind") == KIND:
                yield pytest.param(document, id=path.relative_to(ROOT).as_posix())


@pytest.mark.parametrize("config", list(image_setters()))
def test_it_takes_the_fixtures(config: Any) -> None:
    assert refusals(config) == []


def test_it_refuses_the_wrong_fixture() -> None:
    """For its tag that is a number; unknown fields are the business of who reads the schema."""
    assert refusals(yaml.safe_load(WRONG_FIXTURE.read_text())) == ["1.1 is not of type 'string'"]


RIGHT = [
    "images: {nginx: nginx:2}",
    "kinds: {Cache: '{.spec.image}', Rollout.argoproj.io: [.spec.a, {path: .spec.b, part: tag, of: nginx}]}",
    "kinds: {Cache: {path: .spec.values, as: yaml, paths: [{path: .image, fields: {repository: r, tag: t}}]}}",
    "kinds: {Cache: {path: .a, as: yaml, paths: {path: .b, as: json, paths: {path: .c, as: text}}}}",
    "images: [{name: nginx, containers: web}, {name: redis, containers: [a, b], env: true, args: true}]",
    "images: [{name: nginx, from: {kind: Job, name: no-op, path: .spec.image}}]",
    "registries: [{from: docker.io, to: registry.example.com}]",
    "defaultRegistry: {host: localhost:5000, singleName: all}",
    "metadata: {name: x, labels: {a: b}}\n"
    "imagePullPolicy: Always\n"
    "podSpecs: false\n"
    "catalog: false\n"
    "onUnused: error",
]


@pytest.mark.parametrize("config", RIGHT)
def test_it_takes(config: str) -> None:
    assert refusals(yaml.safe_load(HEAD + config)) == []


WRONG = [
    (HEAD + "images: [{newTag: '1'}]", "'name' is a required property"),
    (HEAD + "images: [{name: nginx, newTag: 1.27}]", "1.27 is not of type 'string'"),
    (HEAD + "images: [nginx]", "'nginx' is not of type 'object'"),
    (HEAD + "images: {nginx: 1.27}", "1.27 is not of type 'string'"),
    (HEAD + "images: [{name: nginx, containers: []}]", "[] should be non-empty"),
    (HEAD + "images: [{name: nginx, containers: [1]}]", "1 is not of type 'string'"),
    (HEAD + "images: [{name: nginx, env: 'yes'}]", "'yes' is not of type 'boolean'"),
    (HEAD + "images: [{name: nginx, from: {kind: Job, name: a}}]", "'path' is a required property"),
    (HEAD + "kinds: [{kind: Cache}]", "'paths' is a required property"),
    (HEAD + "kinds: [{kind: Cache, paths: {part: tag}}]", "'path' is a required property"),
    (HEAD + "kinds: [{kind: Cache, paths: []}]", "[] should be non-empty"),
    (HEAD + "kinds: [{kind: Cache, paths: {path: .a, part: tags}}]", "'tags' is not one of"),
    (HEAD + "kinds: {Cache: {path: .a, fields: {tag: t}}}", "'repository' is a required property"),
    (HEAD + "registries: {docker.io: registry.example.com}", "is not of type 'array'"),
    (HEAD + "onUnused: fail", "'fail' is not one of"),
    (HEAD.replace("v1alpha1", "v2"), "is not one of"),
    ("kind: ImageSetter\n", "'apiVersion' is a required property"),
]


@pytest.mark.parametrize(("config", "said"), WRONG)
def test_it_refuses(config: str, said: str) -> None:
    assert [said in refusal for refusal in refusals(yaml.safe_load(config))] == [True]
