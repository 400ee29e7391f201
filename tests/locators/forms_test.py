"""Forms of images: keys in a nested mapping, a scheme before the repository, and variables of operators."""

from __future__ import annotations

import pytest

from krm_image_setter import read_config, set_images

D = "sha256:" + "0123456789abcdef" * 4
E = "sha256:" + "fedcba9876543210" * 4
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
OCI = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: o}\nspec:\n"
URL = "  url: oci://ghcr.io/org/app # url\n"
MOVED = "  url: oci://m.io/app # url\n"

# Flux reads the digest first, then the range of versions, then the tag:
# https://fluxcd.io/flux/components/source/ocirepositories/#reference
SET = [
    ("tag", "newTag: '2'", URL + "  ref:\n    tag: '1' # tag\n", URL + "  ref:\n    tag: '2' # tag\n"),
    ("tag in flow style", "newTag: '2'", URL + "  ref: {tag: v1}\n", URL + '  ref: {tag: "2"}\n'),
    ("tag that reads as a number", "newTag: '1.30'", URL + "  ref:\n    tag: a\n", URL + '  ref:\n    tag: "1.30"\n'),
    ("tag before the URL", "newTag: v2", "  ref: {tag: v1}\n" + URL, "  ref: {tag: v2}\n" + URL),
    ("digest in its own key", f"digest: '{E}'", URL + f"  ref: {{digest: '{D}'}}\n", URL + f"  ref: {{digest: '{E}'}}\n"),
    (
        "missing digest",
        f"newTag: v2, digest: '{D}'",
        URL + "  ref:\n    tag: v1\n  x: 1\n",
        URL + f"  ref:\n    tag: v2\n    digest: {D}\n  x: 1\n",
    ),
    ("digest with a range", f"digest: '{D}'", URL + "  ref: {semver: 1.x}\n", URL + f"  ref: {{semver: 1.x, digest: {D}}}\n"),
    ("old digest with a new tag", "newTag: v2", URL + f"  ref: {{tag: v1, digest: '{D}'}}\n", URL + "  ref: {tag: v2, digest: ''}\n"),
    ("new name", "newName: m.io/app", URL + "  ref: {tag: v1}\n", MOVED + "  ref: {tag: v1}\n"),
    ("new name with a range", "newName: m.io/app", URL + "  ref: {semver: 1.x}\n", MOVED + "  ref: {semver: 1.x}\n"),
    ("new name without ref", "newName: m.io/app", URL, MOVED),
    ("URL in quotes", "newName: m.io/app", "  url: 'oci://ghcr.io/org/app'\n", "  url: 'oci://m.io/app'\n"),
    ("tag with an anchor", "newTag: v2", URL + "  ref: {tag: &t v1}\n  x: *t\n", URL + "  ref: {tag: &t v2}\n  x: v1\n"),
    ("null tag", "newTag: v2", URL + "  ref: {tag: }\n", URL + "  ref: {tag: v2 }\n"),
]  # fmt: skip
NOT_SET = [
    (
        "range of versions",
        "newTag: v2",
        URL + "  ref: {semver: 1.x}\n",
        "`semver` selects the tag; remove `semver`",
    ),
    ("no ref", "newTag: v2", URL, "the field `ref` is missing or empty"),
    ("empty ref", "newTag: v2", URL + "  ref: {}\n", "the field `ref` is missing or empty"),
    ("ref that is a string", "newTag: v2", URL + "  ref: main\n", "the field `ref` is missing or empty"),
]


def config(change: str) -> str:
    return f"{HEAD}images: [{{name: ghcr.io/org/app, {change}}}]\n"


@pytest.mark.parametrize(("change", "old", "new"), [row[1:] for row in SET], ids=[row[0] for row in SET])
def test_oci_repository_is_set_in_its_keys(change: str, old: str, new: str) -> None:
    assert set_images(OCI + old, read_config(config(change))).text == OCI + new
    assert set_images(OCI.replace("\n", "\r\n") + old.replace("\n", "\r\n"), read_config(config(change))).text == (
        OCI + new
    ).replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("change", "text", "reason"), [row[1:] for row in NOT_SET], ids=[row[0] for row in NOT_SET]
)
def test_oci_repository_that_cannot_contain_the_tag_is_reported(change: str, text: str, reason: str) -> None:
    outcome = set_images(OCI + text, read_config(config(change)))
    assert outcome.text == OCI + text
    assert [result.message for result in outcome.results if result.severity == "warning"] == [
        f'not changed: cannot set "ghcr.io/org/app:v2": {reason}'
    ]


def test_key_with_a_dot_wins_over_nested_mapping() -> None:
    rules = "kinds: {A: {path: .spec, fields: {repository: a.b, tag: c.d}}}\n"
    text = "kind: A\nspec: {a.b: ghcr.io/org/app, a: {b: other}, c: {d: v1}}\n"
    outcome = set_images(text, read_config(config("newTag: v2") + rules))
    assert outcome.text == text.replace("v1", "v2")


def test_variable_of_operator_is_set_by_its_name() -> None:
    rules = "kinds: {Deployment: {path: '{..env[*]}', as: relatedImage}}\n"
    env = (
        "[{name: RELATED_IMAGE_A, value: 'ghcr.io/org/app:v1'}, {name: B, value: 'ghcr.io/org/app:v1'}, {name: 1}]"
    )
    text = f"kind: Deployment\nspec: {{template: {{spec: {{containers: [{{env: {env}}}]}}}}}}\n"
    outcome = set_images(text, read_config(config("newTag: v2") + rules))
    assert outcome.text == text.replace("v1", "v2", 1)
    (result,) = outcome.results
    assert result.field == "spec.template.spec.containers[0].env[0].value"


def test_variable_that_is_not_a_mapping_is_reported() -> None:
    rules = "kinds: {A: {path: '{.spec.env}', as: relatedImage}}\n"
    (warning, *_) = set_images("kind: A\nspec: {env: x}\n", read_config(config("newTag: v2") + rules)).results
    assert warning.message == "not changed: path {.spec.env} points to a string, expected a mapping"
