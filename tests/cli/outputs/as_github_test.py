"""The output format `github`: workflow commands of GitHub Actions."""

from __future__ import annotations

import pytest
from harness import Program

from krm_image_setter.cli.files import Contents, File
from krm_image_setter.cli.listing import IMAGE
from krm_image_setter.cli.outputs import Finding
from krm_image_setter.cli.outputs.as_github import command

TITLE = "title=krm-image-setter (image)"
# The expected texts are those of issueCommand in packages/core/src/command.ts of actions/toolkit.
COMMANDS = [
    pytest.param("info", "a", ("a.yaml", 2, 3), f"::notice {TITLE},file=a.yaml,line=2,col=3::a", id="notice"),
    pytest.param("warning", "a", ("a.yaml", 2, None), f"::warning {TITLE},file=a.yaml,line=2::a", id="no column"),
    pytest.param("error", "a", ("a.yaml", None, None), f"::error {TITLE},file=a.yaml::a", id="no line"),
    pytest.param("error", "a", None, f"::error {TITLE}::a", id="no file"),
    pytest.param("error", "a", ("-", 2, 3), f"::error {TITLE}::a", id="standard input"),
    pytest.param("info", "100%\r\n::x: a,b", None, f"::notice {TITLE}::100%25%0D%0A::x: a,b", id="escapes in a message"),
    pytest.param("info", "%0A", None, f"::notice {TITLE}::%250A", id="escape in a message"),
    pytest.param(
        "info", "a", ("a:b,c%\r\n.yaml", 1, 1),
        f"::notice {TITLE},file=a%3Ab%2Cc%25%0D%0A.yaml,line=1,col=1::a", id="escapes in a property",
    ),
    pytest.param("info", "a", ("./x/../a.yaml", 1, 1), f"::notice {TITLE},file=a.yaml,line=1,col=1::a", id="path"),
]  # fmt: skip


@pytest.mark.parametrize(("severity", "message", "at", "expected"), COMMANDS)
def test_finding_is_a_workflow_command(
    severity: str, message: str, at: tuple[str, int | None, int | None] | None, expected: str
) -> None:
    path, line, column = at or ("", None, None)
    file = File(path, path, is_found=True, contents=Contents()) if at else None
    assert command(Finding(IMAGE, severity, message, file, line, column)) == expected


def test_check_annotates_errors(program: Program) -> None:
    program.write("deploy/a.yaml", "kind: Pod\nspec: {containers: [{image: 'nginx:1'}]}\n")
    ran = program("list", "./deploy", "-o", "github", "--unpinned", "--check")
    properties = "title=krm-image-setter (unpinned-image),file=deploy/a.yaml,line=2,col=29"
    message = 'Pod: spec.containers[0].image: image "nginx:1" has no digest'
    assert (ran.status, ran.stdout.decode()) == (1, f"::error {properties}::{message}\n")
    assert program("list", "./deploy", "-o", "github", "--unpinned").stdout.startswith(b"::notice ")
