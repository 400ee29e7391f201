from __future__ import annotations

import pytest
from builds.cases import A, B, errors, valid_files

# The form that pkg/imagelock/lock.go of vmware-labs/distribution-tooling-for-helm writes.
LOCK = """\
apiVersion: v0
kind: ImagesLock
metadata:
  generatedAt: "2023-07-13T16:30:33.284125307Z"
  generatedBy: Distribution Tooling for Helm
chart:
  name: wordpress
  version: 1.0.0
  appVersion: 6.2.2
images:
"""
APACHE = "  - name: apache-exporter\n    image: docker.io/bitnami/apache-exporter:0.13.4\n    chart: wordpress\n"
ARM = f"      - digest: {B}\n        arch: linux/arm64\n"
AMD = f"    digests:\n      - digest: {A}\n        arch: linux/amd64\n"
NAME = "docker.io/bitnami/apache-exporter"


test_valid_file = valid_files(
    [
        pytest.param(LOCK + APACHE + AMD + ARM, {NAME: f"{NAME}:0.13.4"}, id="digests of two platforms"),
        pytest.param(LOCK + APACHE + AMD, {NAME: f"{NAME}:0.13.4@{A}"}, id="digest of one platform"),
        pytest.param(LOCK + APACHE, {NAME: f"{NAME}:0.13.4"}, id="no digests"),
        pytest.param(
            LOCK + APACHE.replace("docker.io", "oci://docker.io") + AMD, {NAME: f"{NAME}:0.13.4@{A}"}, id="scheme"
        ),
    ]
)


test_error = errors(
    [
        pytest.param(
            LOCK.replace("images:\n", "images: []\n"), "f:1: the Images.lock of dt contains no images", id="none"
        ),
        pytest.param(
            LOCK + APACHE + "    digests: [{digest: abc}]",
            'f:14: images[0].digests[0].digest: invalid digest "abc"; expected sha256: and 64 hex digits',
            id="invalid digest",
        ),
        pytest.param(LOCK + "  - name: x\n", "f:11: images[0]: missing required field `image`", id="no image"),
    ]
)
