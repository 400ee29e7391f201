"""No message shows a value of a Secret, nor of an environment variable that is no image to set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import Program

from krm_image_setter import ConfigError, read_config, set_images, set_images_in
from krm_image_setter.cli.list_ import Output

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
VALUE = "hunter2"
SECRET = f"""\
apiVersion: v1
kind: Secret
metadata: {{name: s}}
stringData:
  plain: {VALUE}
  image: quay.io/a/{VALUE}:{VALUE}
  text: see quay.io/a/{VALUE}:{VALUE}
  yaml: |
    image: quay.io/a/{VALUE}:{VALUE}
    containers: [{{image: "nginx:{VALUE}"}}]
  tag: {VALUE * 18}
"""
PATHS = (
    "[.stringData.plain, .stringData.image, {path: .stringData.text, as: text}, "
    "{path: .stringData.yaml, as: yaml, paths: .image}, {path: .stringData.tag, part: tag, of: x}, "
    "{path: .stringData.plain, part: name}, {path: .stringData, fields: {repository: plain, tag: tag}}]"
)
FIND_SECRET = f"kinds: {{Secret: {PATHS}}}\n"
ENTRIES = [
    pytest.param("{name: hunter, newTag: '2'}", id="misspelt name"),
    pytest.param("{name: quay.io/a/hunte, newTag: '2'}", id="misspelt name with registry"),
    pytest.param("{name: x, tagSuffix: '-0123456789'}", id="tag that gets too long"),
    pytest.param(f"{{name: {VALUE}, newName: foo/bar}}", id="guessed name"),
    pytest.param(f"{{name: quay.io/a/{VALUE}, newTag: '2'}}", id="guessed image"),
    pytest.param("{name: nginx, newTag: '2'}", id="image of a pod spec in a string"),
    pytest.param(f"{{name: {VALUE}, digest: 'sha256:{'0' * 64}'}}", id="digest without a place"),
    pytest.param(f"{{name: {VALUE * 18}, newTag: '2'}}", id="another guessed name"),
]
SHAPES = {
    "alone": SECRET,
    "in a List": "apiVersion: v1\nkind: List\nitems:\n- " + SECRET.replace("\n", "\n  ").rstrip() + "\n",
    "in a SecretList": "apiVersion: v1\nkind: SecretList\nitems:\n- "
    + SECRET.partition("kind: Secret\n")[2].replace("\n", "\n  ").rstrip()
    + "\n",
    "in a string": "apiVersion: v1\nkind: ConfigMap\ndata:\n  s: |\n    "
    + SECRET.replace("\n", "\n    ").rstrip()
    + "\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_explanation_shows_no_value_of_a_secret(shape: str, program: Program) -> None:
    text = SHAPES[shape]
    pod = f"spec: {{containers: [{{image: 'quay.io/a/{VALUE}:2', env: [{{name: A, value: 'nginx:{VALUE}'}}]}}]}}"
    program.write("s.yaml", f'{text}---\napiVersion: v1\nkind: Secret\nstringData:\n  pod: "{pod}"\n')
    kinds = FIND_SECRET.replace("[.string", "[{path: .stringData.pod, as: yaml}, .string", 1)
    if shape == "in a string":  # only a rule shows that the string contains a Secret
        kinds += "  ConfigMap: {path: .data.s, as: yaml}\n"
        kinds = kinds.replace("kinds: {Secret: ", "kinds:\n  Secret: ").replace("]}\n", "]\n", 1)
    program.write(
        "c.yaml", f"{HEAD}images: [{{name: nginx, newTag: '2'}}, {{name: quay.io/a/*, newTag: '3'}}]\n{kinds}"
    )
    for arguments in ((), ("--image", "nginx"), ("--image", "*hunt*")):
        ran = program("explain", "s.yaml", "--fn-config", "c.yaml", *arguments)
        assert VALUE not in ran.stdout.decode() + ran.stderr.replace('"*hunt*"', "")
    assert b"***" in program("explain", "s.yaml", "--fn-config", "c.yaml").stdout


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("policy", ["", "imagePullPolicy: Always\n"], ids=["", "pull policy"])
@pytest.mark.parametrize("entry", ENTRIES)
def test_results_show_no_value_of_a_secret(entry: str, policy: str, text: str) -> None:
    nested = "kinds: {Secret: " + PATHS + ", ConfigMap: {path: .data.s, as: yaml}}\n"
    setter = read_config(f"{HEAD}images: [{entry}]\n{nested}{policy}")
    guessed = entry.count(VALUE)
    for results in (set_images(text, setter).results, set_images_in({"a": text}, setter).results):
        for result in results:
            shown = json.dumps(result.to_data()) + str(result)
            assert VALUE not in shown or (guessed and "no image named" in shown)


@pytest.mark.parametrize("command", [*(f"list -o {output}" for output in Output), "list --unknown"])
def test_list_shows_no_value_of_a_secret(program: Program, command: str) -> None:
    program.write("s.yaml", SECRET + "---\napiVersion: v1\nkind: Pod\nspec: {containers: [{image: nginx}]}\n")
    program.write("c.yaml", HEAD + FIND_SECRET)
    if "cyclonedx" in command:
        pytest.importorskip("cyclonedx.output", reason="pip install 'krm-image-setter[cyclonedx]'")
    ran = program(*command.split(), "s.yaml", "--fn-config", "c.yaml")
    assert ran.status == 0
    assert VALUE not in ran.stdout.decode() + ran.stderr
    assert ("***" in ran.stdout.decode()) == (
        command.rpartition(" ")[2] not in ("names", "cyclonedx", "--unknown")
    )


def test_discover_shows_no_value_of_a_secret(program: Program) -> None:
    program.write("s.yaml", SECRET)
    ran = program("discover", "s.yaml", "--min-confidence", "possible")
    assert VALUE not in ran.stdout.decode() + ran.stderr


FROM = "images: [{name: k, from: {kind: KIND, name: s, path: .stringData.PATH}}]\n"


def test_from_a_secret_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(HEAD + FROM.replace("KIND", "Secret").replace("PATH", "image"))
    assert str(caught.value) == (
        "line 3: images[0].from.kind: `from` cannot take a value from a Secret; "
        "copy the reference to another resource"
    )


@pytest.mark.parametrize("kind", ["S*", "Secre?", "*"])
def test_from_with_a_wildcard_takes_nothing_from_a_secret(kind: str) -> None:
    setter = read_config(HEAD + FROM.replace("KIND", f"'{kind}'").replace("PATH", "image"))
    with pytest.raises(ConfigError, match="no resource matches") as caught:
        set_images(SECRET, setter)
    assert VALUE not in str(caught.value)


def test_from_shows_no_value_that_is_not_a_reference() -> None:
    setter = read_config(HEAD + FROM.replace("KIND", "A").replace("PATH", "x"))
    for value in (f"{VALUE} {VALUE}", VALUE.upper(), f"https://{VALUE}", f"nginx:{VALUE * 20}"):
        with pytest.raises(ConfigError) as caught:
            set_images(f"kind: A\nmetadata: {{name: s}}\nstringData: {{x: '{value}'}}\n", setter)
        assert VALUE not in str(caught.value).lower()


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - image: nginx
    env: [{name: A, value: hunter2}, {name: B, value: "user:hunter2"}, {name: C, value: HUNTER2}]
    args: ["--password=hunter2", "--login=user:hunter2"]
"""


@pytest.mark.parametrize("entry", ["hunter", "user", "user:hunter", "nginy"])
@pytest.mark.parametrize("asked", ["", "env: true", "args: true", "env: true, args: true"])
def test_suggestions_show_no_value_of_a_variable(entry: str, asked: str) -> None:
    setter = read_config(f"{HEAD}images: [{{name: '{entry}', newTag: '2', {asked}}}]\n")
    for result in set_images(POD, setter).results:
        if result.severity == "warning":
            assert VALUE not in str(result).replace(f'"{entry}"', "")


def test_unknown_images_show_no_value_of_a_variable_that_is_not_an_image(program: Program) -> None:
    program.write("p.yaml", POD)
    ran = program("list", "p.yaml", "--unknown")
    assert VALUE not in ran.stdout.decode().lower() + ran.stderr


def test_entry_that_set_a_variable_earlier_is_not_reported(tmp_path: Path) -> None:
    setter = read_config(HEAD + "images: [{name: app, newName: foo/app, env: true}]\n")
    text = "kind: Pod\nspec: {containers: [{image: a, env: [{value: app}]}]}\n"
    once = set_images(text, setter).text
    assert "value: foo/app" in once
    assert set_images(once, setter).results == ()
