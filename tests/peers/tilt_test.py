"""What Tilt's tests check of images in Kubernetes YAML, by our configuration.

Read in https://github.com/tilt-dev/tilt, 2fa1737 (2026-08-08): internal/k8s (image, locator, json_path),
internal/tiltfile (k8s_kind, k8s_image_json_path, image_object, default_registry, match_in_env_vars),
internal/container (registry, reference), internal/engine/buildcontrol (image_build_and_deployer).
"""

from __future__ import annotations

import pytest
from peers.table import NOTHING, D, Row, check, custom, images, kinds, pod, setter

ENVIRONMENT = custom(
    "Environment",
    "builder:\n  command: build\n  image: test/mycrd-builder\npoolsize: 1\nruntime:\n  image: test/mycrd-env",
    "fission.io/v1",
)
RUNTIME = {"image: test/mycrd-env": "image: test/mycrd-env:tilt-1"}
BUILDER = {"image: test/mycrd-builder": "image: test/mycrd-builder:tilt-1"}

FETCHER = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: foo
spec:
  template:
    spec:
      containers:
      - name: main
        image: gcr.io/foo
        env:
        - name: FETCHER_IMAGE
          value: gcr.io/foo-fetcher
        - name: OTHER
          value: gcr.io/foo
"""
FETCHED = {"value: gcr.io/foo-fetcher": "value: gcr.io/foo-fetcher:tilt-1"}

MACHINE = custom("UselessMachine", "image:\n  repo: tilt.dev/frontend", "tilt.dev/v1alpha1")
CONTAINER = custom(
    "UselessMachine",
    'containers:\n- name: frontend\n  image: frontend\n  imagePullPolicy: "Always"',
    "tilt.dev/v1alpha1",
)

VOLUME = """\
spec:
  containers:
  - name: web
    image: nginx:latest
  volumes:
  - name: site
    image:
      reference: ghcr.io/a/site:latest
      pullPolicy: IfNotPresent
"""
POD_WITH_VOLUME = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: v\n" + VOLUME


def template(kind: str) -> str:
    """Return a workload whose pod template has the image volume."""
    body = "".join(f"    {line}\n" for line in VOLUME.splitlines())
    return f"apiVersion: apps/v1\nkind: {kind}\nmetadata:\n  name: v\nspec:\n  template:\n{body}"


def environment(entry: str, *paths: str) -> str:
    """Return a configuration for the image test/mycrd-env; without paths, its runtime's."""
    return kinds(entry, *(paths or ('"{.spec.runtime.image}"',)), image="name: test/mycrd-env, newTag: tilt-1")


def fetcher(entry: str) -> str:
    """Return a configuration that leads to the one variable of the resources of `entry`."""
    path = """"{.spec.template.spec.containers[*].env[?(@.name=='FETCHER_IMAGE')].value}\""""
    return kinds(entry, path, image="name: gcr.io/foo-fetcher, newTag: tilt-1")


def pull(policy: str, *entries: str) -> str:
    """Return a configuration with a pull policy."""
    return images(*entries) + f"imagePullPolicy: {policy}\n"


IMAGES = [
    Row(
        "digest into a deployment",
        images(f"name: gcr.io/some-project/sancho, digest: '{D}'"),
        pod("gcr.io/some-project/sancho"),
        {"image: gcr.io/some-project/sancho": f"image: gcr.io/some-project/sancho@{D}"},
    ),
    Row(
        "the tag of the manifest does not matter to a name",
        images("name: gcr.io/blorg-dev/backend, newTag: wm-tilt"),
        pod("gcr.io/blorg-dev/backend:devel-nick"),
        {"image: gcr.io/blorg-dev/backend:devel-nick": "image: gcr.io/blorg-dev/backend:wm-tilt"},
    ),
    Row(
        "a name with a tag matches that tag",
        images("name: 'gcr.io/blorg-dev/backend:devel-nick', newTag: tilt-1"),
        pod("gcr.io/blorg-dev/backend:devel-nick", "gcr.io/blorg-dev/backend:other"),
        {"image: gcr.io/blorg-dev/backend:devel-nick": "image: gcr.io/blorg-dev/backend:tilt-1"},
    ),
    Row(
        "another name does not match",
        images("name: gcr.io/blorg-dev/wrong-app, newTag: tilt-1"),
        pod("gcr.io/blorg-dev/backend:devel-nick"),
        said=("warning", "gcr.io/blorg-dev/wrong-app"),
    ),
    Row(
        "images that differ only by tag",
        images("name: 'vandelay/app:jessie', newTag: tilt-2", "name: vandelay/app, newTag: tilt-1"),
        pod("vandelay/app", "vandelay/app:jessie"),
        {
            "image: vandelay/app": "image: vandelay/app:tilt-1",
            "image: vandelay/app:jessie": "image: vandelay/app:tilt-2",
        },
    ),
    Row(
        "images that differ only by tag, the one without a tag first",
        images("name: vandelay/app, newTag: tilt-1", "name: 'vandelay/app:jessie', newTag: tilt-2"),
        pod("vandelay/app", "vandelay/app:jessie"),
        {
            "image: vandelay/app": "image: vandelay/app:tilt-1",
            "image: vandelay/app:jessie": "image: vandelay/app:tilt-1",
        },
        said=("warning", "vandelay/app:jessie"),
        why="the first matching entry wins; Tilt makes all names exact once two entries share one",
    ),
    Row(
        "the same image twice",
        images("name: gcr.io/a, newTag: tilt-1", "name: gcr.io/a, newTag: tilt-2"),
        pod("gcr.io/a"),
        {"image: gcr.io/a": "image: gcr.io/a:tilt-1"},
        why="the first matching entry wins; Tilt refuses to define an image twice",
    ),
    Row(
        "one image in two resources",
        images("name: gcr.io/a, newTag: tilt-1"),
        pod("gcr.io/a") + "---\n" + pod("gcr.io/b") + "---\n" + pod("gcr.io/a"),
        {"image: gcr.io/a": "image: gcr.io/a:tilt-1"},
    ),
    Row(
        "two images in one pod",
        images("name: gcr.io/p/sancho, newTag: tilt-1", "name: gcr.io/p/sancho-sidecar, newTag: tilt-2"),
        pod("gcr.io/p/sancho", "gcr.io/p/sancho-sidecar"),
        {
            "image: gcr.io/p/sancho": "image: gcr.io/p/sancho:tilt-1",
            "image: gcr.io/p/sancho-sidecar": "image: gcr.io/p/sancho-sidecar:tilt-2",
        },
    ),
    Row(
        "the familiar name is the full name",
        images("name: docker.io/library/fooimage, newTag: tilt-1"),
        pod("fooimage"),
        {"image: fooimage": "image: fooimage:tilt-1"},
    ),
    Row(
        "the full name in the manifest",
        images("name: fooimage, newTag: tilt-1"),
        pod("docker.io/library/fooimage"),
        {"image: docker.io/library/fooimage": "image: docker.io/library/fooimage:tilt-1"},
        why="the author's spelling of the name stays; Tilt writes the familiar name",
    ),
    Row(
        "a name that is none",
        images('name: "ceci n\'est pas une image", newTag: tilt-1'),
        pod("gcr.io/a"),
        error=("images[0].name", "invalid image reference"),
    ),
    Row(
        "an image in the manifest that is none",
        images("name: gcr.io/a, newTag: tilt-1"),
        pod("IMAGE_URL", "gcr.io/a"),
        {"image: gcr.io/a": "image: gcr.io/a:tilt-1"},
        why="what is no reference stays as it is: it may be a placeholder; Tilt fails",
    ),
    Row(
        "did you mean",
        images("name: gcr.typo.io/foo, newTag: tilt-1"),
        pod("gcr.io/foo"),
        said=("warning", 'did you mean "gcr.io/foo"?'),
    ),
]

VOLUMES = [
    Row(
        "image volume in a pod",
        images(f"name: ghcr.io/a/site, digest: '{D}'"),
        POD_WITH_VOLUME,
        {"reference: ghcr.io/a/site:latest": f"reference: ghcr.io/a/site@{D}"},
    ),
    Row(
        "another image is not the volume's",
        images(f"name: ghcr.io/a/wrong, digest: '{D}'"),
        POD_WITH_VOLUME,
        said=("warning", "ghcr.io/a/wrong", "ghcr.io/a/site"),
    ),
    Row(
        "image volume and container of the same image",
        images(f"name: ghcr.io/a/site, digest: '{D}'"),
        POD_WITH_VOLUME.replace("nginx:latest", "ghcr.io/a/site:latest"),
        {
            "image: ghcr.io/a/site:latest": f"image: ghcr.io/a/site@{D}",
            "reference: ghcr.io/a/site:latest": f"reference: ghcr.io/a/site@{D}",
        },
    ),
    *(
        Row(
            f"image volume in a {kind}",
            images(f"name: ghcr.io/a/site, digest: '{D}'"),
            template(kind),
            {"reference: ghcr.io/a/site:latest": f"reference: ghcr.io/a/site@{D}"},
        )
        for kind in ("Deployment", "StatefulSet")
    ),
]

PULL_POLICIES = [
    Row(
        "policy of an image volume",
        pull("Never", "name: ghcr.io/a/site, newTag: my-tag"),
        POD_WITH_VOLUME,
        {
            "reference: ghcr.io/a/site:latest": "reference: ghcr.io/a/site:my-tag",
            "pullPolicy: IfNotPresent": "pullPolicy: Never",
        },
    ),
    Row(
        "policy of a container that has none",
        pull("Never", "name: gcr.io/blorg-dev/backend, newTag: wm-tilt"),
        pod("gcr.io/blorg-dev/backend:devel-nick", "gcr.io/blorg-dev/sidecar"),
        {
            "image: gcr.io/blorg-dev/backend:devel-nick": "image: gcr.io/blorg-dev/backend:wm-tilt\n"
            "imagePullPolicy: Never"
        },
    ),
    Row(
        "policy of a container in a custom resource",
        setter(
            "images: [{name: frontend, newTag: tilt-123}]\nimagePullPolicy: Never\npodSpecs: false\n"
            "kinds: [{kind: UselessMachine, paths: '{.spec.containers[*].image}'}]"
        ),
        CONTAINER,
        {"image: frontend": "image: frontend:tilt-123", 'imagePullPolicy: "Always"': 'imagePullPolicy: "Never"'},
    ),
    Row(
        "no policy beside a string of a custom resource that has none",
        setter(
            "images: {test/mycrd-env: 'test/mycrd-env:tilt-1'}\nimagePullPolicy: Never\n"
            "kinds: {Environment: '{.spec.runtime.image}'}"
        ),
        ENVIRONMENT,
        RUNTIME,
    ),
    Row(
        "no policy beside an image in parts",
        setter(
            "images: [{name: tilt.dev/frontend, newTag: tilt-1}]\nimagePullPolicy: Never\n"
            "kinds: [{kind: UselessMachine, paths: {path: .spec.image, fields: {repository: repo, tag: tag}}}]"
        ),
        custom("UselessMachine", "image:\n  repo: tilt.dev/frontend\n  tag: old\n  imagePullPolicy: Always"),
        {"tag: old": "tag: tilt-1"},
    ),
    Row(
        "the policy of an image that is not set stays",
        pull("Never", "name: gcr.io/other, newTag: tilt-1"),
        pod("gcr.io/lonely-pod\n    imagePullPolicy: Always"),
        said=("warning", "gcr.io/other"),
    ),
    Row(
        "Never with a digest",
        pull("Never", f"name: gcr.io/blorg-dev/backend, digest: '{D}'"),
        pod("gcr.io/blorg-dev/backend"),
        error=("Never", "digest"),
    ),
    Row(
        "IfNotPresent with a digest",
        pull("IfNotPresent", f"name: gcr.io/blorg-dev/backend, digest: '{D}'"),
        pod("gcr.io/blorg-dev/backend"),
        {"image: gcr.io/blorg-dev/backend": f"image: gcr.io/blorg-dev/backend@{D}\nimagePullPolicy: IfNotPresent"},
    ),
]

LOCATORS = [
    Row(
        "a string, the resource without apiVersion",
        kinds("kind: Foo", '"{.spec.image}"', image=f"name: gcr.io/foo, digest: '{D}'"),
        "apiversion: foo/v1\nkind: Foo\nspec:\n    image: gcr.io/foo:stable\n",
        {"image: gcr.io/foo:stable": f"image: gcr.io/foo@{D}"},
    ),
    Row(
        "an item of a list",
        kinds("kind: Foo", '"{.spec.images[0]}"', image=f"name: gcr.io/foo, digest: '{D}'"),
        custom("Foo", "images:\n- gcr.io/foo:stable\n- gcr.io/foo"),
        {"gcr.io/foo:stable": f"gcr.io/foo@{D}"},
    ),
    Row(
        "a deeper string",
        kinds("kind: Foo", '"{.spec.args.image}"', image=f"name: gcr.io/foo, digest: '{D}'"),
        custom("Foo", "args:\n    image: gcr.io/foo:stable"),
        {"image: gcr.io/foo:stable": f"image: gcr.io/foo@{D}"},
    ),
    Row(
        "another name in a custom resource",
        kinds(
            "kind: Foo",
            '"{.spec.image}"',
            image=f"name: gcr.io/foo, newName: 'localhost:3000/gcr_io_foo', digest: '{D}'",
        ),
        custom("Foo", "image: gcr.io/foo:stable"),
        {"image: gcr.io/foo:stable": f"image: localhost:3000/gcr_io_foo@{D}"},
    ),
    Row(
        "the definition of the kind stays",
        kinds("kind: Project", '"{.spec.image}"', image="name: bitnami/minideb, newImage: injected-image"),
        custom(
            "CustomResourceDefinition",
            "names:\n  kind: Project\nversions:\n- schema:\n    image:\n      type: string",
        )
        + "---\n"
        + custom("Project", "replicas: 1\nimage: docker.io/bitnami/minideb:latest"),
        {"image: docker.io/bitnami/minideb:latest": "image: injected-image"},
    ),
    Row(
        "every item of a list",
        setter(
            "podSpecs: false\nimages: {gcr.io/p/sancho: injected, gcr.io/p/sancho-sidecar: injected}\n"
            "kinds: {Pod: '{.spec.containers[*].image}'}"
        ),
        pod("gcr.io/p/sancho", "gcr.io/p/sancho-sidecar"),
        {"image: gcr.io/p/sancho": "image: injected", "image: gcr.io/p/sancho-sidecar": "image: injected"},
    ),
    Row(
        "empty brackets",
        kinds("kind: Pod", '"{.spec.containers[].image}"', image="name: gcr.io/p/sancho, newTag: '1'"),
        pod("gcr.io/p/sancho"),
        error=("kinds[0].paths", '"[]"'),
        why="empty brackets are the first item alone to client-go, and look like all: they are refused",
    ),
    Row(
        "two paths of one kind",
        setter(
            "images: [{name: test/mycrd-builder, newTag: tilt-1}, {name: test/mycrd-env, newTag: tilt-1}]\n"
            "kinds: [{kind: Environment, paths: ['{.spec.runtime.image}', '{.spec.builder.image}']}]"
        ),
        ENVIRONMENT,
        RUNTIME | BUILDER,
    ),
    Row("kind", environment("kind: Environment"), ENVIRONMENT, RUNTIME),
    Row("another kind", environment("kind: fdas"), ENVIRONMENT, said=("warning", "test/mycrd-env")),
    Row(
        "kind and apiVersion", environment("kind: Environment\n  apiVersion: fission.io/v1"), ENVIRONMENT, RUNTIME
    ),
    Row(
        "another apiVersion",
        environment("kind: Environment\n  apiVersion: fission.io/v2"),
        ENVIRONMENT,
        said=("warning", "test/mycrd-env"),
    ),
    Row(
        "a star for a kind",
        environment("kind: '*'"),
        ENVIRONMENT,
        RUNTIME,
        why="`*` is a wildcard here; to Tilt it is a broken regular expression",
    ),
    Row(
        "a star for an apiVersion",
        environment("kind: Environment\n  apiVersion: '*'"),
        ENVIRONMENT,
        RUNTIME,
        why="`*` is a wildcard here; to Tilt it is a broken regular expression",
    ),
    Row(
        "a part of a kind's name",
        environment("kind: Environ"),
        ENVIRONMENT,
        said=("warning",),
        why="a kind is matched whole (KafkaConnect is no KafkaConnector); Tilt's expression is not anchored",
    ),
    Row(
        "path without a match",
        environment("kind: Environment", '"{.foobar}"'),
        ENVIRONMENT,
        said=("warning", "{.foobar}", "Environment", "matched no field"),
        why="a missing field is skipped and told as a warning; Tilt fails",
    ),
    Row(
        "a path of a function",
        environment("kind: Environment", '"{foobar()}"'),
        ENVIRONMENT,
        said=("warning", "{foobar()}", "matched no field"),
        why="kubectl's relaxed form takes it for a field of that name; Tilt says: unrecognized identifier",
    ),
    Row(
        "a kind without paths",
        setter("images: [{name: test/mycrd-env, newTag: tilt-1}]\nkinds: [{kind: Environment}]"),
        ENVIRONMENT,
        error=("kinds[0]", "paths is missing"),
        why="an entry says where images are; k8s_kind also marks a kind as a workload",
    ),
    Row("a path that is a number", environment("kind: Environment", "8"), ENVIRONMENT, error=("kinds[0].paths",)),
    Row(
        "a path in a list that is a number",
        environment("kind: Environment", "foo", "8"),
        ENVIRONMENT,
        error=("kinds[0].paths[1]",),
    ),
    Row(
        "no kind, name or namespace",
        environment("apiVersion: fission.io/v1"),
        ENVIRONMENT,
        error=("kinds[0]", "kind, name or namespace"),
    ),
]

SELECTORS = [
    Row(f"variable by its name: {name}", fetcher(entry), FETCHER, changes, said, (), why)
    for name, entry, changes, said, why in (
        ("name", "name: foo", FETCHED, (), None),
        ("another name", "name: bar", NOTHING, ("warning",), None),
        ("name by wildcard", "name: '*o'", FETCHED, (), "wildcards instead of Tilt's `.*o`"),
        (
            "name by regular expression",
            "name: '.*o'",
            NOTHING,
            ("warning",),
            "names are literal but for `*` and `?`; Tilt reads a regular expression",
        ),
        ("name and kind", "name: foo\n  kind: Deployment", FETCHED, (), None),
        ("name and another kind", "name: foo\n  kind: asdf", NOTHING, ("warning",), None),
        ("name and apiVersion", "name: foo\n  apiVersion: apps/v1", FETCHED, (), None),
        (
            "name, kind and any version of a group",
            "name: foo\n  kind: Deployment\n  apiVersion: apps/*",
            FETCHED,
            (),
            "a wildcard instead of Tilt's `apps/.*`",
        ),
        ("name and another version", "name: foo\n  apiVersion: apps/v2", NOTHING, ("warning",), None),
        ("name and another namespace", "name: foo\n  namespace: asdf", NOTHING, ("warning",), None),
        (
            "the namespace default, where none is written",
            "name: foo\n  namespace: default",
            NOTHING,
            ("warning",),
            "only what is written counts: without a namespace it need not go to `default`, as Tilt assumes",
        ),
        ("name in capitals", "name: FOO", NOTHING, ("warning",), "names are case-sensitive; Tilt's are not"),
        (
            "name with a flag",
            "name: '(?i)FOO'",
            NOTHING,
            ("warning",),
            "names are literal but for `*` and `?`; Tilt reads a regular expression",
        ),
    )
] + [
    Row(
        "namespace that is written",
        fetcher("name: foo\n  namespace: default"),
        FETCHER.replace("  name: foo\n", "  name: foo\n  namespace: default\n"),
        FETCHED,
    )
]

PARTS = [
    Row(
        "repository without a tag: the tag is made",
        setter(
            "images: [{name: frontend, newTag: tilt-123}]\n"
            "kinds: [{kind: Machine, paths: {path: .spec.imageObject, fields: {repository: repo, tag: tag}}}]"
        ),
        custom("Machine", "imageObject:\n  repo: frontend", "tilt.dev/v1alpha1"),
        {"repo: frontend": "repo: frontend\ntag: tilt-123"},
    ),
    Row(
        "both parts",
        setter(
            "images: [{name: tilt.dev/frontend, newImage: 'localhost:5005/tilt.dev_frontend:tilt-1'}]\n"
            "kinds: [{kind: UselessMachine, paths: {path: '{.spec.image}', fields: {repository: repo, tag: tag}}}]"
        ),
        custom("UselessMachine", "image:\n  repo: tilt.dev/frontend\n  tag: old", "tilt.dev/v1alpha1"),
        {"repo: tilt.dev/frontend": "repo: localhost:5005/tilt.dev_frontend", "tag: old": "tag: tilt-1"},
    ),
    Row(
        "parts at a path without a match",
        setter(
            "images: [{name: tilt.dev/frontend, newTag: tilt-1}]\n"
            "kinds: [{kind: UselessMachine, paths: {path: '{.spec.other}', fields: {repository: repo, tag: tag}}}]"
        ),
        MACHINE,
        said=("warning", "{.spec.other}", "UselessMachine"),
        why="a missing field is skipped and told as a warning; Tilt fails",
    ),
]

ENV = [
    Row(
        "variables stay",
        images("name: gcr.io/foo, newTag: tilt-1"),
        FETCHER,
        {"image: gcr.io/foo": "image: gcr.io/foo:tilt-1"},
    ),
    Row(
        "image that is only in a variable",
        images("name: gcr.io/foo, newTag: tilt-1", "name: gcr.io/foo-fetcher, newTag: tilt-1"),
        FETCHER,
        {"image: gcr.io/foo": "image: gcr.io/foo:tilt-1"},
        said=("warning", "gcr.io/foo-fetcher", "only in environment variables", "set `env: true`"),
    ),
    Row(
        "variables are set on demand",
        images("name: gcr.io/foo, newTag: tilt-1, env: true"),
        FETCHER,
        {"image: gcr.io/foo": "image: gcr.io/foo:tilt-1", "value: gcr.io/foo": "value: gcr.io/foo:tilt-1"},
    ),
    Row(
        "on demand of one image, not of another",
        images("name: gcr.io/foo, newTag: tilt-1", "name: gcr.io/foo-fetcher, newTag: tilt-1, env: true"),
        FETCHER,
        {"image: gcr.io/foo": "image: gcr.io/foo:tilt-1"} | FETCHED,
    ),
    Row(
        "a variable that is no reference stays",
        images("name: gcr.io/foo, newTag: tilt-1, env: true"),
        FETCHER.replace("value: gcr.io/foo\n", "value: see gcr.io/foo\n"),
        {"image: gcr.io/foo": "image: gcr.io/foo:tilt-1"},
    ),
]


def registry(host: str, image: str, moved: str, *, name: str = "", why: str | None = None) -> Row:
    """Return the row of one image that default_registry moves; `image` is the manifest's, `name` the entry's."""
    entry = name or image
    return Row(
        f"{host} for {image}",
        setter(f"defaultRegistry: {{host: '{host}'}}\nimages: [{{name: '{entry}', newTag: tilt-1}}]"),
        pod(image),
        {f"image: {image}": f"image: {moved}:tilt-1"},
        why=why,
    )


ECR = "id.dkr.ecr.region.amazonaws.com/bar"

REGISTRIES = [
    registry("myreg.com", "gcr.io/foo/bar", "myreg.com/gcr.io_foo_bar"),
    registry("myreg.com", "gcr.io/foo/bar:deadbeef", "myreg.com/gcr.io_foo_bar"),
    registry(ECR, "gcr.io/baz/foo/bar", f"{ECR}/gcr.io_baz_foo_bar"),
    registry("gcr.io/foo", "docker.io/library/busybox", "gcr.io/foo/busybox"),
    registry("gcr.io/foo", "busybox", "gcr.io/foo/busybox", name="docker.io/library/busybox"),
    registry("gcr.io/foo", "bar", "gcr.io/foo/bar"),
    registry("myreg.com", "myreg.com/bar", "myreg.com/bar"),
    registry("myreg.com:5000", "myreg.com:5000/bar", "myreg.com:5000/bar"),
    registry("myreg.com:5000", "myreg.com/bar", "myreg.com:5000/myreg.com_bar"),
    registry("myreg.com", "myreg.com:5000/bar", "myreg.com/myreg.com_5000_bar"),
    registry("localhost:1234", "gcr.io/foo/bar", "localhost:1234/gcr.io_foo_bar"),
    registry(
        "registry:1234",
        "gcr.io/foo",
        "registry:1234/gcr.io_foo",
        why="manifests are for the cluster: its name of the registry is the host; Tilt has host_from_cluster too",
    ),
    Row(
        "no registry: the name stays",
        images("name: gcr.io/foo, newTag: tilt-1"),
        pod("gcr.io/foo"),
        {"image: gcr.io/foo": "image: gcr.io/foo:tilt-1"},
    ),
    Row(
        "the last field of the configuration",
        images("name: gcr.io/foo, newTag: tilt-1") + "defaultRegistry: {host: bar.com}\n",
        pod("gcr.io/foo"),
        {"image: gcr.io/foo": "image: bar.com/gcr.io_foo:tilt-1"},
    ),
    Row(
        "two images that differ only by tag",
        setter(
            "defaultRegistry: {host: example.com}\n"
            "images: [{name: 'gcr.io/foo:bar', newTag: bar-1}, {name: 'gcr.io/foo:baz', newTag: baz-1}]"
        ),
        pod("gcr.io/foo:bar", "gcr.io/foo:baz"),
        {
            "image: gcr.io/foo:bar": "image: example.com/gcr.io_foo:bar-1",
            "image: gcr.io/foo:baz": "image: example.com/gcr.io_foo:baz-1",
        },
    ),
    Row(
        "a single name for all images",
        setter(
            "defaultRegistry: {host: 123.dkr.ecr.us-east-1.amazonaws.com, singleName: team-a/dev}\n"
            "images: [{name: fe, newTag: fe-tilt-1}, {name: be, newTag: be-tilt-1}]"
        ),
        pod("fe", "be"),
        {
            "image: fe": "image: 123.dkr.ecr.us-east-1.amazonaws.com/team-a/dev:fe-tilt-1",
            "image: be": "image: 123.dkr.ecr.us-east-1.amazonaws.com/team-a/dev:be-tilt-1",
        },
        why="the tag is written as it is given; Tilt makes tags, and puts the image's name in front itself",
    ),
    Row(
        "images of custom resources move too",
        setter(
            "defaultRegistry: {host: bar.com}\nimages: [{name: test/mycrd-env, newTag: tilt-1}]\n"
            "kinds: {Environment: '{.spec.runtime.image}'}"
        ),
        ENVIRONMENT,
        {"image: test/mycrd-env": "image: bar.com/test_mycrd-env:tilt-1"},
    ),
    Row(
        "images that no entry names stay",
        setter("defaultRegistry: {host: bar.com}\nimages: [{name: gcr.io/foo, newTag: tilt-1}]"),
        pod("gcr.io/foo", "gcr.io/bar"),
        {"image: gcr.io/foo": "image: bar.com/gcr.io_foo:tilt-1"},
    ),
    Row(
        "two default registries",
        setter("defaultRegistry: {host: gcr.io}\nimages: [{name: fe, newTag: '1'}]")
        + "---\n"
        + setter("defaultRegistry: {host: quay.io}"),
        pod("fe"),
        error=("defaultRegistry", "another configuration"),
    ),
    Row(
        "a host that is none",
        setter("defaultRegistry: {host: foo}\nimages: [{name: gcr.io/foo, newTag: '1'}]"),
        pod("gcr.io/foo"),
        error=("defaultRegistry", '"foo"'),
    ),
    Row(
        "a name that gets too long",
        setter(f"defaultRegistry: {{host: gcr.io/a/long/hostname}}\nimages: [{{name: {'o' * 240}, newTag: '1'}}]"),
        pod("gcr.io/foo"),
        error=("longer than 255 characters",),
    ),
]

ROWS = [*IMAGES, *VOLUMES, *PULL_POLICIES, *LOCATORS, *SELECTORS, *PARTS, *ENV, *REGISTRIES]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_tilt(row: Row) -> None:
    check(row)
