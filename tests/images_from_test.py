"""`--images-from`: what is recognised, what each entry becomes, and the sentence for what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from harness import Program
from hypothesis import given
from hypothesis import strategies as st
from orchestrator import Orchestrator

from krm_image_setter.config import decode_image
from krm_image_setter.config.images_from import read_images
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.images import parse_reference

A, B = (f"sha256:{digit * 64}" for digit in "ab")
KBLD = "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n"
LOCK = "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\n"
KNOWN = (
    "give what skaffold build --file-output, docker buildx build or bake --metadata-file, or kbld --lock-output or "
    "--imgpkg-lock-output writes, a kustomization, a compose file, or lines NAME=REFERENCE"
)


def bake(**targets: dict[str, Any]) -> str:
    return json.dumps(targets)


def built(names: str, digest: str = A, **more: Any) -> dict[str, Any]:
    return {"image.name": names, "containerimage.digest": digest, **more}


# The text, and what `NAME:old`, or NAME where it has a tag or digest, becomes.
VALID = [
    pytest.param(
        '{"builds":[{"imageName":"r.io/app","tag":"r.io/app:1@'
        + A
        + '"},{"imageName":"web","tag":"web:2","x":[]}]}',
        {"r.io/app": f"r.io/app:1@{A}", "web": "web:2"},
        id="Skaffold",
    ),
    pytest.param(
        json.dumps({"builds": [{"imageName": "a", "tag": "a:1"}] * 2}), {"a": "a:1"}, id="Skaffold, the same twice"
    ),
    pytest.param(
        '{\n\t"builds": [\n\t\t{"imageName": "a", "tag": "r.io\\/a:1"}]\n}', {"a": "r.io/a:1"}, id="JSON"
    ),
    pytest.param(
        json.dumps(
            built("docker.io/library/app:1", **{"containerimage.config.digest": B, "buildx.build.ref": "x"})
        ),
        {"docker.io/library/app": f"docker.io/library/app:1@{A}"},
        id="BuildKit",
    ),
    pytest.param(
        json.dumps({"image.name": "r.io/app:1", "containerimage.descriptor": {"digest": B, "size": 3}}),
        {"r.io/app": f"r.io/app:1@{B}"},
        id="BuildKit, a descriptor",
    ),
    pytest.param(json.dumps(built("r.io/app")), {"r.io/app": f"r.io/app@{A}"}, id="BuildKit, pushed by digest"),
    pytest.param(
        json.dumps(built("r.io/app:1@" + B)), {"r.io/app": f"r.io/app:1@{A}"}, id="BuildKit, an older digest"
    ),
    pytest.param(
        json.dumps(built("r.io/app:1", **{"containerimage.config.digest": A})),
        {"r.io/app": "r.io/app:1"},
        id="BuildKit, the digest is an image ID",
    ),
    pytest.param(
        json.dumps({"image.name": "r.io/app:1@" + B}), {"r.io/app": f"r.io/app:1@{B}"}, id="BuildKit, no digest"
    ),
    pytest.param(
        json.dumps(built("app:1.2,r.io/app:1.2,docker.io/library/app:latest")),
        {"app": f"app:1.2@{A}", "r.io/app": f"r.io/app:1.2@{A}"},
        id="BuildKit, several tags",
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
    pytest.param(
        LOCK + f"images:\n- image: r.io/app@{A}\n  annotations: {{kbld.carvel.dev/id: 'app:1', x: y}}\n"
        f"- image: r.io/app@{B}\n  annotations:\n    kbld.carvel.dev/id: app\n",
        {"app:1": f"r.io/app@{A}", "app": f"r.io/app@{B}"},
        id="ImagesLock",
    ),
    pytest.param(
        LOCK + f"images: [{{image: r.io/app@{A}}}, {{image: web:1, annotations: {{}}}}]",
        {"r.io/app": f"r.io/app@{A}", "web": "web:1"},
        id="ImagesLock of another author",
    ),
    pytest.param(
        KBLD + f"minimumRequiredVersion: 0.40.0\noverrides:\n- image: app\n  newImage: r.io/app@{A}\n"
        f"  preresolved: true\n- imageRepo: r.io/web\n  newImage: r.io/web:2\nsearchRules: []\n",
        {"app": f"r.io/app@{A}", "r.io/web": "r.io/web:2"},
        id="kbld Config",
    ),
    pytest.param(
        KBLD.replace("Config", "ImageOverrides") + "overrides: [{image: a, newImage: 'a:1'}]",
        {"a": "a:1"},
        id="kbld ImageOverrides",
    ),
    pytest.param(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\nimages:\n"
        f"- name: app\n  newName: r.io/app\n  newTag: '1.20'\n- {{name: db, digest: '{A}'}}\n"
        "- {name: web, tagSuffix: -slim}\n- {name: cache, newName: valkey}\n",
        {"app": "r.io/app:1.20", "db": f"db@{A}", "web": "web:old-slim", "cache": "valkey:old"},
        id="kustomization",
    ),
    pytest.param("images:\n- {name: a, newTag: v1}\n", {"a": "a:v1"}, id="kustomization without a kind"),
    pytest.param("kind: Component\nimages: [{name: a, newTag: v1}]", {"a": "a:v1"}, id="Component"),
    pytest.param(
        "services:\n  web: {image: 'r.io/web:2', build: .}\n  job: {image: r.io/web:2}\n  local: {build: .}\n",
        {"r.io/web": "r.io/web:2"},
        id="compose",
    ),
    pytest.param(
        "x-app: &app\n  image: app:1\nservices:\n  a:\n    <<: *app\n  b: *app\n",
        {"app": "app:1"},
        id="compose, merged",
    ),
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
        id="lines, a name with a tag comes first",
    ),
    pytest.param("[::1]:5000/app=[::1]:5000/app:1", {"[::1]:5000/app": "[::1]:5000/app:1"}, id="lines, IPv6"),
    pytest.param("a=a:1\na=a:1\ndocker.io/library/a=a:1", {"a": "a:1"}, id="lines, the same twice"),
    pytest.param("a=a:1\r\rb=b:1", {"a": "a:1", "b": "b:1"}, id="lines, old line ends"),
    pytest.param(
        LOCK + "images: [{image: 'a:1'}]\n---\n---\n" + KBLD + "overrides: [{image: b, newImage: 'b:1'}]\n",
        {"a": "a:1", "b": "b:1"},
        id="several documents",
    ),
]


def becomes(text: str) -> dict[str, str]:
    rules, warnings = read_images([(text, "f")])
    assert warnings == ()
    return {
        str(rule.name): rule.rewrite(rule.name if rule.name.tag else rule.name._replace(tag="old"))
        for rule in rules
    }


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("text, expected", VALID)
def test_valid(text: str, expected: dict[str, str]) -> None:
    assert becomes(text) == expected
    assert list(becomes(text)) == list(expected)


@pytest.mark.parametrize("text, expected", VALID)
def test_byte_order_mark_and_crlf(text: str, expected: dict[str, str]) -> None:
    assert becomes("\ufeff" + text.replace("\n", "\r\n")) == expected


INVALID = [
    pytest.param("", f"f: this is empty: {KNOWN}", id="empty"),
    pytest.param("\ufeff# nothing\n\n", f"f: this is empty: {KNOWN}", id="only comments"),
    pytest.param("FROM scratch\n", f"f: this is nothing that images are read from: {KNOWN}", id="a text"),
    pytest.param("kind: Pod\n", f"f: line 1: this is nothing that images are read from: {KNOWN}", id="a resource"),
    pytest.param("[]", f"f: line 1: this is nothing that images are read from: {KNOWN}", id="a list"),
    pytest.param("{}", f"f: line 1: this is nothing that images are read from: {KNOWN}", id="no fields"),
    pytest.param(
        "services: {a: {image: a:1}}\n---\n" + KBLD,
        "f: line 3: this kbld configuration names no image: give one that does",
        id="no overrides",
    ),
    pytest.param(
        '{"builds": null}',
        "f: line 1: this Skaffold build output names no image: give one that does",
        id="no builds",
    ),
    pytest.param('{"builds": {}}', "f: line 1: builds: this must be a list, not a mapping", id="builds"),
    pytest.param(
        '{"builds": [3]}', "f: line 1: builds[0]: this must be a mapping, not the number 3", id="a build"
    ),
    pytest.param(
        '{"builds": [\n{"imageName": "a"}]}', "f: line 2: builds[0]: tag is missing: add it", id="no tag"
    ),
    pytest.param(
        '{"builds": [{"imageName": "A",\n "tag": "a:1"}]}',
        'f: line 1: builds[0].imageName: invalid image reference "A": the name must be lowercase',
        id="imageName",
    ),
    pytest.param(
        '{"builds": [{"imageName": "a",\n "tag": "a:"}]}',
        'f: line 2: builds[0].tag: invalid image reference "a:": invalid tag; a tag has up to 128 letters, digits, "_", "." or "-", and does not start with "." or "-"',
        id="tag",
    ),
    pytest.param(
        '{"builds": [{"imageName": "a", "tag": "a:1"},\n{"imageName": "docker.io/library/a", "tag": "a:2"}]}',
        'f: line 2: builds[1].tag: "docker.io/library/a" is set to a:2 here and to a:1 in builds[0].tag: keep one',
        id="one name, two references",
    ),
    pytest.param(
        '{"buildx.build.ref": "x"}',
        "f: line 1: this BuildKit metadata names no image: give one that does",
        id="BuildKit, no name",
    ),
    pytest.param(
        json.dumps(built("a:1", "sha256:12")),
        'f: line 1: containerimage.digest: "sha256:12" is no digest: give one such as sha256: and 64 hex digits',
        id="BuildKit, no digest",
    ),
    pytest.param(
        '{"x": {"image.name": "a:1", "containerimage.descriptor": {}}}',
        "f: line 1: x.containerimage.descriptor: digest is missing: add it",
        id="BuildKit, an empty descriptor",
    ),
    pytest.param(
        '{"x": {"image.name": "a:1,"}}',
        "f: line 1: x.image.name: image reference is empty",
        id="BuildKit, an empty name",
    ),
    pytest.param(
        '{"image.name": 3}',
        'f: line 1: image.name: 3 is read as the number 3, quote it: "3"',
        id="BuildKit, a number",
    ),
    pytest.param(
        '{"image.name": "a"}',
        'f: line 1: image.name: "a" has neither tag nor digest: give it one, or NAME=REFERENCE',
        id="BuildKit, only a name",
    ),
    pytest.param(
        bake(db=built("r.io/a:1"), web=built("r.io/a:1", B)),
        f'f: line 1: web.image.name: "r.io/a" is set to r.io/a:1@{B} here and to r.io/a:1@{A} in db.image.name: keep one',
        id="bake, one name",
    ),
    pytest.param(
        LOCK + "images:\n- image: a:1\n  annotations:\n    kbld.carvel.dev/id: My App\n",
        'f: line 6: images[0].annotations.kbld.carvel.dev/id: invalid image reference "My App": '
        "expected [HOST/]NAME[:TAG][@DIGEST], such as quay.io/org/app:1",
        id="ImagesLock, the ID",
    ),
    pytest.param(
        LOCK, "f: line 1: this kbld lock file names no image: give one that does", id="ImagesLock, no images"
    ),
    pytest.param(
        KBLD + "overrides:\n- image: a\n  newImage: a\n  tagSelection: {semver: {}}\n",
        "f: line 6: overrides[0].tagSelection: kbld chooses this tag: give what kbld --lock-output writes",
        id="kbld, a tag to choose",
    ),
    pytest.param(
        KBLD + "overrides: [{newImage: a}]", "f: line 3: overrides[0]: imageRepo is missing: add it", id="kbld"
    ),
    pytest.param(
        "kind: Kustomization\nresources: []\n",
        "f: line 1: this kustomization names no image: give one that does",
        id="kustomization, no images",
    ),
    pytest.param(
        "images: {a: b}\n", "f: line 1: images: this must be a list, not a mapping", id="kustomization, no list"
    ),
    pytest.param(
        "images:\n- name: a\n  newTag: 1.20\n",
        'f: line 3: images[0].newTag: 1.20 is read as the number 1.2, quote it: "1.20"',
        id="kustomization, a number",
    ),
    pytest.param(
        "images:\n- name: a\n  newImage: b\n",
        'f: line 3: images[0].newImage: unknown field "newImage": did you mean "newTag"?',
        id="kustomization, our own field",
    ),
    pytest.param(
        "images:\n- name: a\n  newTag: ' '\n",
        'f: line 3: images[0].newTag: invalid tag " "; a tag has up to 128 letters, digits, "_", "." or "-", and does not start with "." or "-"',
        id="kustomization, no tag",
    ),
    pytest.param(
        "images:\n- {name: a, tagSuffix: -x}\n- {name: a, tagSuffix: -y}\n",
        'f: line 3: images[1]: "a" is set to a with the tagSuffix -y here and to a with the tagSuffix -x in images[0]: '
        "keep one",
        id="kustomization, two",
    ),
    pytest.param(
        "services: [a]\n", "f: line 1: services: this must be a mapping, not a list", id="compose, no services"
    ),
    pytest.param(
        "services: {}\n", "f: line 1: this compose file names no image: give one that does", id="compose, none"
    ),
    pytest.param(
        "services: {a: }\n", "f: line 1: services.a: this must be a mapping, not empty", id="compose, null"
    ),
    pytest.param(
        "services:\n  a: {image: 'x:1'}\n  b: {image: 'x:2'}\n",
        'f: line 3: services.b.image: "x" is set to x:2 here and to x:1 in services.a.image: keep one',
        id="compose, two services",
    ),
    pytest.param(
        "services:\n  a: {image: X}\n",
        'f: line 2: services.a.image: invalid image reference "X": the name must be lowercase',
        id="compose, no reference",
    ),
    pytest.param(
        "services:\n  a: {image: 'x:${TAG:-1}'}\n",
        'f: line 2: services.a.image: "x:${TAG:-1}" is left out, it has variables: '
        "give what docker compose config writes",
        id="compose, only variables",
    ),
    pytest.param(
        "# c\na=b:1\n\nTAG=1\n",
        'f: line 4: invalid image reference "TAG": the name must be lowercase',
        id="lines, the name",
    ),
    pytest.param(
        "a=b:1\nb = c\n",
        'f: line 2: invalid image reference "b ": remove the surrounding white space',
        id="lines, white space",
    ),
    pytest.param("a=\n", "f: line 1: image reference is empty", id="lines, no reference"),
    pytest.param(
        "a:1\nfoo bar\n",
        'f: line 2: invalid image reference "foo bar": expected [HOST/]NAME[:TAG][@DIGEST], such as quay.io/org/app:1',
        id="lines, a text",
    ),
    pytest.param(
        "a\n", 'f: line 1: "a" has neither tag nor digest: give it one, or NAME=REFERENCE', id="lines, only a name"
    ),
    pytest.param(
        "a=b:1\nc=d\na=b:2", 'f: line 3: "a" is set to b:2 here and to b:1 in line 1: keep one', id="lines, two"
    ),
]


@pytest.mark.parametrize("text, sentence", INVALID)
def test_error(text: str, sentence: str) -> None:
    with pytest.raises(ImageSetterError) as error:
        read_images([(text, "f")])
    assert str(error.value) == sentence


def test_error_not_yaml() -> None:
    with pytest.raises(ImageSetterError, match=r"^f: line 2 column 1: this is not YAML: "):
        read_images([('{"builds": [\n', "f")])


def test_left_out_of_a_compose_file() -> None:
    text = "services:\n  a: {image: 'a:1'}\n  b: {image: '$B'}\n  c: {image: r.io/c}\n"
    rules, warnings = read_images([(text, "f")])
    assert [str(rule.name) for rule in rules] == ["a"]
    assert warnings == (
        'f: line 3: services.b.image: "$B" is left out, it has variables: give what docker compose config writes',
        'f: line 4: services.c.image: "r.io/c" is left out, it has neither tag nor digest: give it one',
    )


def test_several_files() -> None:
    files = [("a=r/a:1\n", "f"), ("b:1=b:2\na=r/a:1\n", "g")]
    assert [str(rule.name) for rule in read_images(files).rules] == ["b:1", "a"]
    with pytest.raises(ImageSetterError) as error:
        read_images([*files, ('{"builds": [{"imageName": "a", "tag": "r/a:2"}]}', "h")])
    sentence = 'h: line 1: builds[0].tag: "a" is set to r/a:2 here and to r/a:1 in f, line 1: keep one'
    assert str(error.value) == sentence


NAMES = st.from_regex(r"([a-z]{1,3}\.io/)?[a-z]{1,4}", fullmatch=True)
REFERENCES = st.builds("{}:{}".format, NAMES, st.from_regex(r"[a-zA-Z0-9]{1,4}", fullmatch=True))


@given(st.dictionaries(NAMES, REFERENCES, min_size=1))
def test_lines_are_images(pairs: dict[str, str]) -> None:
    """A line is what `--image` is, and a build of Skaffold too."""
    arguments = [f"{name}={reference}" for name, reference in pairs.items()]
    builds = {"builds": [{"imageName": name, "tag": reference} for name, reference in pairs.items()]}
    expected = tuple(map(decode_image, arguments))
    assert read_images([("\n".join(arguments), "f")]).rules == expected
    assert read_images([(json.dumps(builds), "f")]).rules == expected


def reads_or_refuses(text: str) -> None:
    try:
        assert read_images([(text, "f")]).rules
    except ImageSetterError as error:
        assert str(error).startswith("f: ")


@given(st.text() | st.text("ab:=@#/.-{}[]\"' \n\r\t&*!|>"))
def test_any_text(text: str) -> None:
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
def test_any_fields(kind: dict[str, str], fields: dict[str, Any]) -> None:
    reads_or_refuses(json.dumps({**kind, **fields}))


POD = "kind: Pod\nspec: {containers: [{image: app:0}]}\n"


def test_option(program: Program) -> None:
    program.write("a.txt", "app=app:1\n")
    program.write("b.json", '{"services": {"x": {"image": "y:1"}, "z": {"image": "$Z"}}}')
    ran = program("--images-from", "a.txt", "--images-from", "b.json", "--on-unused", "ignore", stdin=POD)
    assert (ran.status, ran.stdout) == (0, POD.replace("app:0", "app:1").encode())
    assert ran.stderr == (
        'krm-image-setter: warning: b.json: line 1: services.z.image: "$Z" is left out, it has variables: '
        "give what docker compose config writes\n"
    )


def test_an_image_comes_before_a_file(program: Program) -> None:
    program.write("a.txt", "app=app:1\n")
    ran = program("--images-from", "a.txt", "--image", "app=app:2", "--on-unused", "ignore", stdin=POD)
    assert (ran.status, ran.stdout) == (0, POD.replace("app:0", "app:2").encode())


def test_error_standard_input(program: Program) -> None:
    ran = program("--images-from", "-", stdin=POD)
    assert ran == (
        2,
        b"",
        "krm-image-setter: error: standard input is for the manifests: give a file instead of -\n",
    )


def test_error_of_a_file(program: Program) -> None:
    program.write("a.txt", "app=App\n")
    ran = program("--images-from", "a.txt", stdin=POD)
    assert ran == (
        2,
        b"",
        'krm-image-setter: error: a.txt: line 1: invalid image reference "App": the name must be lowercase\n',
    )
    assert "no.txt: No such file or directory" in program("--images-from", "no.txt", stdin=POD).stderr


# A kustomization's newName with a tag or digest: kustomize joins the texts

JOINED = [
    # an entry for `app`, the image, what kustomize makes of it: None if that is no reference
    pytest.param(f"newName: r.io/d@{A}", "app", f"r.io/d@{A}", id="digest"),
    pytest.param(f"newName: r.io/d@{A}", "app:1", None, id="digest after a tag"),
    pytest.param(f"newName: r.io/d@{A}", f"app@{B}", None, id="digest after a digest"),
    pytest.param("newName: 'r.io/d:9'", "app", "r.io/d:9", id="tag"),
    pytest.param("newName: 'r.io/d:9'", f"app@{B}", f"r.io/d:9@{B}", id="tag before a digest"),
    pytest.param("newName: 'r.io/d:9'", "app:1", None, id="tag after a tag"),
    pytest.param(f"newName: 'd:9@{A}'", "app", f"d:9@{A}", id="tag and digest"),
    pytest.param(f"newName: 'r.io/d:9', digest: {B}", "app:1", f"r.io/d:9@{B}", id="tag, and digest apart"),
    pytest.param("newName: 'localhost:5000/d'", "app:1", "localhost:5000/d:1", id="port"),
]


@pytest.mark.parametrize("entry, image, expected", JOINED)
def test_new_name_with_a_tag_or_digest_is_joined(
    program: Program, entry: str, image: str, expected: str | None
) -> None:
    program.write("kustomization.yaml", f"images:\n- {{name: app, {entry}}}\n")
    pod = f"kind: Pod\nspec: {{containers: [{{image: '{image}'}}]}}\n"
    ran = program("--images-from", "kustomization.yaml", stdin=pod)
    assert (ran.status, ran.stdout.decode()) == (0, pod.replace(image, expected or image))
    assert ("not changed: " in ran.stderr) == (expected is None)
    assert program("--images-from", "kustomization.yaml", stdin=ran.stdout).stdout == ran.stdout


@pytest.mark.parametrize("entry, image, expected", JOINED)
def test_kustomize_joins_a_new_name(kubectl: Orchestrator, entry: str, image: str, expected: str | None) -> None:
    kubectl.write("k/kustomization.yaml", f"resources: [pod.yaml]\nimages:\n- {{name: app, {entry}}}\n")
    head = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
    kubectl.write("k/pod.yaml", f"{head}spec: {{containers: [{{name: a, image: '{image}'}}]}}\n")
    ran = kubectl("kustomize", "k")
    assert ran.returncode == 0, ran.stderr
    made = yaml.safe_load(ran.stdout)["spec"]["containers"][0]["image"]
    assert (made if parse_reference(made) else None) == expected


@pytest.mark.parametrize(
    "entry, made",
    [
        pytest.param(f"newName: d@{A}, newTag: '2'", f"d@{A}:2", id="digest and newTag"),
        pytest.param(f"newName: d@{A}, digest: {B}", f"d@{A}@{B}", id="digest and digest"),
        pytest.param("newName: 'd:9', newTag: '2'", "d:9:2", id="tag and newTag"),
        pytest.param("newName: 'd:9', tagSuffix: -x", "d:9:TAG-x", id="tag and tagSuffix"),
    ],
)
def test_error_new_name_that_gives_no_reference(entry: str, made: str) -> None:
    with pytest.raises(ImageSetterError) as caught:
        read_images([(f"images:\n- {{name: app, {entry}}}\n", "f")])
    reason = f'kustomize would set "{made}", which is not an image reference; use `newTag` and `digest`'
    assert str(caught.value) == f"f: line 2: images[0].newName: {reason}"


REPEATED = [
    pytest.param("images: [{name: a, newTag: v1}]\nimages: [{name: a, newTag: v2}]\n", id="kustomization"),
    pytest.param("images: [{name: a, newTag: v1, newTag: v2}]\n", id="entry of a kustomization"),
    pytest.param('{"builds": [], "builds": [{"imageName": "a", "tag": "a:v2"}]}', id="Skaffold"),
    pytest.param('{"image.name": "a:v1", "image.name": "a:v2"}', id="BuildKit"),
]


@pytest.mark.parametrize("text", REPEATED)
def test_last_of_repeated_keys_counts_where_its_tool_takes_it(text: str) -> None:
    assert becomes(text) == {"a": "a:v2"}


def test_error_repeated_key_of_a_compose_file() -> None:
    with pytest.raises(ImageSetterError) as caught:
        read_images([("services:\n  a:\n    image: a:1\n    image: a:2\n", "f")])
    assert str(caught.value) == "f: line 4: services.a.image: the key is in line 3 and in line 4; keep one of them"
