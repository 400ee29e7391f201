from __future__ import annotations

import json
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from importers.acceptance import Case, accepted, imported, source

from krm_image_setter.errors import ConfigError
from krm_image_setter.importers import Imported
from krm_image_setter.importers.kbld import import_kbld

D = "sha256:" + "2" * 64
HEAD = "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n"
IMAGE = """\
kinds:
# kbld's default: every field named "image"
- kind: "*"
  paths: "{..image}"
"""
TEXTS = (
    "# kbld compares image strings exactly; here nginx and docker.io/library/nginx are the same image.\nimages:\n"
)
GIVE = """\
# kbld builds these images. Pass each as an argument, or replace
# NEW-REFERENCE below and remove the first # of these lines.
"""


def read_kbld(text: str) -> Imported:
    return accepted(import_kbld(source(text, "kbld.yaml")))


# Each is below HEAD: its first line is line 3.
IMAGES = [
    Case("no images", "minimumRequiredVersion: 0.15.0\n", IMAGE),
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
          newImage: quay.io/org/app@{D}
        # line 10
        - name: redis
          newImage: redis:7
        """,
    ),
    Case(
        "name without a tag next to tags of it",
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
          newImage: b/nginx@{D}
        # line 7
        - name: redis
          newImage: b/redis@{D}
        # line 4
        - name: nginx
          newImage: a/nginx@{D}
        """,
        ((6, 'overrides[2]: not imported: the entry at line 7 already sets "redis"'),),
    ),
    Case(
        "images that need the registry",
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
                "overrides[0].newImage: imported as written, without a digest: kbld would build or resolve it",
            ),
            (
                7,
                "overrides[1].tagSelection: not imported: kbld selects this image in the registry; add an "
                "`images` entry with the result",
            ),
            (
                10,
                "overrides[2].platformSelection: not imported: kbld selects this image in the registry; add an "
                "`images` entry with the result",
            ),
        ),
    ),
    Case(
        "ImagesLock, several documents and kinds",
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
          newImage: c@{D}
        # line 11
        - name: app:1
          newImage: registry.example.com/app@{D}
        """,
        ((13, "images[1]: not imported: missing annotation `kbld.carvel.dev/id`"),),
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
            (4, 'overrides[0]: not imported: expected a mapping, got "a"'),
            (5, "overrides[1]: not imported: missing required field `image` or `imageRepo`"),
            (6, "overrides[2]: not imported: missing required field `newImage`"),
            (7, 'overrides[3].image: not imported: invalid image reference "A": the name must be lowercase'),
            (
                8,
                'overrides[4].newImage: not imported: invalid image reference "b:c:d": expected '
                "[HOST/]NAME[:TAG][@DIGEST], such as quay.io/org/app:1",
            ),
            (9, "overrides[5].imageRepo: not imported: expected an image name without a tag or digest"),
            (10, 'overrides[6].preresolved: not imported: expected true or false, got "maybe"'),
            (
                11,
                'overrides[7].resolved: not imported: unknown field "resolved"; did you mean "preresolved"?',
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


def test_built_images_are_comments() -> None:
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
# # line 10: pushed to registry.example.com/app
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
                "destinations[2]: not imported: no `sources` entry builds this image; add an `images` entry if "
                "it should be set",
            ),
            (13, 'sources2: not imported: unknown field "sources2"; did you mean "sources"?'),
        ),
    )


def test_built_images_follow_overrides() -> None:
    text = f"{HEAD}sources: [{{image: app, path: a}}]\noverrides: [{{image: web, newImage: 'web@{D}'}}]\n"
    fields = f"""\
{TEXTS}# line 4
- name: web
  newImage: web@{D}
{GIVE}# # line 3
# # --image app=NEW-REFERENCE
# - name: app
#   newImage: NEW-REFERENCE
{IMAGE}"""
    assert read_kbld(text) == imported("kbld.yaml", fields)


KEY = "not imported: the key cannot be written as a path; add the path to `kinds`"
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
        'path: "{..[\'config.yml\']}"\n    as: yaml\n    paths: "{..image}"',
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
        ".valueMatcher: imported without `valueMatcher`: every image at the matched paths is set",
    ),
    (
        "value alone",
        "valueMatcher: {image: nginx}",
        "",
        ": not imported: fields cannot be matched by value alone; add their paths to `kinds`",
    ),
    (
        "none",
        "{keyMatcher: {name: a}, updateStrategy: {none: {}}}",
        "",
        ": not imported: fields cannot be excluded; check that no path matches this field",
    ),
    (
        "no rules for what is in a string",
        "{keyMatcher: {name: a}, updateStrategy: {json: {}}}",
        "",
        ": not imported: no `searchRules` for the embedded document",
    ),
    (
        "no key",
        "keyMatcher: {nam: {}}",
        "",
        '.keyMatcher.nam: not imported: unknown field "nam"; did you mean "name"?',
    ),
    ("a quote", 'keyMatcher: {name: "it\'s"}', "", f".keyMatcher.name: {KEY}"),
    ("a quote in a path", 'keyMatcher: {path: ["it\'s"]}', "", f".keyMatcher.path: {KEY}"),
    (
        "no index",
        "keyMatcher: {path: [a, {index: -1}]}",
        "",
        ".keyMatcher.path[1]: not imported: invalid part of a path; expected a key, `{index: NUMBER}` or "
        "`{allIndexes: true}`",
    ),
    (
        "not all indexes",
        "keyMatcher: {path: [a, {allIndexes: false}]}",
        "",
        ".keyMatcher.path[1]: not imported: invalid part of a path; expected a key, `{index: NUMBER}` or "
        "`{allIndexes: true}`",
    ),
]


@pytest.mark.parametrize("rule, node, note", [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_search_rules(rule: str, node: str, note: str) -> None:
    found = read_kbld(f"{HEAD}searchRules:\n- {rule}\n")
    origins = (
        "# line 4\n"
        '# kbld\'s default: every field named "image"\n'
        '- kind: "*"\n'
        "  paths:\n"
        f"  - {node}\n"
        '  - "{..image}"\n'
    )
    assert found.text == imported("kbld.yaml", f"kinds:\n{origins}" if node else IMAGE).text
    first = found.notes[0] if found.notes else (4, "")
    assert first == ((4, f"searchRules[0]{note}") if note else (4, ""))


def test_keys() -> None:
    found = read_kbld("apiVersion: kbld.k14s.io/v1alpha1\nkind: ImageKeys\nkeys:\n- sidecarImage\n- image\n")
    fields = """\
    kinds:
    # line 4
    # line 5
    # kbld's default: every field named "image"
    - kind: "*"
      paths:
      - "{..sidecarImage}"
      - "{..image}"
    """
    assert found == imported("kbld.yaml", fields)


def test_default_rule_can_be_disabled() -> None:
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


def test_error_not_yaml() -> None:
    with pytest.raises(ConfigError) as error:
        import_kbld(source("a: [\n", "dev/kbld.yaml"))
    assert str(error.value).startswith("dev/kbld.yaml:2:1: ")


PIECES = [
    "overrides",
    "sources",
    "destinations",
    "keys",
    "searchRules",
    "image",
    "imageRepo",
    "newImage",
    "preresolved",
    "keyMatcher",
    "valueMatcher",
    "updateStrategy",
    "name",
    "path",
    "none",
    "json",
    "yaml",
    "index",
    "allIndexes",
    "images",
    "annotations",
    "kbld.carvel.dev/id",
    "a",
    "a:1",
    "A",
    f"a@{D}",
    "a.b",
    "it's",
    "",
]
VALUES = st.recursive(
    st.sampled_from(PIECES) | st.text(max_size=3) | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(PIECES), inner, max_size=5),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(PIECES[:5]), st.lists(VALUES, max_size=4)))
def test_any_config_becomes_a_valid_configuration(config: dict[str, object]) -> None:
    read_kbld(json.dumps({"apiVersion": "kbld.k14s.io/v1alpha1", "kind": "Config", **config}))


@given(st.lists(VALUES, max_size=4))
def test_any_lock_becomes_a_valid_configuration(images: list[object]) -> None:
    read_kbld(json.dumps({"apiVersion": "imgpkg.carvel.dev/v1alpha1", "kind": "ImagesLock", "images": images}))
