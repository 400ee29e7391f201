"""JSON objects that follow each other without `---`: kubectl reads them, and so does the program."""

from __future__ import annotations

import json
import re
from typing import Final

import pytest
import yaml
from harness import Program
from orchestrator import Orchestrator

from krm_image_setter import read_config, set_images

HEAD: Final = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
NGINX: Final = ("--image", "nginx=nginx:2")


def pod(name: str, image: str, **fields: str) -> dict[str, object]:
    containers = [{"name": "a", "image": image, **fields}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers}}


P, Q = (json.dumps(pod(name, "nginx:1")) for name in "pq")
PRETTY: Final = json.dumps(pod("p", "nginx:1"), indent=2)
YAML: Final = "apiVersion: v1\nkind: Pod\nmetadata: {name: y}\nspec: {containers: [{name: a, image: nginx:1}]}\n"
STREAMS = [
    pytest.param(f"{P}\n{Q}\n", id="lines"),
    pytest.param(f"{P}{Q}", id="nothing between"),
    pytest.param(f"\ufeff{P}\r\n\r\n{Q}\r\n", id="BOM and CRLF"),
    pytest.param(f"{PRETTY}\n{PRETTY}\n{Q}", id="pretty"),
    pytest.param(f"{YAML}---\n{P}\n{Q}\n---\n{YAML}", id="among YAML"),
    pytest.param(f"{P}\n---\n{Q}{P}\n", id="with a marker"),
    pytest.param(json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod("p", "nginx:1")]}) + Q, id="list"),
]


@pytest.mark.parametrize("text", STREAMS)
def test_images_of_all_objects_are_set(program: Program, text: str) -> None:
    ran = program(*NGINX, stdin=text)
    assert ran == (0, text.replace("nginx:1", "nginx:2").encode(), "")
    program.write("p.json", text)
    assert program("set", "p.json", *NGINX, "--in-place").status == 0
    assert (program.folder / "p.json").read_bytes() == ran.stdout


@pytest.mark.parametrize("text", STREAMS[:4])
def test_kubectl_reads_all_objects(kubectl: Orchestrator, text: str) -> None:
    kubectl.write("p.json", text)
    ran = kubectl("label", "--local", "-f", "p.json", "a=b", "-o", "name")
    assert ran.stdout.split() == [f"pod/{name}" for name in re.findall(r'"metadata": {\s*"name": "(.)"', text)]


def test_new_key_is_added_to_the_second_object() -> None:
    setter = read_config(HEAD + "images: {nginx: nginx:2}\nimagePullPolicy: Always\n")
    text = set_images(f"{P}{Q}", setter).text
    objects = yaml.safe_load(f"[{text.replace('}{', '}, {')}]")
    assert objects == [pod(name, "nginx:2", imagePullPolicy="Always") for name in "pq"]


def test_list_names_the_line_of_each_object(program: Program) -> None:
    program.write("p.json", f"{PRETTY}\n{Q}{P}\n")
    listed = json.loads(program("list", "p.json", "-o", "json").stdout)
    assert [(row["resource"]["name"], row["line"]) for row in listed] == [("p", 11), ("q", 16), ("p", 16)]


ERRORS = [
    pytest.param(f'{P}\n{{"a": nginx, "b" "c"}}\n', "line 2, column 18: invalid YAML", id="line"),
    pytest.param(f'{P}{{"a": nginx, "b" "c"}}', f"line 1, column {len(P) + 18}: invalid YAML", id="column"),
    pytest.param(f"{P}{Q}\nkind: nginx\n", "line 2, column 1: invalid YAML", id="YAML after"),
    pytest.param(f"{P}\n# c\n{Q}\n", "line 3, column 1: invalid YAML", id="comment between"),
    pytest.param(f'{P}\n{{"image": "nginx:1"}}\n', "line 2: not a Kubernetes resource", id="no resource"),
]


@pytest.mark.parametrize("text, message", ERRORS)
def test_error_names_the_object_and_its_place(program: Program, text: str, message: str) -> None:
    ran = program(*NGINX, stdin=text)
    assert (ran.status, ran.stdout) == (2, b"")
    assert f"krm-image-setter: error: {message}" in ran.stderr


def test_objects_in_a_string_are_read(program: Program) -> None:
    config = f"{HEAD}images: {{nginx: nginx:2}}\nkinds: {{ConfigMap: {{path: .data.a, as: json}}}}\n"
    text = f"apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    {P}\n    {Q}\n"
    outcome = set_images(text, read_config(config))
    assert outcome.text == text.replace("nginx:1", "nginx:2")


def test_configurations_and_builds_can_be_objects(program: Program) -> None:
    setter = {"apiVersion": "krm-image-setter.dev/v1alpha1", "kind": "ImageSetter"}
    documents = ({**setter, "images": {"nginx": "nginx:2"}}, {**setter, "kinds": {"A": ".spec.i"}})
    program.write("functions.yaml", "".join(map(json.dumps, documents)))
    program.write("built.json", "".join(json.dumps({"image.name": f"{name}:3"}) for name in ("redis", "busybox")))
    text = "".join(f"---\nkind: A\nspec: {{i: {name}}}\n" for name in ("nginx", "redis", "busybox"))
    ran = program("--images-from", "built.json", stdin=text)
    tags = {"nginx": "2", "redis": "3", "busybox": "3"}
    assert ran.stdout.decode() == re.sub("i: (\\w+)", lambda found: f"{found[0]}:{tags[found[1]]}", text)


def test_json_lines_in_a_folder_that_are_no_resources_are_skipped(program: Program) -> None:
    program.write("d/lines.json", '{"image": "nginx:1"}\n{"image": "nginx:1"}\n')
    program.write("d/pod.yaml", YAML)
    assert program("set", "d", *NGINX, "-q") == (0, YAML.replace("nginx:1", "nginx:2").encode(), "")
