"""Image fields in the schemas of CustomResourceDefinitions."""

from __future__ import annotations

from typing import Any

import pytest
from discovery.definitions import SCHEMAS, STRING, confidences, crd, fields, found_in


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1beta1 versions"])
@pytest.mark.parametrize(("schema", "expected"), SCHEMAS)
def test_schema_with_image_fields_gives_paths(
    schema: dict[str, Any], expected: dict[str, str], version: str
) -> None:
    assert confidences(crd(schema, version)) == expected


def test_version_next_to_a_registry_and_a_repository_is_a_tag() -> None:
    schema = fields(web=fields(registry=STRING, repository=STRING, version=STRING))
    (found,) = found_in(crd(schema))
    assert found.form.options == {"fields": {"repository": "repository", "registry": "registry", "tag": "version"}}


def test_deprecated_tag_next_to_an_image_is_not_used() -> None:
    tag = {**STRING, "description": "Deprecated: use `image` instead."}
    found = {
        finding.path: finding.form.options for finding in found_in(crd(fields(image=STRING, tag=tag, sha=tag)))
    }
    assert found == {"{.spec.image}": {}}


def test_tag_with_a_name_is_a_whole_image() -> None:
    schema = fields(image=STRING, imageTag={**STRING, "description": "the image:tag of the reloader"})
    found = {finding.path: finding.form.options for finding in found_in(crd(schema))}
    assert found == {"{.spec.image}": {}, "{.spec.imageTag}": {}}


def test_display_name_is_not_a_repository() -> None:
    name = {**STRING, "description": "The display name of the image"}
    assert [f.path for f in found_in(crd(fields(image=fields(name=name, tag=STRING)))) if f.is_complete] == []
    assert (
        found_in(crd(fields(image=fields(name=STRING, digest=STRING, uri=STRING))))[0].form.options["part"]
        == "digest"
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("kind: CustomResourceDefinition\n", id="no spec"),
        pytest.param(
            "kind: CustomResourceDefinition\nspec: {group: x, versions: [1, {schema: 2}]}\n", id="invalid versions"
        ),
    ],
)
def test_invalid_definition_gives_no_paths(text: str) -> None:
    assert confidences(text) == {}


def test_deep_and_wide_schemas_are_searched_completely() -> None:
    deep: dict[str, Any] = fields(image=STRING)
    for _ in range(60):
        deep = fields(next=deep)
    assert len(confidences(crd(deep))) == 1
    wide = fields(
        **{f"f{number}": fields(image=STRING, **{f"g{n}": STRING for n in range(50)}) for number in range(2000)}
    )
    assert len(confidences(crd(wide))) == 2000
