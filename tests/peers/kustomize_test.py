"""What kustomize's tests check of `images:`, by our configuration and by its own ImageTagTransformer.

Read in https://github.com/kubernetes-sigs/kustomize, 12f9e63 (2026-08-20): api/filters/imagetag,
api/internal/image, plugin/builtin/imagetagtransformer, api/krusty (transformersimage, crd, namereference),
kustomize/commands/edit/set (setimage). Its digests are short (`12345`); ours are whole where it is not the point.
"""

from __future__ import annotations

import pytest
from peers.table import D, E, Row, check, custom, images, kinds, pod, setter

SHORT = "sha256:111111111111111111"

DEPLOYMENT = f"""\
group: apps
apiVersion: v1
kind: Deployment
metadata:
  name: deploy1
spec:
  template:
    spec:
      containers:
      - image: nginx:1.7.9
        name: nginx-tagged
      - image: nginx:latest
        name: nginx-latest
      - image: foobar:1
        name: other
      initContainers:
      - image: nginx
        name: nginx-notag
      - image: nginx@{D}
        name: nginx-sha256
      - image: alpine:1.8.0
        name: init-alpine
"""


def set_all(tagged: str, latest: str, bare: str, digest: str) -> dict[str, str]:
    """Return the changes of DEPLOYMENT's four nginx images."""
    return {
        "image: nginx:1.7.9": f"image: {tagged}",
        "image: nginx:latest": f"image: {latest}",
        "image: nginx": f"image: {bare}",
        f"image: nginx@{D}": f"image: {digest}",
    }


ENTRIES = [
    ("new tag", "name: nginx, newTag: v2", set_all(*["nginx:v2"] * 4)),
    (
        "new name",
        "name: nginx, newName: busybox",
        set_all("busybox:1.7.9", "busybox:latest", "busybox", f"busybox@{D}"),
    ),
    ("new name and tag", "name: nginx, newName: busybox, newTag: v3", set_all(*["busybox:v3"] * 4)),
    ("digest", f"name: nginx, digest: '{E}'", set_all(*[f"nginx@{E}"] * 4)),
    ("new name and digest", f"name: nginx, newName: busybox, digest: '{E}'", set_all(*[f"busybox@{E}"] * 4)),
]


def transformer(image: str, *field_specs: str) -> str:
    """Return a `builtin ImageTagTransformer`; both are the inside of flow mappings."""
    specs = "".join(f"- {{{spec}}}\n" for spec in field_specs)
    listed = f"fieldSpecs:\n{specs}" if specs else ""
    head = "apiVersion: builtin\nkind: ImageTagTransformer\nmetadata:\n  name: notImportantHere\n"
    return f"{head}imageTag: {{{image}}}\n{listed}"


TEMPLATE = ("path: 'spec/template/spec/containers[]/image'", "path: 'spec/template/spec/initContainers[]/image'")

FILTER = [
    *(Row(name, images(entry), DEPLOYMENT, changes) for name, entry, changes in ENTRIES),
    Row(
        "new name of tag and digest",
        kinds("kind: Foo", "spec/image", image="name: nginx, newName: apache"),
        custom("Foo", f"image: nginx:1.2.1@{D}"),
        {f"image: nginx:1.2.1@{D}": f"image: apache:1.2.1@{D}"},
    ),
    Row(
        "new name and tag of tag and digest",
        kinds("kind: Foo", "spec/image", image="name: nginx, newName: apache, newTag: 1.3.0"),
        custom("Foo", f"image: nginx:1.2.1@{D}"),
        {f"image: nginx:1.2.1@{D}": "image: apache:1.3.0"},
    ),
    Row(
        "new name, tag and digest of tag and digest",
        kinds("kind: Foo", "spec/image", image=f"name: nginx, newName: apache, newTag: 1.3.0, digest: '{E}'"),
        custom("Foo", f"image: nginx:1.2.1@{D}"),
        {f"image: nginx:1.2.1@{D}": f"image: apache:1.3.0@{E}"},
    ),
    Row(
        "a path through a list without brackets",
        setter(
            f"podSpecs: false\nimages: [{{name: nginx, newName: apache, digest: '{E}'}}]\n"
            "kinds: {Foo: spec/containers/image}"
        ),
        custom("Foo", "containers:\n- image: nginx:1.2.1\n- image: nginx:2.1.2"),
        {"image: nginx:1.2.1": f"image: apache@{E}", "image: nginx:2.1.2": f"image: apache@{E}"},
    ),
    Row(
        "between others in a list",
        setter(
            "podSpecs: false\nimages: [{name: nginx, newName: apache, newTag: 3.2.1}]\n"
            "kinds: {Foo: 'spec/containers[]/image'}"
        ),
        custom("Foo", f"containers:\n- image: nginx:1.2.1\n- image: not_nginx@{D}\n- image: nginx:1.2.1"),
        {"image: nginx:1.2.1": "image: apache:3.2.1"},
    ),
    Row(
        "containers and initContainers at several depths of any kind",
        images("name: nginx, newName: apache, newTag: 3.2.1"),
        custom(
            "Foo",
            "containers:\n- image: nginx:1.2.1\n- image: tomcat:1.2.3\n"
            "template:\n  spec:\n    initContainers:\n    - image: nginx:1.2.1\n    - image: apache:1.2.3",
        ),
        {"image: nginx:1.2.1": "image: apache:3.2.1"},
    ),
    Row(
        "two documents of two kinds",
        images(f"name: nginx, newName: apache, digest: '{E}'"),
        custom("Foo", "containers:\n- name: FooBar\n  image: nginx")
        + "---\n"
        + custom("Bar", "containers:\n- name: BarFoo\n  image: nginx:1.2.1"),
        {"image: nginx": f"image: apache@{E}", "image: nginx:1.2.1": f"image: apache@{E}"},
    ),
    Row(
        "each change is told",
        images("name: nginx, newName: busybox, newTag: v3"),
        DEPLOYMENT,
        set_all(*["busybox:v3"] * 4),
        said=tuple(
            f"spec.template.spec.{field}.image"
            for field in ("containers[0]", "containers[1]", "initContainers[0]", "initContainers[1]")
        ),
    ),
    Row(
        "tag suffix",
        images("name: redis, tagSuffix: -alpine"),
        pod("redis:6.2.6"),
        {"image: redis:6.2.6": "image: redis:6.2.6-alpine"},
    ),
    Row(
        "image volume in a pod template",
        images(f"name: nginx, newName: apache, digest: '{E}'"),
        custom(
            "Deployment",
            "template:\n  spec:\n    volumes:\n    - name: volume\n      image:\n        reference: nginx",
        ),
        {"reference: nginx": f"reference: apache@{E}"},
    ),
    Row(
        "image volume in a pod",
        images(f"name: nginx, newName: apache, digest: '{E}'"),
        custom("Pod", "volumes:\n- name: volume\n  image:\n    reference: nginx", "v1"),
        {"reference: nginx": f"reference: apache@{E}"},
    ),
    Row(
        "a digest that is none",
        images("name: nginx, digest: '12345'"),
        pod("nginx:1.2.1"),
        error=("images[0].digest", 'invalid digest "12345"'),
        why="a digest is checked: no registry knows `nginx@12345`; kustomize writes what it is given",
    ),
    Row(
        "a short digest in the manifest",
        images("name: nginx, newTag: v2"),
        pod(f"nginx@{SHORT}", "nginx:1"),
        {"image: nginx:1": "image: nginx:v2"},
        why="the grammar wants 32 hex digits, and what is no reference stays; kustomize sets it",
    ),
    Row(
        "a tag with braces",
        images("name: some.registry.io/my-image, newTag: my-fixed-tag"),
        pod("some.registry.io/my-image:{GENERATED_TAG}", "some.registry.io/my-image:1"),
        {"image: some.registry.io/my-image:1": "image: some.registry.io/my-image:my-fixed-tag"},
        why="a placeholder is no reference, and stays for the tool whose it is; kustomize replaces it",
    ),
    Row(
        "no containers",
        kinds("kind: Deployment", "'spec/containers[]/image'", image="name: nginx, newTag: v2"),
        custom("Deployment", "containers:") + "---\n" + pod("nginx"),
        {"image: nginx": "image: nginx:v2"},
        why="only images change; kustomize makes the empty field `[]`",
    ),
]

CUSTOM_RESOURCE_DEFINITIONS = [
    Row(
        "containers of a CustomResourceDefinition",
        transformer("name: whatever, newName: theimageshouldnotchangeinacrd", "path: spec/containers/image"),
        custom("CustomResourceDefinition", "containers:\n- image: whatever", "apiextensions.k8s.io/v1"),
        said=("warning", "whatever"),
    ),
    Row(
        "the schema of containers",
        images("name: test/test, newName: registry.gitlab.com/test, newTag: latest"),
        custom(
            "CustomResourceDefinition",
            "validation:\n  openAPIV3Schema:\n    properties:\n      spec:\n        containers:\n"
            "          description: Containers allows injecting additional containers",
            "apiextensions.k8s.io/v1beta1",
        ),
        said=("warning", "test/test"),
    ),
]

LONG = "cf83e1357eefb8bdf1542850d66d8007" * 4
NEW_TAG = "name: nginx, newTag: v2"

MATCHES = [
    *(
        Row(f"match: {name}", images(NEW_TAG), pod(value), {f"image: {value}": "image: nginx:v2"})
        for name, value in (
            ("identical", "nginx"),
            ("tag", "nginx:12345"),
            ("digest", f"nginx@{D}"),
            ("tag and digest", f"nginx:12345@{D}"),
            ("sha512", f"nginx@sha512:{LONG}"),
            ("tag and sha512", f"nginx:12345@sha512:{LONG}"),
        )
    ),
    Row(
        "match: a digest in base 58",
        images(NEW_TAG),
        pod("nginx@multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8", "nginx"),
        {"image: nginx": "image: nginx:v2"},
        why="the grammar of references has hex digits only, and what is no reference stays; kustomize sets it",
    ),
    Row("match: another name", images(NEW_TAG), pod("apache:12345"), said=("warning", '"nginx"')),
    Row(
        "match: a name that is no regular expression",
        images("name: '[', newTag: v2"),
        pod("nginx:1.7.9"),
        error=("images[0].name", 'invalid image reference "["'),
        why="a name that can match nothing is an error; kustomize ignores the entry",
    ),
    *(
        Row(
            f"split: {name}",
            images(f"name: '{old}', newName: new.io/x"),
            pod(old + rest),
            {f"image: {old}{rest}": f"image: new.io/x{rest}"},
        )
        for name, old, rest in (
            ("no tag", "nginx", ""),
            ("tag", "nginx", ":1.2.3"),
            ("digest", "nginx", f"@{D}"),
            ("tag and digest", "nginx", f":1.2.3@{D}"),
            ("domain", "docker.io/nginx", ":1.2.3"),
            ("domain and port", "foo.com:443/nginx", ":1.2.3"),
            ("domain, port, tag and digest", "foo.com:443/nginx", f":1.2.3@{D}"),
        )
    ),
]

TRANSFORMER = [
    *(
        Row(f"transformer: {name}", transformer(entry, *TEMPLATE), DEPLOYMENT, changes)
        for name, entry, changes in ENTRIES
    ),
    Row(
        "transformer: a field in another case",
        transformer("name: nginx, Digest: sha256:222222222222222222", *TEMPLATE),
        DEPLOYMENT,
        error=("Digest", 'did you mean "digest"?'),
        why="an unknown field is an error; kustomize reads fields in any case, as Go's JSON does",
    ),
    Row(
        "transformer: no fieldSpecs",
        transformer("name: some.registry.io/my-image, newTag: my-fixed-tag"),
        pod("some.registry.io/my-image:old-tag"),
        {"image: some.registry.io/my-image:old-tag": "image: some.registry.io/my-image:my-fixed-tag"},
    ),
    Row(
        "transformer: no containers, create",
        transformer("name: nginx, newTag: v2", *(f"{path}, create: true" for path in TEMPLATE)),
        custom("Deployment", "template:\n  spec:\n    containers:\n    initContainers:"),
        said=("warning", '"nginx"'),
        why="only images change, nothing is made; kustomize makes the empty fields `[]`",
    ),
    Row(
        "transformer: an alias",
        transformer("name: nginx, newName: my-nginx", TEMPLATE[0]),
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: &name nginx\nspec:\n  template:\n    spec:\n"
        "      containers:\n      - image: *name\n        name: *name\n",
        {"image: *name": "image: my-nginx"},
    ),
    Row(
        "transformer: containers at two depths",
        transformer("name: old-image-name, newName: new-image-name, newTag: new-tag"),
        custom(
            "Deployment",
            "containers:\n- image: old-image-name\ninitContainers:\n- image: old-image-name\n"
            "template:\n  spec:\n    containers:\n    - image: old-image-name\n"
            "    initContainers:\n    - image: old-image-name",
        ),
        {"image: old-image-name": "image: new-image-name:new-tag"},
    ),
    Row(
        "transformer: group, version and kind",
        transformer(
            "name: solsa-echo, newTag: foo",
            "path: spec/runLatest/container/image, group: serving.knative.dev, version: v1alpha1, kind: Service",
        ),
        custom("Service", "runLatest:\n  container:\n    image: solsa-echo", "serving.knative.dev/v1alpha1"),
        {"image: solsa-echo": "image: solsa-echo:foo"},
    ),
    Row(
        "transformer: another version",
        transformer(
            "name: solsa-echo, newTag: foo",
            "path: spec/runLatest/container/image, group: serving.knative.dev, version: v1, kind: Service",
        ),
        custom("Service", "runLatest:\n  container:\n    image: solsa-echo", "serving.knative.dev/v1alpha1"),
        said=("warning", "solsa-echo"),
    ),
]

MANY = setter(
    f"""\
images:
- {{name: nginx, newTag: v2}}
- {{name: my-nginx, newTag: previous}}
- {{name: 'myprivaterepohostname:1234/my/image', newTag: v1.0.1}}
- {{name: alpine, newName: 'myprivaterepohostname:1234/my/cool-alpine'}}
- {{name: 'gcr.io:8080/my-project/my-cool-app', newName: my-cool-app}}
- {{name: postgres, newName: my-postgres, newTag: v3}}
- {{name: docker, newName: my-docker, digest: '{E}'}}"""
)
MANY_CHANGES = {
    "image: nginx": "image: nginx:v2",
    "image: my-nginx:latest": "image: my-nginx:previous",
    "image: postgres:alpine-9": "image: my-postgres:v3",
    "image: docker:17-git": f"image: my-docker@{E}",
    "image: myprivaterepohostname:1234/my/image:latest": "image: myprivaterepohostname:1234/my/image:v1.0.1",
    "image: myprivaterepohostname:1234/my/image": "image: myprivaterepohostname:1234/my/image:v1.0.1",
    "image: gcr.io:8080/my-project/my-cool-app:latest": "image: my-cool-app:latest",
    "image: alpine:1.8.0": "image: myprivaterepohostname:1234/my/cool-alpine:1.8.0",
}


def containers(field: str) -> str:
    """Return a resource of no version with the images of MANY_CHANGES, and one more, in lists of that name."""
    listed = "".join(f"      - {line}\n" for line in (*MANY_CHANGES, "image: my-app-image:v1"))
    return f"kind: randomKind\nmetadata:\n  name: random\nspec3:\n  template:\n    spec:\n      {field}:\n{listed}"


BUILDS = [
    Row("many entries, anywhere in a resource", MANY, containers("initContainers"), MANY_CHANGES),
    Row(
        "lists of another name",
        MANY + "kinds:\n- {kind: Custom, paths: 'spec3/template/spec/myContainers[]/image'}\n",
        containers("myContainers"),
        said=("warning",),
    ),
    Row(
        "lists of another name that are configured",
        MANY + "kinds:\n- {kind: randomKind, paths: 'spec3/template/spec/myContainers[]/image'}\n",
        containers("myContainers"),
        MANY_CHANGES,
    ),
    Row(
        "a kind of a group",
        setter(
            "images: [{name: solsa-echo, newTag: foo}]\n"
            "kinds: {Service.serving.knative.dev: spec/runLatest/container/image}"
        ),
        custom("Service", "runLatest:\n  container:\n    image: solsa-echo", "serving.knative.dev/v1alpha1"),
        {"image: solsa-echo": "image: solsa-echo:foo"},
    ),
    Row(
        "two deployments and two entries",
        images("name: abbott, newTag: v2", "name: costello, newTag: v8"),
        pod("costello") + "---\n" + pod("abbott"),
        {"image: costello": "image: costello:v8", "image: abbott": "image: abbott:v2"},
    ),
    Row(
        "base and overlay in two runs",
        images("name: quay.io/sylr/external-dns, newName: xxx.azurecr.io/dns, newTag: v0.7.4_sylr.1"),
        pod("quay.io/sylr/external-dns:v0.7.4-73-g00a9a0c7"),
        {
            "image: quay.io/sylr/external-dns:v0.7.4-73-g00a9a0c7": "image: xxx.azurecr.io/dns:v0.7.4_sylr.1",
        },
    ),
    Row(
        "one entry sets what another names",
        images(
            "name: registry.k8s.io/external-dns, newName: quay.io/sylr/external-dns, newTag: v1",
            "name: quay.io/sylr/external-dns, newName: xxx.azurecr.io/dns, newTag: v2",
        ),
        pod("registry.k8s.io/external-dns"),
        {"image: registry.k8s.io/external-dns": "image: quay.io/sylr/external-dns:v1"},
        why="one pass, each field once; kustomize runs one entry after the other",
    ),
]


def shorthand(image: str) -> str:
    """Return an ImageSetter with one entry of the mapping form, as `kustomize edit set image` takes it."""
    name, _, new = image.partition("=")
    return setter(f"images: {{{name}: '{new}'}}")


EDIT_SET_IMAGE = [
    *(
        Row(
            f"set image {text}",
            shorthand(text),
            pod("image1:0"),
            {"image: image1:0": f"image: {text.partition('=')[2]}"},
        )
        for text in (
            "image1=my-image1:my-tag",
            "image1=my-image1:1234",
            "image1=my-image1:3.2e2",
            f"image1=my-image1@{D}",
            f"image1=my-image1:my-tag@{D}",
            "image1=foo.bar.foo:8800/foo/image1:foo-bar",
        )
    ),
    Row(
        "set image without a tag",
        shorthand("ngnix=localhost:5000/my-project/ngnix"),
        pod("ngnix:1"),
        {"image: ngnix:1": "image: localhost:5000/my-project/ngnix"},
        why="the mapping form gives the whole new reference; kustomize makes it newName, which keeps the tag",
    ),
    *(
        Row(
            f"set image to the tag {tag} without quotes",
            images(f"name: image1, newTag: {tag}"),
            pod("image1"),
            error=("images[0].newTag", f'quote it: "{tag}"'),
        )
        for tag in ("1234", "3.2e2")
    ),
]

ROWS = [
    *FILTER,
    *CUSTOM_RESOURCE_DEFINITIONS,
    *MATCHES,
    *TRANSFORMER,
    *BUILDS,
    *EDIT_SET_IMAGE,
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_kustomize(row: Row) -> None:
    check(row)
