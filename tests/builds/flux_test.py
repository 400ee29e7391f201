from __future__ import annotations

import pytest
from builds.cases import A, errors, valid_files

from krm_image_setter.builds.any_file import read_images

POLICY = """\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: podinfo, namespace: default}
spec: {imageRepositoryRef: {name: podinfo}, policy: {semver: {range: 5.1.x}}}
"""
LATEST = "status:\n  latestRef:\n    name: ghcr.io/stefanprodan/podinfo\n    tag: 5.1.4\n"
DONE = {"ghcr.io/stefanprodan/podinfo": "ghcr.io/stefanprodan/podinfo:5.1.4"}


def in_list(*policies: str, kind: str = "v1\nkind: List") -> str:
    items = ["- " + policy.replace("\n", "\n  ").rstrip() + "\n" for policy in policies]
    return f"apiVersion: {kind}\nitems:\n" + "".join(items)


test_valid_file = valid_files(
    [
        pytest.param(POLICY + LATEST, DONE, id="policy"),
        pytest.param(
            POLICY + LATEST + f"    digest: {A}\n",
            {"ghcr.io/stefanprodan/podinfo": f"ghcr.io/stefanprodan/podinfo:5.1.4@{A}"},
            id="digest",
        ),
        pytest.param(POLICY + LATEST + "    digest: ''\n", DONE, id="empty digest"),
        pytest.param(
            in_list(POLICY + LATEST, POLICY + "status: {latestRef: {name: a, tag: '1'}}"),
            {**DONE, "a": "a:1"},
            id="output of kubectl get",
        ),
        pytest.param(
            in_list(LATEST + "spec: {}", kind="image.toolkit.fluxcd.io/v1\nkind: ImagePolicyList"),
            DONE,
            id="list of the API, whose items have no kind",
        ),
        pytest.param(POLICY + LATEST + "---\n" + POLICY.replace("/v1", "/v1beta2") + LATEST, DONE, id="documents"),
    ]
)


def test_policy_without_an_image_is_skipped() -> None:
    rules, warnings = read_images([(in_list(POLICY + LATEST, POLICY + "status:\n  conditions: []"), "f")])
    assert len(rules) == 1
    assert warnings == ("f:17: items[1].status: skipped: missing `latestRef`; Flux has not selected an image yet",)


test_error = errors(
    [
        pytest.param(
            POLICY, "f:1: missing `latestRef`; Flux has not selected an image yet", id="policy without a status"
        ),
        pytest.param(
            POLICY + LATEST.replace("name:", "image:"),
            "f:7: status.latestRef: missing required field `name`",
            id="no name",
        ),
        pytest.param(
            in_list(kind="image.toolkit.fluxcd.io/v1\nkind: ImagePolicyList").replace("items:", "items: []"),
            "f:1: the list of ImagePolicies contains no images",
            id="empty list",
        ),
    ]
)
