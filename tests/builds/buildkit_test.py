from __future__ import annotations

import json
from typing import Any

import pytest
from builds.cases import A, B, errors, valid_files


def bake(**targets: dict[str, Any]) -> str:
    return json.dumps(targets)


def built(names: str, digest: str = A, **more: Any) -> dict[str, Any]:
    return {"image.name": names, "containerimage.digest": digest, **more}


VALID = [
    pytest.param(
        json.dumps(
            built("docker.io/library/app:1", **{"containerimage.config.digest": B, "buildx.build.ref": "x"})
        ),
        {"docker.io/library/app": f"docker.io/library/app:1@{A}"},
        id="build",
    ),
    pytest.param(
        json.dumps({"image.name": "r.io/app:1", "containerimage.descriptor": {"digest": B, "size": 3}}),
        {"r.io/app": f"r.io/app:1@{B}"},
        id="digest in a descriptor",
    ),
    pytest.param(json.dumps(built("r.io/app")), {"r.io/app": f"r.io/app@{A}"}, id="push by digest"),
    pytest.param(
        json.dumps(built("r.io/app:1@" + B)), {"r.io/app": f"r.io/app:1@{A}"}, id="older digest in the name"
    ),
    pytest.param(
        json.dumps(built("r.io/app:1", **{"containerimage.config.digest": A})),
        {"r.io/app": "r.io/app:1"},
        id="image ID instead of a digest",
    ),
    pytest.param(json.dumps({"image.name": "r.io/app:1@" + B}), {"r.io/app": f"r.io/app:1@{B}"}, id="no digest"),
    pytest.param(
        json.dumps(built("app:1.2,r.io/app:1.2,docker.io/library/app:latest")),
        {"app": f"app:1.2@{A}", "r.io/app": f"r.io/app:1.2@{A}"},
        id="several tags",
    ),
    pytest.param(
        bake(
            db=built("db:1"),
            web=built("web:1", B),
            lint={"buildx.build.ref": "x"},
            **{"buildx.build.warnings": [{"vertex": A}]},  # type: ignore[arg-type]
        ),
        {"db": f"db:1@{A}", "web": f"web:1@{B}"},
        id="bake",
    ),
]


test_valid_file = valid_files(VALID)


INVALID = [
    pytest.param('{"buildx.build.ref": "x"}', "f:1: the BuildKit metadata contains no images", id="no image name"),
    pytest.param(
        json.dumps(built("a:1", "sha256:12")),
        'f:1: containerimage.digest: invalid digest "sha256:12"; expected sha256: and 64 hex digits',
        id="invalid digest",
    ),
    pytest.param(
        '{"x": {"image.name": "a:1", "containerimage.descriptor": {}}}',
        "f:1: x.containerimage.descriptor: missing required field `digest`",
        id="empty descriptor",
    ),
    pytest.param(
        '{"x": {"image.name": "a:1,"}}',
        "f:1: x.image.name: image reference is empty",
        id="empty name",
    ),
    pytest.param(
        '{"image.name": 3}',
        'f:1: image.name: YAML reads 3 as the number 3; quote it: "3"',
        id="number instead of a name",
    ),
    pytest.param(
        '{"image.name": "a"}', 'f:1: image.name: "a" has no tag or digest; add one', id="name without a tag"
    ),
    pytest.param(
        bake(db=built("r.io/a:1"), web=built("r.io/a:1", B)),
        f'f:1: web.image.name: image "r.io/a" is set to "r.io/a:1@{B}" here and to "r.io/a:1@{A}" at f:1: '
        "db.image.name; remove one of them",
        id="two references for one name",
    ),
]


test_error = errors(INVALID)
