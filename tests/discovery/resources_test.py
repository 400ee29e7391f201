"""Values in custom resources that look like images."""

from __future__ import annotations

import json
from functools import partial

import pytest
from discovery.definitions import RULES, confidences

from krm_image_setter.discovery import propose, unknown_images
from krm_image_setter.documents import Stream

RESOURCES = [
    pytest.param("spec: {image: 'redis:7'}", {"{.spec.image}": "likely"}, id="field name"),
    pytest.param("spec: {image: '{{ x }}'}", {}, id="template"),
    pytest.param("spec: {image: [1]}", {}, id="list of numbers"),
    pytest.param(
        "spec: {imagePullPolicy: Always, host: 'redis:6379', schedule: 'a:b'}", {}, id="names of other fields"
    ),
    pytest.param("metadata: {annotations: {image: a}}\nstatus: {image: a}", {}, id="metadata and status"),
    pytest.param("spec: {template: {spec: {containers: [{image: a}]}}}", {}, id="pod template"),
    pytest.param("spec: {list: [{image: a}, {image: b}]}", {"{.spec.list[*].image}": "likely"}, id="list"),
    pytest.param("spec: {image: {repository: a/b, tag: 1}}", {"{.spec.image}": "sure"}, id="split reference"),
    pytest.param("spec: {image: {repository: '{{ x }}', tag: 1}}", {}, id="split reference with a template"),
    pytest.param(
        "spec: {bundle: 'quay.io/a/b:1', other: quay.io/a/b, url: 'https://quay.io/a:1'}",
        {"{.spec.bundle}": "possible"},
        id="value with a registry and a tag",
    ),
    pytest.param(f"spec: {{checksum: 'sha256:{'1a' * 32}'}}", {}, id="digest"),
    pytest.param(
        "spec: {node: 'kubernetes.io/os:linux', taint: 'node.kubernetes.io/a:NoExecute'}", {}, id="label and taint"
    ),
    pytest.param("spec: {tcp: {'22': 'gitea/gitea-ssh:22'}}", {}, id="port of a Service"),
    pytest.param("spec: {images: {'15': 'a/b:15'}}", {"{.spec.images.15}": "likely"}, id="key with a version"),
    pytest.param("spec: {imageFile: 'images.tar', IMAGE_ARCHIVE: 'a.tar'}", {}, id="files with images"),
    pytest.param(
        "spec: {panels: [{'$$hashKey': 'object:78'}], comment: 'cali:0i8pjz'}", {}, id="keys of other texts"
    ),
    pytest.param("spec: {image: {description: 'such as quay.io/a/b:1'}}", {}, id="description"),
    pytest.param(
        "spec: {useLocalImages: {default: 'false'}, baseImage: 'null', image: '1.5'}", {}, id="words of YAML"
    ),
    pytest.param("spec: {channel: 'messaging.knative.dev/v1:Channel'}", {}, id="kind with its API version"),
    pytest.param("spec: {image: kitten.jpg, icon: {image: example.com/a.svg}}", {}, id="pictures"),
    pytest.param("spec: {image: dist/install.yaml, base: {image: a/b.tar.gz}}", {}, id="other files"),
    pytest.param(
        "spec: {image: quay.io/a/b.py, a: {image: 'b.json:1'}}",
        {"{.spec.image}": "likely", "{.spec.a.image}": "likely"},
        id="names like files with a registry or a tag",
    ),
    pytest.param(
        "spec: {extra_hosts: ['ipv4.example.com:127.0.0.1', 'host:10.0.0.1'], peer: 'a.example.com:10.0.0.1'}",
        {},
        id="hosts with addresses",
    ),
    pytest.param("spec: {windows: 'a/b:10.0.1.2'}", {"{.spec.windows}": "possible"}, id="version like an address"),
    pytest.param("spec: {dns: ['timeout:2', 'attempts:2', 'ndots:5']}", {}, id="options of resolv.conf"),
    pytest.param(
        "spec: {sidecarRepositoryAndTag: 'docker:dind'}",
        {"{.spec.sidecarRepositoryAndTag}": "possible"},
        id="reference in a key that ends with Tag",
    ),
    pytest.param("spec: {imageTag: v1, tag: 'env:prod', nodeTag: 'a:8080'}", {}, id="other tags"),
    pytest.param("spec: {push-images: {needs: [test], runs-on: ubuntu}}", {}, id="job for images"),
]


@pytest.mark.parametrize(("body", "expected"), RESOURCES)
def test_custom_resource_with_images_gives_paths(body: str, expected: dict[str, str]) -> None:
    assert confidences(f"apiVersion: example.com/v1\nkind: Thing\n{body}\n") == expected


OPTIONS = [
    pytest.param("--runner-image=acme/runner:3", {"{.data.x}": "possible"}, id="option for an image"),
    pytest.param("run -initImage=acme/init:v1 now", {"{.data.x}": "possible"}, id="option in a command"),
    pytest.param("--mount=acme/data:3", {}, id="other option"),
    pytest.param("--image-dir=acme/data:3", {}, id="option for a directory of images"),
    pytest.param("--image-registry=example.com/acme", {}, id="option for a registry"),
    pytest.param("--vm-image=acme/disk:3", {}, id="option for a disk"),
    pytest.param("--runner-image=runner:3", {"{.data.x}": "possible"}, id="option with a value without a slash"),
    pytest.param("--runner-image=runner:5000", {}, id="option with a host and a port"),
    pytest.param("--runner-image=acme/runner", {}, id="option with a value without a tag"),
    pytest.param("--runner-image=quay.io/a/b", {"{.data.x}": "possible"}, id="option with a host without a tag"),
    pytest.param("export WEB_IMAGE=acme/web:1", {"{.data.x}": "possible"}, id="variable"),
    pytest.param('WEB_IMAGE_NAME="web:alpine"', {"{.data.x}": "possible"}, id="variable in quotes"),
    pytest.param("WEB_IMAGES_DIR=acme/web:1", {}, id="other variable"),
    pytest.param("{{ if .a }} image: web:1 {{ end }}", {"{.data.x}": "possible"}, id="key in a template"),
    pytest.param('{{ . }} "image":"web:1"', {"{.data.x}": "possible"}, id="key in JSON with a template"),
    pytest.param("{{ if .a }} port: web:80 {{ end }}", {}, id="other key in a template"),
    pytest.param('[docker]\nimage = "web:alpine"', {"{.data.x}": "possible"}, id="key in TOML"),
    pytest.param("<a><image>quay.io/a/b:v4</image></a>", {"{.data.x}": "possible"}, id="element with a host"),
    pytest.param("<image>web:1</image>", {"{.data.x}": "possible"}, id="element named image"),
    pytest.param("<name>web:1</name>", {}, id="other element"),
    pytest.param("# image: web:1\n{{ x }}", {}, id="comment"),
    pytest.param("-channels=messaging.knative.dev/v1:Channel", {}, id="option with a kind"),
    pytest.param("grep image: dist/manifests/install.yaml\n", {}, id="command with a file"),
]


@pytest.mark.parametrize(("value", "expected"), OPTIONS)
def test_name_that_ends_with_image_in_a_text_gives_a_path(value: str, expected: dict[str, str]) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "data": {"x": value}})
    assert confidences(text) == expected


DOCUMENTS = [
    pytest.param("image_name: quay.io/a/b\nimage_version: v2\n", "quay.io/a/b:v2", "values", id="split reference"),
    pytest.param("apiVersion: x.io/v1\nimage: web:1\n{{ x }}", "web:1", "text", id="template with an API version"),
    pytest.param(
        "image: q.io/a:1\n[[ annotation `status.sidecar.istio.io/port` ]]",
        "q.io/a:1",
        "text",
        id="template with an annotation",
    ),
]


@pytest.mark.parametrize(("value", "image", "form"), DOCUMENTS)
def test_document_in_a_string_contains_one_image(value: str, image: str, form: str) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "data": {"x": value}})
    (found,) = unknown_images(Stream(text), RULES)
    assert (found.found.image, found.finding.form.options) == (image, {"as": form})


NAMED = [
    pytest.param("cacheImage", "ghcr.io/acme/web", {"{.data.cacheImage}": "possible"}, id="host without a tag"),
    pytest.param("WEB_IMAGE", "web:alpine", {"{.data.WEB_IMAGE}": "possible"}, id="tag that is no version"),
    pytest.param("cacheImage", "acme/web", {}, id="no host and no tag"),
    pytest.param("cacheImage", "web:5000", {}, id="host and a port"),
    pytest.param("cache", "ghcr.io/acme/web", {}, id="other key"),
    pytest.param("imageRepository", "ghcr.io/acme/web", {}, id="key of a repository"),
    pytest.param("osImage", "example.com/acme/web", {}, id="key of a disk"),
]


@pytest.mark.parametrize(("key", "value", "expected"), NAMED)
def test_key_that_means_image_gives_a_path(key: str, value: str, expected: dict[str, str]) -> None:
    assert confidences(f"apiVersion: v1\nkind: ConfigMap\ndata: {{{key}: '{value}'}}\n") == expected


def test_variable_that_means_image_gives_a_path() -> None:
    env = "[{name: WEB_IMAGE, value: quay.io/a/b}, {name: WEB, value: quay.io/a/c}, {name: A, value: [x]}]"
    text = f"apiVersion: v1\nkind: Pod\nspec: {{containers: [{{image: a, env: {env}}}]}}\n"
    assert confidences(text) == {"{.spec.containers[*].env[?(@.name=='WEB_IMAGE')].value}": "possible"}


KUSTOMIZATIONS = [
    pytest.param("configMapGenerator: [{literals: [A_IMAGE=a/b:1]}]", ["a/b:1"], id="literal of a ConfigMap"),
    pytest.param(
        "configMapGenerator: [{literals: ['A=q.io/b:1', B=a/b]}]", ["q.io/b:1"], id="literal with a host"
    ),
    pytest.param("secretGenerator: [{literals: [A_IMAGE=a/b:1]}]", ["***"], id="literal of a Secret"),
    pytest.param("configMapGenerator: [{files: ['a_image=a/b:1']}]", [], id="file"),
    pytest.param("images: [{name: a, newName: q.io/a/b, newTag: '1'}]", [], id="images"),
    pytest.param("configMapGenerator: {literals: 1}\nsecretGenerator: x", [], id="wrong types"),
]


@pytest.mark.parametrize("head", ["", "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\n"])
@pytest.mark.parametrize(("body", "expected"), KUSTOMIZATIONS)
def test_literals_of_a_kustomization_are_found_without_a_rule(head: str, body: str, expected: list[str]) -> None:
    stream = Stream(f"{head}{body}\n", "kustomization.yaml")
    found = unknown_images(stream, RULES)
    assert [each.found.image for each in found] == expected
    search = partial(unknown_images, rules=RULES)
    assert propose(found, lambda look: [look(stream)], search, RULES) == [None] * len(expected)


def test_image_in_a_secret_is_hidden() -> None:
    text = "apiVersion: v1\nkind: Secret\nstringData: {a: 'quay.io/a/b:1', b: user:secret, c: '--image=a/b:2'}\n"
    found = unknown_images(Stream(text), RULES)
    assert [(each.found.image, each.found.hidden, each.variants) for each in found] == [
        ("***", "quay.io/a/b:1", ()), ("***", "a/b:2", ())
    ]  # fmt: skip


def test_other_resource_is_searched_by_value_only() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\ndata: {image: redis, x: 'quay.io/a/b:1'}\n"
    assert confidences(text) == {"{.data.x}": "possible"}
