from __future__ import annotations

import pytest
import yaml
from builds.cases import A, B, errors, valid_files
from harness import Program
from orchestrator import Orchestrator

from krm_image_setter.builds.any_file import read_images
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.images import parse_reference

VALID = [
    pytest.param(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\nimages:\n"
        f"- name: app\n  newName: r.io/app\n  newTag: '1.20'\n- {{name: db, digest: '{A}'}}\n"
        "- {name: web, tagSuffix: -slim}\n- {name: cache, newName: valkey}\n",
        {"app": "r.io/app:1.20", "db": f"db@{A}", "web": "web:old-slim", "cache": "valkey:old"},
        id="Kustomization",
    ),
    pytest.param("images:\n- {name: a, newTag: v1}\n", {"a": "a:v1"}, id="no kind"),
    pytest.param("kind: Component\nimages: [{name: a, newTag: v1}]", {"a": "a:v1"}, id="Component"),
]


test_valid_file = valid_files(VALID)


INVALID = [
    pytest.param(
        "kind: Kustomization\nresources: []\n", "f:1: the kustomization contains no images", id="no images"
    ),
    pytest.param(
        "images: {a: b}\n", "f:1: images: expected a list, got a mapping", id="mapping instead of a list"
    ),
    pytest.param(
        "images:\n- name: a\n  newTag: 1.20\n",
        'f:3: images[0].newTag: YAML reads 1.20 as the number 1.2; quote it: "1.20"',
        id="number instead of a tag",
    ),
    pytest.param(
        "images:\n- name: a\n  newImage: b\n",
        'f:3: images[0].newImage: unknown field "newImage"; did you mean "newTag"?',
        id="field of an ImageSetter",
    ),
    pytest.param(
        "images:\n- name: a\n  newTag: ' '\n",
        'f:3: images[0].newTag: invalid tag " "; a tag has up to 128 letters, digits, "_", '
        '"." or "-", and does not start with "." or "-"',
        id="invalid tag",
    ),
    pytest.param(
        "images:\n- {name: a, tagSuffix: -x}\n- {name: a, tagSuffix: -y}\n",
        'f:3: images[1]: image "a" is set to "a" with the tag suffix "-y" here and to "a" with the tag suffix '
        '"-x" at f:2: images[0]; remove one of them',
        id="two suffixes for one name",
    ),
]


test_error = errors(INVALID)


# If newName contains a tag or digest, kustomize joins the texts.

JOINED = [
    # an entry for `app`, the image, the new image of kustomize (None if it is not a reference)
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
    assert str(caught.value) == f"f:2: images[0].newName: {reason}"


def test_tag_latest_does_not_match_a_missing_tag(program: Program) -> None:
    """`kubectl kustomize` gives the same images."""
    program.write("kustomization.yaml", "images: [{name: 'app:latest', newTag: '2'}]\n")
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{image: app}, {image: 'app:latest'}]}\n"
    ran = program("--images-from", "kustomization.yaml", stdin=pod.encode())
    assert ran.stdout.decode() == pod.replace("app:latest", "app:2")
