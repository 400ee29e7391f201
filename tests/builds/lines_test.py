from __future__ import annotations

import pytest
from builds.cases import A, errors, valid_files

VALID = [
    pytest.param(
        "# built by make\n\napp=r.io/app:1\n  web=r.io/web:2 # later\n"
        f"nginx:1.25=nginx:1.26\nlocalhost:5000/x:1\nr.io/y@{A}\n",
        {
            "nginx:1.25": "nginx:1.26",
            "app": "r.io/app:1",
            "web": "r.io/web:2",
            "localhost:5000/x": "localhost:5000/x:1",
            "r.io/y": f"r.io/y@{A}",
        },
        id="name with a tag comes first",
    ),
    pytest.param("[::1]:5000/app=[::1]:5000/app:1", {"[::1]:5000/app": "[::1]:5000/app:1"}, id="IPv6 host"),
    pytest.param("a=a:1\na=a:1\ndocker.io/library/a=a:1", {"a": "a:1"}, id="same line twice"),
    pytest.param("a=a:1\r\rb=b:1", {"a": "a:1", "b": "b:1"}, id="CR line endings"),
]


test_valid_file = valid_files(VALID)


INVALID = [
    pytest.param(
        "# c\na=b:1\n\nTAG=1\n",
        'f:4: invalid image reference "TAG": the name must be lowercase',
        id="invalid name",
    ),
    pytest.param(
        "a=b:1\nb = c\n", 'f:2: invalid image reference "b ": remove the surrounding white space', id="white space"
    ),
    pytest.param("a=\n", "f:1: image reference is empty", id="missing reference"),
    pytest.param(
        "a:1\nfoo bar\n",
        'f:2: invalid image reference "foo bar": expected [HOST/]NAME[:TAG][@DIGEST], such as quay.io/org/app:1',
        id="text",
    ),
    pytest.param("a\n", 'f:1: "a" has no tag or digest; add one', id="name without a tag"),
    pytest.param(
        "a=b:1\nc=d\na=b:2",
        'f:3: image "a" is set to "b:2" here and to "b:1" at f:1; remove one of them',
        id="two references for one name",
    ),
]


test_error = errors(INVALID)
