from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from importers.acceptance import Case, accepted, imported, source

from krm_image_setter.errors import ConfigError, InputError
from krm_image_setter.importers import Imported
from krm_image_setter.importers.kustomization import import_kustomization

FILES = {
    "connect.yaml": """\
images:
- path: spec/image
  kind: KafkaConnect
  group: kafka.strimzi.io
- path: spec/sidecars[]/image
  kind: KafkaConnect
  group: kafka.strimzi.io
  create: true
nameReference:
- kind: Secret
""",
    "any.yaml": """\
images:
- path: spec/image
- path: spec/web/image
  version: v1
- path: spec/db/image
  version: v1
  group: example.com
""",
    "odd.yaml": """\
images:
- path: image
- path: $spec/image
- path: a//image
- path: spec/a\\.b/image
- kind: Foo
- path: spec/image
  crate: true
- {path: spec/image, kind: "\\u0085"}
- {path: spec/image, kind: CustomResourceDefinition}
image: x
""",
    "broken.yaml": "images: *none\n",
    "list.yaml": "- images\n",
    "word.yaml": "images\n",
    "nothing.yaml": "",
    "transformer.yaml": """\
apiVersion: builtin
kind: ImageTagTransformer
metadata: {name: a}
imageTag:
  name: nginx
  newTag: "5"
fieldSpecs:
- path: spec/image
  kind: Widget
""",
    "setter.yaml": "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {a: b}\n",
    "image.yaml": "spec: {image: nginx}\n",
    "labels.yaml": "spec: {imagePullPolicy: Always}\n",
    "base/kustomization.yml": "images: [{name: a, newTag: b}]\nresources: [../deep, a.yaml]\n",
    "deep/Kustomization": "configurations: [a.yaml]\ntransformers: [b.yaml]\nbases: [../base, ../gone]\n",
    "plain/kustomization.yaml": "images: []\nresources: []\n",
    "bad/kustomization.yaml": "- a\n",
}


def files(texts: Mapping[str, str]) -> Callable[[str], str]:
    def read(path: str) -> str:
        if path not in texts:
            raise InputError("cannot read file: No such file or directory", file=path)
        return texts[path]

    return read


def read_kustomization(text: str) -> Imported:
    return accepted(import_kustomization(source(text, "kustomization.yaml", files(FILES))))


NOTHING = (1, "no images or image paths found in this file")
UNREADABLE = "not imported: cannot read file: No such file or directory"
CHANGES = "not imported: the entry seems to change an image; keep it in the kustomization"

CASES = [
    Case(
        "every field",
        f"""\
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        namePrefix: a-
        images:
        - name: nginx
          newName: registry.example.com/nginx
          newTag: "1.25"
        - name: quay.io/org/app
          newTag: v2
          digest: sha256:{"2" * 64}
        - name: postgres
          tagSuffix: -alpine
        - {{name: "app:1", newName: app2}}
        """,
        f"""\
        images:
        # line 5
        - name: nginx
          newName: registry.example.com/nginx
          newTag: "1.25"
        # line 8
        - name: quay.io/org/app
          newTag: v2
          digest: sha256:{"2" * 64}
        # line 11
        - name: postgres
          tagSuffix: -alpine
        # line 13
        - name: app:1
          newName: app2
        """,
    ),
    Case(
        "JSON without a kind, with empty fields and imageTags",
        '{"images": null, "imageTags": [{"name": "a", "newName": "", "newTag": "b", "digest": null}]}',
        """\
        images:
        # line 1
        - name: a
          newTag: b
        """,
    ),
    Case("no images", "namePrefix: a-\nresources: [a.yaml, b.yml, c.json]\n", "", (NOTHING,)),
    Case("list", "- a\n", "", ((1, "not imported: expected a mapping, got a list"),)),
    Case("string", "images\n", "", ((1, 'not imported: expected a mapping, got "images"'),)),
    Case(
        "mapping instead of images",
        "images: {name: a}\n",
        "",
        ((1, "images: not imported: expected a list, got a mapping"),),
    ),
    Case(
        "wrong entries",
        """\
        images:
        - a
        - newTag: b
        - name: a
        - name: a
          newTag: 1.10
        - name: b
          newTag: v1
          newtag: v2
        - name: .*/nginx
          newTag: v1
        - name: A
          newTag: v1
        - name: a
          newName: b:1
        - name: a
          newTag: v1
          tagSuffix: -x
        image: []
        """,
        """\
        images:
        # line 7
        - name: b
          newTag: v1
        # line 16
        - name: a
          newTag: v1
        """,
        (
            (2, 'images[0]: not imported: expected a mapping, got "a"'),
            (3, "images[1]: not imported: missing required field `name`"),
            (4, "images[2]: not imported: the entry sets nothing"),
            (6, 'images[3].newTag: not imported: YAML reads 1.10 as the number 1.1; quote it: "1.10"'),
            (9, 'images[4].newtag: not imported: unknown field "newtag"; did you mean "newTag"?'),
            (
                10,
                'images[5].name: not imported: ".*/nginx" is a regular expression in kustomize, but names are '
                "literal here; "
                "add one entry per image",
            ),
            (12, 'images[6].name: not imported: invalid image reference "A": the name must be lowercase'),
            (15, 'images[7].newName: not imported: `newName` cannot contain a tag; use `newTag: "1"`'),
            (
                18,
                "images[8].tagSuffix: imported without `tagSuffix`: kustomize ignores it next to `newTag` or "
                "`digest`",
            ),
            (19, 'image: not imported: unknown field "image"; did you mean "images"?'),
        ),
    ),
    Case(
        "chained entries",
        f"""\
        images:
        - {{name: a, newName: b}}
        - {{name: a, newTag: v0}}
        - {{name: b, newTag: v1}}
        - {{name: b, tagSuffix: -x}}
        - {{name: c, tagSuffix: -x}}
        - {{name: c, tagSuffix: -y}}
        - {{name: d, digest: "sha256:{"2" * 64}"}}
        - {{name: d, tagSuffix: x}}
        - {{name: e:1, newTag: v2}}
        - {{name: e, newName: f}}
        - {{name: f:v2, newTag: v3}}
        - {{name: f:v9, newTag: v4}}
        """,
        """\
        images:
        # line 2
        # line 4
        # line 5
        - name: a
          newName: b
          newTag: v1-x
        # line 4
        # line 5
        - name: b
          newTag: v1-x
        # line 6
        # line 7
        - name: c
          tagSuffix: -x-y
        # line 8
        # line 9
        - name: d
          newTag: x
        # line 10
        # line 11
        # line 12
        - name: e:1
          newName: f
          newTag: v3
        # line 11
        - name: e
          newName: f
        # line 12
        - name: f:v2
          newTag: v3
        # line 13
        - name: f:v9
          newTag: v4
        """,
        (
            (3, 'images[1]: not imported: the entry at line 2 already sets "a"'),
            (
                12,
                'images[10]: not imported: kustomize can apply this entry to the result of the entry for "e" too; '
                'add an entry for "e" with its tag',
            ),
            (
                13,
                'images[11]: not imported: kustomize can apply this entry to the result of the entry for "e" too; '
                'add an entry for "e" with its tag',
            ),
        ),
    ),
    Case(
        "entries that swap names",
        "images: [{name: a, newName: b}, {name: b, newName: a}]\n",
        """\
        images:
        # line 1
        - name: a
          newName: a
        # line 1
        - name: b
          newName: a
        """,
    ),
    Case(
        "two spellings of one image",
        f"""\
        images:
        - {{name: nginx, newTag: v1}}
        - {{name: docker.io/library/nginx, newTag: v2}}
        - {{name: d, digest: "sha256:{"2" * 64}"}}
        - {{name: d, tagSuffix: -x}}
        """,
        f"""\
        images:
        # line 2
        - name: nginx
          newTag: v1
        # line 4
        - name: d
          digest: sha256:{"2" * 64}
        """,
        (
            (3, 'images[1]: not imported: the entry at line 2 already sets "docker.io/library/nginx"'),
            (
                5,
                'images[3].newTag: not imported: invalid tag "-x"; a tag has up to 128 letters, '
                'digits, "_", "." or "-", and does not start with "." or "-"',
            ),
            (5, 'images[3]: not imported: the entry at line 4 already sets "d"'),
        ),
    ),
    Case(
        "configurations",
        """\
        images: [{name: a, newTag: b}]
        configurations: [connect.yaml, any.yaml, nothing.yaml]
        """,
        """\
        images:
        # line 1
        - name: a
          newTag: b
        kinds:
        # connect.yaml:2
        # connect.yaml:5
        - kind: KafkaConnect
          apiVersion: kafka.strimzi.io/*
          paths:
          - spec/image
          - spec/sidecars[]/image
        # any.yaml:2
        - kind: "*"
          paths: spec/image
        # any.yaml:3
        - kind: "*"
          apiVersion: v1
          paths: spec/web/image
        # any.yaml:3
        - kind: "*"
          apiVersion: "*/v1"
          paths: spec/web/image
        # any.yaml:5
        - kind: "*"
          apiVersion: example.com/v1
          paths: spec/db/image
        """,
    ),
    Case(
        "wrong configurations",
        """\
        configurations:
        - odd.yaml
        - broken.yaml
        - list.yaml
        - gone.yaml
        - 1
        - word.yaml
        """,
        """\
        kinds:
        # odd.yaml:2
        # odd.yaml:3
        # odd.yaml:7
        - kind: "*"
          paths:
          - /image
          - /$spec/image
          - spec/image
        """,
        (
            (2, 'odd.yaml:11: image: not imported: unknown field "image"; did you mean "images"?'),
            (
                2,
                "odd.yaml:4: images[2].path: not imported: empty key in the path; expected a path "
                "such as spec/containers[]/image (column 3 of the path)",
            ),
            (
                2,
                "odd.yaml:5: images[3].path: not imported: the path would be read in another notation; rewrite "
                "it as one such as {.spec.image}",
            ),
            (2, "odd.yaml:6: images[4]: not imported: missing required field `path`"),
            (2, 'odd.yaml:8: images[5].crate: not imported: unknown field "crate"; did you mean "create"?'),
            (
                2,
                "odd.yaml:9: images[6].kind: not imported: the value contains control characters",
            ),
            (
                2,
                "odd.yaml:10: images[7]: not imported: kustomize does not set images in a "
                "CustomResourceDefinition",
            ),
            (
                3,
                'broken.yaml:1:9: not imported: undefined alias "*none"; no anchor "&none" is before '
                "it in this document",
            ),
            (4, "list.yaml:1: not imported: expected a mapping, got a list"),
            (5, f"gone.yaml: {UNREADABLE}"),
            (6, 'configurations[4]: not imported: YAML reads 1 as the number 1; quote it: "1"'),
            (7, 'word.yaml: not imported: expected a mapping, got "images"'),
        ),
    ),
    Case(
        "transformers",
        """\
        configurations: [connect.yaml]
        images: [{name: nginx, newName: a}]
        transformers:
        - transformer.yaml
        - |
          apiVersion: builtin
          kind: ImageTagTransformer
          imageTag: {name: a, newTag: b}
        """,
        """\
        images:
        # line 2
        # transformers[1]:3
        - name: nginx
          newName: a
          newTag: b
        # transformers[1]:3
        - name: a
          newTag: b
        kinds:
        # connect.yaml:2
        # connect.yaml:5
        - kind: KafkaConnect
          apiVersion: kafka.strimzi.io/*
          paths:
          - spec/image
          - spec/sidecars[]/image
        # transformer.yaml:8
        - kind: Widget
          paths: spec/image
        """,
        (
            (
                4,
                'transformer.yaml:5: imageTag: imported for all paths in `kinds`, but kustomize sets "nginx" only at '
                "the `fieldSpecs` of its transformer",
            ),
            (4, 'transformer.yaml:5: imageTag: not imported: the entry at line 2 already sets "nginx"'),
            (
                5,
                'transformers[1]:3: imageTag: imported for all paths in `kinds`, but kustomize sets "a" only at '
                "the `fieldSpecs` of its transformer",
            ),
        ),
    ),
    Case(
        "other transformers",
        """\
        transformers:
        - setter.yaml
        - gone.yaml
        - '{apiVersion: builtin, kind: PatchTransformer, patch: "a: {image: b}"}'
        - '{apiVersion: builtin, kind: LabelTransformer, labels: {a: b}}'
        - '{apiVersion: builtin, kind: ImageTagTransformer, imageTags: {name: a}}'
        - '{apiVersion: builtin, kind: ImageTagTransformer, imageTag: {name: a}}'
        - list.yaml
        - '{apiVersion: fn.kpt.dev/v1alpha1, kind: SetImage, image: {name: a, newTag: b}}'
        """,
        "",
        (
            (2, "setter.yaml:1: not imported: already an ImageSetter; pass it with another `--fn-config`"),
            (3, f"gone.yaml: {UNREADABLE}"),
            (
                4,
                "transformers[2]:1: not imported: the transformer seems to set an image; add the image by hand",
            ),
            (6, 'transformers[4]:1: imageTags: not imported: unknown field "imageTags"; did you mean "imageTag"?'),
            (6, "transformers[4]:1: not imported: missing required field `imageTag`"),
            (7, "transformers[5]:1: imageTag: not imported: the entry sets nothing"),
            (8, "list.yaml:1: not imported: the transformer seems to set an image; add the image by hand"),
            (
                9,
                "transformers[7]:1: not imported: the transformer seems to set an image; add the image by hand",
            ),
        ),
    ),
    Case(
        "patches and replacements",
        """\
        patches:
        - path: image.yaml
        - path: labels.yaml
        - path: gone.yaml
        - patch: '[{op: replace, path: /spec/template/spec/containers/0/image, value: a}]'
        - patch: '{kind: image-policy}'
        patchesStrategicMerge:
        - image.yaml
        - |-
          spec:
            image: a
        - labels.yaml
        patchesJson6902:
        - path: image.yaml
        replacements:
        - source: {kind: Job, fieldPath: spec.image}
          targets: [{select: {kind: Foo}, fieldPaths: [spec.a]}]
        - path: labels.yaml
        """,
        "",
        (
            (2, f"patches[0]: {CHANGES}"),
            (4, f"gone.yaml: {UNREADABLE}"),
            (5, f"patches[3]: {CHANGES}"),
            (8, f"patchesStrategicMerge[0]: {CHANGES}"),
            (9, f"patchesStrategicMerge[1]: {CHANGES}"),
            (14, f"patchesJson6902[0]: {CHANGES}"),
            (16, f"replacements[0]: {CHANGES}"),
        ),
    ),
    Case(
        "resources, bases and components",
        """\
        resources:
        - base
        - plain
        - a.yaml
        - https://github.com/org/app?ref=v1
        - 1
        bases:
        - ./base/
        - bad
        components:
        - ./deep
        """,
        "",
        (
            (2, 'resources[0]: not imported: "base/kustomization.yml" contains `images`; import it separately'),
            (
                2,
                'resources[0]: not imported: "deep/Kustomization" contains `configurations` and `transformers`; '
                "import it separately",
            ),
            (
                2,
                'resources[0]: not imported: "../gone" was not read; import its kustomization separately if it '
                "sets images",
            ),
            (
                5,
                'resources[3]: not imported: "https://github.com/org/app?ref=v1" was not read; import its '
                "kustomization "
                "separately if it sets images",
            ),
            (6, 'resources[4]: not imported: YAML reads 1 as the number 1; quote it: "1"'),
            (9, "bad/kustomization.yaml:1: not imported: expected a mapping, got a list"),
        ),
    ),
    Case(
        "several mistakes",
        "images:\n- {name: a, newTag: b, c: d}\n- {name: e, newTag: f, g: h}\n",
        """\
        images:
        # line 2
        - name: a
          newTag: b
        # line 3
        - name: e
          newTag: f
        """,
        (
            (
                2,
                'images[0].c: not imported: unknown field "c"; known fields: name, newName, newTag, digest, '
                "tagSuffix",
            ),
            (
                3,
                'images[1].g: not imported: unknown field "g"; known fields: name, newName, newTag, digest, '
                "tagSuffix",
            ),
        ),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_kustomization(case: Case) -> None:
    assert read_kustomization(dedent(case.text)) == imported("kustomization.yaml", case.fields, case.notes)


def test_error_not_yaml() -> None:
    with pytest.raises(ConfigError) as error:
        import_kustomization(source("images: [\n", "dev/kustomization.yaml", files({})))
    assert str(error.value).startswith("dev/kustomization.yaml:2:1: ")


def test_chain_of_more_than_20_entries_is_noted() -> None:
    """Each entry contains the lines of all entries that apply to it: without a limit, 500,000 lines here."""
    chain = "".join(f"- {{name: a{number}, newName: a{number + 1}}}\n" for number in range(1_000))
    text, notes = read_kustomization(f"images:\n{chain}")
    assert text.count("# line") <= 20_000
    assert notes[0] == (22, 'images[20]: not imported: 20 entries before this one set "a0"; add the entry by hand')
    assert len(notes) == 980


PIECES = [
    "images",
    "imageTags",
    "configurations",
    "transformers",
    "patches",
    "replacements",
    "resources",
    "components",
    "name",
    "newName",
    "newTag",
    "digest",
    "tagSuffix",
    "path",
    "kind",
    "group",
    "version",
    "fieldSpecs",
    "imageTag",
    *FILES,
    "base",
    "deep",
    "a",
    "a:1",
    "b",
    "A",
    "-x",
    "v1",
    "spec/image",
    "builtin",
    "ImageTagTransformer",
    "apiVersion",
    FILES["transformer.yaml"],
    "",
]
VALUES = st.recursive(
    st.sampled_from(PIECES) | st.text(max_size=3) | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(PIECES), inner, max_size=5),
    max_leaves=12,
)


@given(
    st.dictionaries(st.sampled_from(PIECES[:8]), st.lists(VALUES, max_size=4)),
    st.dictionaries(st.sampled_from(sorted(FILES)), VALUES),
)
def test_any_kustomization_becomes_a_valid_configuration(
    kustomization: dict[str, object], others: dict[str, object]
) -> None:
    texts = {**FILES, **{name: json.dumps(value) for name, value in others.items()}}
    accepted(import_kustomization(source(json.dumps(kustomization), "kustomization.yaml", files(texts))))
