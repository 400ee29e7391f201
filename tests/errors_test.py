"""A message repeats only a limited part of the user's text."""

from __future__ import annotations

from typing import Final

import pytest
from harness import Program
from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter import ConfigError, read_config, set_images
from krm_image_setter.errors import sentence, shortened
from krm_image_setter.results import Result

LONG: Final = "x" * 5_000
DIGEST: Final = "@sha256:" + "0123456789abcdef" * 4
IMAGE: Final = "registry.gitlab.com/group/subgroup/project/application:v1.27.3" + DIGEST
HEAD: Final = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
POD: Final = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: nginx}]}\n"


def test_long_text_is_shortened_in_the_middle() -> None:
    text = shortened(f'"{"a" * 300}{DIGEST}" is not a tag; expected at most 128 characters')
    assert text == f'"{"a" * 78}…{"a" * 47}{DIGEST}" is not a tag; expected at most 128 characters'


def test_two_references_with_digests_are_whole() -> None:
    text = f'set image "{IMAGE}" to "{IMAGE}"'
    assert shortened(text) == text


def test_several_long_texts_share_300_characters() -> None:
    for count in (2, 3, 5):
        said = shortened(", ".join([f'"{LONG}"'] * count))
        assert said.count("…") == count
        assert 250 < said.count("x") <= 300


@pytest.mark.parametrize("text", [LONG, "x y" * 5_000, '"x ' * 5_000, 'x" "y ' * 5_000, " " * 5_000, '"' * 5_000])
def test_sentence_has_600_characters_at_most(text: str) -> None:
    assert len(shortened(f'"{text}" is not a tag: {text}')) <= 600


@given(st.text(alphabet='ab" …', max_size=700) | st.text(max_size=700))
def test_shortened_text_stays_as_it_is(text: str) -> None:
    once = shortened(text)
    assert shortened(once) == once
    assert len(once) <= len(text)


def test_name_of_a_file_is_whole() -> None:
    file = "/".join(["a" * 100] * 5)
    assert sentence("line 1", LONG, before=(file,)).startswith(f"{file}: line 1: xxx")
    assert Result(LONG, "warning", line=1).format(file).startswith(f"warning: {file}:1: xxx")


def test_control_characters_are_escaped_and_shortened() -> None:
    said = sentence("\x1b" * 5_000)
    assert said.isprintable()
    assert len(said) == 200


def test_values_of_a_result_are_whole() -> None:
    """Only its message is shortened."""
    image = f"{'a' * 200}:{'b' * 128}"
    results = set_images(
        POD.replace("nginx", f"{'a' * 200}:1"), read_config(f"{HEAD}images: {{{'a' * 200}: {image}}}\n")
    )
    data = results.results[0].to_data()
    assert data["field"]["proposedValue"] == image
    assert len(data["message"]) < 330


HUGE: Final = [
    pytest.param("9" * 5_000, id="decimal digits"),
    pytest.param("-" + "9" * 5_000, id="negative number"),
    pytest.param("0x" + "f" * 5_000, id="hexadecimal digits"),
    pytest.param("0o" + "7" * 5_000, id="octal digits"),
    pytest.param("0" + "7" * 5_000, id="octal digits of YAML 1.1"),
    pytest.param("0b" + "1" * 20_000, id="binary digits"),
    pytest.param("9_" * 5_000, id="digits with underscores"),
    pytest.param("1." + "9" * 5_000, id="fraction"),
    pytest.param("1e" + "9" * 5_000, id="exponent"),
    pytest.param("f" * 5_000, id="letters"),
    pytest.param('"' + "a b " * 2_000 + '"', id="words"),
    pytest.param("'" + '"' * 5_000 + "'", id="quotes"),
    pytest.param('"' + r"\e" * 5_000 + '"', id="control characters"),
]
ANYWHERE: Final = [
    "podSpecs: {}",
    "catalog: {}",
    "onUnused: {}",
    "imagePullPolicy: {}",
    "images: {}",
    "images: [{}]",
    "kinds: {}",
    "images: [{{name: {}}}]",
    "images: [{{name: nginx, newTag: {}}}]",
    "images: [{{name: nginx, digest: {}}}]",
    "images: [{{name: nginx, newName: {}}}]",
    "images: [{{name: nginx, newImage: {}}}]",
    "{}: 1",
    "images: [{{name: nginx, tagSuffix: {}}}]",
    "images: [{{name: nginx, env: {}}}]",
    "images: {{nginx: {}}}",
    "images: [{{name: nginx, newTag: '2', containers: {}}}]",
    "images: [{{name: nginx, {}: 1}}]",
    "images: [{{name: nginx, from: {{kind: A, name: b, path: {}}}}}]",
    "images: [{{name: nginx, from: {}}}]",
    "registries: {}",
    "registries: [{{from: {}, to: a.io}}]",
    "registries: [{{from: a.io, to: {}}}]",
    "x: &{}",
    "defaultRegistry: {}",
    "defaultRegistry: {{host: {}}}",
    "kinds: {{A: {}}}",
    "kinds: {{A: [{}]}}",
    "x: *{}",
    "kinds: [{{kind: A, paths: {}}}]",
    "kinds: {{A: {{path: .a, as: {}}}}}",
    "kinds: {{A: {{path: '$.a[{}'}}}}",
    "kinds: {{A: {{path: .a, part: tag, of: {}}}}}",
    "kinds: {{A: {{path: '{{.a[{}]}}'}}}}",
    "metadata: {}",
]


@pytest.mark.parametrize("place", ANYWHERE)
@pytest.mark.parametrize("value", HUGE)
def test_huge_value_in_a_configuration_is_one_short_sentence(place: str, value: str) -> None:
    try:
        config = read_config(HEAD + place.format(value) + "\n")
        set_images(POD, config)
    except ConfigError as error:
        for said in error.sentences:
            assert len(said) <= 600
            assert max(said.count(character) for character in "9f71ab") < 330


@pytest.mark.parametrize("value", HUGE)
def test_huge_value_in_a_resource_list_keeps_the_list(program: Program, value: str) -> None:
    text = f"""\
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- kind: Pod
  metadata:
    annotations: {{config.kubernetes.io/path: {value}, config.kubernetes.io/index: {value}}}
  spec: {{containers: [{{image: nginx}}]}}
- {{kind: A, spec: {{image: {value}}}}}
functionConfig:
  apiVersion: krm-image-setter.dev/v1alpha1
  kind: ImageSetter
  images: {{nginx: nginx:2}}
  kinds: {{A: .spec.image}}
"""
    ran = program(stdin=text)
    assert (ran.status, ran.stderr.count("Traceback")) == (0, 0)
    assert ran.stdout.decode().startswith(text.replace("image: nginx}", "image: nginx:2}"))
    wrong = text.replace("nginx: nginx:2", f"nginx: {value}").replace("kinds:", "podSpecs: 1\n  kinds:")
    ran = program(stdin=wrong)
    assert ran.status == 2
    assert ran.stdout.decode().startswith(wrong)
    assert len(ran.stdout) < len(wrong.encode()) + 2_000


@pytest.mark.parametrize("digits", ["0x" + "f" * 499, "9" * 499, "0b" + "1" * 400])
def test_numbers_are_read_whatever_python_is_told_to_convert(program: Program, digits: str) -> None:
    program.write("c.yaml", HEAD + f"images: [{{name: nginx, newTag: {digits}}}]\n")
    ran = program("--fn-config", "c.yaml", stdin=POD, env={"PYTHONINTMAXSTRDIGITS": "640"})
    assert ran.status == 2
    assert ran.stderr.startswith("krm-image-setter: error: c.yaml:3: images[0].newTag: ")
    assert ran.stderr.count("\n") == 1
