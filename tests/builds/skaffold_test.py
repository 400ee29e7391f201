from __future__ import annotations

import json

import pytest
from builds.cases import A, errors, valid_files

VALID = [
    pytest.param(
        '{"builds":[{"imageName":"r.io/app","tag":"r.io/app:1@'
        + A
        + '"},{"imageName":"web","tag":"web:2","x":[]}]}',
        {"r.io/app": f"r.io/app:1@{A}", "web": "web:2"},
        id="build output",
    ),
    pytest.param(
        json.dumps({"builds": [{"imageName": "a", "tag": "a:1"}] * 2}), {"a": "a:1"}, id="same build twice"
    ),
    pytest.param(
        '{\n\t"builds": [\n\t\t{"imageName": "a", "tag": "r.io\\/a:1"}]\n}',
        {"a": "r.io/a:1"},
        id="JSON with tabs and escapes",
    ),
]


test_valid_file = valid_files(VALID)


INVALID = [
    pytest.param(
        '{"builds": null}', "f:1: the Skaffold build output contains no images", id="null instead of builds"
    ),
    pytest.param('{"builds": {}}', "f:1: builds: expected a list, got a mapping", id="mapping instead of builds"),
    pytest.param(
        '{"builds": [3]}', "f:1: builds[0]: expected a mapping, got the number 3", id="number instead of a build"
    ),
    pytest.param(
        '{"builds": [\n{"imageName": "a"}]}', "f:2: builds[0]: missing required field `tag`", id="missing tag"
    ),
    pytest.param(
        '{"builds": [{"imageName": "A",\n "tag": "a:1"}]}',
        'f:1: builds[0].imageName: invalid image reference "A": the name must be lowercase',
        id="invalid imageName",
    ),
    pytest.param(
        '{"builds": [{"imageName": "a",\n "tag": "a:"}]}',
        'f:2: builds[0].tag: invalid image reference "a:": invalid tag; a tag has up to 128 '
        'letters, digits, "_", "." or "-", and does not start with "." or "-"',
        id="invalid tag",
    ),
    pytest.param(
        '{"builds": [{"imageName": "a", "tag": "a:1"},\n{"imageName": "docker.io/library/a", "tag": "a:2"}]}',
        'f:2: builds[1].tag: image "docker.io/library/a" is set to "a:2" here and to "a:1" at f:1: '
        "builds[0].tag; remove one of them",
        id="two references for one name",
    ),
]


test_error = errors(INVALID)
