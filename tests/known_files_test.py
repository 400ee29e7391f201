"""The catalog of files: in each file of `known_files/`, exactly the images in lines that end with `set` change."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

import pytest
from harness import Program

from krm_image_setter import ImageSetterError, read_config, set_images_in
from krm_image_setter.catalog.known_files import ANY_FILE, file_entries, known_files

FILES: Final = Path(__file__).parent / "known_files"
NAMES: Final = sorted(str(path.relative_to(FILES)) for path in FILES.rglob("*") if path.is_file())
CONFIG: Final = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {nginx: 'nginx:2'}\n"
NGINX: Final = ("--image", "nginx=nginx:2")


def expected(text: str) -> str:
    lines = (
        re.sub(r'nginx:1|tag: "1', lambda old: f"{old[0][:-1]}2", line) if re.search("(#|//) set$", line) else line
        for line in text.split("\n")
    )
    return "\n".join(lines)


@pytest.mark.parametrize("line_break", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("name", NAMES)
def test_images_of_a_known_file_are_set(name: str, line_break: str) -> None:
    text = (FILES / name).read_text()
    outcome = set_images_in({name: text.replace("\n", line_break)}, read_config(CONFIG))
    assert outcome.of[name].text == expected(text).replace("\n", line_break)
    assert outcome.results == ()


@pytest.mark.parametrize("name", [name for name in NAMES if name != ".drone.yml"])
def test_catalog_false_disables_known_files(name: str) -> None:
    text = (FILES / name).read_text()
    with pytest.raises(ImageSetterError, match=r"not a Kubernetes resource|invalid YAML"):
        set_images_in({name: text}, read_config(f"{CONFIG}catalog: false\n"))


def test_each_entry_has_a_file_and_a_link() -> None:
    for rule, text in file_entries():
        assert re.match(r"# .*: https://\S+", text)
        assert rule.globs == ANY_FILE or any(map(rule.selects, NAMES)), rule.globs


@pytest.mark.parametrize(
    ("path", "is_known"),
    [
        pytest.param("values.yaml", True, id="name alone"),
        pytest.param("/src/charts/web/values-prod.yaml", True, id="absolute path"),
        pytest.param("a/.github/workflows/ci.yml", True, id="hidden directory"),
        pytest.param("workflows/ci.yml", False, id="workflow outside of .github"),
        pytest.param("ci.gitlab-ci.yml", True, id="included file of GitLab"),
        pytest.param("myvalues.yaml", False, id="name that ends like a known file"),
        pytest.param("values.yaml.txt", False, id="name that starts like a known file"),
        pytest.param("VALUES.yaml", False, id="name in capitals"),
        pytest.param("docker-compose.override.yaml", True, id="wildcard in the middle"),
        pytest.param("pod.yaml", False, id="manifest"),
    ],
)
def test_path_selects_known_files(path: str, is_known: bool) -> None:
    assert bool(known_files(path)) == is_known


def test_known_files_have_a_suffix_that_a_directory_search_reads() -> None:
    globs = {glob for rule, _ in file_entries() if rule.globs != ANY_FILE for glob in rule.globs}
    assert not {glob for glob in globs if not glob.endswith((".yaml", ".yml", ".y*ml", ".json"))}


def test_directory_search_finds_known_files(program: Program) -> None:
    shutil.copytree(FILES, program.folder / "repository")
    visible = [name for name in NAMES if not name.startswith((".github/", ".woodpecker/"))]
    ran = program("set", "repository", *NGINX, "--check", "-q")
    assert sorted(ran.stdout.decode().split()) == [f"repository/{name}" for name in visible]
    ran = program("set", "repository", "--hidden", *NGINX, "--check", "-q")
    assert sorted(ran.stdout.decode().split()) == [f"repository/{name}" for name in NAMES]
    ran = program("set", "repository/.github", *NGINX, "--check", "-q")
    assert ran.stdout == b"repository/.github/workflows/ci.yaml\n"


@pytest.mark.parametrize("name", NAMES)
def test_named_file_is_set_in_place(program: Program, name: str) -> None:
    shutil.copytree(FILES, program.folder / "repository")
    ran = program("set", f"repository/{name}", *NGINX, "--in-place", "-q")
    assert (ran.status, ran.stderr) == (0, "")
    assert (program.folder / "repository" / name).read_text() == expected((FILES / name).read_text())


def test_git_directory_is_never_read(program: Program) -> None:
    program.write("d/.git/values.yaml", "image: nginx:1\n")
    assert program("list", "d", "--hidden").stdout == b""


def test_standard_input_has_the_name_of_an_option(program: Program) -> None:
    text = "services: {web: {image: nginx:1}}\n"
    ran = program(*NGINX, "--stdin-file-name", "compose.yaml", stdin=text)
    assert ran == (0, text.replace("nginx:1", "nginx:2").encode(), "")
    ran = program("set", "-", "-q", *NGINX, "--stdin-file-name=a/compose.yaml", stdin=text)
    assert ran == (0, text.replace("nginx:1", "nginx:2").encode(), "")
    ran = program(*NGINX, stdin=text)
    assert (ran.status, ran.stdout) == (2, b"")


@pytest.mark.parametrize("command", ["set", "list", "list --diff", "lock", "verify", "explain"])
def test_name_of_standard_input_requires_standard_input(program: Program, command: str) -> None:
    program.write("a.yaml", "image: nginx:1\n")
    paths = ["a.yaml", "a.yaml"] if "--diff" in command else ["a.yaml"]
    ran = program(*command.split(), *paths, "--stdin-file-name", "values.yaml")
    message = "`--stdin-file-name` requires standard input; add the path `-`"
    assert ran == (2, b"", f"krm-image-setter: error: {message}\n")


def test_name_of_standard_input_applies_to_one_side_of_a_comparison(program: Program) -> None:
    program.write("values.yaml", "image: nginx:2\n")
    options = ("--diff", "values.yaml", "-", "-o", "names", "--stdin-file-name", "values.yaml")
    assert program("list", *options, stdin="image: nginx:1\n").stdout == b"nginx:1\n"


def test_known_file_with_a_resource_is_read_as_a_resource(program: Program) -> None:
    text = "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: nginx:1}]}\nimage: nginx:1\n"
    program.write("values.yaml", text)
    ran = program("set", "values.yaml", "-q", *NGINX)
    assert ran.stdout.decode() == text.replace("image: nginx:1}", "image: nginx:2}")


def test_known_file_is_not_printed_among_manifests(program: Program) -> None:
    pod = "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: nginx:1}]}\n"
    program.write("d/pod.yaml", pod)
    program.write("d/values.yaml", "image: nginx:1\n")
    ran = program("set", "d", *NGINX)
    assert ran.stdout.decode() == pod.replace("nginx:1", "nginx:2")
    assert "d/values.yaml: not printed: the file contains no resources" in ran.stderr
    assert "would set 2 images in 2 files" in ran.stderr  # the summary counts all images, as with --in-place


def test_path_annotation_of_an_item_is_the_name_of_its_file(program: Program) -> None:
    item = "- metadata: {annotations: {config.kubernetes.io/path: a/compose.yaml}}\n  services: {a: {image: nginx:1}}\n"
    config = "functionConfig: {apiVersion: krm-image-setter.dev/v1alpha1, kind: ImageSetter, images: {nginx: nginx:2}}\n"
    text = f"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{item}{config}"
    assert b"services: {a: {image: nginx:2}}" in program(stdin=text).stdout
