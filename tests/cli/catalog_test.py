"""The `catalog` command, and the catalog in a run."""

from __future__ import annotations

import pytest
from harness import Program

from krm_image_setter import read_config
from krm_image_setter.catalog import entries
from krm_image_setter.catalog.known_files import file_entries

CONNECT = (
    "apiVersion: kafka.strimzi.io/v1beta2\nkind: KafkaConnect\nmetadata: {name: c}\n"
    "spec:\n  image: nginx:1 # here\n  other: nginx:1\n"
)
DONE = CONNECT.replace("nginx:1 #", "nginx:2 #")
NGINX = ("--image", "nginx=nginx:2")
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {nginx: nginx:2}\n"


def test_catalog_without_configuration_finds_images(program: Program) -> None:
    assert program(*NGINX, stdin=CONNECT) == (0, DONE.encode(), "")


def test_catalog_false_disables_the_catalog(program: Program) -> None:
    program.write("f.yaml", HEAD + "catalog: false\nonUnused: ignore\n")
    assert program("--fn-config", "f.yaml", stdin=CONNECT) == (0, CONNECT.encode(), "")


@pytest.mark.parametrize(
    "api_version", ["kafka.strimzi.io.example/v1", "strimzi.io/v1", "v1", "apps/v1", "kafka.strimzi.io"]
)
def test_kind_in_another_group_is_not_changed(program: Program, api_version: str) -> None:
    text = CONNECT.replace("kafka.strimzi.io/v1beta2", api_version)
    assert program(*NGINX, "--on-unused", "ignore", stdin=text) == (0, text.encode(), "")


def test_kinds_replace_the_catalog_entry_of_a_kind(program: Program) -> None:
    program.write("f.yaml", HEAD + "kinds: [{kind: KafkaConnect, paths: [.spec.image, .spec.other]}]\n")
    ran = program("--fn-config", "f.yaml", stdin=CONNECT)
    assert ran == (0, CONNECT.replace("nginx:1", "nginx:2").encode(), "")


def test_catalog_path_without_a_match_gives_no_warning(program: Program) -> None:
    text = CONNECT.replace("nginx:1 # here", "{repository: nginx}")
    ran = program(*NGINX, "--on-unused", "ignore", stdin=text)
    assert ran == (0, text.encode(), "")


def test_table_has_a_row_per_path(program: Program) -> None:
    header, *rows = program("catalog").stdout.decode().splitlines()
    assert header.split() == ["KIND", "APIVERSION", "PATH"]
    assert ["KafkaConnect", "kafka.strimzi.io/*", "{.spec.image}"] in [row.split() for row in rows]
    assert len(rows) >= len(entries())


@pytest.mark.parametrize(
    "name", ["KafkaConnect", "kafkaconnect", "kafka.strimzi.io", "*.strimzi.io", "Kafka*.kafka.strimzi.io"]
)
def test_name_selects_kinds_and_groups(program: Program, name: str) -> None:
    rows = program("catalog", name).stdout.decode().splitlines()[1:]
    assert any(row.startswith("KafkaConnect ") for row in rows)
    assert all("kafka.strimzi.io/" in row for row in rows)


def test_unknown_name_is_an_error(program: Program) -> None:
    assert program("catalog", "KafkaConnect", "Nothing").status == 0
    ran = program("catalog", "Nothing")
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr.startswith('krm-image-setter: error: no catalog entry matches "Nothing"; ')


def test_yaml_output_works_as_kinds(program: Program) -> None:
    """The entries as `kinds` set the same images without the catalog."""
    kinds = program("catalog", "-o", "yaml").stdout.decode()
    program.write("f.yaml", f"{HEAD}catalog: false\nonUnused: ignore\n{kinds}")
    assert program("--fn-config", "f.yaml", stdin=CONNECT) == (0, DONE.encode(), "")


def test_yaml_output_contains_every_entry(program: Program) -> None:
    text = program("catalog", "-o", "yaml").stdout.decode()
    assert len(entries()) + len(file_entries()) == sum(line.startswith("- ") for line in text.splitlines())
    config = read_config(HEAD + text)
    assert {(rule.selector.kind, rule.selector.api_version) for rule in config.kinds} == {
        (entry.kind, entry.api_version) for entry in entries()
    }
    assert [rule.globs for rule in config.files] == [entry.rule.globs for entry in file_entries()]


@pytest.mark.parametrize("name", ["compose.yaml", "compose.y*ml", "docker-compose.prod.yml"])
def test_name_selects_files(program: Program, name: str) -> None:
    header, *rows = program("catalog", name).stdout.decode().splitlines()
    assert header.split() == ["FILES", "PATH"]
    assert [row.split()[-1] for row in rows] == [
        "{.services.*.image}", '{.services.*.volumes[?(@.type=="image")].source}'
    ]  # fmt: skip
