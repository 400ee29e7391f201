"""discover() and merged(): resources and CustomResourceDefinitions in one stream."""

from __future__ import annotations

from discovery.definitions import STRING, confidences, crd, fields

from krm_image_setter import read_config
from krm_image_setter.discovery import discover
from krm_image_setter.documents import Stream
from krm_image_setter.rules import rules_for

CONFIG = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {r.io/old: new:2}\n"


def test_definition_in_a_list_is_found() -> None:
    items = f'{{"apiVersion": "v1", "kind": "List", "items": [{crd(fields(image=STRING))}]}}'
    assert confidences(f"kind: ConfigMap\n---\n{items}\n") == {"{.spec.image}": "likely"}


def test_definition_replaces_findings_in_resources() -> None:
    resource = "apiVersion: example.com/v1\nkind: Thing\nspec: {image: a, bundle: 'quay.io/a/b:1'}\n"
    assert confidences(f"{resource}---\n{crd(fields(image=STRING))}\n") == {"{.spec.image}": "likely"}


def test_paths_of_rules_are_omitted() -> None:
    known = rules_for(read_config(CONFIG + "kinds: {Thing.example.com: '{.spec.image}'}\n"), {})
    text = crd(fields(image=STRING, web=fields(image=STRING)))
    assert [finding.path for finding in discover(Stream(text), known).findings] == ["{.spec.web.image}"]
