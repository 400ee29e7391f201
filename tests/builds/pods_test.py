from __future__ import annotations

import json
from typing import Any

import pytest
from builds.cases import A, B, errors, valid_files

from krm_image_setter.builds.any_file import read_images


def pod(
    *containers: tuple[str, str], key: str = "containers", status: str = "containerStatuses"
) -> dict[str, Any]:
    """Return a Pod with containers of an image and an imageID. Kubernetes lists the statuses in another order."""
    names = [f"c{number}" for number in range(len(containers))]
    pairs = list(zip(names, containers, strict=True))
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "spec": {key: [{"name": name, "image": image} for name, (image, _) in pairs]},
        "status": {
            status: [{"name": name, "image": "x", "imageID": image_id} for name, (_, image_id) in pairs[::-1]]
        },
    }


def pods(*items: dict[str, Any], kind: str = "List") -> str:
    return json.dumps({"apiVersion": "v1", "kind": kind, "items": items})


NGINX = ("nginx:1.25", f"docker.io/library/nginx@{A}")
VALID = [
    pytest.param(pods(pod(NGINX), pod(NGINX)), {"nginx:1.25": f"nginx:1.25@{A}"}, id="containerd, two replicas"),
    pytest.param(
        pods(pod(("m.io/a:1", f"docker-pullable://m.io/a@{B}"))), {"m.io/a:1": f"m.io/a:1@{B}"}, id="dockershim"
    ),
    pytest.param(
        pods({key: value for key, value in pod(NGINX).items() if key in ("spec", "status")}, kind="PodList"),
        {"nginx:1.25": f"nginx:1.25@{A}"},
        id="PodList of the API, whose items have no kind",
    ),
    pytest.param(json.dumps(pod(NGINX)), {"nginx:1.25": f"nginx:1.25@{A}"}, id="one Pod"),
    pytest.param(
        pods(pod(NGINX, key="initContainers", status="initContainerStatuses")),
        {"nginx:1.25": f"nginx:1.25@{A}"},
        id="init container",
    ),
    pytest.param(pods(pod(("redis", f"redis@{A}"))), {"redis:latest": f"redis@{A}"}, id="image without a tag"),
    pytest.param(
        pods(pod(NGINX, (f"redis@{B}", f"redis@{B}"))),
        {"nginx:1.25": f"nginx:1.25@{A}"},
        id="image that has a digest",
    ),
    pytest.param(
        pods(pod(NGINX, ("nginx:1.26", f"nginx@{B}"))),
        {"nginx:1.25": f"nginx:1.25@{A}", "nginx:1.26": f"nginx:1.26@{B}"},
        id="two tags of an image",
    ),
]


test_valid_file = valid_files(VALID)


# https://github.com/containerd/containerd/issues/8408 and https://github.com/openshift/origin/issues/28535
@pytest.mark.parametrize("image_id", [A, "0" * 64, "docker://" + A])
def test_image_id_without_a_digest_is_skipped(image_id: str) -> None:
    rules, warnings = read_images([(pods(pod(NGINX, ("redis:7", image_id))), "f")])
    assert [str(rule.name) for rule in rules] == ["nginx:1.25"]
    message = f'skipped: imageID "{image_id}" of "redis:7" contains no digest of a registry'
    assert warnings == (f"f:1: items[0].spec.containers[1].image: {message}",)


def test_container_that_has_not_started_is_skipped() -> None:
    waiting = pod(("redis:7", ""))
    del waiting["status"]
    for other in (waiting, pod(("redis:7", ""))):
        _, warnings = read_images([(pods(pod(NGINX), other), "f")])
        message = 'skipped: the container with the image "redis:7" has not started'
        assert warnings == (f"f:1: items[1].spec.containers[0].image: {message}",)


test_error = errors(
    [
        pytest.param(pods(), "f:1: the list of Pods contains no images", id="empty list"),
        pytest.param(pods(kind="PodList"), "f:1: the list of Pods contains no images", id="empty PodList"),
        pytest.param(
            pods(pod(NGINX), pod((NGINX[0], f"nginx@{B}"))),
            f'f:1: items[1].spec.containers[0].image: image "nginx:1.25" is set to "nginx:1.25@{B}" here and to '
            f'"nginx:1.25@{A}" at f:1: items[0].spec.containers[0].image; remove one of them',
            id="two digests of one tag",
        ),
    ]
)
