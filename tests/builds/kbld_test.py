from __future__ import annotations

import pytest
from builds.cases import A, B, errors, valid_files

KBLD = "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n"
LOCK = "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\n"
VALID = [
    pytest.param(
        LOCK + f"images:\n- image: r.io/app@{A}\n  annotations: {{kbld.carvel.dev/id: 'app:1', x: y}}\n"
        f"- image: r.io/app@{B}\n  annotations:\n    kbld.carvel.dev/id: app\n",
        {"app:1": f"r.io/app@{A}", "app": f"r.io/app@{B}"},
        id="ImagesLock of kbld",
    ),
    pytest.param(
        LOCK + f"images: [{{image: r.io/app@{A}}}, {{image: web:1, annotations: {{}}}}]",
        {"r.io/app": f"r.io/app@{A}", "web": "web:1"},
        id="ImagesLock of another tool",
    ),
    pytest.param(
        KBLD + f"minimumRequiredVersion: 0.40.0\noverrides:\n- image: app\n  newImage: r.io/app@{A}\n"
        f"  preresolved: true\n- imageRepo: r.io/web\n  newImage: r.io/web:2\nsearchRules: []\n",
        {"app": f"r.io/app@{A}", "r.io/web": "r.io/web:2"},
        id="Config",
    ),
    pytest.param(
        KBLD.replace("Config", "ImageOverrides") + "overrides: [{image: a, newImage: 'a:1'}]",
        {"a": "a:1"},
        id="ImageOverrides",
    ),
]


test_valid_file = valid_files(VALID)


INVALID = [
    pytest.param(
        "services: {a: {image: a:1}}\n---\n" + KBLD,
        "f:3: the kbld configuration contains no images",
        id="no overrides",
    ),
    pytest.param(
        LOCK + "images:\n- image: a:1\n  annotations:\n    kbld.carvel.dev/id: My App\n",
        'f:6: images[0].annotations.kbld.carvel.dev/id: invalid image reference "My App": '
        "expected [HOST/]NAME[:TAG][@DIGEST], such as quay.io/org/app:1",
        id="invalid ID",
    ),
    pytest.param(LOCK, "f:1: the kbld lock file contains no images", id="no images in a lock file"),
    pytest.param(
        KBLD + "overrides:\n- image: a\n  newImage: a\n  tagSelection: {semver: {}}\n",
        "f:6: overrides[0].tagSelection: kbld selects this tag in the registry; pass the file that `kbld "
        "--lock-output` writes",
        id="tagSelection",
    ),
    pytest.param(
        KBLD + "overrides: [{newImage: a}]", "f:3: overrides[0]: missing required field `image`", id="missing name"
    ),
]


test_error = errors(INVALID)
