"""The command `verify`, with a registry on loopback."""

from __future__ import annotations

import json

import pytest
from locking import Locking, pod, push_platforms

D = f"sha256:{'1' * 64}"


def verify(locking: Locking, *arguments: str, status: int = 0) -> tuple[list[str], list[str]]:
    """Return the lines of the table, and of the messages."""
    ran = locking.run("verify", "app.yaml", *arguments, status=status)
    return ran.stdout.decode().replace(locking.registry.host, "HOST").splitlines(), ran.stderr.splitlines()


def test_table_has_each_image_once_with_its_locations(locking: Locking) -> None:
    web = locking.registry.push("web:1")
    locking.registry.push("web:latest")
    locking.write("app.yaml", pod("HOST/web:1", "HOST/web", f"HOST/web@{web}", "HOST/web:1"))
    table, messages = verify(locking)
    assert table == [
        "HOST/web  ok",
        "  Pod/p  app.yaml:7  spec.containers[1].image",
        "HOST/web:1  ok",
        "  Pod/p  app.yaml:6  spec.containers[0].image",
        "  Pod/p  app.yaml:9  spec.containers[3].image",
        f"HOST/web@{web}  ok",
        "  Pod/p  app.yaml:8  spec.containers[2].image",
    ]
    assert messages == ["krm-image-setter: 3 images: 3 ok, 0 moved, 0 missing, 0 failed"]


def test_missing_image_is_an_error(locking: Locking) -> None:
    locking.registry.push("web:1")
    locking.write("app.yaml", pod("HOST/web:1", "HOST/web:2", f"HOST/web:1@{D}", "HOST/web:2"))
    table, messages = verify(locking, status=1)
    assert [line for line in table if not line.startswith(" ")] == [
        "HOST/web:1  ok",
        f"HOST/web:1@{D}  missing: not found in HOST",
        "HOST/web:2  missing: not found in HOST",
    ]
    at = "krm-image-setter: error: app.yaml"
    assert messages == [
        f'{at}:8: Pod/p: spec.containers[2].image: "HOST/web:1@{D}": not found in HOST',
        f'{at}:7: Pod/p: spec.containers[1].image: "HOST/web:2": not found in HOST; it is also in 1 other field',
        "krm-image-setter: 3 images: 1 ok, 0 moved, 2 missing, 0 failed",
    ]


def test_registry_without_an_answer_is_an_error_of_the_run(locking: Locking) -> None:
    locking.registry.push("web:1")
    locking.registry.status["web:2"] = 403
    locking.write("app.yaml", pod("HOST/web:1", "HOST/web:2", "HOST/web:3"))
    table, messages = verify(locking, status=2)
    assert "HOST/web:1  ok" in table
    assert messages[-1] == "krm-image-setter: 3 images: 1 ok, 0 moved, 1 missing, 1 failed"


@pytest.mark.parametrize(
    ("arguments", "severity", "status"), [([], "warning", 0), (["--tags-must-match"], "error", 1)]
)
def test_moved_tag_is_reported(locking: Locking, arguments: list[str], severity: str, status: int) -> None:
    old = locking.registry.push("web:old")
    new = locking.registry.push("web:1")
    locking.write("app.yaml", pod(f"HOST/web:1@{old}"))
    table, messages = verify(locking, *arguments, status=status)
    reason = f'the tag "1" has the digest {new}'
    assert table[0] == f"HOST/web:1@{old}  moved: {reason}"
    assert messages[0] == (
        f'krm-image-setter: {severity}: app.yaml:6: Pod/p: spec.containers[0].image: "HOST/web:1@{old}": {reason}'
    )


def test_removed_tag_is_moved_if_digest_exists(locking: Locking) -> None:
    digest = locking.registry.push("web:old")
    locking.write("app.yaml", pod(f"HOST/web:1@{digest}"))
    table, _ = verify(locking)
    assert table[0] == f'HOST/web:1@{digest}  moved: the registry has the digest, but no longer the tag "1"'


def test_platforms_are_required(locking: Locking) -> None:
    push_platforms(locking.registry, "linux/amd64", "linux/arm64")
    locking.write("app.yaml", pod("HOST/web:1"))
    verify(locking, "--platform", "linux/amd64", "--platform", "linux/arm64")
    table, _ = verify(locking, "--platform", "linux/s390x", status=1)
    assert table[0].startswith("HOST/web:1  missing: the image has no platform linux/s390x; it has linux/amd64")


def test_only_head_requests_are_sent_without_platforms(locking: Locking) -> None:
    locking.registry.push("web:1")
    locking.write("app.yaml", pod("HOST/web:1"))
    verify(locking)
    assert locking.registry.methods == ["HEAD"]


def test_json_has_digests_and_locations(locking: Locking) -> None:
    index, *_ = push_platforms(locking.registry, "linux/amd64")
    locking.write("app.yaml", pod("HOST/web:1", "HOST/web:2"))
    ran = locking.run("verify", "app.yaml", "-o", "json", "--platform", "linux/amd64", status=1)
    location = {"file": "app.yaml", "line": 6, "resource": "Pod/p", "path": "spec.containers[0].image"}
    assert json.loads(ran.stdout) == [
        {
            "image": f"{locking.registry.host}/web:1",
            "status": "ok",
            "reason": "",
            "digest": index,
            "tagDigest": index,
            "platforms": ["linux/amd64"],
            "locations": [location],
        },
        {
            "image": f"{locking.registry.host}/web:2",
            "status": "missing",
            "reason": f"not found in {locking.registry.host}",
            "digest": None,
            "tagDigest": None,
            "platforms": [],
            "locations": [{**location, "line": 7, "path": "spec.containers[1].image"}],
        },
    ]


def test_images_without_a_known_reference_are_reported(locking: Locking) -> None:
    values = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: h}\n"
    values += "spec: {values: {image: {repository: HOST/web}}}\n"
    locking.write("app.yaml", f"{values}---\n{pod('HOST/web:${TAG}')}")
    table, messages = verify(locking)
    assert table == []
    assert messages == [
        "krm-image-setter: app.yaml:4: HelmRelease/h: spec.values.image: not verified: the tag is missing, and a chart, "
        "an operator or kustomize chooses it",
        'krm-image-setter: not verified: 1 image with a placeholder: "HOST/web:${TAG}" (app.yaml:11)',
        "krm-image-setter: 0 images: 0 ok, 0 moved, 0 missing, 0 failed",
    ]


def test_mirror_is_asked(locking: Locking) -> None:
    locking.registry.push("hub/library/nginx:1")
    locking.write("app.yaml", pod("nginx:1"))
    verify(locking, "--mirror", f"docker.io={locking.registry.host}/hub")


def test_secret_is_not_verified_or_shown(locking: Locking) -> None:
    config = (
        "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nkinds:\n"
        "- {kind: Secret, paths: '{.stringData.image}'}\n---\n"
    )
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {image: 'HOST/web:1'}\n"
    locking.write("app.yaml", config + secret)
    table, messages = verify(locking)
    assert table == []
    assert "web" not in "".join(messages)
    assert locking.registry.asked == []
