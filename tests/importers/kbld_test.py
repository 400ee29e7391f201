from __future__ import annotations

import json
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from importers.acceptance import Case, accepted, imported

from krm_image_setter.errors import ConfigError
from krm_image_setter.importers import Imported
from krm_image_setter.importers.kbld import import_kbld

D = "sha256:" + "2" * 64
HEAD = "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n"
IMAGE = """\
kinds:
# kbld's own rule
- kind: "*"
  paths: "{..image}"
"""
TEXTS = "# An image is a text to kbld; here its other spellings are the same image.\nimages:\n"
GIVE = """\
# kbld builds these. Give each as an argument, or write it here for
# NEW-REFERENCE and take the first # of these lines away.
"""


def read_kbld(text: str) -> Imported:
    return accepted(import_kbld(text, "kbld.yaml"))


# Each is below HEAD: its first line is line 3.
IMAGES = [
    Case("nothing", "minimumRequiredVersion: 0.15.0\n", IMAGE),
    Case(
        "overrides",
        f"""\
        overrides:
        - image: nginx:1.25
          newImage: registry.example.com/nginx:1.25
          preresolved: true
        - imageRepo: quay.io/org/app
          newImage: quay.io/org/app@{D}
          origins: [{{git: {{sha: a}}}}]
        - image: redis
          newImage: redis:7
          preresolved: true
          platformSelection: {{os: linux}}
        """,
        f"""\
        # line 4
        - name: nginx:1.25
          newImage: registry.example.com/nginx:1.25
        # line 7
        - name: quay.io/org/app
          newImage: "quay.io/org/app@{D}"
        # line 10
        - name: redis
          newImage: redis:7
        """,
    ),
    Case(
        "a text without a tag, and its other tags",
        f"""\
        overrides:
        - {{image: nginx, newImage: "a/nginx@{D}"}}
        - {{image: "nginx:1", newImage: "b/nginx@{D}"}}
        - {{image: redis, newImage: "a/redis@{D}"}}
        - {{imageRepo: redis, newImage: "b/redis@{D}"}}
        """,
        f"""\
        # line 5
        - name: nginx:1
          newImage: "b/nginx@{D}"
        # line 7
        - name: redis
          newImage: "b/redis@{D}"
        # line 4
        - name: nginx
          newImage: "a/nginx@{D}"
        """,
        ((6, 'overrides[2]: line 7 has set "redis", and each image is set once: left out'),),
    ),
    Case(
        "the registry is asked",
        """\
        overrides:
        - {image: a, newImage: "a:1"}
        - image: b
          newImage: b
          tagSelection: {semver: {constraints: ">=1"}}
        - image: c
          newImage: c
          platformSelection: {os: linux}
        """,
        """\
        # line 4
        - name: a
          newImage: a:1
        """,
        (
            (
                4,
                "overrides[0].newImage: kbld builds this, or asks the registry for its digest; here it is set as it stands",
            ),
            (
                7,
                "overrides[1].tagSelection: kbld asks the registry for the image: add an entry with what it chooses",
            ),
            (
                10,
                "overrides[2].platformSelection: kbld asks the registry for the image: add an entry with what it chooses",
            ),
        ),
    ),
    Case(
        "an ImagesLock, several documents, other kinds of kbld's, other resources",
        f"""\
        ---
        kind: Deployment
        ---
        - a
        ---
        apiVersion: imgpkg.carvel.dev/v1alpha1
        kind: ImagesLock
        images:
        - image: registry.example.com/app@{D}
          annotations: {{kbld.carvel.dev/id: "app:1", kbld.carvel.dev/origins: a}}
        - image: registry.example.com/app@{D}
        ---
        apiVersion: kbld.k14s.io/v1alpha1
        kind: ImageOverrides
        overrides:
        - {{image: "b:1", newImage: "c@{D}"}}
        """,
        f"""\
        # line 18
        - name: b:1
          newImage: "c@{D}"
        # line 11
        - name: app:1
          newImage: "registry.example.com/app@{D}"
        """,
        ((13, "images[1]: image or the annotation kbld.carvel.dev/id is missing: add it"),),
    ),
    Case(
        "wrong overrides",
        """\
        overrides:
        - a
        - newImage: a
        - image: a
        - {image: A, newImage: a}
        - {image: a, newImage: "b:c:d"}
        - {imageRepo: "a:1", newImage: b}
        - {image: a, newImage: b, preresolved: maybe}
        - {image: a, newImage: b, preresolved: true, resolved: 1}
        """,
        """\
        # line 11
        - name: a
          newImage: b
        """,
        (
            (4, 'overrides[0]: this must be a mapping, not "a"'),
            (5, "overrides[1]: image is missing: add it"),
            (6, "overrides[2]: newImage is missing: add it"),
            (7, 'overrides[3].image: invalid image reference "A": the name must be lowercase'),
            (
                8,
                'overrides[4].newImage: invalid image reference "b:c:d": expected [HOST/]NAME[:TAG][@DIGEST], such as quay.io/org/app:1',
            ),
            (9, "overrides[5].imageRepo: this takes a name: give it without tag and digest"),
            (10, 'overrides[6].preresolved: this must be true or false, not "maybe"'),
            (
                11,
                'overrides[7].resolved: unknown field "resolved": did you mean "preresolved"?',
            ),
        ),
    ),
]


@pytest.mark.parametrize("case", IMAGES, ids=[case.name for case in IMAGES])
def test_images(case: Case) -> None:
    fields = dedent(case.fields)
    wanted = fields if fields == IMAGE else TEXTS + fields + IMAGE
    assert read_kbld(HEAD + dedent(case.text)) == imported("kbld.yaml", wanted, case.notes)


SOURCES = """\
sources:
- image: app
  path: src
  docker: {build: {rawOptions: [--squash]}}
- imageRepo: web
  path: web
"""


def test_what_is_built() -> None:
    text = f"""\
{HEAD}{SOURCES}destinations:
- {{image: app, newImage: registry.example.com/app, tags: [v1]}}
- image: web
- image: db
sources2: []
"""
    fields = f"""\
{GIVE}# images:
# # line 4
# # line 10: it is pushed to registry.example.com/app
# # --image app=NEW-REFERENCE
# - name: app
#   newImage: NEW-REFERENCE
# # line 7
# # --image web=NEW-REFERENCE
# - name: web
#   newImage: NEW-REFERENCE
{IMAGE}"""
    assert read_kbld(text) == imported(
        "kbld.yaml",
        fields,
        (
            (
                12,
                "destinations[2]: no source builds this image, so it is not pushed: add an entry with what becomes of it",
            ),
            (13, 'sources2: unknown field "sources2": did you mean "sources"?'),
        ),
    )


def test_what_is_built_beside_what_is_not() -> None:
    text = f"{HEAD}sources: [{{image: app, path: a}}]\noverrides: [{{image: web, newImage: 'web@{D}'}}]\n"
    fields = f"""\
{TEXTS}# line 4
- name: web
  newImage: "web@{D}"
{GIVE}# # line 3
# # --image app=NEW-REFERENCE
# - name: app
#   newImage: NEW-REFERENCE
{IMAGE}"""
    assert read_kbld(text) == imported("kbld.yaml", fields)


RULES = [
    # id, search rule, its item of `paths`, note
    ("name", "keyMatcher: {name: sidecarImage}", '"{..sidecarImage}"', ""),
    ("name with a dot", "keyMatcher: {name: sidecar.image}", "\"{..['sidecar.image']}\"", ""),
    (
        "path",
        "keyMatcher: {path: [spec, images, {allIndexes: true}, a.b, {index: 0}, x-image]}",
        "\"{.spec.images[*]['a.b'][0].x-image}\"",
        "",
    ),
    ("entire value", "{keyMatcher: {name: a}, updateStrategy: {entireValue: {}}}", '"{..a}"', ""),
    (
        "YAML in a string",
        "{keyMatcher: {name: config.yml}, updateStrategy: {yaml: {searchRules: [{keyMatcher: {name: image}}]}}}",
        "path: \"{..['config.yml']}\"\n    as: yaml\n    paths: \"{..image}\"",
        "",
    ),
    (
        "JSON in YAML in a string",
        "{keyMatcher: {path: [data, a]}, updateStrategy: {yaml: {searchRules: [{keyMatcher: {name: b}}, "
        "{keyMatcher: {name: c}, updateStrategy: {json: {searchRules: [{keyMatcher: {path: [d]}}]}}}]}}}",
        'path: "{.data.a}"\n    as: yaml\n    paths:\n    - "{..b}"\n    - path: "{..c}"\n      as: json\n'
        '      paths: "{.d}"',
        "",
    ),
    (
        "value too",
        "{keyMatcher: {name: a}, valueMatcher: {imageRepo: nginx}}",
        '"{..a}"',
        ".valueMatcher: this is left out: every image that stands where keyMatcher says is set",
    ),
    (
        "value alone",
        "valueMatcher: {image: nginx}",
        "",
        ": no field can be found by its value alone here: add its path to kinds",
    ),
    (
        "none",
        "{keyMatcher: {name: a}, updateStrategy: {none: {}}}",
        "",
        ": no field can be taken out here: see that no path leads there",
    ),
    (
        "no rules for what is in a string",
        "{keyMatcher: {name: a}, updateStrategy: {json: {}}}",
        "",
        ": no search rule says where in this document images are: add one",
    ),
    ("no key", "keyMatcher: {nam: {}}", "", '.keyMatcher.nam: unknown field "nam": did you mean "name"?'),
    ("a quote", 'keyMatcher: {name: "it\'s"}', "", ".keyMatcher.name: this can't be written as a path: add by hand one that leads there"),
    ("a quote in a path", 'keyMatcher: {path: ["it\'s"]}', "", ".keyMatcher.path: this can't be written as a path: add by hand one that leads there"),
    (
        "no index",
        "keyMatcher: {path: [a, {index: -1}]}",
        "",
        ".keyMatcher.path[1]: this is no part of a path: give a key, {index: NUMBER} or {allIndexes: true}",
    ),
    (
        "not all indexes",
        "keyMatcher: {path: [a, {allIndexes: false}]}",
        "",
        ".keyMatcher.path[1]: this is no part of a path: give a key, {index: NUMBER} or {allIndexes: true}",
    ),
]  # fmt: skip


@pytest.mark.parametrize("rule, node, note", [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_search_rules(rule: str, node: str, note: str) -> None:
    found = read_kbld(f"{HEAD}searchRules:\n- {rule}\n")
    origins = f'# line 4\n# kbld\'s own rule\n- kind: "*"\n  paths:\n  - {node}\n  - "{{..image}}"\n'
    assert found.text == imported("kbld.yaml", f"kinds:\n{origins}" if node else IMAGE).text
    first = found.notes[0] if found.notes else (4, "")
    assert first == ((4, f"searchRules[0]{note}") if note else (4, ""))


def test_keys() -> None:
    found = read_kbld("apiVersion: kbld.k14s.io/v1alpha1\nkind: ImageKeys\nkeys:\n- sidecarImage\n- image\n")
    fields = """\
    kinds:
    # line 4
    # line 5
    # kbld's own rule
    - kind: "*"
      paths:
      - "{..sidecarImage}"
      - "{..image}"
    """
    assert found == imported("kbld.yaml", fields)


def test_without_its_own_rule() -> None:
    text = "searchRules: [{keyMatcher: {name: a}}, {keyMatcher: {name: image}, updateStrategy: {none: {}}}]\n"
    fields = """\
    podSpecs: false
    catalog: false
    kinds:
    # line 3
    - kind: "*"
      paths: "{..a}"
    """
    assert read_kbld(HEAD + text) == imported("kbld.yaml", fields)


def test_not_yaml() -> None:
    with pytest.raises(ConfigError) as error:
        import_kbld("a: [\n", "dev/kbld.yaml")
    assert str(error.value).startswith("dev/kbld.yaml: line 2 column 1: ")


PIECES = [
    "overrides", "sources", "destinations", "keys", "searchRules", "image", "imageRepo", "newImage", "preresolved",
    "keyMatcher", "valueMatcher", "updateStrategy", "name", "path", "none", "json", "yaml", "index", "allIndexes",
    "images", "annotations", "kbld.carvel.dev/id", "a", "a:1", "A", f"a@{D}", "a.b", "it's", "",
]  # fmt: skip
VALUES = st.recursive(
    st.sampled_from(PIECES) | st.text(max_size=3) | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(PIECES), inner, max_size=5),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(PIECES[:5]), st.lists(VALUES, max_size=4)))
def test_whatever_a_config_holds(config: dict[str, object]) -> None:
    read_kbld(json.dumps({"apiVersion": "kbld.k14s.io/v1alpha1", "kind": "Config", **config}))


@given(st.lists(VALUES, max_size=4))
def test_whatever_a_lock_holds(images: list[object]) -> None:
    read_kbld(json.dumps({"apiVersion": "imgpkg.carvel.dev/v1alpha1", "kind": "ImagesLock", "images": images}))
