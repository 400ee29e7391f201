"""The functionConfig: valid and invalid configurations; the decoder and the schema agree."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from harness import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from krm_image_setter import ConfigError, read_config, set_images
from krm_image_setter.config import ShapeError, decode, read_values
from krm_image_setter.config.image_setter import ON_UNUSED
from krm_image_setter.config.schema import schema_text

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
POD = "kind: Pod\nspec: {containers: [{image: nginx}]}\n"


def test_functions_yaml_is_valid() -> None:
    setter = read_config((ROOT / "functions.yaml").read_text())
    assert str(setter.images[0].name) == "kafkaconnect"
    jsonschema.validate(
        {"apiVersion": "krm-image-setter.dev/v1alpha1", "kind": "ImageSetter", "images": {"a": "b"}},
        json.loads(schema_text()),
    )


@pytest.mark.parametrize(
    "short, long",
    [
        ("images: {nginx: nginx:2}", "images: [{name: nginx, newImage: nginx:2}]"),
        ("kinds: {A: .spec.i}", "kinds: [{kind: A, paths: .spec.i}]"),
        (
            "kinds: {A.g.io: [.a, .b]}",
            "kinds: [{kind: A, apiVersion: g.io/*, paths: [.a, .b]}]",
        ),
    ],
)
def test_shorthands(short: str, long: str) -> None:
    forms = [read_values(f"{HEAD}{form}\n", None) for form in (short, long)]
    assert decode(forms[0]) == decode(forms[1])


def test_lists_of_documents_are_joined_in_order() -> None:
    setter = read_config(HEAD + "images: {a: b}\n---\n" + HEAD + "images: {c: d}\n", HEAD + "images: {e: f}\n")
    assert [str(rule.name) for rule in setter.images] == ["a", "c", "e"]


@pytest.mark.parametrize(
    "data",
    [
        "{name: nginx, newTag: 2.0}",
        "{name: nginx, newName: nginx, newTag: '2.0'}",
        "{images: '{nginx: \"nginx:2.0\"}'}",
        "{images: '[{name: nginx, newTag: \"2.0\"}]', kinds: '{A: .spec}', onUnused: ignore, podSpecs: 'true'}",
        "{name: nginx, newImage: 'nginx:2.0'}",
    ],
)
def test_config_map(data: str) -> None:
    setter = read_config(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata: {data}\n")
    assert set_images(POD, setter).text == POD.replace("nginx", "nginx:2.0")
    assert read_config(f"kind: SetImage\ndata: {data}\n") == setter


@pytest.mark.parametrize(
    "body, message",
    [
        ("images: 3", "expected a list or a mapping, got the number 3"),
        ("images: [3]", "expected a mapping, got the number 3"),
        ("images: [{newTag: a}]", "missing required field `name`"),
        ("images: {nginx: 1.20}", 'YAML reads 1.20 as the number 1.2; quote it: "1.20"'),
        ("images: {nginx: [a]}", "expected a string, got a list"),
        ("images: {nginx: ''}", "expected a value, got an empty string"),
        ("images: {}\nkinds: [{kind: A}]", "missing required field `paths`"),
        (
            "images: {}\nkinds: [{paths: .a}]",
            "the selector matches every resource; add `kind`, `name` or `namespace`",
        ),
        ("images: {}\nkinds: {A: []}", "the list is empty; expected at least one item"),
        ("images: {}\nkinds: {A: 3}", 'YAML reads 3 as the number 3; quote it: "3"'),
        ("images: {}\nkinds: {A: {b: c}}", "missing required field `path`"),
        ("images: {}\nfiles: {a: .b}", "files: expected a list, got a mapping"),
        ("images: {}\nfiles: [{paths: .a}]", "missing required field `files`"),
        ("images: {}\nfiles: [{files: []}]", "the list is empty; expected at least one item"),
        ("images: {}\nfiles: [{files: a, kind: A}]", 'unknown field "kind"'),
        ("images: {}\nfiles: [{files: a}]", "the entry finds no images; add `paths` or `podSpecs: true`"),
        ("images: {}\nfiles: [{files: '!', podSpecs: true}]", "files[0].files: invalid glob"),
        ("images: {}\npodSpecs: 1", "expected true or false, got the number 1"),
        ("images: {}\nonUnused: never", 'expected warn, error or ignore, got "never"'),
        ("images: {nginx: [}", "invalid YAML"),
        ("images: [{name: nginx, newName: 'a@sha256:" + "0" * 64 + "'}]", "`newName` cannot contain a digest"),
        ("images: [{name: nginx, newTag: 'a b'}]", 'invalid tag "a b"'),
        ("images: [{name: nginx, digest: 'a'}]", 'invalid digest "a"'),
        (
            "images: [{name: nginx, tagSuffix: a, newTag: b}]",
            "`tagSuffix` cannot be combined with `newTag` or `digest`",
        ),
        ("images: [{name: nginx, newImage: a, newTag: b}]", "`newImage` cannot be combined with"),
        ("images: [{name: nginx}]", "entry sets nothing; add `newName`"),
        (
            "images: [{name: nginx, newTag: a, from: {kind: A, name: a, path: .a}}]",
            "`from` cannot be combined with",
        ),
        ("images: [{name: nginx, from: {kind: A, path: .a}}]", "missing required field `name`"),
        ("images: [{name: nginx, newTag: a, env: 1}]", "expected true or false"),
        ("images: {}\nkinds: {A: {path: .a, part: tag}}", "`part: tag` requires `of`, the name of the image"),
        ("images: {}\nkinds: {A: {path: .a, of: nginx}}", "`of` requires `part: tag` or `part: digest`"),
        (
            "images: {}\nkinds: {A: {path: .a, part: tag, of: 'nginx:1'}}",
            "expected an image name without a tag or digest",
        ),
        ("images: {}\nkinds: {A: {path: .a, part: tag, of: 'NGINX'}}", "the name must be lowercase"),
        ("images: {}\nkinds: {A: {path: .a, part: name, as: text}}", "`part` cannot be combined with `as`"),
        ("images: {}\nkinds: {A: {path: .a, as: text, paths: .b}}", "`paths` requires `as: yaml` or `as: json`"),
        (
            "images: {}\nkinds: {A: {path: .a, as: toml}}",
            'expected text, yaml, json, values, jsonPatch, override, kustomize or relatedImage, got "toml"',
        ),
        ("registries: [{from: docker.io, to: docker.io}]", '"docker.io" is the same registry as `from`'),
        ("registries: [{from: nginx, to: a.io}]", '"nginx" has no registry host'),
        ("registries: [{from: docker.io, to: a.io, env: 1}]", "expected true or false, got the number 1"),
        ("registries: [{from: docker.io, to: a.io, exclude: []}]", "the list is empty"),
        ("registries: [{from: docker.io, to: a.io, exclude: [1]}]", "YAML reads 1 as the number 1; quote it"),
        ("images: {}\nignore: [{image: nginx}]", "ignore[0]: missing required field `reason`"),
        ("images: {}\nignore: [{image: nginx, reason: ''}]", "expected a value, got an empty string"),
        ("images: {}\nignore: {nginx: why}", "expected a list, got a mapping"),
        ("images: {}\ndefaultRegistry: {host: foo}", 'invalid registry "foo"'),
        (
            "images: [{name: a, digest: 'sha256:" + "0" * 64 + "'}]\nimagePullPolicy: Never",
            "images[0]: a digest cannot be combined with",
        ),
    ],
)
def test_error_image_setter(body: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(f"{HEAD}{body}\n")
    assert message in str(caught.value)
    assert caught.value.line is not None


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "kind: ConfigMap\ndata: {name: nginx, newTag: [1]}\n",
            "expected a string, got a list; write the YAML as a block scalar",
        ),
        ("kind: ConfigMap\ndata: {names: nginx}\n", 'unknown field "names"; did you mean "name"?'),
        (
            "kind: ConfigMap\ndata: {name: nginx, newTag: a, images: '{}'}\n",
            "`images` cannot be combined with `name` and `newTag`",
        ),
        ("kind: ConfigMap\ndata: {images: '{'}\n", "data.images: line 1 of the string: "),
        ('kind: ConfigMap\ndata: {images: "--- a\\n--- b"}\n', "expected one YAML document in the string, got 2"),
        ("kind: ConfigMap\ndata: {newTag: a}\n", "missing required field `name`"),
        (
            "apiVersion: krm-image-setter.dev/v2\nkind: ImageSetter\nimages: {}\n",
            "apiVersion: expected krm-image-setter.dev/v1alpha1, got",
        ),
        ("images: {}\n", "missing required field `kind`; expected ImageSetter"),
        (
            "apiVersion: fn.kpt.dev/v1\nkind: SetImage\nimage: {}\n",
            'line 1: apiVersion: expected fn.kpt.dev/v1alpha1 for kind SetImage, got "fn.kpt.dev/v1"',
        ),
        ("kind: ConfigMap\n", "the ConfigMap has no `data`; add `data: {name: NAME, newTag: TAG}`"),
        (
            "kind: [a]\nimages: {}\n",
            "unsupported kind a list; expected ImageSetter (krm-image-setter.dev/v1alpha1), ",
        ),
        ("apiVersion: {a: b}\nkind: Foo\nimages: {}\n", 'unsupported kind "Foo"; expected ImageSetter'),
        ("", "no image to set; add `images: {NAME: REFERENCE}`"),
        (HEAD, "line 1: no image to set; add `images: {NAME: REFERENCE}`"),
        (HEAD + "images: []\n", "line 1: no image to set"),
        (HEAD + "images: {}\nregistries: []\nkinds: {A: .spec}\n", "line 1: no image to set"),
        ("kind: ConfigMap\ndata: {images: '[]'}\n", "line 1: no image to set"),
    ],
)
def test_error_other_configurations(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(text)
    assert message in str(caught.value)


def test_all_errors_are_reported_at_once() -> None:
    with pytest.raises(ShapeError) as caught:
        read_config(HEAD + "images: [{name: 1, newtag: a}]\nkinds: [{kind: A}]\nonUnused: x\n")
    assert len(caught.value.sentences) == 4


def test_choices_of_decoder_and_schema_agree() -> None:
    assert json.loads(schema_text())["properties"]["onUnused"]["enum"] == list(ON_UNUSED)


texts = st.sampled_from(["nginx", "a", "{.spec}"])
odd = st.one_of(texts, st.integers(0, 9), st.booleans(), st.none(), st.just([]), st.just({}))
sources = st.dictionaries(st.sampled_from(["kind", "name", "path", "apiVersion", "x"]), texts, max_size=4)
image_fields = st.sampled_from(["name", "newImage", "newtag", "newName", "from", "containers", "env", "args"])
entries = st.dictionaries(image_fields, st.one_of(odd, sources, st.lists(odd, max_size=2)), max_size=3)
parts = st.dictionaries(st.sampled_from(["registry", "repository", "tag", "repo"]), odd, max_size=3)
path_fields = st.sampled_from(["path", "fields", "part", "of", "as", "paths"])
words = st.sampled_from(["tag", "name", "yaml", "text", "toml"])
paths = st.one_of(texts, st.dictionaries(path_fields, st.one_of(odd, parts, words), max_size=4))
kind_entries = st.dictionaries(
    st.sampled_from(["kind", "paths", "name", "path"]),
    st.one_of(odd, paths, st.lists(paths, max_size=2)),
    max_size=3,
)
registry_fields = st.sampled_from(["from", "to", "env", "args", "exclude", "x"])
registries = st.lists(st.dictionaries(registry_fields, st.one_of(odd, st.lists(odd)), max_size=4), max_size=2)
ignored = st.lists(st.dictionaries(st.sampled_from(["image", "reason", "x"]), odd, max_size=3), max_size=2)
default_registries = st.dictionaries(st.sampled_from(["host", "singleName", "x"]), odd, max_size=3)
configs = st.fixed_dictionaries(
    {"images": st.one_of(odd, st.lists(entries, max_size=2), st.dictionaries(texts, odd, max_size=2))},
    optional={
        "kinds": st.one_of(odd, st.lists(kind_entries, max_size=2), st.dictionaries(texts, paths, max_size=2)),
        "registries": st.one_of(odd, registries),
        "ignore": st.one_of(odd, ignored),
        "defaultRegistry": st.one_of(odd, default_registries),
        "imagePullPolicy": st.one_of(odd, st.sampled_from(["Always", "Never"])),
        "podSpecs": odd,
        "onUnused": st.one_of(odd, st.sampled_from(["warn", "error"])),
        "extra": odd,
    },
)


@settings(deadline=None, max_examples=300)
@given(configs)
def test_decoder_and_schema_agree(body: dict[str, Any]) -> None:
    """Both find the same errors of shape. Only the decoder checks references and paths."""
    config = {"apiVersion": "krm-image-setter.dev/v1alpha1", "kind": "ImageSetter", **body}
    valid = jsonschema.Draft202012Validator(json.loads(schema_text())).is_valid(config)
    try:
        read_config(json.dumps(config))
    except ShapeError:
        assert not valid
    except ConfigError:
        pass
    else:
        assert valid


def test_selectors_with_wildcards() -> None:
    setter = read_config(
        HEAD
        + "images: {nginx: nginx:2}\nkinds: [{kind: 'K?fka*', name: '*-a', namespace: 'n[1]', paths: .spec.i}]\n"
    )
    before = "kind: {}\nmetadata: {{name: x-{}, namespace: '{}'}}\nspec: {{i: nginx}}\n"
    for kind, name, namespace, matches in (
        ("KafkaConnect", "a", "n[1]", True),
        ("Kafka", "a", "n[1]", True),
        ("MyKafka", "a", "n[1]", False),
        ("Kafka", "b", "n[1]", False),
        ("Kafka", "a", "n1", False),
    ):
        text = before.format(kind, name, namespace)
        assert (set_images(text, setter).text != text) == matches
    assert set_images("---\n", setter).text == "---\n"


def test_selector_without_a_kind() -> None:
    setter = read_config(HEAD + "images: {nginx: nginx:2}\nkinds: [{name: '*', paths: .spec.i}]\n")
    text = "kind: A\nmetadata: {name: x}\nspec: {i: nginx}\n"
    assert set_images(text, setter).text == text.replace("nginx", "nginx:2")


def test_error_with_line_breaks_is_one_line() -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(f'{HEAD}images: [{{name: "a\\r\\n\\e\\L\\u202e", newTag: b}}]\n')
    assert r'invalid image reference "a\r\n\x1b\u2028\u202e"' in str(caught.value)


REPEATED = [
    # the configuration below its first two lines, the place of the repeated key, the two lines
    pytest.param("images: {a: b}\nimages: {c: d}\n", "line 4: images", "3 and in line 4", id="root"),
    pytest.param(
        "images:\n- name: a\n  newTag: x\n  newTag: y\n", "line 6: images[0].newTag", "5 and in line 6", id="entry"
    ),
    pytest.param("images: {a: b, c: d, a: e}\n", "line 3: images.a", "3 and in line 3", id="flow"),
    pytest.param(
        "images: {a: b}\nkinds:\n  A: .a\n  'A': .b\n", "line 6: kinds.A", "5 and in line 6", id="quotes"
    ),
    pytest.param(
        "images: {a: b}\nmetadata:\n  labels:\n    a: b\n    a: c\n",
        "line 7: metadata.labels.a",
        "6 and in",
        id="deep",
    ),
    pytest.param("kind: ImageSetter\nimages: {a: b}\n", "line 3: kind", "2 and in line 3", id="kind"),
    pytest.param(
        "images:\n- name: a\n  <<: {newTag: a}\n  <<: {digest: b}\n",
        "line 6: images[0].<<",
        "5 and",
        id="merge key",
    ),
    pytest.param(
        "registries:\n- &a {from: a.io, to: b.io, to: c.io}\n- *a\n",
        "line 4: registries[0].to",
        "4 and",
        id="anchor",
    ),
    pytest.param("# \u2028\nimages: {a: b}\nimages: {c: d}\n", "line 6: images", "5 and in line 6", id="LS"),
]


@pytest.mark.parametrize("body, place, lines", REPEATED)
def test_error_repeated_key_names_both_lines(body: str, place: str, lines: str, parser: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(HEAD + body)
    assert str(caught.value).startswith(f"{place}: the key is in line {lines}")
    assert str(caught.value).endswith("; keep one of them")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("images: {{ .Values.images }}\n", "line 3: images"),
        ("images:\n- name: a\n  newTag: {{ .Values.tag }}\n", "line 5: images[0].newTag"),
        ("images:\n  {{ .Values.name }}: a:1\n", "line 4: images"),
    ],
)
def test_error_template_action(body: str, place: str, parser: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(HEAD + body)
    fix = "if `{{` starts a template action, render the template first"
    assert str(caught.value) == f"{place}: got a mapping as a key; {fix}"


REPEATED_OTHERS = [
    pytest.param(
        "kind: ConfigMap\ndata:\n  name: a\n  newTag: a\n  name: b\n",
        "line 5: data.name: the key is in line 3",
        id="ConfigMap",
    ),
    pytest.param(
        "kind: ConfigMap\ndata:\n  images: |\n    - name: c\n      newTag: a\n      newTag: b\n",
        "line 3: data.images[0].newTag: the key is in line 2 and in line 3 of the string; keep one of them",
        id="string of a ConfigMap",
    ),
    pytest.param(
        "apiVersion: builtin\nkind: ImageTagTransformer\nimageTag: {name: c, newTag: a}\nimageTag: {name: d}\n",
        "line 4: imageTag: the key is in line 3 and in line 4",
        id="ImageTagTransformer",
    ),
    pytest.param(
        "apiVersion: fn.kpt.dev/v1alpha1\nkind: SetImage\nimage:\n  name: c\n  newTag: a\n  newTag: b\n",
        "line 6: image.newTag: the key is in line 5 and in line 6",
        id="SetImage",
    ),
]


@pytest.mark.parametrize("text, message", REPEATED_OTHERS)
def test_error_repeated_key_in_other_configurations(text: str, message: str, parser: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(text)
    assert str(caught.value).startswith(message)


def test_key_that_a_merge_key_brings_in_can_be_written_too(parser: str) -> None:
    setter = read_config(f"{HEAD}images: [&a {{name: a, newTag: x}}, {{<<: *a, name: b}}]\n")
    assert [str(rule.target) for rule in setter.images] == ["a:x", "b:x"]
