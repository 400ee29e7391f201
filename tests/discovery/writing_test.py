"""Findings as `kinds`: every written entry is valid and finds its field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from discovery.definitions import RULES, SCHEMAS, STRING, crd, fields, found_in
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krm_image_setter import read_config, set_images
from krm_image_setter.discovery import discover, merged, write_kinds
from krm_image_setter.documents import Stream

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {r.io/old: new:2}\n"
NAMES = st.sampled_from(
    ["image", "images", "tag", "repository", "containers", "command", "env", "a b", "ü", "x.y", "status", "digest"]
)
KEYWORDS = st.sampled_from(["properties", "items", "additionalProperties", "type", "description"])


def objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(NAMES, values, max_size=5).map(lambda properties: fields(**properties))


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(STRING),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | KEYWORDS, inner, max_size=4) | objects(inner)
    ),
    max_leaves=30,
)


@given(ANY, ANY)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_kinds_of_any_schema_are_a_valid_configuration(schema: Any, spec: Any) -> None:
    text = crd(fields(x=schema, **(schema if isinstance(schema, dict) else {})))
    resource = json.dumps({"apiVersion": "other.com/v1", "kind": "Other", "spec": spec})
    findings = found_in(f"{text}\n---\n{resource}\n")
    config = read_config(HEAD + "".join(f"{line}\n" for line in write_kinds(findings, {})))
    assert len(config.kinds) == sum(finding.is_complete for finding in findings)


@pytest.mark.parametrize(("schema", "expected"), SCHEMAS)
def test_kinds_of_a_schema_find_every_field(schema: dict[str, Any], expected: dict[str, str]) -> None:
    """A resource is made from the schema, and the written entries set all images in it."""
    example = {"apiVersion": "example.com/v1", "kind": "Thing", "spec": example_of(schema)}
    lines = "\n".join(write_kinds(merged([discover(Stream(crd(schema)), RULES)]).findings, {}))
    outcome = set_images(
        json.dumps(example), read_config(f"{HEAD}onUnused: error\n{lines}\n" if expected else HEAD)
    )
    assert not [result for result in outcome.results if result.severity == "error"]
    assert outcome.text.count("new") >= sum(level != "possible" for level in expected.values())


def test_parts_of_references_are_comments_or_entries() -> None:
    """An entry for a tag needs the name of its image, and no entry can set a registry."""
    prefix = {**STRING, "description": "the registry to pull images from"}
    schema = fields(imageTag=STRING, imageRepository=prefix, web=fields(imageRepository=STRING))
    lines = list(write_kinds(discover(Stream(crd(schema)), RULES).findings, {}))
    tag = '{path: "{.spec.imageTag}", part: tag, of: IMAGE}'
    assert lines == [
        "kinds:",
        f"# Thing.example.com: {{.spec.imageTag}} contains only a tag; to set it, add {tag} with the name of its image",
        "# Thing.example.com: {.spec.imageRepository} contains only the registry of images; no entry can set it",
        "- kind: Thing\n  apiVersion: example.com/*",
        "  paths:",
        "  # likely (name of an image)",
        '  - {path: "{.spec.web.imageRepository}", part: name}',
    ]


def example_of(schema: dict[str, Any]) -> Any:
    if "properties" in schema:
        return {
            name: "1" if name in ("tag", "version") else example_of(field)
            for name, field in schema["properties"].items()
        }
    if "items" in schema:
        return [example_of(schema["items"])]
    if "additionalProperties" in schema:
        return {"one": example_of(schema["additionalProperties"])}
    return "r.io/old:1" if schema.get("type") == "string" else 1
