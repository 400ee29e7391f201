"""Rules that are proposed for unknown images: each one is safe."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from discovery.definitions import RULES, found_in
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krm_image_setter import read_config, set_images
from krm_image_setter.discovery import propose, unknown_images, write_kinds
from krm_image_setter.documents import Stream
from krm_image_setter.images import check_reference, parse_reference
from krm_image_setter.rules import rules_for
from krm_image_setter.scan import images_in

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nonUnused: ignore\n"
THING = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [%s]}\n"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"
D = "sha256:" + "d" * 64

#: a text, and the items of `paths` that are proposed
PROPOSED = [
    pytest.param(
        THING + f"spec: {{images: [{{repository: a/a, digest: '{D}'}}, {{repository: a/b, tag: v1}}, "
        "{registry: r.io, repository: c, tag: v1}]}",
        [{"path": "{.spec.images[*]}",
          "fields": {"repository": "repository", "registry": "registry", "tag": "tag", "digest": "digest"}}],
        id="several shapes in a list",
    ),
    pytest.param(
        f"{THING}spec: {{image: {{repository: a/a, tag: v1}}}}\n---\n{THING}spec: {{image: 'a/a:1'}}",
        [{"path": "{.spec.image}", "fields": {"repository": "repository", "tag": "tag"}}, "{.spec.image}"],
        id="mapping and string at one path",
    ),
    pytest.param(
        THING + "spec: {web: {image: 'a:1'}, db: {image: 'b:1'}}", ["{.spec.*.image}"], id="different keys"
    ),
    pytest.param(
        THING + "spec: {a: {b: {image: 'a:1'}, c: {image: 'b:1'}}, d: {b: {image: 'a:1'}, c: {image: 'x:1'}}}",
        ["{.spec.*.*.image}"], id="different keys on two levels",
    ),
    pytest.param(THING + "spec: {images: {web: 'a:1', db: 'b:1'}}", ["{.spec.images.*}"], id="mapping of images"),
    pytest.param(
        THING + "spec: {images: {web: 'a:1', db: 'b:1', tag: x}}", ["{.spec.images.web}", "{.spec.images.db}"],
        id="mapping of images and a tag",
    ),
    pytest.param(
        THING + "spec: {image: 'a:1', sidecarImage: 'b:1'}", ["{.spec.image}", "{.spec.sidecarImage}"],
        id="names of fields",
    ),
    pytest.param(
        THING + "spec: {a: {ref: r.io/a/b:1}, c: {ref: main}}", ["{.spec.a.ref}"], id="value that is not an image"
    ),
    pytest.param(
        f"{THING}spec: {{a: {{ref: r.io/a/b:1}}, c: {{ref: r.io/x/y:1}}}}\n---\n{THING}spec: {{d: {{ref: main}}}}",
        ["{.spec.a.ref}", "{.spec.c.ref}"], id="value in another resource that is not an image",
    ),
    pytest.param(
        THING + f"spec: {{a: docker.io/bash:5, b: 'bash@{D}', c: 'redis:7', d: 'redis:6379', e: 'x.io:80'}}",
        ["{.spec.a}", "{.spec.b}", "{.spec.c}"], id="values",
    ),
    pytest.param(
        POD % "{name: c, image: x, env: [{name: A, value: r.io/a:1}, {name: MODE, value: production}]}",
        ["{.spec.containers[*].env[?(@.name=='A')].value}"], id="environment variable",
    ),
    pytest.param(
        POD % "{name: c, image: x, args: [--image=r.io/a:1, --verbose]}",
        [{"path": "{.spec.containers[*].args[*]}", "as": "text"}], id="argument",
    ),
    pytest.param(
        POD % "{name: c, image: x, args: [--image=r.io/a:1, '--redis=redis:6379']}",
        [{"path": "{.spec.containers[?(@.name=='c')].args[0]}", "as": "text"}], id="argument next to an address",
    ),
    pytest.param(
        MAP + "  prod.yaml: |\n    image: {repository: a/b, tag: v1}\n",
        [{"path": "{.data['prod.yaml']}", "as": "values"}], id="values in a ConfigMap",
    ),
    pytest.param(
        MAP + "  pod.yaml: |\n    kind: Pod\n    spec: {containers: [{image: 'nginx:1'}]}\n",
        [{"path": "{.data['pod.yaml']}", "as": "yaml"}], id="resource in a ConfigMap",
    ),
    pytest.param(
        MAP + "  run.sh: |\n    docker run r.io/a:1 --db redis:6379 {{ x }}\n", [], id="script with an address"
    ),
    pytest.param(
        MAP + "  run.sh: |\n    docker run r.io/a:1 {{ x }}\n", [{"path": "{.data['run.sh']}", "as": "text"}], id="script"
    ),
    pytest.param(
        MAP + "  run.sh: |\n    docker run docker.io/a:1 {{ x }} r.io/b\n", [{"path": "{.data['run.sh']}", "as": "text"}],
        id="script with Docker Hub",
    ),
    pytest.param(MAP + "  image: quay.io/a/b:1\n", ["{.data.image}"], id="value in a ConfigMap"),
    pytest.param(THING + "spec: {images: [{name: r.io/a:1, newTag: '2'}]}", [], id="name of an override"),
    pytest.param(
        THING + "spec: {images: [{name: r.io/a:1, newName: r.io/b, newTag: '2'}]}",
        [{"path": "{.spec.images[*]}", "fields": {"repository": "newName", "tag": "newTag"}}], id="override",
    ),
    pytest.param(
        THING.replace("{name: a}", "{name: r.io/a:1}") + "spec: {template: {metadata: {labels: {x: r.io/a:1}}}}", [],
        id="metadata",
    ),
    pytest.param(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages: [{name: a, newName: r.io/b:1}]", [],
        id="kustomization",
    ),
    pytest.param("apiVersion: v1\nkind: Secret\nstringData: {a: r.io/a:1}", [], id="Secret"),
    pytest.param(
        THING + "spec: {image: &i 'r.io/a:1', sidecarImage: *i}", ["{.spec.image}", "{.spec.sidecarImage}"],
        id="anchor and alias",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PROPOSED)
def test_unknown_images_give_rules(text: str, expected: list[Any]) -> None:
    assert [finding.rule.path_data for finding in found_in(f"{text}\n")] == expected


def test_image_without_a_safe_rule_is_listed() -> None:
    stream = Stream(MAP + "  run.sh: |\n    docker run r.io/a:1 --db redis:6379 {{ x }}\n")
    unknown = unknown_images(stream, RULES)
    proposed = propose(unknown, lambda look: [look(stream)], partial(unknown_images, rules=RULES), RULES)
    assert [(each.found.image, finding) for each, finding in zip(unknown, proposed, strict=True)] == [
        ("r.io/a:1", None)
    ]


NAMES = st.sampled_from(
    [
        "image",
        "images",
        "repository",
        "name",
        "registry",
        "tag",
        "digest",
        "newName",
        "newTag",
        "version",
        "ref",
        "url",
        "web",
        "db",
        "a.b",
        "env",
        "value",
        "metadata",
    ]
)
LEAVES = st.sampled_from(
    [
        "nginx",
        "nginx:1",
        "r.io/a/b:1",
        f"r.io/a/b@{D}",
        "docker.io/x:2",
        "main",
        "v1",
        "",
        1.5,
        None,
        "run r.io/a/b:1",
        "x: r.io/a/b:1\ny: redis:6379",
        "image: r.io/a/b:1\n",
        "a/b",
        "redis:6379",
    ]
)
SPECS = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(NAMES, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=20,
)


@given(st.lists(SPECS, min_size=1, max_size=3))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_proposed_rules_set_every_image_that_they_find(specs: list[Any]) -> None:
    head = {"apiVersion": "example.com/v1", "kind": "Thing"}
    text = "---\n".join(
        json.dumps({**head, "metadata": {"name": str(number)}, "spec": spec}) + "\n"
        for number, spec in enumerate(specs)
    )
    findings = found_in(text)
    kinds = "".join(f"{line}\n" for line in write_kinds(findings, {}))
    known = rules_for(read_config(f"{HEAD}images: {{x: z}}\n{kinds}"), {})
    before = [each for each in images_in(Stream(text), known) if parse_reference(each.image)]
    names = sorted({check_reference(each.image).name for each in before})
    listed = {each.found.image for each in unknown_images(Stream(text), RULES)}
    assert {each.image for each in before} <= listed
    for name in names:
        config = read_config(f"{HEAD}images: {{{json.dumps(name)}: 'new.example/moved:v9'}}\n{kinds}")
        new = set_images(text, config).text
        after = [each for each in images_in(Stream(new), known) if parse_reference(each.image)]
        expected = [
            "new.example/moved:v9"
            if check_reference(each.image).normalized_name == check_reference(name).normalized_name
            else each.image
            for each in before
        ]
        assert [each.image for each in after] == expected
