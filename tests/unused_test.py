"""The cause in the message about each entry that set nothing."""

from __future__ import annotations

import re

import pytest
from harness import Program

from krm_image_setter import read_config, set_images, set_images_in

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {last: '{"image": "ghcr.io/org/annotated:1"}'}
spec:
  containers:
  - name: web
    image: nginx:1.25
    args: ["--image=quay.io/org/worker:1"]
    env: [{name: TOOL, value: "quay.io/org/tool:1"}, {name: BOTH, value: "quay.io/org/both:1"}]
    command: [run, "quay.io/org/both:1"]
  - name: proxy
    image: docker.io/library/nginx:1.26
  initContainers:
  - image: busybox@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
---
apiVersion: example.org/v1
kind: Task
metadata: {name: t}
spec:
  image: redis
  label: memcached
  script: run quay.io/org/app:1 now
---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {image: "quay.io/org/hidden:1"}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: c}
spec: {default: {image: "quay.io/org/schema:1"}}
---
apiVersion: kpt.dev/v1
kind: Kptfile
metadata: {name: k}
pipeline: {mutators: [{exec: krm-image-setter, configMap: {name: quay.io/org/tol, newTag: "2"}}]}
"""
LIST = "run `krm-image-setter list` to see which images exist"

# Each row: the entries of `images`, of which the last one is unused, and the message about it.
CAUSES = {
    "similar name": ("name: ngnix", 'no image named "ngnix" was found; did you mean "nginx"?'),
    "similar last component": (
        "name: x.io/a/busbox",
        'no image named "x.io/a/busbox" was found; did you mean "busybox"?',
    ),
    "unknown name": ("name: postgres", f'no image named "postgres" was found; {LIST}'),
    "word that is not an image": ("name: memcached", f'no image named "memcached" was found; {LIST}'),
    "name in an annotation": (
        "name: ghcr.io/org/annotated",
        f'no image named "ghcr.io/org/annotated" was found; {LIST}',
    ),
    "name in a Secret": ("name: quay.io/org/hidden", f'no image named "quay.io/org/hidden" was found; {LIST}'),
    "name in a function configuration of kpt": (
        "name: quay.io/org/tol",
        f'no image named "quay.io/org/tol" was found; {LIST}',
    ),
    "name in a schema": ("name: quay.io/org/schema", f'no image named "quay.io/org/schema" was found; {LIST}'),
    "other tags": (
        "name: nginx:1.24",
        'no image "nginx:1.24" was found; the name occurs only with "nginx:1.25" and "nginx:1.26"',
    ),
    "digest instead of a tag": (
        "name: busybox:1",
        f'no image "busybox:1" was found; the name occurs only with "busybox@sha256:{"a" * 64}"',
    ),
    "other tag of a variable": (
        "name: quay.io/org/tool:2",
        'no image "quay.io/org/tool:2" was found; the name occurs only with another tag or digest',
    ),
    "other containers": (
        "name: nginx, containers: [cache]",
        'image "nginx" was found, but not in a container named "cache"; it is in "proxy" and "web"',
    ),
    "other container than two": (
        "name: nginx:1.26, containers: [web, cache]",
        'image "nginx:1.26" was found, but not in a container named "cache" or "web"; it is in "proxy"',
    ),
    "container without a name": (
        "name: busybox, containers: [web]",
        'image "busybox" was found, but not in a container named "web"; it is in a field outside of containers',
    ),
    "environment variable": (
        "name: quay.io/org/tool",
        'image "quay.io/org/tool" was found only in environment variables of containers; set `env: true`',
    ),
    "argument": (
        "name: quay.io/org/worker",
        'image "quay.io/org/worker" was found only in commands or arguments of containers; set `args: true`',
    ),
    "environment variable and argument": (
        "name: quay.io/org/both",
        'image "quay.io/org/both" was found only in environment variables, commands or arguments of containers; '
        "set `env: true` and `args: true`",
    ),
    "argument if env is already set": (
        "name: quay.io/org/worker, env: true",
        'image "quay.io/org/worker" was found only in commands or arguments of containers; set `args: true`',
    ),
    "earlier entry for any tag": (
        "name: nginx}\n- {name: nginx:1.25",
        'every image "nginx:1.25" is already set by the entry for "nginx" in line 4',
    ),
    "earlier entry for the same container": (
        "name: nginx}\n- {name: busybox}\n- {name: nginx:1.26, containers: [proxy]",
        'every image "nginx:1.26" is already set by the entry for "nginx" in line 4',
    ),
    "field without a rule": (
        "name: redis",
        'no rule covers "redis" in line 22 (Task/t: spec.image); add the path to `kinds`',
    ),
    "longer text without a rule": (
        "name: quay.io/org/app",
        'no rule covers "quay.io/org/app" in line 24 (Task/t: spec.script); add the path to `kinds`',
    ),
}


@pytest.mark.parametrize(("entries", "message"), CAUSES.values(), ids=CAUSES)
def test_cause_of_an_unused_entry(entries: str, message: str) -> None:
    config = "images:\n" + f"- {{{entries}}}\n".replace("}", ", newTag: new}") + "podSpecs: true\n"
    number = config.count("\n-") - 1
    results = set_images(POD, read_config(HEAD + config)).results
    last = [result.message for result in results if result.severity == "warning"][-1]
    assert last == f"line {number + 4}: images[{number}]: {message}"


def test_cause_without_any_image() -> None:
    (result,) = set_images("kind: A\n", read_config(HEAD + "images: {nginx: 'nginx:2'}\n")).results
    assert result.message == (
        'line 3: images.nginx: no image named "nginx" was found, and no other images; '
        "if custom resources have images, add `kinds`"
    )


INCOMPLETE = "was found, and the other images are not complete references"


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("kind: Pod\nspec: {containers: [{image: 'nginx:$TAG'}, {image: quay.io/A}]}\n", f"{INCOMPLETE}; {LIST}"),
        ("apiVersion: v1\nkind: Secret\nspec: {containers: [{image: redis}]}\n", f"was found; {LIST}"),
    ],
    ids=["images that are not references", "image in a Secret"],
)
def test_cause_without_any_name(manifest: str, message: str) -> None:
    (result,) = set_images(manifest, read_config(HEAD + "images: {nginx: 'nginx:2'}\n")).results
    assert result.message == f'line 3: images.nginx: no image named "nginx" {message}'


IMAGES = """\
kind: Pod
spec:
  containers:
  - image: quay.io/x/y:1
  - image: gcr.io/team-a/y:1
    env: [{name: A, value: "registry.corp.example/a/b:1"}]
"""
NO_IMAGE = "no image is from the registry"
# Each row: the entries of `registries`, and the message about one of them.
REGISTRIES = {
    "similar host": (["qay.io=m.io"], f'line 4: registries[0]: {NO_IMAGE} "qay.io"; did you mean "quay.io"?'),
    "similar host with a path": (
        ["quay.io=m.io", "gcr.oi/team-a=m.io/a"],
        f'line 5: registries[1]: {NO_IMAGE} "gcr.oi/team-a"; did you mean "gcr.io/team-a"?',
    ),
    "nothing similar": (["zot.example=m.io"], ""),
    "public registry": (["ghcr.io=m.io"], ""),
    "similar path": (["gcr.io/team-b=m.io"], ""),
    "registry of another entry": (["quay.io=m.io", "qay.io=n.io"], ""),
    "region of a cloud": (["us-east1-docker.pkg.dev=m.io"], ""),
    "excluded image": (["quay.io=m.io, exclude: quay.io/x/y"], ""),
    "registry in a variable": (["registry.corp.example=m.io"], ""),
    "images that are already moved": (["qay.io=quay.io"], ""),
}


@pytest.mark.parametrize(("entries", "message"), REGISTRIES.values(), ids=REGISTRIES)
@pytest.mark.parametrize("status", ["warn", "error", "ignore"])
def test_mistyped_registry_in_a_configuration_is_reported(entries: list[str], message: str, status: str) -> None:
    lines = "".join(f"- {{from: {entry.replace('=', ', to: ')}}}\n" for entry in entries)
    manifest = IMAGES + "---\nkind: Pod\nspec: {containers: [{image: us-west1-docker.pkg.dev/a/b/c}]}\n"
    config = read_config(f"{HEAD}registries:\n{lines}onUnused: {status}\n")
    results = set_images(manifest, config).results
    severity = {"warn": "warning"}.get(status, status)
    expected = [(severity, message)] if message and status != "ignore" else []
    assert [(one.severity, one.message) for one in results if one.severity != "info"] == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("qay.io=m.io",), f'{NO_IMAGE} "qay.io"; did you mean "quay.io"?'),
        (("gcr.io/team-b=m.io",), f'{NO_IMAGE} "gcr.io/team-b"; did you mean "gcr.io/team-a"?'),
        (("zot.example=m.io",), 'no image from the registry "zot.example" was found'),
        (("quay.io=m.io", "zot.example=gcr.io"), ""),
    ],
)
def test_argument_with_a_registry_of_no_image_is_reported(
    program: Program, arguments: tuple[str, ...], message: str
) -> None:
    program.write("a.yaml", IMAGES)
    options = [part for argument in arguments for part in ("--registry", argument)]
    ran = program("set", "a.yaml", *options, "--in-place", "--quiet")
    expected = f"krm-image-setter: warning: {message}\n" if message else ""
    assert (ran.status, ran.stderr) == (0, expected)
    again = program("set", "a.yaml", *options, "--check", "--quiet", "--on-unused", "error")
    assert (again.status, again.stderr) == (2 if message else 0, expected.replace("warning", "error"))


@pytest.mark.parametrize(
    "image", ["quay.io/org/app:${TAG}", "quay.io/$(NAME):1", "quay.io/{{ .x }}", "quay.io/Org/App"]
)
def test_registry_of_an_incomplete_reference_is_not_reported(program: Program, image: str) -> None:
    program.write("a.yaml", f"kind: Pod\nspec: {{containers: [{{image: '{image}'}}]}}\n")
    assert program("set", "a.yaml", "--registry", "quay.io=m.io", "--check", "--quiet") == (0, b"", "")


def test_registry_of_a_built_image_is_used(program: Program) -> None:
    program.write("base/kustomization.yaml", "resources: [pod.yaml]\n")
    program.write("base/pod.yaml", IMAGES)
    program.write(
        "over/kustomization.yaml", "resources: [../base]\nimages: [{name: gcr.io/team-a/y, newTag: '2'}]\n"
    )
    ran = program("set", "over", "--registry", "gcr.io=m.io", "--in-place", "--quiet")
    assert (ran.status, ran.stderr) == (0, "")
    assert program("set", "over", "--registry", "gcr.io=m.io", "--check", "--quiet") == (0, b"", "")


def test_entry_with_a_digest_that_has_no_field_is_used_in_each_run() -> None:
    path = "{path: .spec.image, fields: {repository: repository, tag: tag}}"
    digest = f"sha256:{'a' * 64}"
    config = read_config(
        f"{HEAD}images: [{{name: a, newTag: '2', digest: '{digest}'}}]\nkinds: {{A: [{path}]}}\nonUnused: error\n"
    )
    first = set_images("kind: A\nspec: {image: {repository: a, tag: '1'}}\n", config)
    second = set_images(first.text, config)
    assert (first.failed, second.failed, second.text) == (False, False, first.text)


def test_field_of_another_entry_is_named() -> None:
    """Two rules read one field as different images: the earlier entry sets it."""
    text = "kind: A\nspec: {image: {repository: a, tag: '1'}}\n"
    config = "images: [{name: a, newTag: '2'}, {name: 'a:1', newTag: '3'}]\n"
    kinds = (
        "kinds: {A: [{path: .spec.image, fields: {repository: repository, tag: tag}}, .spec.image.repository]}\n"
    )
    (_, warning) = set_images(text, read_config(HEAD + config + kinds)).results
    assert warning.message.endswith('every image "a:1" is already set by the entry for "a" in line 3')


def test_location_in_another_text() -> None:
    texts = {"pod.yaml": POD.partition("---")[0], "task.yaml": POD.split("---\n")[1]}
    (result,) = set_images_in(texts, read_config(HEAD + "images: {redis: 'redis:2'}\n")).results
    assert 'no rule covers "redis" in task.yaml:5 (Task/t: spec.image)' in result.message


def test_location_with_a_path_annotation_is_the_path() -> None:
    """kpt writes its own stream for a function, so the user cannot find a line of it."""
    annotation = "metadata: {name: t, annotations: {internal.config.kubernetes.io/path: a/task.yaml}}"
    text = f"kind: Task\n{annotation}\nspec: {{image: redis}}\n"
    (result,) = set_images(text, read_config(HEAD + "images: {redis: 'redis:2'}\n")).results
    assert 'no rule covers "redis" in a/task.yaml (Task/t: spec.image)' in result.message


def test_argument_has_no_location(program: Program) -> None:
    ran = program("--image", "ngnix=nginx:2", stdin=POD)
    warning = 'krm-image-setter: warning: no image named "ngnix" was found; did you mean "nginx"?\n'
    assert (ran.status, ran.stderr) == (0, warning)


@pytest.mark.parametrize("cause", CAUSES)
def test_cause_in_files(program: Program, cause: str) -> None:
    """The program reports the file and line of the entry, and of an occurrence without a rule."""
    entries, message = CAUSES[cause]
    program.write("a.yaml", POD)
    config = "images:\n" + f"- {{{entries}}}\n".replace("}", ", newTag: new}")
    program.write("functions.yaml", HEAD + config)
    ran = program("set", "a.yaml", "--check", "--quiet")
    number = config.count("\n-") - 1
    message = re.sub(r'(no rule covers "[^"]*" in )line ', r"\1a.yaml:", message)
    message = message.replace("in line 4", "in functions.yaml:4")
    assert ran.stderr.splitlines()[-1] == (
        f"krm-image-setter: warning: functions.yaml:{number + 4}: images[{number}]: {message}"
    )
    assert ran.status in (0, 1)


_INVALID = "which is not valid Kubernetes YAML"
_OTHER = "but not as an image of the kustomization"
SKIPPED = {
    "template": ("{{ if .x }}\nspec:\n  image: redis:{{ .tag }}\n", f"skipped.yaml:3, {_INVALID}"),
    "values file": (
        "# no kind\nimage: {repository: redis, tag: 1}\n",
        "prod.yaml:2, which is not a Kubernetes resource; add the file to `files`",
    ),
    "invalid YAML": ("kind: Pod\nspec: [\n- 'redis@sha256'\n", f"skipped.yaml:3, {_INVALID}"),
    "form feed, which ends no line": ("a: {{ b }}\f\nimage: redis:1\n", f"skipped.yaml:2, {_INVALID}"),
    "kustomization": ("resources: [a.yaml]\nnamePrefix: redis\n", f"kustomization.yaml:2, {_OTHER}"),
    "invalid kustomization": ("resources: [\nredis\n", f"kustomization.yaml:2, {_INVALID}"),
}


@pytest.mark.parametrize(("text", "where"), SKIPPED.values(), ids=SKIPPED)
def test_name_in_a_skipped_file(program: Program, text: str, where: str) -> None:
    program.write("d/a.yaml", POD.partition("---")[0])
    program.write(f"d/{where.partition(':')[0]}", text)
    ran = program("set", "d", "--image", "redis=redis:2", "--check", "--quiet")
    assert ran.stderr.splitlines()[-1] == f'krm-image-setter: warning: "redis" was found only in d/{where}'


def test_name_in_a_skipped_secret_is_not_reported(program: Program) -> None:
    program.write("d/a.yaml", POD.partition("---")[0])
    program.write("d/skipped.yaml", "kind: Secret\ndata: [\nimage: redis\n")
    ran = program("set", "d", "--image", "redis=redis:2", "--check", "--quiet")
    assert ran.stderr.splitlines()[-1].endswith(f'no image named "redis" was found; {LIST}')


KINDS = {
    "lower case": (
        "pipeline",
        "",
        'no resource of kind "pipeline" was found; did you mean "Pipeline.data.acme.io"?',
    ),
    "misspelled": (
        "Pipelin",
        "",
        'no resource of kind "Pipelin" was found; did you mean "Pipeline.data.acme.io"?',
    ),
    "misspelled group": (
        "Pipeline.data.acme.com",
        "",
        'no resource of kind "Pipeline.data.acme.com" was found; did you mean "Pipeline.data.acme.io"?',
    ),
    "other kind of the group": (
        "Runner.data.acme.io",
        "",
        'no resource of kind "Runner.data.acme.io" was found; did you mean "Pipeline.data.acme.io"?',
    ),
    "core group": ("Pods", "", 'no resource of kind "Pods" was found; did you mean "Pod"?'),
    "version": (
        "",
        "{kind: Pipeline, apiVersion: data.acme.io/v2, paths: .spec.image}",
        'no resource of kind "Pipeline data.acme.io/v2" was found; did you mean "Pipeline data.acme.io/v1"?',
    ),
    "name": (
        "",
        "{kind: Pipeline, name: two, paths: .spec.image}",
        'no resource of kind "Pipeline two" was found; did you mean "Pipeline data.acme.io/v1 shop one"?',
    ),
    "nothing similar": ("Zebra", "", 'no resource of kind "Zebra" was found'),
}
PIPELINE = """\
apiVersion: data.acme.io/v1
kind: Pipeline
metadata: {name: one, namespace: shop}
spec: {image: "acme/runner:1"}
---
apiVersion: v1
kind: Pod
spec: {containers: [{image: nginx}]}
"""


@pytest.mark.parametrize(("kind", "entry", "message"), KINDS.values(), ids=KINDS)
def test_absent_kind_is_reported_if_nothing_was_set(kind: str, entry: str, message: str) -> None:
    kinds = f"kinds: [{entry}]" if entry else f"kinds: {{{kind}: .spec.image}}"
    unset = set_images(PIPELINE, read_config(f"{HEAD}images: {{acme/runner: 'acme/runner:2'}}\n{kinds}\n"))
    assert re.sub(r"^line 4: kinds[^:]*: ", "", unset.results[0].message) == message
    some = set_images(PIPELINE, read_config(f"{HEAD}images: {{nginx: 'nginx:2', x: 'x:1'}}\n{kinds}\n"))
    assert not any("no resource of kind" in result.message for result in some.results)
    again = set_images(PIPELINE, read_config(f"{HEAD}images: {{nginx: 'nginx:2'}}\n{kinds}\n"))
    assert [result.severity for result in again.results] == ["info"]


def test_absent_kinds_without_a_suggestion_are_reported_together() -> None:
    config = read_config(
        f"{HEAD}images: {{x: 'x:1'}}\nkinds: {{Aa: .i, Bb: .i, Cc: .i, Dd: .i, Ee: .i, Ff: .i}}\n"
    )
    message = 'no resource of kind "Aa", "Bb", "Cc", "Dd", "Ee" or … was found'
    assert [result.message for result in set_images(PIPELINE, config).results][:1] == [message]


PATHS = {
    "misspelled field": ("{.spec.imag}", ': no field "imag" in .spec; did you mean "image"?'),
    "list without an index": ("{.spec.steps.image}", ": .spec.steps is a list; use [*]"),
    "fieldSpec": ("spec/steps/imag", ': no field "imag" in .spec.steps[0]; did you mean "image"?'),
    "path that cannot be followed": ("{..imag}", ""),
    "$ path": ("$.spec.image.name", ": .spec.image is a string, not a mapping"),
}
TASKS = "kind: Task\n---\nkind: Task\nspec:\n  image: redis\n  steps: [{image: a}]\n"


@pytest.mark.parametrize(("path", "end"), PATHS.values(), ids=PATHS)
def test_path_without_a_match(program: Program, path: str, end: str) -> None:
    """The resource in which the path gets furthest explains it."""
    program.write("a.yaml", TASKS)
    program.write(
        "functions.yaml",
        f"{HEAD}images: {{}}\nregistries: [{{from: a.io, to: b.io}}]\nkinds: {{Task: '{path}'}}\n",
    )
    ran = program("set", "a.yaml", "--check", "--quiet")
    assert ran.stderr.splitlines()[-1] == (
        f"krm-image-setter: warning: functions.yaml:5: kinds.Task: "
        f"path {path} matched no field in any of the 2 selected resources (Task){end}"
    )


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        pytest.param(
            "kind: A\ngateway: {repository: web, tag: v1}\n",
            'path {.gateway} matched no mapping with the key "image" in the selected resource (A)',
            id="wrong key",
        ),
        pytest.param(
            "kind: A\ngateway: {}\n---\nkind: A\nb: 1\n",
            'path {.gateway} matched no field in any of the 2 selected resources (A): no field "gateway"',
            id="no mapping in one resource",
        ),
        pytest.param(
            "kind: A\ngateway: {}\n---\nkind: A\ngateway: {image: web}\n", "", id="one mapping with the key"
        ),
        pytest.param("kind: A\ngateway: {image: '${IMAGE}', tag: v1}\n", "", id="placeholder"),
        pytest.param("kind: A\ngateway: {image: ''}\n", "", id="empty value"),
    ],
)
def test_keys_of_a_split_reference_that_no_mapping_has(resources: str, message: str) -> None:
    config = read_config(
        f"{HEAD}images: {{nginx: 'nginx:2'}}\n"
        "kinds: {A: {path: '{.gateway}', fields: {repository: image, tag: tag}}}\n"
    )
    pod = "---\nkind: Pod\nspec: {containers: [{name: a, image: nginx}]}\n"
    found = [result.message for result in set_images(resources + pod, config).results]
    assert [one.partition("kinds.A: ")[2] for one in found if "kinds.A: " in one] == [message][: bool(message)]
