"""The field `files`: images in documents that are not resources, selected by the names of their files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest
from harness import Program

from krm_image_setter import ImageSetterError, read_config, set_images_in

HEAD: Final = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {nginx: 'nginx:2'}\n"
JOB: Final = "presubmits:\n  org/repo:\n  - name: test\n    spec: {containers: [{image: nginx:1}]}\n"  # as in Prow


def set_in(texts: Mapping[str, str], body: str) -> tuple[dict[str, str], list[str]]:
    """Return the new texts and the messages of a run with a configuration."""
    outcomes = set_images_in(texts, read_config(f"{HEAD}{body}\n"))
    return {name: one.text for name, one in outcomes.of.items()}, [str(result) for result in outcomes.results]


# Each row: an entry of `files`, the name of a file, its text. Each `nginx:1` in the text changes.
SET = [
    pytest.param("files: 'jobs/**/*.yaml', podSpecs: true", "jobs/a/b.yaml", JOB, id="pod specs at any depth"),
    pytest.param("files: a.yaml, paths: .a.image", "b/a.yaml", "a: {image: 'nginx:1'}\n", id="path"),
    pytest.param("files: [x, '*.yml'], paths: [.a, .b]", "a.yml", "a: nginx:1\nb: nginx:1\n", id="globs and paths"),
    pytest.param("files: a.yaml, paths: '{[*].i}'", "a.yaml", "- i: nginx:1 # c\n-\n  i: nginx:1\n", id="list"),
    pytest.param("files: a.yaml, paths: .i", "a.yaml", "i: nginx:1\n---\ni: nginx:1\n", id="several documents"),
    pytest.param("files: a.yaml, paths: {path: '{$}', as: values}", "a.yaml", "image: nginx:1\n", id="values"),
    pytest.param("files: a.json, paths: .i", "a.json", '{\n\t"i": "nginx:1"\n}', id="JSON with tabs"),
    pytest.param("files: 'é *.yaml', paths: .i", "é 1.yaml", "i: &a nginx:1\nj: 1\r\n", id="unicode and CRLF"),
    pytest.param("files: ['*', '!b.yaml'], paths: .i", "a.yaml", "kind: 5\ni: nginx:1\n", id="kind that is a number"),
    pytest.param("files: a.yaml, paths: .i", "a.yaml", "kind: DaemonSet\ni: nginx:1\n", id="kind without apiVersion"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "name", "text"), SET)
@pytest.mark.parametrize("rest", ["", "catalog: false", "podSpecs: false"], ids=["", "no catalog", "no pod specs"])
def test_entry_of_files_sets_images(entry: str, name: str, text: str, rest: str) -> None:
    assert set_in({name: text}, f"files: [{{{entry}}}]\n{rest}") == (
        {name: text.replace("nginx:1", "nginx:2")},
        [],
    )


def test_pod_specs_of_other_files_are_not_searched() -> None:
    with pytest.raises(ImageSetterError, match=r"jobs\.yaml:1: not a Kubernetes resource"):
        set_in({"jobs.yaml": JOB}, "files: [{files: 'config/*.yaml', podSpecs: true}]")


def test_resource_in_a_selected_file_is_read_as_a_resource() -> None:
    text = "apiVersion: a.b/v1\nkind: A\nimage: nginx:1\nspec: {containers: [{image: nginx:1}]}\n"
    new, _ = set_in({"a.yaml": text}, "files: [{files: a.yaml, paths: .image}]")
    assert new == {"a.yaml": text.replace("image: nginx:1}", "image: nginx:2}")}


def test_unused_path_of_files_is_reported_with_its_entry() -> None:
    body = "kinds: {A: .a}\nfiles: [{files: ['*.yaml', '*.yml'], paths: [.image, .imag]}]"
    _, messages = set_in({"a.yaml": "image: nginx:1\n", "b.yml": "image: nginx:2\n"}, body)
    (message,) = messages
    assert message.startswith(
        "warning: line 5: files[0].paths[1]: path .imag matched no field in any of the 2 selected "
    )
    assert message.endswith('documents (*.yaml, …): no field "imag"; did you mean "image"?')


def test_entry_that_selects_no_file_is_not_reported() -> None:
    assert (
        set_in(
            {"a.yaml": "kind: Pod\nspec: {containers: [{image: nginx:1}]}\n"}, "files: [{files: b, paths: .a}]"
        )[1]
        == []
    )


def test_name_in_another_field_of_a_selected_file_is_reported() -> None:
    _, messages = set_in(
        {"a.yaml": "image: redis\nsidecar: {image: nginx:1}\n"}, "files: [{files: a.yaml, paths: .image}]"
    )
    assert messages == [
        'warning: line 3: images.nginx: no rule covers "nginx" in a.yaml:2 (sidecar.image); add the path to `files`'
    ]


def test_field_of_another_type_is_reported_without_a_resource() -> None:
    config = read_config(f"{HEAD}files: [{{files: a.yaml, paths: .image}}]\nonUnused: ignore\n")
    (result,) = set_images_in({"a.yaml": "image: {name: nginx}\n"}, config).of["a.yaml"].results
    assert str(result) == (
        "warning: line 1: image: not changed: path .image points to a mapping, expected a string"
    )


def test_globs_start_at_the_named_directory(program: Program) -> None:
    program.write("functions.yaml", f"{HEAD}files: [{{files: jobs/*.yaml, podSpecs: true}}]\nonUnused: ignore\n")
    program.write("config/jobs/a.yaml", JOB)
    assert program("set", "config", "--check", "-q").stdout == b"config/jobs/a.yaml\n"
    assert program("set", "config/jobs", "--check", "-q").stdout == b""
    # The globs of a named file start at its own directory.
    assert program("set", "config/jobs/a.yaml", "--check", "-q").status == 2


def test_list_shows_the_entry_that_found_an_image(program: Program) -> None:
    program.write("f.yaml", f"{HEAD}files: [{{files: [a.yaml, b.yaml], paths: .a.image}}]\n")
    program.write("d/a.yaml", "a: {image: 'nginx:1'}\n")
    ran = program("list", "d", "--fn-config", "f.yaml")
    assert ran == (0, b"nginx:1\n  -  d/a.yaml:1  a.image  files a.yaml, \xe2\x80\xa6 .a.image\n", "")


def test_reference_of_an_entry_comes_from_a_resource_next_to_other_files(program: Program) -> None:
    job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {containers: [{image: nginx:2}]}\n"
    program.write(
        "f.yaml",
        HEAD.partition("images")[0]
        + ("images: [{name: web, from: {kind: Job, name: j, path: '{.spec.containers[0].image}'}}]\n"),
    )
    program.write("job.yaml", job)
    program.write("values.yaml", "image: web\n")
    ran = program("set", "job.yaml", "values.yaml", "--fn-config", "f.yaml", "--in-place", "-q")
    assert (ran.status, ran.stderr) == (0, "")
    assert (program.folder / "values.yaml").read_text() == "image: nginx:2\n"
