from __future__ import annotations

import json

import pytest
from builds.cases import A, B, errors, valid_files

# The example in ImageMetadataOutput.java of GoogleContainerTools/jib, with complete digests.
IMAGE = {"image": "gcr.io/project/image:tag", "imageId": B, "imageDigest": A, "tags": ["latest", "tag"]}
NAME = "gcr.io/project/image"


test_valid_file = valid_files(
    [
        pytest.param(json.dumps(IMAGE), {NAME: f"{NAME}:tag@{A}"}, id="Jib before 3.3"),
        pytest.param(json.dumps({**IMAGE, "imagePushed": True}), {NAME: f"{NAME}:tag@{A}"}, id="pushed image"),
        pytest.param(json.dumps({**IMAGE, "imagePushed": False}), {NAME: f"{NAME}:tag"}, id="image not pushed"),
        pytest.param(json.dumps({**IMAGE, "image": NAME}), {NAME: f"{NAME}@{A}"}, id="image without a tag"),
    ]
)


test_error = errors(
    [
        pytest.param(
            json.dumps({**IMAGE, "imageDigest": "x"}),
            'f:1: imageDigest: invalid digest "x"; expected sha256: and 64 hex digits',
            id="invalid digest",
        ),
        pytest.param(
            json.dumps({**IMAGE, "image": NAME, "imagePushed": False}),
            f'f:1: image: "{NAME}" has no tag or digest; add one',
            id="image not pushed, without a tag",
        ),
        pytest.param(
            json.dumps({**IMAGE, "imagePushed": "no"}),
            'f:1: imagePushed: expected true or false, got "no"',
            id="invalid imagePushed",
        ),
    ]
)
