"""Every pair of ways to find one field: what one way finds does not depend on what the other is asked for."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import pytest
import yaml

from krm_image_setter import read_config, set_images
from krm_image_setter.results import INFO

D, E = "sha256:" + "d" * 64, "sha256:" + "e" * 64


class Way(NamedTuple):
    """A way to find a field: what an entry of `images` asks for, and a path object; PATH is the field's path."""

    entry: str = ""
    path: str = ""


WAYS = {
    "env": Way(entry=", env: true"),
    "args": Way(entry=", args: true"),
    "path": Way(path="'PATH'"),
    "dollar path": Way(path="'$PATH'"),
    "text": Way(path="{path: 'PATH', as: text}"),
    "yaml": Way(path="{path: 'PATH', as: yaml, paths: .i}"),
    "json": Way(path="{path: 'PATH', as: json, paths: .i}"),
    "name": Way(path="{path: 'PATH', part: name}"),
    "tag": Way(path="{path: 'PATH', part: tag, of: OF}"),
    "digest": Way(path="{path: 'PATH', part: digest, of: OF}"),
}
#: For each way: contents that it reads as nginx, before and after.
CONTENTS = {
    "env": ("nginx:v1", "nginx:v2"),
    "args": ("--i=nginx:v1", "--i=nginx:v2"),
    "path": ("nginx:v1", "nginx:v2"),
    "dollar path": ("nginx:v1", "nginx:v2"),
    "text": ("docker://nginx:v1", "docker://nginx:v2"),
    "yaml": ("i: nginx:v1", "i: nginx:v2"),
    "json": ('{"i": "nginx:v1"}', '{"i": "nginx:v2"}'),
    "name": ("nginx", "redis"),
    "tag": ("v1", "v2"),
    "digest": (E, D),
}
#: The new reference, where it is not another tag.
ENTRIES = {"name": "newName: redis", "digest": f"digest: '{D}'"}
FIELDS = {
    ".spec.x": "x: CONTENT",
    ".spec.containers[0].image": "containers: [{image: CONTENT}]",
    ".spec.containers[0].env[0].value": "containers: [{image: a, env: [{value: CONTENT}]}]",
    ".spec.containers[0].args[0]": "containers: [{image: a, args: [CONTENT]}]",
    ".spec.volumes[0].image.reference": "volumes: [{image: {reference: CONTENT}}]",
}
#: Which fields these two find.
OWN = {"env": ".spec.containers[0].env[0].value", "args": ".spec.containers[0].args[0]"}


TRIPLES = [triple for triple in product(WAYS, WAYS, FIELDS) if OWN.get(triple[0], triple[2]) == triple[2]]


@pytest.mark.parametrize("way, other, field", TRIPLES, ids=["-".join(triple) for triple in TRIPLES])
def test_entry_is_set_whatever_another_way_finds(way: str, other: str, field: str) -> None:
    before, after = CONTENTS[way]
    wanted = f"{{name: nginx, {ENTRIES.get(way, 'newTag: v2')}{WAYS[way].entry}}}"
    absent = f"{{name: 'absent:none', newTag: v2{WAYS[other].entry}}}"
    paths = [WAYS[way].path.replace("OF", "nginx"), WAYS[other].path.replace("OF", "absent")]
    paths = [path.replace("PATH", field) for path in paths if path]
    for images, kinds in product(([wanted, absent], [absent, wanted]), (paths, paths[::-1])):
        config = read_config(
            "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
            f"images: [{', '.join(images)}]\nkinds: {{A: [{', '.join(kinds)}]}}\nonUnused: ignore\n"
            if kinds
            else "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
            f"images: [{', '.join(images)}]\nonUnused: ignore\n"
        )
        text = f"kind: A\nspec: {{{FIELDS[field]}}}\n"
        outcome = set_images(text.replace("CONTENT", quoted(before)), config)
        assert yaml.safe_load(outcome.text) == yaml.safe_load(text.replace("CONTENT", quoted(after)))
        assert len([result for result in outcome.results if result.severity == INFO]) == 1
        assert set_images(outcome.text, config).text == outcome.text


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


SPLIT = "{path: .spec.x, fields: {repository: repository, tag: tag}}"
OTHERS = [
    pytest.param(".spec.x.repository", id="path to the repository"),
    pytest.param("{path: .spec.x.repository, as: text}", id="text in the repository"),
    pytest.param("{path: .spec.x.repository, part: tag, of: absent}", id="repository as tag"),
    pytest.param("{path: .spec.x.tag, part: tag, of: absent}", id="tag of another image"),
    pytest.param("{path: .spec.x.tag, part: name}", id="tag as name"),
    pytest.param(".spec.x.tag", id="path to the tag"),
    pytest.param("{path: .spec.x, fields: {repository: other, tag: tag}}", id="other split reference"),
    pytest.param("{path: .spec.x, fields: {repository: tag, tag: repository}}", id="parts exchanged"),
]


@pytest.mark.parametrize("other", OTHERS)
def test_split_reference_is_set_whatever_another_way_finds(other: str) -> None:
    for kinds in ([SPLIT, other], [other, SPLIT]):
        config = read_config(
            "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
            f"images: [{{name: 'nginx:v1', newTag: v2}}]\nkinds: {{A: [{', '.join(kinds)}]}}\n"
            "onUnused: ignore\n"
        )
        outcome = set_images("kind: A\nspec: {x: {repository: nginx, tag: v1, other: redis}}\n", config)
        assert outcome.text == "kind: A\nspec: {x: {repository: nginx, tag: v2, other: redis}}\n"
        assert [result.severity for result in outcome.results] == [INFO]
