"""discover() and merged(): resources and CustomResourceDefinitions in one stream."""

from __future__ import annotations

from typing import Any

import pytest
from discovery.definitions import RULES, STRING, confidences, crd, fields, listed, mapped

from krm_image_setter import read_config
from krm_image_setter.discovery import Confidence, Kind, discover
from krm_image_setter.documents import Stream
from krm_image_setter.rules import rules_for

CONFIG = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {r.io/old: new:2}\n"


def test_definition_in_a_list_is_found() -> None:
    items = f'{{"apiVersion": "v1", "kind": "List", "items": [{crd(fields(image=STRING))}]}}'
    assert confidences(f"kind: ConfigMap\n---\n{items}\n") == {"{.spec.image}": "likely"}


def test_definition_replaces_findings_in_resources() -> None:
    resource = "apiVersion: example.com/v1\nkind: Thing\nspec: {image: a, bundle: 'quay.io/a/b:1'}\n"
    assert confidences(f"{resource}---\n{crd(fields(image=STRING))}\n") == {"{.spec.image}": "likely"}


#: a rule for Thing.example.com, and the paths that are found without it and with it, for each schema
KNOWN = [
    pytest.param(fields(image=STRING, x_image=STRING), "'{.spec.image}'", ["{.spec.x_image}"], id="same path"),
    pytest.param(
        fields(image=STRING, image_version=STRING, x_image=STRING),
        "{path: '{.spec}', fields: {repository: image, tag: tag}}", ["{.spec.x_image}"], id="split reference",
    ),
    pytest.param(
        fields(image=fields(repository=STRING, tag=STRING)),
        "{path: '{.spec.image.repository}', part: name}", [], id="part of a split reference",
    ),
    pytest.param(fields(a=fields(b=fields(image=STRING))), "'{.spec..image}'", [], id="recursive path"),
    pytest.param(fields(a=listed(fields(image=STRING))), "'{.spec.a[*].image}'", [], id="items"),
    pytest.param(fields(a=mapped(fields(image=STRING))), "'{.spec.a.*.image}'", [], id="values of a mapping"),
    pytest.param(
        fields(values=fields(web=fields(image=STRING)), image=STRING),
        "{path: '{.spec.values}', as: values}", ["{.spec.image}"], id="Helm values",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "path", "expected"), KNOWN)
def test_fields_that_a_rule_finds_in_any_form_are_omitted(schema: Any, path: str, expected: list[str]) -> None:
    known = rules_for(read_config(f"{CONFIG}kinds: {{Thing.example.com: {path}}}\n"), {})
    assert [finding.path for finding in discover(Stream(crd(schema)), known).findings] == expected


def test_field_of_a_version_without_a_rule_is_found() -> None:
    selector = "{kind: Thing, apiVersion: example.com/v2, paths: '{.spec.image}'}"
    known = rules_for(read_config(f"{CONFIG}kinds: [{selector}]\n"), {})
    found = discover(Stream(crd(fields(image=STRING))), known).findings
    assert [finding.path for finding in found] == ["{.spec.image}"]


def test_kustomize_entries_are_found_with_their_form() -> None:
    schema = fields(images=listed(fields(name=STRING, newName=STRING, newTag=STRING)))
    (found,) = discover(Stream(crd(schema)), RULES).findings
    assert (found.rule.path_data, found.confidence) == (
        {"path": "{.spec.images[*]}", "as": "kustomize"},
        Confidence.LIKELY,
    )


def test_field_without_a_schema_can_contain_a_pod_spec() -> None:
    opaque = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    names = ("podTemplate", "template", "deployment", "emailTemplate", "config")
    found = discover(Stream(crd(fields(**dict.fromkeys(names, opaque)))), RULES)
    assert [steps[-1] for steps in found.pod_specs[Kind("example.com", "Thing")]] == [*names[:3]]


def test_report_contains_no_image_fields() -> None:
    assert confidences(crd(fields(image=STRING)).replace("Thing", "ThingReport")) == {}


def test_paths_of_rules_are_omitted() -> None:
    known = rules_for(read_config(CONFIG + "kinds: {Thing.example.com: '{.spec.image}'}\n"), {})
    text = crd(fields(image=STRING, web=fields(image=STRING)))
    assert [finding.path for finding in discover(Stream(text), known).findings] == ["{.spec.web.image}"]
