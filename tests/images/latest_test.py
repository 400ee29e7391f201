"""A missing tag means the tag `latest`, except if something else chooses the tag."""

from __future__ import annotations

import pytest

from krm_image_setter import read_config, set_images

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
CONFIG = (
    f"{HEAD}onUnused: ignore\nimages: [{{name: 'web:latest', newTag: '2'}}]\nkinds:\n"
    "- {kind: Whole, paths: spec.image}\n"
    "- {kind: Text, paths: {path: spec.image, as: text}}\n"
    "- {kind: Split, paths: {path: spec, fields: {repository: image, tag: tag}}}\n"
    "- {kind: Name, paths: {path: spec.image, part: name}}\n"
    "- {kind: Values, paths: {path: spec, as: values}}\n"
    "- {kind: Override, paths: {path: spec.image, as: override}}\n"
    "- {kind: Kustomize, paths: {path: 'spec.images[*]', as: kustomize}}\n"
)


def made(kind: str, spec: str, config: str = CONFIG) -> str:
    head = f"apiVersion: example.com/v1\nkind: {kind}\nmetadata: {{name: a}}\nspec: "
    new = set_images(f"{head}{spec}\n", read_config(config)).text
    assert new.startswith(head)
    return new[len(head) : -1]


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        pytest.param("Whole", "{image: web}", "{image: web:2}", id="whole reference"),
        pytest.param(
            "Whole", "{image: docker.io/library/web}", "{image: docker.io/library/web:2}", id="long name"
        ),
        pytest.param("Whole", "{image: web:latest}", "{image: web:2}", id="tag latest"),
        pytest.param("Text", "{image: --x=docker.io/web}", "{image: --x=docker.io/web:2}", id="text"),
        pytest.param("Values", "{image: web}", "{image: web:2}", id="whole reference in values"),
        pytest.param(
            "Split", "{image: web, tag: latest}", '{image: web, tag: "2"}', id="split reference with tag"
        ),
    ],
)
def test_entry_for_latest_sets_missing_tag(kind: str, spec: str, expected: str) -> None:
    assert made(kind, spec) == expected


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        pytest.param("Whole", "{image: web:1}", id="another tag"),
        pytest.param("Whole", f"{{image: 'web@sha256:{'1' * 64}'}}", id="digest"),
        pytest.param("Split", "{image: web}", id="split reference"),
        pytest.param("Split", "{image: web, tag: ''}", id="split reference with an empty tag"),
        pytest.param("Name", "{image: web}", id="name alone"),
        pytest.param("Values", "{image: {repository: web}}", id="split reference in values"),
        pytest.param("Override", "{image: app=web}", id="override"),
        pytest.param("Kustomize", "{images: [{name: a, newName: web}]}", id="entry of kustomize"),
    ],
)
def test_entry_for_latest_does_not_set_a_tag_that_is_chosen_elsewhere(kind: str, spec: str) -> None:
    assert made(kind, spec) == spec


def test_first_of_the_entries_with_and_without_tag_wins() -> None:
    entries = ["{name: web, newTag: '1'}", "{name: 'web:latest', newTag: '2'}"]
    for first, second, tag in ((*entries, "1"), (*reversed(entries), "2")):
        config = CONFIG.replace("images: [", f"images: [{first}, {second}]\nkinds_: [").partition("kinds_")[0]
        config += CONFIG[CONFIG.index("kinds:") :]
        assert made("Whole", "{image: web}", config) == f"{{image: web:{tag}}}"


def test_version_of_catalog_gets_the_tag_without_the_digest() -> None:
    digest = f"sha256:{'1' * 64}"
    text = "apiVersion: pingcap.com/v1alpha1\nkind: TidbCluster\nmetadata: {name: t}\nspec: {pd: {baseImage: pd, version: v1}}\n"
    outcome = set_images(text, read_config(f"{HEAD}images: {{pd: 'pd:v2@{digest}'}}\n"))
    assert outcome.text == text.replace("v1}}", "v2}}")
    assert (
        outcome.results[-1].message
        == f'the digest of "pd:v2@{digest}" was not written: `version` contains only a version'
    )
