"""Setting the sources of a build has the same effect as setting the output of the build.

Random trees of kustomizations are built with `kubectl kustomize` before and after `set`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from orchestrator import Orchestrator

from krm_image_setter import read_config, set_images, set_images_in

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
NAMES = ("nginx", "reg.old/team/api", "quay.io/org/side", "app", "docker.io/library/redis")
MIRRORS = ("mirror.corp/api", "mirror.corp/side", "reg.old/team/api")
DIGEST = "sha256:" + "ab" * 32


class Tree(NamedTuple):
    """The files of a random tree, its builds, and a configuration."""

    files: dict[str, str]
    roots: list[str]
    config: str


def image(choose: random.Random) -> str:
    return choose.choice(NAMES) + choose.choice(["", ":1", ":1.25-alpine", ":2", f"@{DIGEST}"])


def workload(choose: random.Random, name: str) -> str:
    containers = "".join(
        f"      - name: c{index}  # container\n        image: {image(choose)}   # keep me\n"
        for index in range(choose.randint(1, 3))
    )
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\n"
        f"spec:\n  template:\n    spec:\n      containers:\n{containers}"
    )


def entry(choose: random.Random) -> str:
    keys = choose.choice(
        [
            {"newTag": "'5'"},
            {"newName": choose.choice(MIRRORS)},
            {"newName": choose.choice(MIRRORS), "newTag": '"6"'},
            {"digest": DIGEST},
            {"newTag": "v7", "digest": DIGEST},
            {"tagSuffix": "-dbg"},
        ]
    )
    pairs = [f"{key}: {value}" for key, value in {"name": choose.choice([*NAMES, *MIRRORS]), **keys}.items()]
    if choose.random() < 0.3:
        return f"- {{{', '.join(pairs)}}}  # flow\n"
    return "- " + "  # block\n  ".join(pairs) + "\n"


def entries(choose: random.Random, most: int) -> str:
    count = choose.randint(0, most)
    return "images:\n" + "".join(entry(choose) for _ in range(count)) if count else ""


def patch(choose: random.Random) -> str:
    operation = choose.choice(["replace", "add"])
    return (
        "patches:\n- target: {kind: Deployment, name: web}\n  patch: |-\n"
        f"    - op: {operation}\n      path: /spec/template/spec/containers/0/image\n      value: {image(choose)}\n"
    )


def merge_patch(choose: random.Random) -> str:
    return (
        "patches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec:\n"
        f'      template: {{spec: {{containers: [{{name: side, image: "{image(choose)}"}}]}}}}\n'
    )


def wish(choose: random.Random) -> str:
    name = choose.choice([*NAMES, *MIRRORS])
    keys = choose.choice(
        [
            'newTag: "99"',
            "newName: new.host/x",
            'newName: new.host/x, newTag: "99"',
            f"digest: {'sha256:' + 'f' * 64}",
        ]
    )
    if choose.random() < 0.2:
        return "registries: [{from: reg.old, to: new.host/all}, {from: docker.io, to: new.host/hub}]\n"
    return f"images: [{{name: {name}, {keys}}}]\n"


def random_tree(seed: int) -> Tree:
    choose = random.Random(seed)
    files = {"base/web.yaml": workload(choose, "web"), "base/other.yaml": workload(choose, "other")}
    files["base/kustomization.yaml"] = "resources: [web.yaml, other.yaml]\n" + entries(choose, 1)
    component = choose.random() < 0.3
    if component:
        kind = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
        files["component/kustomization.yml"] = kind + entries(choose, 2)
    roots = [f"overlays/{name}" for name in ("dev", "prod")[: choose.randint(1, 2)]]
    for root in roots:
        text = "# overlay\nresources:\n- ../../base\n" + entries(choose, 2)
        text += choose.choice([lambda _: "", lambda _: "", patch, merge_patch])(choose)
        files[f"{root}/Kustomization"] = text + "components: [../../component]\n" * component
    return Tree(files, roots, HEAD + wish(choose))


def images_in(text: str) -> Iterator[str]:
    return (match[1] for match in re.finditer(r"image: (\S+)", text))


@pytest.mark.parametrize("seed", range(30))
def test_random_tree_is_set_like_its_build(kubectl: Orchestrator, seed: int) -> None:
    tree = random_tree(seed)
    config = read_config(tree.config)
    for name, text in tree.files.items():
        kubectl.write(f"before/{name}", text)
    outcomes = set_images_in(tree.files, config)
    warnings = [
        result.message for one in outcomes.of.values() for result in one.results if result.severity != "info"
    ]
    new = {name: outcome.text for name, outcome in outcomes.of.items()}
    for name, text in new.items():
        kubectl.write(f"after/{name}", text)
        assert re.findall("#.*", text) == re.findall("#.*", tree.files[name])
    assert {name: one.text for name, one in set_images_in(new, config).of.items()} == new
    for root in tree.roots:
        before, after = (kubectl("kustomize", f"{top}/{root}").stdout for top in ("before", "after"))
        wanted = set_images(before, config).text
        assert after == wanted or warnings
        # An image that is not set is not changed at all.
        for one in zip(images_in(before), images_in(wanted), images_in(after), strict=True):
            assert one[2] in one[:2]
