"""The `import` command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Program

from krm_image_setter import read_config, set_images

TILTFILE = """\
k8s_kind('KafkaConnect', api_version='kafka.strimzi.io', image_json_path='{.spec.image}')
default_registry('localhost:5005')
docker_build('kafkaconnect', '.')
k8s_kind(read_file('kind'), image_json_path='{.a}')
"""
CONNECT = "apiVersion: kafka.strimzi.io/v1\nkind: KafkaConnect\nspec:\n  image: kafkaconnect # i\n"


def test_import_of_a_tiltfile_sets_its_images(program: Program) -> None:
    program.write("Tiltfile", TILTFILE)
    ran = program("import", "Tiltfile")
    assert ran.status == 0
    assert ran.stderr.startswith("krm-image-setter: warning: Tiltfile:4: k8s_kind: not imported: `kind` is ")
    outcome = set_images(CONNECT, read_config(ran.stdout.decode()))
    assert outcome.text == CONNECT.replace("kafkaconnect #", "localhost:5005/kafkaconnect #")


def test_import_of_several_files_prints_one_stream(program: Program) -> None:
    program.write("Tiltfile", "docker_build('a/b', '.')\n")
    program.write("services/Tiltfile", "k8s_kind('A', image_json_path='{.i}')\n")
    ran = program("import", "Tiltfile", "services/Tiltfile")
    assert (ran.status, ran.stderr) == (0, "")
    assert ran.stdout.count(b"kind: ImageSetter") == 2
    assert b"# --image a/b=NEW-REFERENCE" in ran.stdout


def test_import_of_a_directory_reads_the_files_of_all_tools_in_it(program: Program) -> None:
    program.write("Tiltfile", "docker_build('a/b', '.')\n")
    program.write("kustomization.yaml", "images: [{name: nginx, newTag: '2'}]\n")
    program.write("config.yaml", "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\noverrides: []\n")
    program.write("template.yaml", "{{ .x }}\n- [\n")
    program.write("web.yaml", "apiVersion: v1\nkind: Service\n")
    program.write("sub/Tiltfile", "docker_build('c/d', '.')\n")
    (program.folder / "image.yaml").write_bytes(b"\xff\xfe\x00")
    ran = program("import", ".")
    assert ran.status == 0
    sources = [line.split(";")[0] for line in ran.stdout.decode().splitlines() if line.startswith("# Imported")]
    assert sources == [f"# Imported from ./{name}" for name in ("Tiltfile", "config.yaml", "kustomization.yaml")]
    assert program("import", "Tiltfile").stdout in ran.stdout.replace(b"./Tiltfile", b"Tiltfile")


def test_import_of_a_directory_without_files_is_an_error(program: Program) -> None:
    program.write("deploy/web.yaml", "apiVersion: v1\nkind: Service\n")
    ran = program("import", "deploy")
    expected = "expected one of: Tiltfile, kbld Config, skaffold.yaml, kustomization"
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr == f"krm-image-setter: error: deploy: no file to import in this directory; {expected}\n"


def test_import_output_configures_the_filter(program: Program) -> None:
    program.write("Tiltfile", TILTFILE)
    program.write("functions.yaml", program("import", "Tiltfile").stdout.decode())
    ran = program(stdin=CONNECT)
    assert b"image: localhost:5005/kafkaconnect # i" in ran.stdout


def test_files_named_by_a_kustomization_are_read(program: Program) -> None:
    program.write("app/base/kustomization.yaml", "images: [{name: a, newTag: b}]\n")
    program.write("app/config.yaml", "images: [{path: spec/image, kind: KafkaConnect}]\n")
    program.write(
        "app/kustomization.yaml",
        "resources: [base]\nconfigurations: [config.yaml, gone.yaml]\n"
        "images: [{name: kafkaconnect, newName: localhost:5005/kafkaconnect}]\n",
    )
    program.write("Tiltfile", "docker_build('a/b', '.')\n")
    ran = program("import", "app/kustomization.yaml", "Tiltfile")
    assert ran.status == 0
    assert ran.stderr.splitlines() == [
        "krm-image-setter: warning: app/kustomization.yaml:1: resources[0]: not imported: "
        '"base/kustomization.yaml" contains `images`; import it separately',
        f"krm-image-setter: warning: app/kustomization.yaml:2: {Path('app/gone.yaml')}: "
        "not imported: cannot read file: No such file or directory",
    ]
    outcome = set_images(CONNECT, read_config(ran.stdout.decode()))
    assert outcome.text == CONNECT.replace("kafkaconnect #", "localhost:5005/kafkaconnect #")


def test_files_outside_the_directory_of_a_kustomization_are_not_read(program: Program) -> None:
    """A link within the directory is followed, and a pipe does not block."""
    specs = "images: [{path: spec/image, kind: KafkaConnect}]\n"
    program.write("secret.yaml", specs)
    program.write("app/own/config.yaml", specs)
    (program.folder / "app/out.yaml").symlink_to("../secret.yaml")
    (program.folder / "app/in.yaml").symlink_to("own/config.yaml")
    os.mkfifo(program.folder / "app/pipe.yaml")
    absolute = program.folder / "secret.yaml"
    names = [
        "../secret.yaml",
        str(absolute),
        "out.yaml",
        "own/../../secret.yaml",
        "https://example.invalid/a.yaml",
        "pipe.yaml",
        ".",
    ]
    out = "not imported: the file is outside the directory of the configuration"
    program.write(
        "app/kustomization.yaml",
        f"images: [{{name: a, newTag: b}}]\nconfigurations: [{', '.join(names)}]\n"
        "resources: [.., https://example.invalid/b]\n",
    )
    ran = program("import", "app/kustomization.yaml")
    where = "krm-image-setter: warning: app/kustomization.yaml"
    assert ran.stderr.splitlines() == [
        f"{where}:2: app/../secret.yaml: {out}",
        f"{where}:2: {absolute}: {out}",
        f"{where}:2: app/out.yaml: {out}",
        f"{where}:2: app/own/../../secret.yaml: {out}",
        f"{where}:2: https://example.invalid/a.yaml: not imported: URLs are not fetched; "
        "download the file and import the copy",
        f"{where}:2: app/pipe.yaml: not imported: cannot read file: not a regular file",
        f"{where}:2: app: {out}",
        f'{where}:3: resources[0]: not imported: ".." was not read; import its kustomization '
        "separately if it sets images",
        f'{where}:3: resources[1]: not imported: "https://example.invalid/b" was not read; '
        "import its kustomization separately if it sets images",
    ]
    assert (ran.status, b"kinds" in ran.stdout) == (0, False)
    program.write("app/kustomization.yaml", "configurations: [in.yaml, own/config.yaml]\n")
    ran = program("import", "app/kustomization.yaml")
    assert (ran.status, ran.stderr, b"spec/image" in ran.stdout) == (0, "", True)


def test_long_chain_of_kustomizations_is_not_followed(program: Program) -> None:
    folder = "k"
    for _ in range(300):
        program.write(f"{folder}/kustomization.yaml", "resources: [c]\n")
        folder += "/c"
    ran = program("import", "k/kustomization.yaml")
    assert ran.status == 0
    assert ran.stderr.splitlines()[0].endswith(
        'resources[0]: not imported: "c" was not read; import its kustomization separately if it sets images'
    )


@pytest.mark.parametrize("name", ["Tiltfile", "Tiltfile.dev", "dev.Tiltfile", "dev.tiltfile", "lib.star"])
def test_tiltfile_with_another_name_is_imported(program: Program, name: str) -> None:
    program.write(name, "docker_build('a', '.')\n")
    assert program("import", name).status == 0


def test_output_is_utf_8_regardless_of_the_locale(program: Program) -> None:
    program.write("Tiltfile", "k8s_kind('A', image_json_path='{.\u00e9}')\n")
    ran = program("import", "Tiltfile", env={"PYTHONIOENCODING": "ascii"})
    assert (ran.status, ran.stderr) == (0, "")
    assert 'paths: "{.\u00e9}"\n'.encode() in ran.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("arguments", [["import", "Tiltfile"], ["--image", "a=b"]])
def test_full_disk_is_reported_on_one_line(program: Program, arguments: list[str]) -> None:
    program.write("Tiltfile", TILTFILE.partition("k8s_kind(read")[0])
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "krm_image_setter", *arguments],
            input=b"kind: Pod\nspec: {containers: [{image: a}]}\n",
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=program.folder,
            check=False,
        )
    error = b"krm-image-setter: error: standard output: cannot write: No space left on device\n"
    assert (ran.returncode, ran.stderr) == (2, error)


def test_invalid_files_are_reported_on_one_line(program: Program) -> None:
    program.write("Tiltfile", "docker_build(\n")
    program.write("kustomization.yaml", "images: [\n")
    program.write("other.yaml", "kind: ConfigMap\n")
    program.write("Tiltfile.latin", "")
    (program.folder / "Tiltfile.latin").write_bytes(b"# \xe9\n")
    for file, sentence in (
        ("Tiltfile", "Tiltfile:1: "),
        (
            "Tiltfile.latin",
            "Tiltfile.latin:1: not valid UTF-8 (byte 0xE9 at offset 2); convert the input to UTF-8",
        ),
        ("Tiltfile.none", "Tiltfile.none: cannot read file: No such file or directory"),
        ("kustomization.yaml", "kustomization.yaml:2:1: "),
        ("other.yaml", "other.yaml: unsupported file; expected one of: Tiltfile, "),
    ):
        ran = program("import", file)
        assert (ran.status, ran.stdout) == (2, b"")
        assert ran.stderr.startswith(f"krm-image-setter: error: {sentence}")
        assert len(ran.stderr.splitlines()) == 1


def test_missing_file_argument_is_an_error(program: Program) -> None:
    ran = program("import")
    assert ran.status == 2
    assert "missing argument `PATH`" in ran.stderr
    text = program("import", "--help").stdout
    assert b"krm-image-setter import Tiltfile > functions.yaml" in text
    assert b"krm-image-setter import prod/kustomization.yaml skaffold.yaml" in text
    assert b" Convert another" in program("--help").stdout


def test_closed_pipe_gives_no_error(program: Program) -> None:
    program.write("Tiltfile", "".join(f"docker_build('a/b{n}', '.')\n" for n in range(5000)))
    ran = subprocess.run(
        f"{sys.executable} -m krm_image_setter import Tiltfile | head -1",
        shell=True,
        capture_output=True,
        cwd=program.folder,
        check=False,
    )
    assert ran.stdout == b"# Imported from Tiltfile; comments contain the line of the source.\n"
    assert ran.stderr == b""
