from __future__ import annotations

import json
from typing import Any

import pytest
from builds.cases import A, becomes, errors, valid_files
from harness import Program
from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter.builds.any_file import _FORMATS, read_images
from krm_image_setter.config import decode_image
from krm_image_setter.errors import ImageSetterError

KBLD = "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n"
LOCK = "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\n"
UNKNOWN = (
    f"unrecognized format; expected one of: {', '.join(form.name for form in _FORMATS)}, lines NAME=REFERENCE"
)
VALID = [
    pytest.param(
        LOCK + "images: [{image: 'a:1'}]\n---\n---\n" + KBLD + "overrides: [{image: b, newImage: 'b:1'}]\n",
        {"a": "a:1", "b": "b:1"},
        id="several documents of different formats",
    ),
]


test_valid_file = valid_files(VALID)


INVALID = [
    pytest.param("", "f: the file is empty; expected the images that a build wrote", id="empty file"),
    pytest.param(
        "\ufeff# nothing\n\n", "f: the file is empty; expected the images that a build wrote", id="only comments"
    ),
    pytest.param(
        "FROM scratch\n",
        f"f: {UNKNOWN}",
        id="text",
    ),
    pytest.param(
        "kind: Service\n",
        f"f:1: {UNKNOWN}",
        id="resource",
    ),
    pytest.param(
        "[a]",
        f"f:1: {UNKNOWN}",
        id="list",
    ),
    pytest.param(
        "{}",
        f"f:1: {UNKNOWN}",
        id="empty mapping",
    ),
]


test_error = errors(INVALID)


def test_error_not_yaml() -> None:
    with pytest.raises(ImageSetterError, match=r"^f:2:1: "):
        read_images([('{"builds": [\n', "f")])


def test_several_files() -> None:
    files = [("a=r/a:1\n", "f"), ("b:1=b:2\na=r/a:1\n", "g")]
    assert [str(rule.name) for rule in read_images(files).rules] == ["b:1", "a"]
    with pytest.raises(ImageSetterError) as error:
        read_images([*files, ('{"builds": [{"imageName": "a", "tag": "r/a:2"}]}', "h")])
    message = 'h:1: builds[0].tag: image "a" is set to "r/a:2" here and to "r/a:1" at f:1; remove one of them'
    assert str(error.value) == message


NAMES = st.from_regex(r"([a-z]{1,3}\.io/)?[a-z]{1,4}", fullmatch=True)
REFERENCES = st.builds("{}:{}".format, NAMES, st.from_regex(r"[a-zA-Z0-9]{1,4}", fullmatch=True))


@given(st.dictionaries(NAMES, REFERENCES, min_size=1))
def test_lines_and_builds_mean_the_same_as_image_options(pairs: dict[str, str]) -> None:
    arguments = [f"{name}={reference}" for name, reference in pairs.items()]
    builds = {"builds": [{"imageName": name, "tag": reference} for name, reference in pairs.items()]}
    expected = tuple(map(decode_image, arguments))
    assert read_images([("\n".join(arguments), "f")]).rules == expected
    assert read_images([(json.dumps(builds), "f")]).rules == expected


def reads_or_refuses(text: str) -> None:
    try:
        assert read_images([(text, "f")]).rules
    except ImageSetterError as error:
        assert str(error).startswith("f:")


@given(st.text() | st.text("ab:=@#/.-{}[]\"' \n\r\t&*!|>"))
def test_any_text_is_read_or_refused(text: str) -> None:
    reads_or_refuses(text)


KEYS = st.sampled_from(
    [
        "builds",
        "imageName",
        "tag",
        "image.name",
        "containerimage.digest",
        "containerimage.descriptor",
        "digest",
        "services",
        "image",
        "images",
        "annotations",
        "kbld.carvel.dev/id",
        "overrides",
        "newImage",
        "imageRepo",
        "name",
        "newName",
        "newTag",
        "tagSuffix",
        "a",
    ]
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "a:1", "r.io/b", A, "A", "${X}", "a,b"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
)
KINDS = st.sampled_from(
    [{}, {"apiVersion": "kbld.k14s.io/v1alpha1", "kind": "Config"}, {"kind": "Kustomization"}]
) | st.just({"apiVersion": "imgpkg.carvel.dev/v1alpha1", "kind": "ImagesLock"})


@given(KINDS, st.dictionaries(KEYS, VALUES))
def test_any_fields_are_read_or_refused(kind: dict[str, str], fields: dict[str, Any]) -> None:
    reads_or_refuses(json.dumps({**kind, **fields}))


POD = "kind: Pod\nspec: {containers: [{image: app:0}]}\n"


def test_several_files_as_options(program: Program) -> None:
    program.write("a.txt", "app=app:1\n")
    program.write("b.json", '{"services": {"x": {"image": "y:1"}, "z": {"image": "$Z"}}}')
    ran = program("--images-from", "a.txt", "--images-from", "b.json", "--on-unused", "ignore", stdin=POD)
    assert (ran.status, ran.stdout) == (0, POD.replace("app:0", "app:1").encode())
    assert ran.stderr == (
        'krm-image-setter: warning: b.json:1: services.z.image: skipped: "$Z" contains variables; '
        "run `docker compose config` first\n"
    )


def test_image_option_comes_before_a_file(program: Program) -> None:
    program.write("a.txt", "app=app:1\n")
    ran = program("--images-from", "a.txt", "--image", "app=app:2", "--on-unused", "ignore", stdin=POD)
    assert (ran.status, ran.stdout) == (0, POD.replace("app:0", "app:2").encode())


def test_error_standard_input(program: Program) -> None:
    ran = program("--images-from", "-", stdin=POD)
    assert ran == (
        2,
        b"",
        "krm-image-setter: error: `--images-from -` cannot be combined with manifests from "
        "standard input; pass a file\n",
    )


def test_error_names_the_file(program: Program) -> None:
    program.write("a.txt", "app=App\n")
    ran = program("--images-from", "a.txt", stdin=POD)
    assert ran == (
        2,
        b"",
        'krm-image-setter: error: a.txt:1: invalid image reference "App": the name must be lowercase\n',
    )
    assert (
        "no.txt: cannot read file: No such file or directory"
        in program("--images-from", "no.txt", stdin=POD).stderr
    )


REPEATED = [
    pytest.param("images: [{name: a, newTag: v1}]\nimages: [{name: a, newTag: v2}]\n", id="kustomization"),
    pytest.param("images: [{name: a, newTag: v1, newTag: v2}]\n", id="entry of a kustomization"),
    pytest.param('{"builds": [], "builds": [{"imageName": "a", "tag": "a:v2"}]}', id="Skaffold"),
    pytest.param('{"image.name": "a:v1", "image.name": "a:v2"}', id="BuildKit"),
]


@pytest.mark.parametrize("text", REPEATED)
def test_last_of_repeated_keys_is_used(text: str) -> None:
    assert becomes(text) == {"a": "a:v2"}
