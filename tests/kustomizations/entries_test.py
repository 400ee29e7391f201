"""The keys of `images` entries that a configuration changes, byte by byte."""

from __future__ import annotations

import pytest
from orchestrator import Orchestrator

from krm_image_setter import read_config, set_images, set_images_in

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
OLD = "sha256:" + "d" * 64
NEW = "sha256:" + "f" * 64
TAG, DIGEST, BOTH = 'newTag: "9"', f"digest: {NEW}", f'newTag: "9", digest: {NEW}'
NAME, SUFFIX = "newName: m.b/m", "tagSuffix: -f"
POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - image: IMAGE\n    name: web\n"


def files(entry: str, image: str) -> dict[str, str]:
    return {
        "base/web.yaml": POD.replace("IMAGE", image),
        "base/kustomization.yaml": "resources: [web.yaml]\n",
        "over/kustomization.yaml": f"resources: [../base]\nimages:\n{entry}",
    }


# The new entry and the new image in the base, for an entry, a name, and what is set for this name.
ROWS = [
    ("tag; tag", "- name: i\n  newTag: '2' # t\n", "i", TAG, "- name: i\n  newTag: '9' # t\n", "i:9"),
    ("tag; digest", "- name: i\n  newTag: 2.0.1 # t\n", "i", DIGEST, f"- name: i\n  digest: {NEW} # t\n", f"i@{NEW}"),
    ("tag; both", "- {name: i, newTag: b}\n", "i", BOTH, f'- {{name: i, newTag: "9", digest: {NEW}}}\n', f"i:9@{NEW}"),
    ("tag; name", "- name: i # n\n  newTag: b\n", "i", NAME, "- name: m.b/m # n\n  newTag: b\n", "m.b/m:1"),
    ("tag; suffix", "- name: i\n  newTag: '2'\n", "i", SUFFIX, "- name: i\n  newTag: '2-f'\n", "i:1-f"),
    ("new name; tag", "- name: i\n  newName: x # n\n", "x", TAG, '- name: i\n  newName: x # n\n  newTag: "9"\n', "i:1"),
    ("new name; digest", "- {name: i, newName: x}\n", "x", DIGEST, f"- {{name: i, newName: x, digest: {NEW}}}\n", "i:1"),
    ("new name; name", "- name: i\n  newName: 'x'\n", "x", NAME, "- name: i\n  newName: 'm.b/m'\n", "i:1"),
    ("new name; suffix", "- newName: x\n  name: i\n", "x", SUFFIX, "- newName: x\n  name: i\n  newTag: 1-f\n", "i:1"),
    ("digest; tag", f"- name: i\n  digest: {OLD} # d\n", "i", TAG, '- name: i\n  newTag: "9" # d\n', "i:9"),
    ("digest; digest", f"- digest: {OLD}\n  name: i\n", "i", DIGEST, f"- digest: {NEW}\n  name: i\n", f"i@{NEW}"),
    ("digest; name", f"- digest: {OLD}\n  name: i\n", "i", NAME, f"- digest: {OLD}\n  name: m.b/m\n", "m.b/m:1"),
    (
        "tag and digest; tag",
        f"- newTag: '2' # t\n  digest: {OLD} # d\n  name: i\n",
        *("i", TAG, "- newTag: '9' # t\n  digest: \"\" # d\n  name: i\n", "i:9"),
    ),
    (
        "tag and digest; digest",
        f"- newTag: '2' # t\n  digest: {OLD} # d\n  name: i\n",
        *("i", DIGEST, f"- newTag: '' # t\n  digest: {NEW} # d\n  name: i\n", f"i@{NEW}"),
    ),
    ("suffix; tag", "- name: i\n  tagSuffix: -s # s\n", "i", TAG, '- name: i\n  newTag: "9" # s\n', "i:9"),
    ("suffix; name", "- name: i\n  tagSuffix: -s\n", "i", NAME, "- name: m.b/m\n  tagSuffix: -s\n", "m.b/m:1"),
    ("suffix; suffix", "- name: i\n  tagSuffix: -s\n", "i", SUFFIX, "- name: i\n  newTag: 1-s-s-f\n", "i:1-f"),
    ("keys in another case", "- Name: i\n  NEWTAG: b\n", "i", TAG, '- Name: i\n  NEWTAG: "9"\n', "i:9"),
    ("quoted keys", '- {"name": "i", "newTag": "b"}\n', "i", TAG, '- {"name": "i", "newTag": "9"}\n', "i:9"),
    ("empty keys", "- name: i\n  newName: ''\n  newTag: b\n", "i", TAG, "- name: i\n  newName: ''\n  newTag: \"9\"\n", "i:9"),
    ("duplicate key", "- name: i\n  newTag: a\n  newTag: b\n", "i", TAG, '- name: i\n  newTag: a\n  newTag: "9"\n', "i:9"),
    ("regular expression", "- name: i|x\n  newTag: b\n", "i", TAG, '- name: i|x\n  newTag: "9"\n', "i:9"),
    ("name with a tag", "- name: i:1\n  newTag: b\n", "i", NAME, "- name: m.b/m:1\n  newTag: b\n", "m.b/m:1"),
    ("anchor", "- name: i\n  newTag: &tag b\n", "i", TAG, '- name: i\n  newTag: &tag "9"\n', "i:9"),
]  # fmt: skip


@pytest.mark.parametrize(
    "entry, name, wish, new_entry, new_image", [pytest.param(*row[1:], id=row[0]) for row in ROWS]
)
def test_entry_is_set_by_the_final_name(entry: str, name: str, wish: str, new_entry: str, new_image: str) -> None:
    outcomes = set_images_in(files(entry, "i:1"), read_config(f"{HEAD}images: [{{name: {name}, {wish}}}]"))
    new = {key: outcome.text for key, outcome in outcomes.of.items()}
    assert new == files(new_entry, new_image)
    assert outcomes.results == ()


CACHE = "apiVersion: acme.io/v1\nkind: Cache\nmetadata: {name: c}\nspec: {image: 'IMAGE'}\n"


@pytest.mark.parametrize(
    "wish", [pytest.param(TAG, id="tag"), pytest.param(NAME, id="name"), pytest.param(DIGEST, id="digest")]
)
def test_field_of_configurations_is_set(kubectl: Orchestrator, wish: str) -> None:
    before = {
        "base/kustomization.yaml": "resources: [web.yaml, cache.yaml]\n",
        "over/fields.yaml": "images: [{path: spec/image, kind: Cache, group: acme.io}]\n",
        "base/web.yaml": POD.replace("IMAGE", "i:1"),
        "base/cache.yaml": CACHE.replace("IMAGE", "i:1"),
        "over/kustomization.yaml": (
            "resources: [../base]\nconfigurations: [fields.yaml]\nimages: [{name: i, newTag: '2'}]\n"
        ),
    }
    outcomes = set_images_in(before, read_config(f"{HEAD}images: [{{name: i, {wish}}}]"))
    assert outcomes.results == ()
    for name, one in outcomes.of.items():
        kubectl.write(name, one.text)
    built = kubectl("kustomize", "over").stdout
    new = {TAG: "i:9", NAME: "m.b/m:2", DIGEST: f"i@{NEW}"}[wish]
    assert built.count(f"image: {new}\n") == 2


@pytest.mark.parametrize("entry, name, wish", [pytest.param(*row[1:4], id=row[0]) for row in ROWS])
def test_kubectl_builds_what_is_wished(kubectl: Orchestrator, entry: str, name: str, wish: str) -> None:
    config = read_config(f"{HEAD}images: [{{name: {name}, {wish}}}]")
    before = files(entry, "i:1")
    after = {key: outcome.text for key, outcome in set_images_in(before, config).of.items()}
    built = []
    for top, texts in (("before", before), ("after", after)):
        for key, text in texts.items():
            kubectl.write(f"{top}/{key}", text)
        built.append(kubectl("kustomize", f"{top}/over").stdout)
    if not built[0]:
        pytest.skip("this version of kustomize does not build the entry")
    assert built[1] == set_images(built[0], config).text
