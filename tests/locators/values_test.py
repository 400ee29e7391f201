"""Helm values: which images are found, and how they are written.

The expected values follow the table in ../shared/values/README.md, which was measured by rendering public charts:
a digest goes to its key if there is one, otherwise to the tag; a tag is never emptied; a tag is always a string.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter import read_config, set_images
from krm_image_setter.config import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.rules import rules_for
from krm_image_setter.scan import images_in

D, E = "sha256:" + "d" * 64, "sha256:" + "e" * 64
HEX = "d" * 64
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
KINDS = "kinds: {Chart.example.com: {path: '{.spec.values}', as: values}}\n"
START = "apiVersion: example.com/v1\nkind: Chart\nmetadata: {name: a}\nspec:\n  values: "


def config(entry: str) -> ImageSetter:
    return read_config(f"{HEAD}{KINDS}onUnused: ignore\nimages: [{{name: nginx, {entry}}}]\n")


def images(values: str) -> list[str]:
    rules = rules_for(config("newTag: v2"), {})
    return [
        f"{image.path.removeprefix('spec.values')}={image.image}"
        for image in images_in(Stream(START + values), rules)
    ]


TAG, NAME, DIGEST = "newTag: v2", "newName: quay.io/org/web", f"digest: '{D}'"
BOTH = f"newTag: v2, digest: '{D}'"

#: The values before, the fields of the entry for nginx, and the values after. None: not changed, with a warning.
WRITTEN = [
    pytest.param("{image: {repository: nginx, tag: v1}}", TAG, "{image: {repository: nginx, tag: v2}}", id="tag"),
    pytest.param(
        "{image: {repository: nginx, tag: v1}}", BOTH, f"{{image: {{repository: nginx, tag: v2@{D}}}}}",
        id="digest without a key",
    ),
    pytest.param(
        "{image: {repository: nginx, tag: v1, digest: ''}}", BOTH,
        f"{{image: {{repository: nginx, tag: v2, digest: '{D}'}}}}", id="empty digest key",
    ),
    pytest.param(
        "{image: {repository: nginx, tag: v1, digest: null}}", BOTH,
        f"{{image: {{repository: nginx, tag: v2, digest: {D}}}}}", id="null digest key",
    ),
    pytest.param(
        "{image: {repository: nginx, tag: v1, sha: ''}}", BOTH,
        f"{{image: {{repository: nginx, tag: v2, sha: '{HEX}'}}}}", id="empty sha key",
    ),
    pytest.param(
        f"{{image: {{repository: nginx, tag: v1, sha: '{E}'}}}}", BOTH,
        f"{{image: {{repository: nginx, tag: v2, sha: '{D}'}}}}", id="sha key with an algorithm",
    ),
    pytest.param(
        f"{{image: {{repository: nginx, tag: v1, digest: {'e' * 64}}}}}", BOTH,
        f"{{image: {{repository: nginx, tag: v2, digest: {HEX}}}}}", id="digest key without an algorithm",
    ),
    pytest.param(
        f"{{image: {{repository: nginx, tag: v1, digest: '{E}'}}}}", DIGEST,
        f"{{image: {{repository: nginx, tag: v1, digest: '{D}'}}}}", id="only a digest keeps the tag",
    ),
    pytest.param("{image: {repository: nginx, tag: v1}}", DIGEST, None, id="only a digest without a key"),
    pytest.param(
        f"{{image: {{repository: nginx, tag: '{E}'}}}}", DIGEST, f"{{image: {{repository: nginx, tag: '{D}'}}}}",
        id="digest in the place of the tag",
    ),
    pytest.param(
        f"{{image: {{repository: nginx, tag: '{E}'}}}}", TAG, "{image: {repository: nginx, tag: 'v2'}}",
        id="tag in the place of a digest",
    ),
    pytest.param(
        f"{{image: {{repository: nginx, tag: '{E}'}}}}", BOTH, f"{{image: {{repository: nginx, tag: 'v2@{D}'}}}}",
        id="tag and digest in the place of a digest",
    ),
    pytest.param(
        "{web: {image: 'nginx:v1', registry: docker.io}}", TAG, "{web: {image: 'nginx:v2', registry: docker.io}}",
        id="tag next to a registry",
    ),
    pytest.param(
        "{web: {image: 'nginx:v1', registry: docker.io}}", NAME,
        "{web: {image: 'org/web:v1', registry: quay.io}}", id="name next to a registry",
    ),
    pytest.param("{image: {repository: nginx, tag: ''}}", DIGEST, None, id="only a digest with an empty tag"),
    pytest.param(
        f"{{image: {{repository: nginx, tag: v1, digest: '{E}'}}}}", TAG,
        "{image: {repository: nginx, tag: v2, digest: ''}}", id="tag next to a digest",
    ),
    pytest.param(
        f"{{image: {{repository: nginx, tag: 'v1@{E}'}}}}", TAG, "{image: {repository: nginx, tag: 'v2'}}",
        id="tag with a digest, new tag",
    ),
    pytest.param(
        f"{{image: {{repository: nginx, tag: 'v1@{E}'}}}}", BOTH, f"{{image: {{repository: nginx, tag: 'v2@{D}'}}}}",
        id="tag with a digest, both",
    ),
    pytest.param(
        f"{{image: {{repository: nginx, tag: 'v1@{E}'}}}}", NAME,
        f"{{image: {{repository: quay.io/org/web, tag: 'v1@{E}'}}}}", id="tag with a digest, new name",
    ),
    pytest.param("{image: {repository: nginx, tag: v1}}", "newImage: redis", None, id="image without a tag"),
    pytest.param(
        "{image: {repository: nginx, tag: ''}}", "newImage: redis", "{image: {repository: redis, tag: ''}}",
        id="image without a tag, empty tag",
    ),
    pytest.param('{image: {repository: nginx, tag: ""}}', TAG, '{image: {repository: nginx, tag: "v2"}}', id="empty tag"),
    pytest.param("{image: {repository: nginx, tag: }}", TAG, "{image: {repository: nginx, tag: v2 }}", id="no tag text"),
    pytest.param("{image: {repository: nginx, tag: ~}}", TAG, "{image: {repository: nginx, tag: v2}}", id="null tag"),
    pytest.param(
        "{image: {repository: nginx, tag: 1.20}}", "newTag: '1.30'", '{image: {repository: nginx, tag: "1.30"}}',
        id="float tag",
    ),
    pytest.param(
        '{"image": {"repository": "nginx", "tag": null, "digest": null}}', BOTH,
        f'{{"image": {{"repository": "nginx", "tag": "v2", "digest": "{D}"}}}}', id="null in JSON",
    ),
    pytest.param(
        '{"image": {"repository": "nginx", "tag": 1.5}}', TAG, '{"image": {"repository": "nginx", "tag": "v2"}}',
        id="number in JSON",
    ),
    pytest.param(
        '{"image": {"repository": nginx, "tag": v1}}', TAG, '{"image": {"repository": nginx, "tag": v2}}',
        id="flow style with quoted keys",
    ),
    pytest.param(
        "{image: {repository: nginx, tag: 20240101}}", "newTag: '20250101'",
        '{image: {repository: nginx, tag: "20250101"}}', id="integer tag",
    ),
    pytest.param(
        "{image: {repository: nginx, tag: v1}}", "newTag: '1e3'", '{image: {repository: nginx, tag: "1e3"}}',
        id="tag that reads as a number",
    ),
    pytest.param(
        "{image: {repository: nginx, tag: 1.20}}", NAME, "{image: {repository: quay.io/org/web, tag: 1.20}}",
        id="new name keeps a float tag",
    ),
    pytest.param(
        "{image: {repository: nginx, pullPolicy: Always}}", TAG,
        "{image: {repository: nginx, tag: v2, pullPolicy: Always}}", id="missing tag",
    ),
    pytest.param(
        "{image: {registry: docker.io, repository: library/nginx, tag: v1}}", NAME,
        "{image: {registry: quay.io, repository: org/web, tag: v1}}", id="registry",
    ),
    pytest.param(
        "{image: {registry: '', repository: nginx, tag: v1}}", NAME,
        "{image: {registry: '', repository: quay.io/org/web, tag: v1}}", id="empty registry",
    ),
    pytest.param(
        "{image: {registry: , repository: nginx, tag: v1}}", NAME,
        "{image: {registry: , repository: quay.io/org/web, tag: v1}}", id="null registry",
    ),
    pytest.param(
        "{image: {registry: docker.io, repository: library/nginx, tag: v1}}", "newName: library/nginx-2",
        "{image: {registry: docker.io, repository: library/nginx-2, tag: v1}}", id="registry is not emptied",
    ),
    pytest.param("{image: {name: nginx, tag: v1}}", TAG, "{image: {name: nginx, tag: v2}}", id="name"),
    pytest.param(
        "{global: {imageRegistry: docker.io}, image: {repository: nginx, tag: v1}}", TAG,
        "{global: {imageRegistry: docker.io}, image: {repository: nginx, tag: v2}}", id="global registry, new tag",
    ),
    pytest.param(
        "{global: {imageRegistry: docker.io/}, image: {repository: nginx, tag: v1}}", "newName: org/web",
        "{global: {imageRegistry: docker.io/}, image: {repository: org/web, tag: v1}}", id="global registry, new name",
    ),
    pytest.param(
        "{global: {imageRegistry: quay.io}, image: {registry: docker.io, repository: nginx, tag: v1}}", TAG,
        "{global: {imageRegistry: quay.io}, image: {registry: docker.io, repository: nginx, tag: v2}}",
        id="global registry next to another registry",
    ),
    pytest.param(
        "{global: {imageRegistry: quay.io}, image: {registry: docker.io, repository: nginx, tag: v1}}", NAME,
        "{global: {imageRegistry: quay.io}, image: {registry: quay.io, repository: org/web, tag: v1}}",
        id="registry that becomes the global registry",
    ),
    pytest.param(
        "{global: {imageRegistry: docker.io}, image: {repository: nginx, tag: v1}}", NAME, None,
        id="global registry, new registry",
    ),
    pytest.param(
        "{global: {image: {registry: docker.io}}, image: {image: nginx, tag: v1}}", TAG,
        "{global: {image: {registry: docker.io}}, image: {image: nginx, tag: v2}}", id="registry of global images",
    ),
    pytest.param(
        "{global: {image: {registry: docker.io}}, image: {image: nginx, tag: v1}}", NAME, None,
        id="registry of global images, new registry",
    ),
    pytest.param(
        "{imageRegistry: docker.io, imageNamespace: library, a: {image: {repository: '', name: nginx, tag: v1}}}", TAG,
        "{imageRegistry: docker.io, imageNamespace: library, a: {image: {repository: '', name: nginx, tag: v2}}}",
        id="namespace around a name, new tag",
    ),
    pytest.param(
        "{imageRegistry: docker.io, imageNamespace: library, image: {repository: '', name: nginx, tag: v1}}", NAME,
        "{imageRegistry: docker.io, imageNamespace: library, "
        "image: {repository: 'quay.io/org/web', name: nginx, tag: v1}}", id="namespace around a name, new name",
    ),
    pytest.param(
        "{imageRegistry: docker.io, imageNamespace: library, image: {repository: '', name: nginx, tag: }}",
        NAME + ", newTag: v2",
        "{imageRegistry: docker.io, imageNamespace: library, "
        "image: {repository: 'quay.io/org/web', name: nginx, tag: v2 }}", id="name next to an empty repository",
    ),
    pytest.param(
        "{imageRegistry: docker.io, imageNamespace: library, image: {name: nginx, repository: , pullPolicy: Always}}",
        NAME,
        "{imageRegistry: docker.io, imageNamespace: library, "
        "image: {name: nginx, repository: quay.io/org/web , pullPolicy: Always}}", id="name next to a null repository",
    ),
    pytest.param(
        "{image: {registry: docker.io, repository: '', name: nginx, tag: v1}}", NAME,
        "{image: {registry: quay.io, repository: '', name: org/web, tag: v1}}", id="name next to a registry",
    ),
    pytest.param(
        "{image: {registry: docker.io/library/nginx, tag: next}}", TAG,
        "{image: {registry: docker.io/library/nginx, tag: v2}}", id="registry with a path",
    ),
    pytest.param(
        f"{{image: {{registry: docker.io/library/nginx, tag: 'x@{E}', pullPolicy: Always}}}}", NAME,
        f"{{image: {{registry: quay.io/org/web, tag: 'x@{E}', pullPolicy: Always}}}}",
        id="registry with a path, new name",
    ),
    pytest.param(
        "{image: {registry: docker.io, path: library/nginx, tag: v1}}", NAME,
        "{image: {registry: quay.io, path: org/web, tag: v1}}", id="path",
    ),
    pytest.param(
        "{image: {url: docker.io/library/nginx, tag: v1}}", BOTH,
        f"{{image: {{url: docker.io/library/nginx, tag: v2@{D}}}}}", id="url",
    ),
    pytest.param("{image: nginx, imageTag: v1}", TAG, "{image: nginx, imageTag: v2}", id="flat keys"),
    pytest.param(
        "{image: nginx, imageTag: v1}", BOTH, f"{{image: nginx, imageTag: v2@{D}}}", id="flat keys, digest"
    ),
    pytest.param(
        "{imageRepository: docker.io/library/nginx}", NAME, "{imageRepository: quay.io/org/web}",
        id="repository without a tag key, new name",
    ),
    pytest.param(
        "{a: {webImageRepo: library/nginx, imageRegistry: docker.io}}", NAME,
        "{a: {webImageRepo: org/web, imageRegistry: quay.io}}", id="repository without a tag key, registry",
    ),
    pytest.param("{imageRepository: library/nginx}", TAG, None, id="repository without a tag key, new tag"),
    pytest.param(
        "{image: nginx, digest: ''}", BOTH, f"{{image: nginx:v2, digest: '{D}'}}", id="digest key without a tag key",
    ),
    pytest.param(
        f"{{image: 'nginx:1', sha: {'e' * 64}}}", BOTH, f"{{image: 'nginx:v2', sha: {HEX}}}",
        id="whole reference next to a digest",
    ),
    pytest.param("{image: 'nginx:1', sha: e1f2}", TAG, "{image: 'nginx:v2', sha: e1f2}", id="whole reference next to a sha"),
    pytest.param("{image: nginx, tag: 1}", TAG, "{image: nginx, tag: v2}", id="image and tag"),
    pytest.param("{webImage: nginx, webVersion: '1'}", TAG, "{webImage: nginx, webVersion: 'v2'}", id="stem"),
    pytest.param("{image: 'nginx:1'}", TAG, "{image: 'nginx:v2'}", id="whole reference"),
    pytest.param("{image: 'nginx:1', tag: x}", TAG, "{image: 'nginx:v2', tag: x}", id="whole reference next to a tag"),
    pytest.param("{images: {a: 'nginx:1', tag: nginx}}", TAG, "{images: {a: 'nginx:v2', tag: nginx}}", id="images"),
    pytest.param("{images: ['nginx:1', x]}", TAG, "{images: ['nginx:v2', x]}", id="list of images"),
    pytest.param(
        "{image: {repository: nginx, tag: v1, image: {repository: nginx, tag: v1}}}", TAG,
        "{image: {repository: nginx, tag: v2, image: {repository: nginx, tag: v2}}}", id="image below an image",
    ),
    pytest.param(
        "{aImage: nginx, bImage: other, imageTag: 1}", TAG, "{aImage: nginx:v2, bImage: other, imageTag: 1}",
        id="tag that belongs to no image",
    ),
    pytest.param(
        "{a_image_name: nginx, a_image_tag: v1, b_image_name: x, b_image_tag: '1', image_registry: docker.io}", TAG,
        "{a_image_name: nginx, a_image_tag: v2, b_image_name: x, b_image_tag: '1', image_registry: docker.io}",
        id="shared registry, new tag",
    ),
    pytest.param(
        "{a_image_name: nginx, a_image_tag: v1, b_image_name: x, b_image_tag: '1', image_registry: docker.io}", NAME,
        None, id="shared registry, new registry",
    ),
    pytest.param(
        '\n    image:\n      repository: nginx  # {"$imagepolicy": "flux-system:web:name"}\n'
        '      tag: v1 # {"$imagepolicy": "flux-system:web:tag"}\n', TAG,
        '\n    image:\n      repository: nginx  # {"$imagepolicy": "flux-system:web:name"}\n'
        '      tag: v2 # {"$imagepolicy": "flux-system:web:tag"}\n', id="markers in comments",
    ),
    pytest.param(
        "\r\n    ü:\r\n      image:\r\n        repository: nginx\r\n        pullPolicy: Always\r\n", TAG,
        "\r\n    ü:\r\n      image:\r\n        repository: nginx\r\n        tag: v2\r\n        pullPolicy: Always\r\n",
        id="CRLF line endings",
    ),
    pytest.param(
        "\n    a: &web {repository: nginx, tag: v1}\n    image: *web\n", TAG,
        "\n    a: &web {repository: nginx, tag: v2}\n    image: *web\n", id="anchored mapping",
    ),
    pytest.param(
        "\n    version: &v v1\n    image: {repository: nginx, tag: *v}\n", TAG,
        "\n    version: &v v1\n    image: {repository: nginx, tag: v2}\n", id="alias as a tag",
    ),
    pytest.param(
        "\n    base: &base {tag: v1}\n    image: {<<: *base, repository: nginx}\n", NAME,
        "\n    base: &base {tag: v1}\n    image: {<<: *base, repository: quay.io/org/web}\n", id="merged tag",
    ),
    pytest.param(
        "|\n    # values\n    image:\n      repository: nginx\n      tag: 1.20\n", TAG,
        "|\n    # values\n    image:\n      repository: nginx\n      tag: v2\n", id="literal string",
    ),
    pytest.param(
        "|\n    image:\n      repository: nginx\n    other: x\n", TAG,
        "|\n    image:\n      repository: nginx\n      tag: v2\n    other: x\n", id="missing tag in a string",
    ),
    pytest.param(
        '"image: {repository: nginx, tag: v1}\\nx: \\"é\\"\\n"', TAG,
        '"image: {repository: nginx, tag: v2}\\nx: \\"é\\"\\n"', id="quoted string",
    ),
    pytest.param(
        "|\n    image: nginx:1\n    ---\n    image: nginx:1\n", TAG,
        "|\n    image: nginx:v2\n    ---\n    image: nginx:v2\n", id="string with two documents",
    ),
    pytest.param(
        "|\n    kind: DaemonSet\n    image: nginx:1\n", TAG, "|\n    kind: DaemonSet\n    image: nginx:v2\n",
        id="string with a kind",
    ),
    pytest.param("|\n    image: nginx:1\n    {{- if .x }}\n", TAG, None, id="template in a string"),
    pytest.param(
        "[{name: image.repository, value: nginx}, {name: image.tag, value: v1}]", TAG,
        "[{name: image.repository, value: nginx}, {name: image.tag, value: v2}]", id="parameters",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "entry", "after"), WRITTEN)
def test_image_in_values_is_written(before: str, entry: str, after: str | None) -> None:
    outcome = set_images(START + before, config(entry))
    assert outcome.text == START + (before if after is None else after)
    warnings = [result.message for result in outcome.results if result.severity != "info"]
    assert bool(warnings) == (after is None), warnings
    assert set_images(outcome.text, config(entry)).text == outcome.text


@pytest.mark.parametrize(
    ("entry", "part"),
    [(f"{NAME}, newTag: v2", "tag"), (f"{NAME}, {DIGEST}", "digest"), (f"{NAME}, {BOTH}", "tag")],
)
def test_repository_without_a_tag_key_is_written_with_a_warning(entry: str, part: str) -> None:
    outcome = set_images(START + "{imageRepository: library/nginx}", config(entry))
    assert outcome.text == START + "{imageRepository: quay.io/org/web}"
    (warning,) = [result.message for result in outcome.results if result.severity == "warning"]
    assert warning.startswith(f'the {part} of "quay.io/org/web')
    assert warning.endswith('" was not written: the field contains only a name')


NOT_FOUND = [
    "{repository: nginx}", "{chart: {repository: nginx, version: '1'}}", "{git: {repository: nginx, tag: v1}}",
    "{web: {repository: nginx, tag: v1, ref: main}}", "{web: {name: nginx, tag: v1}}", "{image: {name: nginx}}",
    "{imagePullSecret: nginx, pullImage: nginx, vmImage: nginx, imageTag: nginx}", "{images: {registry: nginx}}",
    "{image: '{{ .x }}', a: {image: [1, true]}}", "{image: {repository: '{{ .x }}', tag: v1}}",
    "{keel: {images: [{repository: image.repository, tag: image.tag}]}}", "{a: example.com/path:8080, b: 'nginx:1'}",
    "{url: 'https://example.com/nginx:1', host: 'example.com:80', path: example.com/nginx}", "{}", "[]", "''",
    "{images: [{name: nginx, newTag: v1}]}", f"{{image: {{registry: quay.io, tag: 'x@{D}'}}}}",
    "{image: {registry: 'quay.io/org', tag: v1, web: {name: web}}}", "{global: {image: {registry: quay.io/a, tag: v1}}}",
    "{image: {registry: quay.io/org, repository: '', tag: v1}}", "{image: {url: 'https://quay.io/org/web', tag: v1}}",
    "{image: {registry: quay.io, path: /data, tag: v1}}", "{image: {url: photo.png, tag: v1}}", f"{{imageTag: 'x@{D}'}}",
    "{tag: 'quay.io/org/web:1'}", "{container_image: container_image}", "{pod_image: kubernetes.pod_image}",
    "{imageRepository: nginx, imageRegistry: docker.io}", "{imageRepository: 'https://quay.io/org/web'}",
    "{image: {registry: '', repository: '', name: nginx, tag: v1}}", "{image: {registry: , name: nginx, tag: v1}}",
    "{image: {repository: '', name: nginx, tag: v1}}", "{hub: '', image: nginx, tag: v1}",
    "{repository: '', image: nginx, version: v1}", "{global: {hub: quay.io/org}, proxy: {image: nginx}}",
    "{imageRegistry: {a: b}, imageNamespace: org, image: {repository: '', name: nginx, tag: v1}}",
    "{imageRegistry: quay.io, imageNamespace: '', image: {repository: '', name: nginx, tag: v1}}",
    "{container-image: ' container-image '}", "{images: {a_image: {b_image: k8s.image.name}}}",
    "{labelsFromPath: {image: [spec, image]}}", "{token: {image: 24h}, web: {image: 30m}, api: {image: 1.5s}}",
    "{logo: {image: logo.png}, icon: {image: a/b.svg}}", "{image: 'true', webImage: '10'}",
    "{proxy: {repository: org/web, sidecarTag: v1}}", "{docsAndTag: v1, otherTag: 'org/web:1'}",
]  # fmt: skip


@pytest.mark.parametrize("values", NOT_FOUND)
def test_value_that_is_not_an_image_is_not_found(values: str) -> None:
    assert images(values) == []


@pytest.mark.parametrize(
    "values",
    [
        "{image: image}", "{image: my_app}", "{webImage: my_app}", "{web_image: nginx}", "{web_image: my-app}",
        "{web_image: 'my_app:1'}", "{web_image: org/my_app}", "{images: {nginx: nginx, my_app: my_app}}",
    ],
)  # fmt: skip
def test_name_of_an_image_is_found(values: str) -> None:
    assert images(values)


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ("{global: {image: {registry: quay.io}}, image: {image: org/web, tag: v1}}", "quay.io/org/web:v1"),
        ("{global: {image: {registry: quay.io}}, image: {image: k8s.io/web, tag: v1}}", "k8s.io/web:v1"),
        ("{global: {image: {registry: }}, image: {image: org/web, tag: v1}}", "org/web:v1"),
        (
            "{imageRegistry: quay.io, imageNamespace: org, image: {repository: '', name: web, tag: v1}}",
            "quay.io/org/web:v1",
        ),
        ("{global: {image: {registry: quay.io, name: }}, image: {image: org/web, tag: v1}}", "org/web:v1"),
        ("{global: {hub: quay.io/org}, image: {hub: '', image: web, tag: v1}}", "quay.io/org/web:v1"),
        ("{global: {hub: quay.io/org}, image: {hub: ghcr.io, image: web, tag: v1}}", "ghcr.io/web:v1"),
        ("{image: {repository: quay.io/org, image: web}}", "quay.io/org/web"),
        ("{image: {repository: quay.io/org, image: web, version: v1}}", "quay.io/org/web:v1"),
        ("{imageRegistry: quay.io, imageNamespace: org, image: {repository: a/b, name: web}}", "a/b"),
        ("{image: {registry: '', repository: '', name: quay.io/org/web}}", "quay.io/org/web"),
        ("{image: {registry: , image: web, tag: v1}}", "web:v1"),
        ("{global: {hub: quay.io/org}, image: {repository: a/b, tag: v1}}", "a/b:v1"),
        ("{global: {hub: quay.io/org}, image: {image: a/b, tag: v1}}", "a/b:v1"),
        (
            "{imageRegistry: quay.io/, imageNamespace: org, image: {repository: '', name: web, tag: v1}}",
            "quay.io/org/web:v1",
        ),
    ],
)
def test_name_includes_the_registry_of_other_mappings(values: str, image: str) -> None:
    assert images(values) == [f".image={image}"]


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ("{node: {image: node, registry: quay.io/calico}}", "quay.io/calico/node"),
        ("{node: {image: 'node:v1', registry: quay.io/calico}}", "quay.io/calico/node:v1"),
        ("{node: {image: calico/node, imageRegistry: quay.io}}", "quay.io/calico/node"),
        ("{node: {image: quay.io/calico/node, registry: docker.io}}", "quay.io/calico/node"),
        ("{node: {image: node, registry: ''}}", "node"),
        ("{runnerRepositoryAndTag: 'docker:dind'}", "docker:dind"),
        ("{image: {repository: org/web, runnerRepositoryAndTag: v1}}", "org/web"),
        (f"{{web: {{registry: quay.io, repository: org/web, version: '{D}'}}}}", f"quay.io/org/web@{D}"),
        (f"{{image: {{repository: org/web, tag: '{D}'}}}}", f"org/web@{D}"),
        ("{image: [nginx:1]}", "nginx:1"),
    ],
)
def test_parts_of_an_image_are_joined(values: str, image: str) -> None:
    assert [found.partition("=")[2] for found in images(values)] == [image]


def test_image_is_found_by_its_value() -> None:
    assert images(f"{{env: [{{value: quay.io/a/b:1}}, {{value: 'a@{D}'}}]}}") == [
        ".env[0].value=quay.io/a/b:1",
        f".env[1].value=a@{D}",
    ]


#: The values of `global.imageRegistry`, the other values, and the images.
GLOBAL_REGISTRY = [
    pytest.param("r.io/a", "image: {repository: web, tag: v1}", [".image=r.io/a/web:v1"], id="path"),
    pytest.param("r.io", "x: [{image: {repository: web}}]", [".x[0].image=r.io/web"], id="image in a list"),
    pytest.param("r.io", "image: {registry: q.io, repository: web}", [".image=q.io/web"], id="own registry"),
    pytest.param("r.io", "image: {registry: '', repository: web}", [".image=r.io/web"], id="empty own registry"),
    pytest.param("r.io", "image: {repository: q.io/web}", [".image=q.io/web"], id="repository with a host"),
    pytest.param("r.io", "image: 'web:1', a: {image: web}", [".image=web:1", ".a.image=web"], id="whole reference"),
    pytest.param("r.io", "image: web, imageTag: v1", ["=r.io/web:v1"], id="flat keys"),
    pytest.param("''", "image: {registry: q.io, repository: web}", [".image=q.io/web"], id="empty"),
    pytest.param("[r.io]", "image: {repository: web}", [".image=web"], id="list"),
    pytest.param(
        "r.io", "sub: {global: {imageRegistry: q.io}, image: {repository: web}}", [".sub.image=r.io/web"],
        id="global registry of a subchart",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("registry", "values", "expected"), GLOBAL_REGISTRY)
def test_global_registry_is_a_part_of_images(registry: str, values: str, expected: list[str]) -> None:
    assert images(f"{{global: {{imageRegistry: {registry}}}, {values}}}") == expected


def test_global_registry_of_a_subchart_is_a_part_of_its_images() -> None:
    values = "{sub: {global: {imageRegistry: r.io}, image: {repository: web}}, image: {repository: web}}"
    assert images(values) == [".sub.image=r.io/web", ".image=web"]


@pytest.mark.parametrize("new", ["q.io/web", "r.io/b/web", "web", "r.io/a/q.io/web"])
def test_new_name_outside_the_global_registry_is_reported(new: str) -> None:
    values = "{global: {imageRegistry: r.io/a}, image: {repository: web, tag: v1}}"
    rules = read_config(f"{HEAD}{KINDS}images: {{r.io/a/web: '{new}:v2'}}\n")
    outcome = set_images(START + values, rules)
    assert outcome.text == START + values
    assert [result.message for result in outcome.results if result.severity == "warning"] == [
        f'not changed: cannot set "{new}:v2": "spec.values.global.imageRegistry" belongs to several images; '
        "change it by hand"
    ]


def test_new_registry_next_to_a_global_registry_is_written_with_a_warning() -> None:
    values = "{global: {imageRegistry: r.io}, image: {registry: q.io, repository: web, tag: v1}}"
    outcome = set_images(START + values, read_config(f"{HEAD}{KINDS}registries: [{{from: q.io, to: s.io}}]\n"))
    assert outcome.text == START + values.replace("q.io", "s.io")
    assert [result.message for result in outcome.results if result.severity == "warning"] == [
        'the chart can use "spec.values.global.imageRegistry" instead of the new registry; check it'
    ]


@pytest.mark.parametrize("value", ["1", "true"])
def test_scalar_values_are_reported(value: str) -> None:
    (result,) = set_images(START + value, config(TAG)).results
    assert "expected a mapping" in result.message


NAMES = st.sampled_from(
    [
        "image",
        "repository",
        "repo",
        "name",
        "registry",
        "tag",
        "digest",
        "sha",
        "webImage",
        "webTag",
        "imageTag",
        "images",
        "version",
        "pullPolicy",
        "chart",
        "imageRepository",
        "url",
        "path",
        "global",
        "imageRegistry",
        "x",
        "a.b",
        "é",
    ]
)
LEAVES = st.sampled_from(
    ["nginx", "nginx:1", "quay.io/org/web", "", "v1", "Always", f"v1@{D}", D, HEX, 1.2, 7, None, True]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(NAMES, inner, max_size=5) | st.lists(inner, max_size=3),
    max_leaves=25,
).filter(lambda value: isinstance(value, dict))


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaves(value, (*path, key))
    else:
        yield path, node


@given(VALUES, st.sampled_from([TAG, NAME, DIGEST, BOTH]), st.booleans())
def test_values_of_any_shape_keep_their_other_data(values: dict[str, Any], entry: str, is_string: bool) -> None:
    """No tag is emptied, no key except a tag is added, and a second run changes nothing."""
    source = json.dumps(values)
    text = START + (json.dumps(source) if is_string else source) + "\n"
    outcome = set_images(text, config(entry))
    new = yaml.safe_load(outcome.text)["spec"]["values"]
    before, after = dict(leaves(values)), dict(leaves(yaml.safe_load(new) if is_string else new))
    assert {path[-1] for path in after.keys() - before.keys()} <= {"tag"}
    assert not before.keys() - after.keys()
    for path, old in before.items():
        if after[path] != old:
            assert after[path] or path[-1] in ("digest", "sha")
            assert isinstance(after[path], str)
    assert set_images(outcome.text, config(entry)).text == outcome.text


def test_string_of_a_rule_is_not_read_again_by_the_catalog() -> None:
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\n"
        "spec: {source: {helm: {values: \"{a: {image: 'nginx:1'}, b: {image: 'nginx:1'}}\"}}}\n"
    )
    kinds = "kinds: {Application: {path: '{.spec.source.helm.values}', as: yaml, paths: '{.a.image}'}}\n"
    with_rule = read_config(f"{HEAD}{kinds}images: {{nginx: 'nginx:2'}}\n")
    without = read_config(f"{HEAD}images: {{nginx: 'nginx:2'}}\n")
    assert set_images(text, with_rule).text == text.replace("nginx:1", "nginx:2", 1)
    assert set_images(text, without).text == text.replace("nginx:1", "nginx:2")


@pytest.mark.parametrize(
    "entry", ["images: {quay.io/org/web: 'quay.io/org/web:2'}", "registries: [{from: quay.io, to: r.io}]"]
)
@pytest.mark.parametrize("kind", ["helm.toolkit.fluxcd.io/v2", "v1"])
def test_split_reference_is_found_by_the_last_component_of_its_name(entry: str, kind: str) -> None:
    """A document without the whole name must not be skipped."""
    values = "image: {registry: quay.io, repository: org/web, tag: '1'}\n"
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n" + (
        f"apiVersion: {kind}\nkind: HelmRelease\nmetadata: {{name: a}}\nspec:\n  values: {{{values.strip()}}}\n"
        if "/" in kind
        else f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  values.yaml: |\n    {values}"
    )
    outcome = set_images(text, read_config(f"{HEAD}{entry}\n"))
    expected = ("'1'", "'2'") if "images" in entry else ("quay.io", "r.io")
    assert outcome.text == text.replace(*expected)
