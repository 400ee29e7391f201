"""The explanation of a run: the rules that were tried, and why each image changes or does not change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import ROOT

from krm_image_setter import read_config
from krm_image_setter.config import ImageSetter, decode, read_values
from krm_image_setter.documents import Stream
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.explaining import Block, explain_builds, explainer
from krm_image_setter.kustomizations.reading import Sources
from krm_image_setter.results import INFO
from krm_image_setter.scan import Scan
from krm_image_setter.transform import Plans, plan_all

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n"
CACHE = "apiVersion: example.com/v1\nkind: Cache\nmetadata: {name: c}\nspec:\n"
DIGEST = f"sha256:{'0' * 64}"


def explained(text: str, config: str, file: str = "") -> list[Block]:
    """Return the blocks of a text."""
    setter = decode(read_values(HEAD + config, "c.yaml"))
    stream = Stream(text, file)
    plans: Plans[Scan] = plan_all(lambda look, _=None: [look(stream)], setter, lambda found: found, every=True)
    return explainer(setter, plans, None)(stream).blocks


def facts(blocks: list[Block], subject: str) -> list[str]:
    """Return the facts of the block about a subject, except the image and the rule that found it."""
    (block,) = (block for block in blocks if block.subject == subject)
    return [f"{label}: {text}" for label, text in block.facts if label not in ("image", "found by")]


IMAGE = "Pod/web: spec.containers[0].image"
NGINX = "images:\n- {name: nginx, newTag: '2'}\n"
DECISIONS = [
    ("entry", "nginx:1", NGINX, ["set to: nginx:2", "set by: c.yaml:4: images[0]"]),
    (
        "entry with another tag before the entry",
        "nginx:1",
        "images:\n- {name: 'nginx:3', newTag: '4'}\n- {name: nginx, newTag: '2'}\n",
        ["set to: nginx:2", "set by: c.yaml:5: images[1]", 'not by: c.yaml:4: images[0]: matches only "nginx:3"'],
    ),
    (
        "entry after an entry of the same name",
        "nginx:1",
        "images:\n- {name: nginx, newTag: '2'}\n- {name: 'nginx:1', newTag: '3'}\n",
        [
            "set to: nginx:2",
            "set by: c.yaml:4: images[0]",
            "not by: c.yaml:5: images[1]: an earlier entry sets the image",
        ],
    ),
    (
        "entry for another container",
        "nginx:1",
        "images:\n- {name: nginx, newTag: '2', containers: [b]}\n",
        [
            'unchanged: no entry of `images` sets "nginx"',
            'not by: c.yaml:4: images[0]: sets only containers named "b"',
        ],
    ),
    (
        "entry for all names below a path",
        "quay.io/org/app:1",
        "images:\n- {name: quay.io/org/*, newTag: '2'}\n- {name: quay.io/*, newTag: '3'}\n",
        [
            "set to: quay.io/org/app:2",
            "set by: c.yaml:4: images[0]",
            "not by: c.yaml:5: images[1]: an earlier entry sets the image",
        ],
    ),
    ("entry of another name", "redis:1", NGINX, ['unchanged: no entry of `images` sets "redis"']),
    (
        "entry that has set the image",
        "nginx:2",
        NGINX,
        ["unchanged: already the new reference", "set by: c.yaml:4: images[0]"],
    ),
    (
        "entry whose new name is in the field",
        "m.io/nginx:2",
        "images: {nginx: 'm.io/nginx:2'}\n",
        ["unchanged: already the new reference of an entry"],
    ),
    (
        "registry",
        "nginx:1",
        "registries:\n- {from: docker.io, to: m.io}\n",
        ["set to: m.io/library/nginx:1", "set by: c.yaml:4: registries[0]: docker.io -> m.io"],
    ),
    (
        "registry of another host",
        "quay.io/a:1",
        "registries:\n- {from: docker.io, to: m.io}\n",
        ['unchanged: no entry of `images` sets "quay.io/a", and no entry of `registries` moves it'],
    ),
    (
        "placeholder",
        "nginx:${TAG}",
        NGINX,
        ["unchanged: contains a placeholder; the program sets only complete references"],
    ),
    ("upper-case name", "NGINX:1", NGINX, ["unchanged: not an image reference: the name must be lowercase"]),
    ("empty field", "", NGINX, ["unchanged: the field is empty"]),
    (
        "pull policy",
        "nginx:1",
        f"{NGINX}imagePullPolicy: Always\n",
        [
            "set to: nginx:2",
            "set by: c.yaml:4: images[0]",
            'also: spec.containers[0].imagePullPolicy: set imagePullPolicy to "Always"',
        ],
    ),
    (
        "suffix that makes the tag too long",
        f"nginx:{'a' * 120}",
        "images:\n- {name: nginx, tagSuffix: -alpine-slim}\n",
        [
            f'unchanged: cannot set "nginx:{"a" * 120}-alpine-slim": invalid tag; a tag has up to 128 letters, '
            'digits, "_", "." or "-", and does not start with "." or "-"'
        ],
    ),
]


@pytest.mark.parametrize(
    ("image", "config", "expected"), [row[1:] for row in DECISIONS], ids=[row[0] for row in DECISIONS]
)
def test_decision_on_an_image_is_explained(image: str, config: str, expected: list[str]) -> None:
    assert facts(explained(f"{POD}  - {{name: a, image: '{image}'}}\n", config), IMAGE) == expected


def test_many_entries_of_one_name_are_counted() -> None:
    entries = "".join(f"- {{name: nginx, newTag: '2', containers: c{number}}}\n" for number in range(8))
    found = facts(explained(f"{POD}  - {{name: a, image: nginx}}\n", f"images:\n{entries}"), IMAGE)
    assert len(found) == 7
    assert found[-1] == "not by: 3 more entries with this name"


PATHS = [
    ("whole reference", ".spec.image", "  image: a:1\n", "matches spec.image"),
    (
        "misspelled key",
        ".spec.imag",
        "  image: a:1\n",
        'matches nothing: no field "imag" in .spec; did you mean "image"?',
    ),
    (
        "list without an index",
        ".spec.a.image",
        "  a: [{image: b}]\n",
        "matches nothing: .spec.a is a list; use [*]",
    ),
    ("list", ".spec.a", "  a: [b]\n", "matches spec.a, which is a list; expected a string"),
    ("several fields", ".spec.a[*]", "  a: [b, c]\n", "matches spec.a[0], spec.a[1]"),
    ("jsonpath-ng", "$.spec..x", "  a: b\n", "matches nothing"),
    ("fieldSpec", "spec/b", "  a: b\n", 'matches nothing: no field "b" in .spec'),
]


@pytest.mark.parametrize(("path", "spec", "expected"), [row[1:] for row in PATHS], ids=[row[0] for row in PATHS])
def test_path_is_explained_with_what_it_matches(path: str, spec: str, expected: str) -> None:
    blocks = explained(CACHE + spec, f"kinds: {{Cache: '{path}'}}\n")
    assert facts(blocks, "Cache/c") == [
        "tried: podSpecs: no image of a container or a volume",
        f"tried: c.yaml:3: kinds.Cache: {path} {expected}",
    ]


def test_path_object_is_explained_with_its_form() -> None:
    kinds = "{path: .spec.pod, as: yaml}, {path: .spec.parts, fields: {repository: r}}"
    text = f"{CACHE}  pod: '{{spec: {{containers: [{{image: nginx}}]}}}}'\n  parts: {{x: y}}\n"
    blocks = explained(text, f"{NGINX}kinds: {{Cache: [{kinds}]}}\n")
    assert facts(blocks, "Cache/c")[1:] == [
        "tried: c.yaml:5: kinds.Cache[0]: .spec.pod matches spec.pod, which is read as a document",
        "tried: c.yaml:5: kinds.Cache[1]: .spec.parts matches spec.parts, which contains no image",
    ]
    assert facts(blocks, "Cache/c: spec.pod: spec.containers[0].image")[0] == "set to: nginx:2"


def test_text_that_two_rules_read_is_set_once() -> None:
    kinds = "{path: .spec, fields: {repository: image, tag: tag}}, {path: .spec.tag, part: tag, of: nginx}"
    blocks = explained(f"{CACHE}  image: nginx\n  tag: '1'\n", f"{NGINX}kinds: {{Cache: [{kinds}]}}\n")
    assert facts(blocks, "Cache/c: spec")[0] == "set to: nginx:2"
    assert facts(blocks, "Cache/c: spec.tag")[0] == "unchanged: another rule already sets this text"


RESOURCES = [
    (
        "kind without a rule",
        "apiVersion: v1\nkind: Service\n",
        "",
        [
            "tried: podSpecs: no image of a container or a volume",
            f"no rule: {'no entry of `kinds` or of the catalog'} selects Service v1",
        ],
    ),
    (
        "kind in another case",
        "apiVersion: example.com/v1\nkind: Cache\nmetadata: {name: c, namespace: shop}\n",
        "kinds: {cache.example.com: .spec.image}\n",
        [
            "tried: podSpecs: no image of a container or a volume",
            "not tried: c.yaml:3: kinds.cache.example.com: selects cache example.com/*; this is Cache example.com/v1 shop c",
            "no rule: no entry of `kinds` or of the catalog selects Cache example.com/v1",
        ],
    ),
    (
        "pod specs and catalog turned off",
        "apiVersion: v1\nkind: Service\n",
        "podSpecs: false\ncatalog: false\n",
        [
            "not tried: podSpecs: `podSpecs: false` is set",
            "no rule: no entry of `kinds` (with `catalog: false`) selects Service v1",
        ],
    ),
    (
        "CustomResourceDefinition",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {containers: [{image: a}]}\n",
        "kinds: {CustomResourceDefinition: .spec.x}\n",
        [
            "not tried: podSpecs: the schema of a CustomResourceDefinition contains no images",
            'tried: c.yaml:3: kinds.CustomResourceDefinition: .spec.x matches nothing: no field "x" in .spec',
        ],
    ),
    (
        "optional paths of the catalog",
        "apiVersion: kafka.strimzi.io/v1\nkind: KafkaConnect\nspec: {image: 'a:1'}\n",
        "",
        [
            "tried: podSpecs: no image of a container or a volume",
            "tried: catalog: {.spec.image} matches spec.image",
        ],
    ),
]


@pytest.mark.parametrize(
    ("text", "config", "expected"), [row[1:] for row in RESOURCES], ids=[row[0] for row in RESOURCES]
)
def test_resource_is_explained_with_its_rules(text: str, config: str, expected: list[str]) -> None:
    (first, *_) = explained(text, config)
    assert [f"{label}: {text}" for label, text in first.facts][: len(expected)] == expected


def test_path_in_a_nested_resource_is_explained_with_its_start() -> None:
    text = (
        "apiVersion: work.open-cluster-management.io/v1\nkind: ManifestWork\nmetadata: {name: m}\nspec:\n"
        "  workload:\n    manifests:\n    - {apiVersion: example.com/v1, kind: Cache, spec: {image: a}}\n"
    )
    found = facts(explained(text, "kinds: {Cache: .spec.x}\n"), "ManifestWork/m")
    start = ".spec.x in spec.workload.manifests[0]"
    assert found[1] == f'tried: c.yaml:3: kinds.Cache: {start} matches nothing: no field "x" in .spec'


def test_variable_of_a_named_image_is_explained_without_env() -> None:
    text = f"{POD}  - name: a\n    args: [--image=nginx:1]\n    env: [{{name: A, value: 'nginx:1'}}, {{name: B, value: 'b:1'}}]\n"
    blocks = explained(text, NGINX)
    assert [block.subject for block in blocks[1:]] == [
        "Pod/web: spec.containers[0].env[0].value",
        "Pod/web: spec.containers[0].args[0]",
    ]
    prefix = "not by: c.yaml:4: images[0]: does not set"
    assert facts(blocks, blocks[1].subject) == [f"{prefix} an environment variable; add `env: true`"]
    assert facts(blocks, blocks[2].subject) == [f"{prefix} a command or an argument; add `args: true`"]


def test_values_of_a_secret_are_not_shown() -> None:
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: nginx:1\n  b: redis:7\n"
        "  p: 'spec: {containers: [{image: nginx:1}, {image: redis:7}]}'\n"
    )
    kinds = "kinds: {Secret: [.stringData.a, .stringData.b, {path: .stringData.p, as: yaml}]}\n"
    blocks = explained(text, f"{NGINX}- {{name: 'redis:6', newTag: '8'}}\n{kinds}")
    assert [block.image for block in blocks] == ["", *["***"] * 4]
    shown = "".join(line for block in blocks for line in block.lines("a"))
    assert "nginx" not in shown
    assert "redis" not in shown
    assert 'unchanged  no entry of `images` sets "***"' in shown


def test_values_file_is_explained_with_the_catalog() -> None:
    blocks = explained("web:\n  image: {repository: nginx, tag: '1'}\n", NGINX, "values.yaml")
    assert facts(blocks, "document that is not a resource") == [
        "tried: catalog (values.yaml, …): {$} matches web.image"
    ]
    assert facts(blocks, "web.image") == ["set to: nginx:2", "set by: c.yaml:4: images[0]"]


def test_sealed_resource_is_explained() -> None:
    (found,) = facts(explained(f"{POD}  - image: nginx:1\nsops: {{mac: x}}\n", NGINX), IMAGE)
    assert found.startswith("unchanged: encrypted with SOPS")


def test_lines_fold_at_spaces_but_not_a_suggestion() -> None:
    block = Block(3, "Pod/web", (("tried", "a " * 30), ("try", "b " * 30)))  # type: ignore[arg-type]
    head, tried, suggestion = block.lines("deploy/a.yaml", 40)
    assert head == "deploy/a.yaml:3: Pod/web"
    assert [len(line) <= 40 for line in tried.splitlines()] == [True] * 3
    assert all(line.startswith(" " * 13 + "a") for line in tried.splitlines()[1:])
    assert suggestion.count("\n") == 0


# Kustomizations

FILES = {
    "base/kustomization.yaml": "resources: [web.yaml]\nimages:\n- {name: nginx, newTag: '1.26'}\n- {name: old, newTag: '1'}\n",
    "base/web.yaml": f"{POD}  - {{name: a, image: nginx}}\n  - {{name: b, image: redis}}\n",
    "prod/kustomization.yaml": "resources: [../base]\nimages:\n- {name: nginx, newName: m.io/nginx}\n",
}


def planned(config: str, files: dict[str, str]) -> tuple[ImageSetter, Plans[Scan | None], Sources]:
    """Return the plans of files with kustomizations."""
    setter = decode(read_values(HEAD + config, "c.yaml"))
    sources = Sources({name: name for name in files}, files.get)

    def visit(look: Callable[[Stream], Any], names: Iterable[str] | None = None) -> Iterator[Any]:
        for name in names or files:
            try:
                yield look(Stream(files[name], name, source=name))
            except ImageSetterError:
                yield None

    return setter, plan_all(visit, setter, lambda found: found, files, sources, every=True), sources


def builds(config: str, files: dict[str, str]) -> dict[str, list[str]]:
    """Return the facts of the builds by subject."""
    _, plans, sources = planned(config, files)
    assert plans.planned is not None
    blocks = explain_builds(plans.planned, plans.rules, sources)
    return {
        f"{key}:{block.line}: {block.subject}": [": ".join(fact) for fact in block.facts] for key, block in blocks
    }


def test_image_that_a_kustomization_sets_is_explained() -> None:
    setter, plans, sources = planned("images:\n- {name: nginx, newTag: '1.27'}\n", FILES)
    look = explainer(setter, plans, sources)
    blocks = look(Stream(FILES["base/web.yaml"], source="base/web.yaml")).blocks
    expected = ["unchanged: a kustomization sets the image; see the explanation of its builds"]
    assert facts(blocks, "Pod/web: spec.containers[0].image") == expected
    assert look(Stream(FILES["base/kustomization.yaml"], source="base/kustomization.yaml")).blocks == []


def test_build_is_explained_with_the_entries_on_the_way() -> None:
    found = builds("images:\n- {name: m.io/nginx, newTag: '1.27'}\n", FILES)
    assert found["prod/kustomization.yaml:3: build of prod: Pod/web: spec.containers[0].image"] == [
        "starts as: nginx in base/web.yaml:6",
        "becomes: nginx:1.26 by base/kustomization.yaml:3: images[0]",
        "becomes: m.io/nginx:1.26 by prod/kustomization.yaml:3: images[0]",
        "image: m.io/nginx:1.26 (of the build)",
        "set to: m.io/nginx:1.27",
        "set by: c.yaml:4: images[0]",
        "change in: prod/kustomization.yaml:3",
    ]


def test_entry_without_an_image_is_explained() -> None:
    assert builds("", FILES)['base/kustomization.yaml:4: images[1]: "old"'] == [
        "unchanged: the entry matches no image in a build of these files"
    ]


def test_image_that_shares_an_entry_is_explained_with_the_reason() -> None:
    files = {
        "kustomization.yaml": "resources: [a.yaml, b.yaml]\nimages: [{name: nginx, newTag: '1'}]\n",
        "a.yaml": f"{POD}  - {{name: a, image: nginx}}\n",
        "b.yaml": f"{POD.replace('web', 'b')}  - {{name: b, image: nginx}}\n",
    }
    found = builds("images:\n- {name: nginx, newTag: '2', containers: a}\n", files)
    one = found["kustomization.yaml:2: build of .: Pod/web: spec.containers[0].image"]
    assert one[2] == "image: nginx:1 (of the build)"
    assert one[3].startswith(("unchanged: ", "set to: nginx:2"))


# The explanation agrees with the program.

CASES = [
    path
    for path in sorted((ROOT / "fixtures").iterdir())
    if (path / "config.yaml").exists() and (path / "input.yaml").exists()
]


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_explanation_contains_all_changes(folder: Path) -> None:
    config, text = (folder / "config.yaml").read_text(), (folder / "input.yaml").read_text()
    try:
        setter = read_config(config)
        stream = Stream(text)
        plans: Plans[Scan] = plan_all(lambda look, _=None: [look(stream)], setter, lambda found: found, every=True)
    except ImageSetterError:
        pytest.skip("the case is about an error")
    blocks = explainer(setter, plans, None)(stream).blocks
    shown = Counter(text for block in blocks for label, text in block.facts if label == "set to")
    set_ = Counter(one.proposed_value for one in plans.each[0].results if one.severity == INFO)
    assert shown == set_
