"""The commands in tables of docs/ways-to-run.md, and the configurations of README.md and docs/configuration.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from harness import ROOT, Program
from orchestrator import Orchestrator
from story import blocks

from krm_image_setter import cli, read_config
from krm_image_setter.catalog import entries
from krm_image_setter.config import ImageSetter, decode, read_values

README = (ROOT / "README.md").read_text()
WAYS = (ROOT / "docs/ways-to-run.md").read_text()
CONNECT = (ROOT / "fixtures/kafka-connect/input.yaml").read_text()
PIPES = re.findall(r"`(krm-image-setter [^`]*< manifests\.yaml)`", WAYS)
IMAGE = "image: localhost:5005/kafkaconnect:"
KPT = re.findall(r"`kpt fn eval (DIR [^`]*)`", WAYS)


def test_configuration() -> None:
    (block,) = re.findall(r"`functions\.yaml`:\n\n```yaml\n(.*?)```", README, re.DOTALL)
    assert read_config(block) == read_config((ROOT / "functions.yaml").read_text())


@pytest.mark.parametrize("command", PIPES)
def test_pipe(program: Program, command: str) -> None:
    if "functions.yaml" in command:
        program.write("functions.yaml", (ROOT / "functions.yaml").read_text())
    program.write("manifests.yaml", CONNECT)
    arguments = command.removesuffix(" < manifests.yaml").split()[1:]
    ran = program(*arguments, stdin=CONNECT)
    assert (ran.status, ran.stderr) == (0, "")
    assert b'image: "localhost:5005/kafkaconnect:' in ran.stdout


@pytest.mark.parametrize("command", KPT)
def test_kpt(kpt: Orchestrator, command: str) -> None:
    kpt.write("functions.yaml", (ROOT / "functions.yaml").read_text())
    ran = kpt("fn", "eval", *command.replace("DIR", "app").split())
    assert ran.returncode == 0, ran.stderr
    assert "set image" in ran.stderr


def test_kptfile(kpt: Orchestrator) -> None:
    pipeline, command = re.findall(r"\| a Kptfile \| `([^`]*)`, then `kpt ([^`]*)` \|", WAYS)[0]
    kpt.write("app/functions.yaml", (ROOT / "functions.yaml").read_text())
    head = "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata: {name: app}\n"
    kpt.write("app/Kptfile", f"{head}pipeline: {{{pipeline}}}\n")
    subcommand, verb, *options = command.split()
    ran = kpt(subcommand, verb, "app", *options)
    assert ran.returncode == 0, ran.stderr
    assert IMAGE in (kpt.folder / "app/connect.yaml").read_text()


def test_kubectl_plugin(kubectl: Orchestrator) -> None:
    (row,) = (line for line in WAYS.splitlines() if line.startswith("| `kubectl kustomize` |"))
    command, flag = re.findall(r"`krm-image-setter ([^`]*)` once.*`kubectl kustomize (--[^`]*)` \|$", row)[0]
    home = {"KUSTOMIZE_PLUGIN_HOME": str(kubectl.folder / "plugins")}
    program = str(kubectl.folder / "bin/krm-image-setter")
    subprocess.run([program, *command.split()], env={**os.environ, **home}, check=True)
    kubectl.write("app/kustomization.yaml", "resources: [connect.yaml]\ntransformers: [functions.yaml]\n")
    config = (ROOT / "functions.yaml").read_text()
    assert "config.kubernetes.io/function" in config
    plain = re.sub(r"  annotations:\n(?:    .*\n)+", "", config)
    kubectl.write("app/functions.yaml", plain)
    ran = kubectl("kustomize", "app", flag, env=home)
    assert ran.returncode == 0, ran.stderr
    assert IMAGE in ran.stdout


def test_files_and_folders(program: Program) -> None:
    in_place, built, question, report = (
        command.split() for command in re.findall(r"`krm-image-setter ((?:set|list) deploy [^`]*)`", WAYS)
    )
    program.write("functions.yaml", (ROOT / "functions.yaml").read_text())
    program.write("deploy/connect.yaml", CONNECT)
    assert program(in_place[0], *in_place[1:-1], "--check").status == 1
    ran = program(*report)
    assert (ran.status, ran.stdout.startswith(b"::error title=krm-image-setter (image-change),")) == (1, True)
    assert program(*in_place).status == 0
    assert IMAGE[7:] in (program.folder / "deploy/connect.yaml").read_text()
    program.write("meta.json", '{"image.name": "localhost:5005/kafkaconnect:3"}')
    assert program(*built).status == 0
    assert f"{IMAGE[7:]}3" in (program.folder / "deploy/connect.yaml").read_text()
    assert b"localhost:5005/kafkaconnect:3\n  KafkaConnect" in program(*question).stdout


def test_import(program: Program) -> None:
    (command,) = re.findall(r"`krm-image-setter (import [^`]*) > functions\.yaml`", WAYS)
    program.write(
        "Tiltfile",
        "k8s_kind('KafkaConnect', image_json_path='{.spec.image}')\ndocker_build('kafkaconnect', '.')\n",
    )
    program.write("functions.yaml", program(*command.split()).stdout.decode())
    ran = program(
        "--fn-config", "functions.yaml", "--image", "kafkaconnect=localhost:5005/kafkaconnect:1", stdin=CONNECT
    )
    assert b'image: "localhost:5005/kafkaconnect:' in ran.stdout


def test_python() -> None:
    assert "set_images(text, read_config(config)).text" in WAYS
    assert sys.version_info >= (3, 11)


@pytest.mark.parametrize(
    "block",
    [
        block.body
        for block in blocks(ROOT / "docs/configuration.md")
        if block.language == "yaml" and not block.title
    ],
)
def test_configuration_blocks(block: str) -> None:
    head = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
    assert decode(read_values(head + block, None)) != ImageSetter()


def test_the_catalog_is_as_large_as_said() -> None:
    kinds, others = map(int, re.findall(r"in (\d+) kinds of Strimzi.*? (\d+) other projects", README)[0])
    assert kinds == len({(entry.kind, entry.group) for entry in entries()})
    assert f"The catalog has {kinds} kinds." in (ROOT / "docs/peers.md").read_text()
    assert others + 6 == len({entry.text.partition(":")[0] for entry in entries()})


@pytest.mark.parametrize("command", ["", *cli._MODULES])
def test_each_option_is_in_the_reference(program: Program, command: str) -> None:
    page = (ROOT / "docs/commands.md").read_text()
    sections = dict(re.findall(r"^## (\S+).*?$(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    described = sections["Common"] + sections.get(command, "")
    shown = program(*filter(None, [command]), "--help").stdout.decode()
    options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", shown, re.MULTILINE))
    assert {option for option in options if f"`{option}" not in described} <= {"--help"}


def lines_of(modules: str) -> int:
    """Return the number of lines of modules in backticks, such as `edits.py` and `paths/`, rounded to tens."""
    found = [ROOT / "krm_image_setter" / name for name in re.findall(r"`([^`]+)`", modules)]
    files = [file for path in found for file in ([path] if path.suffix else sorted(path.glob("*.py")))]
    return round(sum(len(file.read_text().splitlines()) for file in files), -1)


def test_reading_order_has_numbers_of_lines() -> None:
    page = ROOT / "docs/how-it-works.md"
    row = r"^(\|(?: \d+ \|)? ((?:`[a-z_/]+(?:\.py)?`(?:, )?)+) \| )([\d,]+)(?= \|)"
    rows = [
        (match[2], int(match[3].replace(",", ""))) for match in re.finditer(row, page.read_text(), re.MULTILINE)
    ]
    assert len(rows) > 15
    if os.environ.get("WRITE_GOLDEN"):
        new = re.sub(row, lambda match: f"{match[1]}{lines_of(match[2]):,}", page.read_text(), flags=re.MULTILINE)
        page.write_text(new)
    wrong = [modules for modules, lines in rows if abs(lines - lines_of(modules)) > max(50, lines // 5)]
    assert wrong == [], "WRITE_GOLDEN=1 writes the numbers"
    shown = {name for modules, _ in rows for name in re.findall(r"`([^`]+)`", modules)}
    known = {path.name + "/" * path.is_dir() for path in (ROOT / "krm_image_setter").iterdir()}
    assert known - {name.partition("/")[0] + "/" * ("/" in name) for name in shown} <= {
        "__init__.py",
        "__pycache__/",
        "py.typed",
    }


def test_contributing_names_only_files_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`((?:krm_image_setter|tests|docs|benchmarks|tools|differential|fuzz)/[\w./-]*)", text)
    assert len(named) > 50
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_contributing_names_only_identifiers_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = [
        (file, name)
        for file, names in re.findall(r"`([\w/]+\.(?:py|json))` \(([^)]*)\)", text)
        for name in re.findall(r"`(?:\w+\.)?(\w+)`", names)
    ]
    assert len(named) > 20
    assert [(file, name) for file, name in named if not re.search(rf"\b{name}\b", (ROOT / file).read_text())] == []


def test_contributing_names_the_tests_of_each_module() -> None:
    tests = {path.name for path in (ROOT / "tests").rglob("*_test.py")}
    exceptions = (
        (ROOT / "CONTRIBUTING.md").read_text().partition("These are the exceptions:")[2].partition("## ")[0]
    )
    modules = (path for path in (ROOT / "krm_image_setter").rglob("*.py") if path.name != "__init__.py")
    assert [
        module
        for path in modules
        if f"{path.stem.rstrip('_')}_test.py" not in tests
        for module in [str(path.relative_to(ROOT / "krm_image_setter").with_suffix(""))]
        if f"`{module}`" not in exceptions
    ] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_each_link_has_a_target(page: str) -> None:
    """`make docs` checks the links of docs/."""
    for file, section in re.findall(r"\]\(([\w./-]*)(?:#([\w-]+))?\)", (ROOT / page).read_text()):
        target = ROOT / (file or page)
        assert target.is_file(), file
        titles = re.findall(r"^#+ (.*)", target.read_text(), re.MULTILINE)
        assert not section or section in [
            re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles
        ]


def test_there_are_commands() -> None:
    assert len(PIPES) >= 2
    assert len(KPT) >= 2
