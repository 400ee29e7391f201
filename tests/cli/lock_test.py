"""The commands `lock` and `set --lock`, with a registry on loopback that counts the requests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from harness import signals
from locking import LOCK, Locking, pod, push_platforms, registry_on_loopback
from registry.servers import (
    digest_of,
    login_environment,
)
from terminal import in_terminal

HEAD = """\
# Written by `krm-image-setter lock app.yaml`. To apply it:
# krm-image-setter set app.yaml --fn-config images.lock.yaml --in-place
apiVersion: krm-image-setter.dev/v1alpha1
kind: ImageSetter
metadata:
  name: images-lock
  annotations: {config.kubernetes.io/local-config: "true"}
images:
"""


def entry(image: str, digest: str) -> str:
    tag = image.rpartition(":")[2]
    shown = f'"{tag}"' if tag.replace(".", "").isdigit() else tag
    return f"- name: HOST/{image}\n  newTag: {shown}\n  digest: {digest}\n"


def test_lock_contains_each_image_once_in_order_of_names(locking: Locking) -> None:
    digests = {name: locking.registry.push(name) for name in ("web:1.27", "web:1.26", "app:latest", "app:v1")}
    locking.write("app.yaml", pod("HOST/web:1.27", "HOST/app:v1", "HOST/web:1.26", "HOST/app", "HOST/web:1.27"))
    ran = locking.lock()
    assert locking.read(LOCK) == HEAD + "".join(entry(name, digests[name]) for name in sorted(digests))
    assert sorted(locking.registry.asked) == sorted(digests)
    assert ran.stdout == b""
    assert ran.stderr.endswith("images.lock.yaml: 4 images (4 added); asked registries for 4 images\n")


def test_lock_is_printed_without_output(locking: Locking) -> None:
    digest = locking.registry.push("web:1")
    locking.write("app.yaml", pod("HOST/web:1"))
    printed = locking.run("lock", "app.yaml").stdout.decode().replace(locking.registry.host, "HOST")
    assert printed == HEAD + entry("web:1", digest)


# What `set` adds is in angle brackets, where `1` stands for the digest of `web:1`, and so on.
CIRCLE = {
    "pod spec with comments": ("app.yaml", pod("HOST/web:1<@{1}>", "HOST/web:2<@{2}>") + "# end\n"),
    "image without a tag": ("app.yaml", pod("HOST/web<:latest@{latest}>", "HOST/web:1<@{1}>")),
    "custom resource": (
        "app.yaml",
        "apiVersion: kafka.strimzi.io/v1beta2\nkind: KafkaConnect\nmetadata: {name: k}\nspec:\n"
        '  # ours\n  image: "HOST/web:1<@{1}>"   # set by CI\n',
    ),
    "split reference with a key for the digest": (
        "app.yaml",
        "apiVersion: app.redislabs.com/v1\nkind: RedisEnterpriseCluster\nmetadata: {name: r}\nspec:\n"
        "  redisEnterpriseImageSpec: {repository: HOST/web, <digestHash: {1}, >versionTag: '1'}\n",
    ),
    "split reference with only a tag": (
        "app.yaml",
        "apiVersion: cluster.redpanda.com/v1\nkind: StretchCluster\nmetadata: {name: r}\nspec:\n"
        "  image:\n    repository: HOST/web # image\n    tag: '2<@{2}>' # tag\n",
    ),
    "Helm values": (
        "values.yaml",
        "# values\nimage:\n  registry: HOST\n  repository: web\n  tag: '1'\n  digest: '<{1}>'\n"
        "sidecar:\n  image: HOST/web:2<@{2}>\n",
    ),
    "values in a HelmRelease": (
        "app.yaml",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: h}\nspec:\n"
        "  values:\n    image: {repository: HOST/web, tag: '1<@{1}>'}\n",
    ),
    "entry of a kustomization": (
        "kustomization.yaml",
        "resources: [pod.yaml]\nimages:\n- name: app # ours\n  newName: HOST/web\n  newTag: '1'\n<  digest: {1}\n>",
    ),
    "Windows line ends": ("app.yaml", pod("HOST/web:1<@{1}>", "HOST/web<:latest@{latest}>").replace("\n", "\r\n")),
}


@pytest.mark.parametrize(("file", "text"), CIRCLE.values(), ids=CIRCLE)
def test_locked_images_are_pinned_after_set(locking: Locking, file: str, text: str) -> None:
    digests = {tag: locking.registry.push(f"web:{tag}") for tag in ("1", "2", "latest")}
    locking.write(f"d/{file}", re.sub("<.*?>", "", text, flags=re.DOTALL))
    if file == "kustomization.yaml":
        locking.write("d/pod.yaml", pod("app"))
    locking.run("lock", "d", "-o", LOCK)
    lock = locking.read(LOCK)
    locking.run("list", "d", "--unpinned", "--check", status=1)
    locking.run("set", "d", "--fn-config", LOCK, "--in-place")
    locking.run("list", "d", "--unpinned", "--check")
    expected = re.sub("[<>]", "", text)
    for tag, digest in digests.items():
        expected = expected.replace(f"{{{tag}}}", digest)
    assert locking.read(f"d/{file}") == expected
    locking.registry.asked.clear()
    assert "(no change); asked registries for 0 images" in locking.run("lock", "d", "-o", LOCK).stderr
    assert locking.registry.asked == []
    assert locking.read(LOCK) == lock
    locking.run("lock", "d", "-o", LOCK, "--check")


def test_image_that_gets_another_tag_in_each_build_is_not_resolved(locking: Locking) -> None:
    digest = locking.registry.push("web:1")
    locking.write("d/base/pod.yaml", pod("HOST/web:none"))
    locking.write("d/base/kustomization.yaml", "resources: [pod.yaml]\n")
    overlay = "resources: [../base]\nimages:\n- name: HOST/web\n  newTag: '1'\n"
    locking.write("d/overlay/kustomization.yaml", overlay)
    locking.run("lock", "d", "-o", LOCK)
    assert locking.registry.asked == ["web:1"]
    locking.run("set", "d", "--fn-config", LOCK, "--in-place")
    assert locking.read("d/overlay/kustomization.yaml") == f"{overlay}  digest: {digest}\n"
    assert locking.read("d/base/pod.yaml") == pod("HOST/web:none")
    locking.run("list", "d", "--unpinned", "--check")
    locking.run("lock", "d", "-o", LOCK, "--check")


def test_moved_tag_is_found_and_refreshed(locking: Locking) -> None:
    old = locking.registry.push("web:1")
    other = locking.registry.push("app:2")
    locking.write("app.yaml", pod("HOST/web:1", "HOST/app:2", "HOST/web:1"))
    locking.lock()
    locking.write(LOCK, locking.read(LOCK).replace("- name: HOST/web", "# the server\n- name: HOST/web"))
    locking.run("set", "app.yaml", "--fn-config", LOCK, "--in-place")
    pinned = locking.read("app.yaml")
    new = locking.registry.push("web:1", "another")
    before = locking.read(LOCK)
    ran = locking.lock("--check", status=1)
    line = before.split("\n").index("- name: HOST/web:1") + 1
    finding = f'{LOCK}:{line}: "HOST/web:1" has moved from {old} to {new}; it is used in app.yaml:6\n'
    assert ran.stdout.decode().replace(locking.registry.host, "HOST") == finding
    assert ran.stderr == f"krm-image-setter: {LOCK}: 2 images, 1 difference\n"
    assert locking.read(LOCK) == before
    locking.lock()
    assert locking.read(LOCK) == before
    assert "2 images (1 moved); asked registries for 2 images" in locking.lock("--refresh").stderr
    assert locking.read(LOCK) == before.replace(old, new)
    locking.run("set", "app.yaml", "--fn-config", LOCK, "--in-place")
    assert locking.read("app.yaml") == pinned.replace(old, new)
    assert other in pinned


def test_update_keeps_other_entries_byte_for_byte(locking: Locking) -> None:
    for name in ("a:1", "b:1", "c:1", "d:1"):
        locking.registry.push(name)
    locking.write("app.yaml", pod("HOST/a:1", "HOST/b:1", "HOST/d:1"))
    locking.lock()
    written = locking.read(LOCK).replace("- name: HOST/d", "# keep\n- name:   HOST/d").replace("tag: 1", "tag:  1")
    locking.write(LOCK, f"{written}\n# end\nkinds:\n  Foo: spec.image\n")
    locking.write("app.yaml", pod("HOST/a:1", "HOST/c:1", "HOST/d:1"))
    locking.registry.asked.clear()
    assert "3 images (1 added, 1 removed); asked registries for 1 image" in locking.lock().stderr
    assert locking.registry.asked == ["c:1"]
    first, second = (entry(name, digest_of(locking.registry.manifests[name])) for name in ("b:1", "c:1"))
    assert locking.read(LOCK) == f"{written.replace(first, second)}\n# end\nkinds:\n  Foo: spec.image\n"


def test_check_names_missing_and_superfluous_entries(locking: Locking) -> None:
    digests = {name: locking.registry.push(name) for name in ("a:1", "b:1")}
    locking.write("app.yaml", pod("HOST/a:1"))
    locking.lock()
    locking.write("app.yaml", pod("HOST/b:1"))
    ran = locking.lock("--check", status=1)
    assert ran.stdout.decode().replace(locking.registry.host, "HOST").splitlines() == [
        f'{LOCK}:9: "HOST/a:1" is no longer in the files; its digest was {digests["a:1"]}',
        'app.yaml:6: Pod/p: spec.containers[0].image: "HOST/b:1" is missing in images.lock.yaml; '
        f"its digest is {digests['b:1']}",
    ]


def test_check_requires_a_lock(locking: Locking) -> None:
    locking.write("app.yaml", pod("nginx:1"))
    ran = locking.run("lock", "app.yaml", "--check", status=2)
    assert ran.stderr == "krm-image-setter: error: `--check` requires the lock to check: `--output FILE`\n"


def test_failures_are_all_reported_and_nothing_is_written(locking: Locking) -> None:
    digest = locking.registry.push("a:1")
    locking.registry.status["c:1"] = 403
    locking.write("app.yaml", pod("HOST/a:1", "HOST/b:1", "HOST/c:1", "HOST/b:1"))
    ran = locking.lock(status=2)
    at = "krm-image-setter: error: app.yaml:"
    assert ran.stderr.splitlines()[0].startswith(
        f'{at}7: Pod/p: spec.containers[1].image: cannot resolve "HOST/b:1": not found in HOST; '
        "the image is also in 1 other field"
    )
    assert ran.stderr.splitlines()[1].startswith(
        f'{at}8: Pod/p: spec.containers[2].image: cannot resolve "HOST/c:1"'
    )
    assert ran.stderr.splitlines()[2:] == [
        f'krm-image-setter: resolved "HOST/a:1" to {digest}',
        "krm-image-setter: error: 2 images of 3 could not be resolved; nothing was written",
    ]
    assert sorted(set(locking.registry.asked)) == ["a:1", "b:1", "c:1"]
    assert not os.path.exists(locking.program.folder / LOCK)


def test_file_with_error_stops_lock_before_requests(locking: Locking) -> None:
    locking.write("app.yaml", pod("HOST/a:1") + "  - [\n")
    ran = locking.lock(status=2)
    assert "error: the images in files with errors are not known; no registry was asked" in ran.stderr
    assert locking.registry.asked == []


@pytest.mark.parametrize(
    ("images", "names"),
    [
        pytest.param(["HOST/web:1", f"HOST/web@sha256:{'1' * 64}"], ["web:1"], id="digest"),
        pytest.param([f"HOST/web:1@sha256:{'1' * 64}"], [], id="tag and digest"),
        pytest.param(["HOST/web:latest", "HOST/web"], ["web:latest"], id="missing tag and latest"),
    ],
)
def test_image_with_digest_is_skipped(locking: Locking, images: list[str], names: list[str]) -> None:
    for name in ("web:1", "web:latest"):
        locking.registry.push(name)
    locking.write("app.yaml", pod(*images))
    locking.lock()
    assert locking.registry.asked == names
    assert locking.read(LOCK).count("- name:") == len(names)


def test_entry_does_not_set_another_tag(locking: Locking) -> None:
    digest = locking.registry.push("web:latest")
    pinned = f"HOST/web:2@sha256:{'1' * 64}"
    locking.write("app.yaml", pod("HOST/web"))
    locking.lock()
    locking.write("app.yaml", pod("HOST/web", "HOST/web:1", pinned, f"HOST/web@sha256:{'1' * 64}"))
    locking.run("set", "app.yaml", "--fn-config", LOCK, "--in-place")
    expected = pod(f"HOST/web:latest@{digest}", "HOST/web:1", pinned, f"HOST/web@sha256:{'1' * 64}")
    assert locking.read("app.yaml") == expected


def test_filter_keeps_the_entries_of_other_images(locking: Locking) -> None:
    for name in ("a:1", "b:1"):
        locking.registry.push(name)
    locking.write("app.yaml", pod("HOST/a:1", "HOST/b:1"))
    locking.lock("--image", "*/a")
    assert locking.read(LOCK).count("- name:") == 1
    locking.lock("--image", "*/b")
    assert locking.read(LOCK).count("- name:") == 2
    assert locking.registry.asked == ["a:1", "b:1"]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--image", "*/a"], id="name"),
        pytest.param(["--unpinned"], id="missing digest"),
    ],
)
def test_filter_selects_images_to_refresh_and_to_check(locking: Locking, options: list[str]) -> None:
    """The image `b` has a digest in the files, and does not match the name."""
    old = {name: locking.registry.push(name) for name in ("a:1", "b:1")}
    locking.write("app.yaml", pod("HOST/a:1", f"HOST/b:1@{old['b:1']}", "HOST/b:1"))
    locking.lock()
    locking.write("app.yaml", pod("HOST/a:1", f"HOST/b:1@{old['b:1']}"))
    new = {name: locking.registry.push(name, "another") for name in ("a:1", "b:1")}
    locking.registry.asked.clear()
    ran = locking.lock("--check", *options, status=1)
    assert ran.stdout.decode().count("has moved from") == 1
    assert ran.stderr.endswith(f"{LOCK}: 1 image, 1 difference\n")
    assert "asked registries for 1 image\n" in locking.lock("--refresh", *options).stderr
    assert locking.registry.asked == ["a:1", "a:1"]
    assert locking.read(LOCK) == HEAD + entry("a:1", new["a:1"]) + entry("b:1", old["b:1"])


@pytest.mark.parametrize(
    "command",
    [["lock", "-o", LOCK], ["lock", "-o", LOCK, "--refresh"], ["lock", "-o", LOCK, "--check"], ["verify"]],
)
def test_other_registries_are_not_asked(locking: Locking, command: list[str]) -> None:
    """SECURITY.md recommends `--registry` for manifests of an author who is not trusted."""
    old = locking.registry.push("a:1")
    with registry_on_loopback() as other:
        locking.write("app.yaml", pod("HOST/a:1", f"{other.host}/b:1"))
        locking.write(LOCK, HEAD + entry("a:1", old) + entry("b:1", old).replace("HOST", other.host))
        name, *options = command
        locking.run(name, "app.yaml", *options, "--registry", locking.registry.host, "--plain-http", other.host)
        assert other.asked == []


@pytest.mark.parametrize("command", ["lock", "verify"])
def test_filter_that_matches_nothing_is_reported(locking: Locking, command: str) -> None:
    locking.write("app.yaml", pod("HOST/a:1"))
    ran = locking.run(command, "app.yaml", "--kind", "Job")
    assert "no image matches `--kind` (1 image found); known values: Pod" in ran.stderr
    assert locking.registry.asked == []


def test_check_compares_other_images_after_a_failure(locking: Locking) -> None:
    old = locking.registry.push("a:1")
    locking.registry.push("b:1")
    locking.write("app.yaml", pod("HOST/a:1", "HOST/b:1"))
    locking.lock()
    new = locking.registry.push("a:1", "another")
    locking.registry.status["b:1"] = 403
    ran = locking.lock("--check", status=2)
    assert f'"HOST/a:1" has moved from {old} to {new}' in ran.stdout.decode().replace(
        locking.registry.host, "HOST"
    )
    assert 'cannot resolve "HOST/b:1": HOST denies access' in ran.stderr
    assert ran.stderr.splitlines()[-2:] == [
        "krm-image-setter: error: 1 image of 2 could not be resolved; the other images were compared",
        f"krm-image-setter: {LOCK}: 1 image, 1 difference",
    ]


CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: foos.example.com}
spec:
  group: example.com
  names: {kind: Foo}
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        properties:
          spec:
            properties:
              image: {type: string, pattern: '^[a-z0-9./:]+$'}
"""
FOO = "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: f}\nspec: {image: 'HOST/web:1'}\n"
KINDS = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nkinds: {Foo: spec.image}\n"
TIDB = """\
apiVersion: pingcap.com/v1alpha1
kind: TidbCluster
metadata: {name: t}
spec:
  tikv: {baseImage: HOST/web, version: "1"}
  pd: {baseImage: HOST/web, version: "1"}
"""
GRAFANA = (
    "apiVersion: grafana.integreatly.org/v1beta1\nkind: Grafana\nmetadata: {name: g}\nspec: {version: 10.1.0}\n"
)
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {values.yaml: 'image: HOST/web:1'}\n"
SECRET_KIND = (
    "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nkinds:\n"
    "- {kind: Secret, paths: {path: '{.stringData.*}', as: values}}\n"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            TIDB,
            "app.yaml:6: TidbCluster/t: spec.pd: not locked: `version` contains only a version",
            id="version key of the catalog",
        ),
        pytest.param(
            GRAFANA,
            "app.yaml:4: Grafana/g: spec.version: not locked: the field contains only a tag",
            id="tag alone",
        ),
        pytest.param(
            f"{KINDS}---\n{FOO}---\n{CRD}",
            "app.yaml:8: Foo/f: spec.image: not locked: its CustomResourceDefinition accepts only the pattern "
            '"^[a-z0-9./:]+$"',
            id="pattern of a CustomResourceDefinition",
        ),
        pytest.param(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: h}\n"
            "spec: {values: {image: {repository: HOST/web}}}\n",
            "app.yaml:4: HelmRelease/h: spec.values.image: not locked: the tag is missing, and a chart, an operator or "
            "kustomize chooses it",
            id="split reference without a tag",
        ),
        pytest.param(
            f"{SECRET_KIND}---\n{SECRET}",
            "app.yaml:9: Secret/s: stringData['values.yaml']: image: not locked: the values of a Secret are not shown",
            id="Secret",
        ),
        pytest.param(
            pod("ko://github.com/org/app"),
            "app.yaml:6: Pod/p: spec.containers[0].image: not locked: ko builds this image",
            id="import path for ko",
        ),
        pytest.param(
            pod("NGINX:1"),
            'app.yaml:6: Pod/p: spec.containers[0].image: not locked: "NGINX:1": the name must be lowercase',
            id="invalid reference",
        ),
        pytest.param(
            pod("HOST/web:${TAG}", "HOST/web:${TAG}", "$(IMAGE)"),
            'not locked: 3 images with placeholders: "HOST/web:${TAG}" (app.yaml:6), "$(IMAGE)" (app.yaml:8)',
            id="placeholders",
        ),
    ],
)
def test_image_that_cannot_be_locked_is_reported(locking: Locking, text: str, message: str) -> None:
    locking.registry.push("web:1")
    locking.write("app.yaml", text)
    ran = locking.lock()
    assert f"krm-image-setter: {message}" in ran.stderr.splitlines()
    assert locking.read(LOCK) == HEAD.replace("images:", "images: []")
    assert locking.registry.asked == []


def test_equal_fields_are_reported_once(locking: Locking) -> None:
    locking.write("app.yaml", "---\n".join([GRAFANA] * 3))
    lines = locking.lock().stderr.splitlines()
    assert lines[0].endswith("not locked: the field contains only a tag; the same in 2 other fields")
    assert len(lines) == 2


def test_image_is_not_locked_if_set_would_break_another_field(locking: Locking) -> None:
    locking.registry.push("web:1")
    text = f"{KINDS}---\n{FOO}---\n{CRD}---\n{pod('HOST/web:1')}"
    locking.write("app.yaml", text)
    assert (
        f'warning: app.yaml:{text.count(chr(10))}: not locked: an entry for "HOST/web:1" would also set spec.image of '
        "Foo/f in app.yaml:8, which cannot contain a digest"
    ) in locking.lock().stderr
    assert "- name:" not in locking.read(LOCK)


def test_version_is_not_changed_by_a_lock_for_another_field(locking: Locking) -> None:
    digest = locking.registry.push("web:1")
    locking.write("app.yaml", f"{TIDB}---\n{pod('HOST/web:1')}")
    locking.lock()
    ran = locking.run("set", "app.yaml", "--fn-config", LOCK, "--in-place")
    assert locking.read("app.yaml") == f"{TIDB}---\n{pod(f'HOST/web:1@{digest}')}"
    assert "was not written: `version` contains only a version" in ran.stderr


def test_platforms_are_required_and_shown(locking: Locking) -> None:
    index, *_ = push_platforms(locking.registry, "linux/amd64", "linux/arm64")
    locking.write("app.yaml", pod("HOST/web:1"))
    locking.lock("--platform", "linux/amd64", "--platform", "linux/arm64")
    expected = entry("web:1", index).replace("web:1\n", "web:1  # linux/amd64, linux/arm64\n")
    assert locking.read(LOCK) == HEAD + expected
    ran = locking.lock("--refresh", "--platform", "linux/s390x", status=2)
    assert 'cannot resolve "HOST/web:1": the image has no platform linux/s390x; it has linux/amd64' in ran.stderr
    assert locking.read(LOCK) == HEAD + expected


def test_single_platform_has_digest_of_its_manifest(locking: Locking) -> None:
    _, _, arm64 = push_platforms(locking.registry, "linux/amd64", "linux/arm64")
    locking.write("app.yaml", pod("HOST/web:1"))
    locking.lock("--platform", "linux/arm64", "--single-platform")
    expected = entry("web:1", arm64).replace("web:1\n", "web:1  # linux/arm64\n")
    assert locking.read(LOCK) == HEAD + expected


def test_mirror_is_asked_but_not_written(locking: Locking) -> None:
    digest = locking.registry.push("hub/library/nginx:1")
    locking.write("app.yaml", pod("nginx:1"))
    locking.lock("--mirror", f"docker.io={locking.registry.host}/hub")
    assert locking.read(LOCK) == HEAD + f'- name: nginx:1\n  newTag: "1"\n  digest: {digest}\n'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--platform", "arm64"], 'invalid platform "arm64"', id="platform"),
        pytest.param(["--single-platform"], "`--single-platform` needs one `--platform`", id="single platform"),
        pytest.param(
            ["--mirror", "docker.io"], '--mirror "docker.io": expected FROM=TO', id="mirror without target"
        ),
        pytest.param(["--mirror", "docker.io=a b"], 'invalid mirror "a b"', id="invalid mirror"),
        pytest.param(["--image", "!a"], '--image "!a": a filter cannot be negated', id="negated filter"),
    ],
)
def test_invalid_option_is_an_error_even_without_requests(
    locking: Locking, arguments: list[str], message: str
) -> None:
    locking.write("app.yaml", pod())
    assert message in locking.lock(*arguments, status=2).stderr


def test_lock_in_the_directory_is_not_an_input(locking: Locking) -> None:
    locking.registry.push("web:1")
    locking.write("d/app.yaml", pod("HOST/web:1"))
    locking.run("lock", "d", "-o", f"d/{LOCK}")
    first = locking.read(f"d/{LOCK}")
    locking.run("lock", "d", "-o", f"d/{LOCK}")
    assert locking.read(f"d/{LOCK}") == first
    locking.run("set", "d", "--in-place")
    locking.run("list", "d", "--unpinned", "--check")


def test_lock_that_cannot_be_written_is_an_error(locking: Locking) -> None:
    locking.registry.push("web:1")
    locking.write("app.yaml", pod("HOST/web:1"))
    ran = locking.run("lock", "app.yaml", "-o", "no/lock.yaml", status=2)
    assert "error: no/lock.yaml: cannot write the file: No such file or directory" in ran.stderr


def test_other_file_is_not_overwritten(locking: Locking) -> None:
    locking.registry.push("web:1")
    locking.write("app.yaml", pod("HOST/web:1"))
    ran = locking.run("lock", "app.yaml", "-o", "app.yaml", status=2)
    assert "error: app.yaml:1: expected a lock: an ImageSetter" in ran.stderr
    assert locking.read("app.yaml") == pod("HOST/web:1")


def test_set_with_lock_sets_digests_at_once(locking: Locking) -> None:
    digest = locking.registry.push("web:1")
    locking.write("app.yaml", pod("HOST/web:1"))
    ran = locking.run("set", "app.yaml", "--lock", "--in-place")
    assert locking.read("app.yaml") == pod(f"HOST/web:1@{digest}")
    assert "set 1 image in 1 file" in ran.stderr
    locking.registry.asked.clear()
    locking.run("set", "app.yaml", "--lock", "--check")
    assert locking.registry.asked == []


def test_set_with_lock_changes_nothing_after_a_failure(locking: Locking) -> None:
    locking.registry.push("web:1")
    locking.write("app.yaml", pod("HOST/web:1", "HOST/web:2"))
    ran = locking.run("set", "app.yaml", "--lock", "--in-place", status=2)
    assert locking.read("app.yaml") == pod("HOST/web:1", "HOST/web:2")
    assert 'cannot resolve "HOST/web:2": not found in HOST' in ran.stderr


@pytest.mark.parametrize("option", ["--image=web=web:2", "--images-from=x", "--keep-going"])
def test_set_with_lock_rejects_other_options(locking: Locking, option: str) -> None:
    locking.write("app.yaml", pod("HOST/web:1"))
    ran = locking.run("set", "app.yaml", "--lock", option, status=2)
    flag = option.partition("=")[0]
    assert ran.stderr == f"krm-image-setter: error: `--lock` cannot be combined with `{flag}`; run `set` twice\n"
    assert locking.registry.asked == []


def test_set_with_lock_reports_entries_that_are_not_applied(locking: Locking) -> None:
    digest = locking.registry.push("web:1")
    locking.write("functions.yaml", KINDS.replace("kinds:", "images: {a: b}\nkinds:"))
    locking.write("app.yaml", FOO)
    ran = locking.run("set", "app.yaml", "--lock", "--in-place")
    assert "warning: `images` and `registries` of the configuration are not applied with `--lock`" in ran.stderr
    assert locking.read("app.yaml") == FOO.replace("web:1", f"web:1@{digest}")


def test_progress_is_shown_on_a_terminal(locking: Locking) -> None:
    names = [f"web:{number}" for number in range(60)]
    for name in names:
        locking.registry.push(name)
    locking.registry.wait = 0.5
    locking.write("app.yaml", pod(*(f"HOST/{name}" for name in names)))
    arguments = ["-m", "krm_image_setter", "lock", "app.yaml", "-o", LOCK, "--plain-http", locking.registry.host]
    environment = login_environment(locking.program.folder)
    status, screen = in_terminal(locking.program.folder, *arguments, env=environment)
    assert status == 0
    assert "images" in re.sub("\x1b.*?m", "", screen).partition("/60 ")[2]


def test_interrupt_ends_without_a_message(locking: Locking) -> None:
    locking.registry.push("web:1")
    locking.registry.wait = 30
    locking.write("app.yaml", pod("HOST/web:1"))
    command = [sys.executable, "-m", "krm_image_setter", "lock", "app.yaml", "-o", LOCK]
    with subprocess.Popen(
        [*command, "--plain-http", locking.registry.host],
        cwd=locking.program.folder,
        env={**os.environ, **login_environment(locking.program.folder)},
        stderr=subprocess.PIPE,
        preexec_fn=signals,  # noqa: PLW1509  (this test starts no other thread)
    ) as process:
        while not locking.registry.asked:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
    assert (process.returncode, error) == (130, b"")
    assert not os.path.exists(locking.program.folder / LOCK)


@pytest.mark.parametrize("output", ["d", "/dev/stdout", "-"])
def test_output_that_is_not_a_file_is_an_error(locking: Locking, output: str) -> None:
    locking.write("app.yaml", pod())
    (locking.program.folder / "d").mkdir()
    ran = locking.run("lock", "app.yaml", "-o", output, status=2)
    assert f"error: {output}: expected a file; to print the lock, omit `--output`" in ran.stderr


def test_linked_lock_is_updated_behind_the_link(locking: Locking) -> None:
    locking.registry.push("web:1")
    locking.write("app.yaml", pod())
    locking.run("lock", "app.yaml", "-o", "real.yaml")
    (locking.program.folder / LOCK).symlink_to("real.yaml")
    locking.write("app.yaml", pod("HOST/web:1"))
    locking.lock()
    assert (locking.program.folder / LOCK).is_symlink()
    assert "HOST/web:1" in locking.read("real.yaml")


def test_stdin_is_locked(locking: Locking) -> None:
    digest = locking.registry.push("web:1")
    manifest = pod("HOST/web:1").replace("HOST", locking.registry.host)
    ran = locking.program("lock", "-", "--plain-http", locking.registry.host, stdin=manifest)
    assert ran.stdout.decode().endswith(f"digest: {digest}\n")
