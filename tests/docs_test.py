"""The commands and the configuration of README.md are run as they stand there."""

from __future__ import annotations

import re
import sys

import pytest
from harness import ROOT, Program
from orchestrator import Orchestrator

from krm_image_setter import read_config

README = (ROOT / "README.md").read_text()
CONNECT = (ROOT / "fixtures/kafka-connect/input.yaml").read_text()
PIPES = re.findall(r"`(krm-image-setter [^`]*< manifests\.yaml)`", README)
KPT = re.findall(r"`kpt fn eval (DIR [^`]*)`", README)


def test_configuration() -> None:
    (block,) = re.findall(r"```yaml\n# functions\.yaml\n(.*?)```", README, re.DOTALL)
    assert read_config(block) == read_config((ROOT / "functions.yaml").read_text())


@pytest.mark.parametrize("command", PIPES)
def test_pipe(program: Program, command: str) -> None:
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


def test_python() -> None:
    assert "set_images(text, read_config(config)).text" in README
    assert sys.version_info >= (3, 11)


def test_there_are_commands() -> None:
    assert len(PIPES) >= 2
    assert len(KPT) >= 2
