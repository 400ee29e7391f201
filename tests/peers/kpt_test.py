"""What the tests of kpt's set-image check, by the configurations that it takes.

Read in https://github.com/GoogleContainerTools/kpt-functions-catalog, 3df40d5 (2023-08-30): tests/set-image,
examples/set-image-*, functions/go/set-image, and its former image_transformer_test.go (at e2ba0569, 2022).
"""

from __future__ import annotations

import pytest
from peers.table import D, Row, check, custom, pod

APPS = """\
apiVersion: v1
kind: Pod
metadata:
  name: app1
spec:
  containers:
  - name: server
    image: nginx:1.20.2
  - name: store
    image: postgres:14.1
---
apiVersion: v1
kind: Pod
metadata:
  name: app2
spec:
  containers:
  - name: store
    image: redis:6.2.6
  - name: server
    image: nginx:1.20.2
"""

BY_FIELD = custom(
    "MyKind",
    "containers:\n- image: nginx:1.20.2\n- image: postgres:14.1\n"
    "manifest:\n  images:\n  - image: nginx:1.20.2\n  - image: postgres:14.1",
    "dev.example.com/v1",
)
TO_BITNAMI = {"image: nginx:1.20.2": "image: bitnami/nginx:1.21.4"}


def config_map(data: str, head: str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: my-config") -> str:
    """Return a ConfigMap; `data` is the inside of a flow mapping."""
    return f"{head}\ndata: {{{data}}}\n"


def set_image(image: str, *fields: str) -> str:
    """Return a SetImage; both are the inside of flow mappings."""
    listed = "".join(f"- {{{field}}}\n" for field in fields)
    additional = f"additionalImageFields:\n{listed}" if listed else ""
    head = "apiVersion: fn.kpt.dev/v1alpha1\nkind: SetImage\nmetadata:\n  name: my-func-config\n"
    return f"{head}image: {{{image}}}\n{additional}"


BITNAMI = "name: nginx, newName: bitnami/nginx, newTag: 1.21.4"
FIELD = "kind: MyKind, create: false, group: dev.example.com, path: 'spec/manifest/images[]/image', version: v1"

CONFIG_MAPS = [
    Row("name and tag", config_map(BITNAMI), APPS, TO_BITNAMI),
    Row(
        "name and tag from the command line",
        config_map(BITNAMI, "apiVersion: v1\nkind: ConfigMap"),
        APPS,
        TO_BITNAMI,
    ),
    Row(
        "name and digest",
        config_map(f"name: nginx, newName: bitnami/nginx, digest: '{D}'"),
        APPS,
        {"image: nginx:1.20.2": f"image: bitnami/nginx@{D}"},
    ),
    Row(
        "the digest alone",
        config_map(f"name: nginx, digest: '{D}'"),
        APPS,
        {"image: nginx:1.20.2": f"image: nginx@{D}"},
    ),
    Row(
        "one of two containers has the tag already",
        config_map("name: nginx, newTag: 1.20.2"),
        pod("nginx:1.20.2", "nginx:1.14.1").removesuffix("\n"),
        {"image: nginx:1.14.1": "image: nginx:1.20.2"},
        said=('set image "nginx:1.14.1" to "nginx:1.20.2"',),
    ),
    Row(
        "a tag that looks like a number",
        config_map("name: nginx, newTag: 1.20"),
        pod("nginx:1"),
        {"image: nginx:1": "image: nginx:1.20"},
    ),
    Row(
        "each change is told",
        config_map("name: foo, newName: bar, newTag: 4.5.6"),
        pod("foo:1.2.3") + "---\n" + pod("foo:1.2.3", "foo:latest"),
        {"image: foo:1.2.3": "image: bar:4.5.6", "image: foo:latest": "image: bar:4.5.6"},
        said=(
            'spec.containers[0].image: set image "foo:1.2.3" to "bar:4.5.6"',
            'spec.containers[1].image: set image "foo:latest" to "bar:4.5.6"',
        ),
    ),
    Row(
        "a digest that is none",
        config_map("name: foo, newName: bar, digest: 123456"),
        pod("foo:1.2.3"),
        error=("digest", 'invalid digest "123456"'),
        why="a digest is checked; set-image writes what it is given",
    ),
    Row(
        "tag and digest",
        config_map(f"name: foo, newName: bar, newTag: v1.0, digest: '{D}'"),
        pod("foo:1.2.3"),
        {"image: foo:1.2.3": f"image: bar:v1.0@{D}"},
        why="both are written, as kustomize does; set-image's documentation has an error, its code drops the tag",
    ),
    Row(
        "no such image",
        config_map("name: foo, newTag: v1.0"),
        APPS,
        said=("warning", '"foo"'),
        why="an image that is nowhere is a warning; to set-image zero images are a success",
    ),
]

ERRORS = [
    Row("no name", config_map("newName: bar, newTag: v1.0"), APPS, error=("name is missing",)),
    Row("nothing to set", config_map("name: foo"), APPS, error=("`newName`, `newTag`, `digest`",)),
    Row("no data", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: my-config\n", APPS, error=("ConfigMap",)),
    Row("a mapping for a name", config_map("name: {unexpected: object}"), APPS, error=("data.name", "string")),
    Row("a field that is not known", config_map("name: foo, newtag: v1"), APPS, error=('"newtag"', '"newTag"')),
    Row("SetImage: no name", set_image("newName: bar, newTag: v1.0"), APPS, error=("image", "name is missing")),
    Row(
        "SetImage: nothing to set", set_image("name: foo"), APPS, error=("image", "`newName`, `newTag`, `digest`")
    ),
    Row(
        "SetImage: a mapping for a name",
        set_image("name: {unexpected: object}"),
        APPS,
        error=("image.name", "string"),
    ),
    Row(
        "SetImage: a tag without quotes",
        set_image("name: nginx, newTag: 1.20"),
        APPS,
        error=("image.newTag", 'quote it: "1.20"'),
    ),
    Row(
        "SetImage: a field without a path",
        set_image(BITNAMI, "kind: MyKind"),
        APPS,
        error=("additionalImageFields[0]", "path is missing"),
    ),
]

SET_IMAGES = [
    Row("SetImage", set_image(BITNAMI), APPS, TO_BITNAMI),
    Row(
        "SetImage: a field and the containers of a custom resource",
        set_image(BITNAMI, FIELD),
        BY_FIELD,
        TO_BITNAMI,
        why="pod specs of every kind are set; set-image did so until 2022, and has a list of six since",
    ),
    Row(
        "SetImage: a field beside a pod",
        set_image(BITNAMI, FIELD),
        APPS + "---\n" + custom("MyKind", "manifest:\n  images:\n  - image: nginx:1.20.2", "dev.example.com/v1"),
        TO_BITNAMI,
    ),
    Row(
        "SetImage: any kind of any version",
        set_image(BITNAMI, "path: spec/server"),
        custom("MyKind", "server: nginx:1.20.2"),
        {"server: nginx:1.20.2": "server: bitnami/nginx:1.21.4"},
    ),
    *(
        Row(
            f"SetImage: another {what}",
            set_image(BITNAMI, f"path: spec/server, {selector}"),
            custom("MyKind", "server: nginx:1.20.2", "dev.example.com/v1"),
            said=("warning", '"nginx"'),
        )
        for what, selector in (
            ("group", "group: example.com"),
            ("version", "version: v2"),
            ("kind", "kind: MyKinds"),
        )
    ),
    Row(
        "SetImage: create makes no image",
        set_image(BITNAMI, "path: spec/server, kind: MyKind, create: true"),
        custom("MyKind", "other: 1"),
        said=("warning", "spec/server", "matched no field"),
    ),
    Row(
        "SetImage: a field that is a mapping",
        set_image(BITNAMI, "path: spec/server, kind: MyKind"),
        custom("MyKind", "server:\n  image: nginx:1.20.2"),
        said=("warning", "spec/server", "a mapping"),
        why="a field of another type is skipped and told; set-image gives an error",
    ),
]


def workload(kind: str, spec: str) -> str:
    """Return a workload with one container and one init container, their pod spec below the keys of `spec`."""
    keys = spec.split(".")
    head = "".join(f"{'  ' * depth}{key}:\n" for depth, key in enumerate(keys))
    blank = "  " * len(keys)
    body = (
        f"{blank}initContainers:\n{blank}- image: nginx:1.20.2\n{blank}containers:\n{blank}- image: nginx:1.20.2\n"
    )
    return f"apiVersion: example.com/v1\nkind: {kind}\nmetadata:\n  name: x\n{head}{body}"


INIT = "init containers are set; set-image asks for `iniContainers`"

PLACES = [
    *(
        Row(f"containers of a {kind}", config_map(BITNAMI), workload(kind, spec), TO_BITNAMI, why=why)
        for kind, spec, why in (
            ("Pod", "spec", INIT),
            ("Deployment", "spec.template.spec", INIT),
            ("StatefulSet", "spec.template.spec", INIT),
            ("ReplicaSet", "spec.template.spec", INIT),
            ("DaemonSet", "spec.template.spec", INIT),
            (
                "PodTemplate",
                "template.spec",
                "its pod spec is at template.spec; set-image looks in spec.template.spec",
            ),
            ("Job", "spec.template.spec", "pod specs of every kind are set; set-image has a list of six"),
            (
                "CronJob",
                "spec.jobTemplate.spec.template.spec",
                "pod specs of every kind are set; set-image has a list of six",
            ),
            ("Rollout", "spec.template.spec", "pod specs of every kind are set; set-image has a list of six"),
        )
    ),
    Row(
        "a container without an image",
        config_map(BITNAMI),
        custom("Pod", "containers:\n- name: a\n- name: b\n  image: nginx:1.20.2", "v1"),
        TO_BITNAMI,
    ),
    *(
        Row(
            f"a new name alone: {text}",
            config_map("name: nginx, newName: bitnami/nginx"),
            pod(text),
            {f"image: {text}": f"image: bitnami/{text}"},
            why=why,
        )
        for text, why in (
            ("nginx", None),
            ("nginx:1.20", "the colon stays; set-image writes bitnami/nginx1.20 (kpt #4344)"),
            (f"nginx@{D}", "the at sign stays; set-image drops it (kpt #4344)"),
            (f"nginx:1@{D}", "tag and digest stay; set-image drops the colon and the digest (kpt #4344)"),
        )
    ),
]

ROWS = [*CONFIG_MAPS, *ERRORS, *SET_IMAGES, *PLACES]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_kpt(row: Row) -> None:
    check(row)
