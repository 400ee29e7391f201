"""Writes findings as workflow commands of GitHub Actions, which GitHub shows as annotations in a pull request.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os

from krm_image_setter.cli import terminal
from krm_image_setter.cli.outputs import Finding, Report
from krm_image_setter.results import ERROR, INFO, WARNING
from krm_image_setter.streams import PROGRAM
from krm_image_setter.typed import Final

_COMMANDS: Final = {ERROR: "error", WARNING: "warning", INFO: "notice"}
# The escapes of actions/toolkit (packages/core/src/command.ts), for messages and for the values of properties.
_IN_MESSAGE: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY: Final = _IN_MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})


def write(report: Report) -> None:
    """Write one workflow command per finding."""
    for finding in report.findings():
        terminal.write(f"{command(finding)}\n")


def command(finding: Finding) -> str:
    """Return a finding as a workflow command."""
    return f"::{_COMMANDS[finding.severity]} {_properties(finding)}::{finding.message.translate(_IN_MESSAGE)}"


def _properties(finding: Finding) -> str:
    # GitHub compares the file with the paths in the repository, which do not start with `./`.
    file = os.path.normpath(finding.path) if finding.path is not None else None
    properties = {
        "title": f"{PROGRAM} ({finding.rule.name})",
        "file": file,
        "line": finding.line if file else None,
        "col": finding.column if file else None,
    }
    return ",".join(
        f"{name}={str(value).translate(_IN_PROPERTY)}" for name, value in properties.items() if value is not None
    )
