"""Overrides `[NAME=]IMAGE` of Argo CD: only the image changes, never the name that is overridden."""

from __future__ import annotations

import pytest

from krm_image_setter import read_config, set_images

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nonUnused: ignore\n"
START = (
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\n"
    "spec: {source: {kustomize: {images: ["
)
D = "sha256:" + "d" * 64

#: https://argo-cd.readthedocs.io/en/stable/user-guide/kustomize/#kustomize: the entry, the fields for nginx, the result
OVERRIDES = [
    ("nginx:1", "newTag: v2", "nginx:v2"),
    ("nginx", "newTag: v2", "nginx:v2"),
    ("nginx:1", f"digest: '{D}'", f"nginx@{D}"),
    ("nginx:1", "newName: quay.io/web", "nginx=quay.io/web:1"),
    ("docker.io/nginx:1", "newName: quay.io/web", "docker.io/nginx=quay.io/web:1"),
    ("old=nginx:1", "newTag: v2", "old=nginx:v2"),
    ("old=nginx:1", "newName: quay.io/web", "old=quay.io/web:1"),
    (f"old=nginx@{D}", "newTag: v2", "old=nginx:v2"),
    ("nginx=nginx:1", "newName: quay.io/web", "nginx=quay.io/web:1"),
    ("nginx=other:1", "newTag: v2", "nginx=other:1"),
    ("old=nginx", "newTag: v2", "old=nginx:v2"),
    ("old=", "newTag: v2", "old="),
    ("nginx:$TAG", "newTag: v2", "nginx:$TAG"),
]


@pytest.mark.parametrize(("before", "entry", "after"), OVERRIDES)
def test_override_changes_its_image(before: str, entry: str, after: str) -> None:
    config = read_config(f"{HEAD}images: [{{name: nginx, {entry}}}]\n")
    outcome = set_images(f"{START}'{before}' ]}}}}}} # argocd-image-updater\n", config)
    assert outcome.text == f"{START}'{after}' ]}}}}}} # argocd-image-updater\n"
    assert set_images(outcome.text, config).text == outcome.text


def test_override_moves_to_another_registry() -> None:
    config = read_config(f"{HEAD}registries: [{{from: docker.io, to: mirror.example}}]\n")
    text = set_images(f"{START}'nginx:1', a=quay.io/b:1]}}}}}}\n", config).text
    assert text == f"{START}'nginx=mirror.example/library/nginx:1', a=quay.io/b:1]}}}}}}\n"
