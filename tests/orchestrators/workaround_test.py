"""Workaround 2 of Tilt's users, as documented: a script asks the cluster for the image."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from harness import ROOT, Program
from orchestrator import write_program

FIXTURE = ROOT / "fixtures/seed-from-outside"
(COMMAND,) = re.findall(r"```sh\n(krm-image-setter .*?)```", (ROOT / "docs/from-tilt.md").read_text(), re.DOTALL)


@pytest.mark.skipif(os.name == "nt", reason="the documented command is for a POSIX shell")
def test_image_of_the_cluster(program: Program) -> None:
    """With a stand-in for kubectl that knows one Job."""
    write_program(program.folder / "bin/krm-image-setter")
    kubectl = program.folder / "bin/kubectl"
    kubectl.write_text(
        "#!/bin/sh\n"
        "[ \"$*\" = 'get job no-op -o jsonpath={.spec.template.spec.containers[0].image}' ] || exit 1\n"
        "printf localhost:5005/kafkaconnect:tilt-1a2b3c\n"
    )
    kubectl.chmod(0o755)
    (program.folder / "manifests.yaml").write_bytes((FIXTURE / "input.yaml").read_bytes())
    ran = subprocess.run(
        ["sh", "-c", COMMAND],
        capture_output=True,
        cwd=program.folder,
        env={**os.environ, "PATH": f"{program.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"},
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout == (FIXTURE / "expected.yaml").read_bytes()
