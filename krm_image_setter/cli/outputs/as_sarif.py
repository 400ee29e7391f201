"""Writes findings in the Static Analysis Results Interchange Format, which code scanners exchange.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
import os
from urllib.parse import quote

from krm_image_setter import __version__
from krm_image_setter.cli import terminal
from krm_image_setter.cli.outputs import PROBLEM, Finding, Report
from krm_image_setter.results import ERROR, INFO, WARNING
from krm_image_setter.streams import PROGRAM
from krm_image_setter.typed import Any, Final

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {ERROR: "error", WARNING: "warning", INFO: "note"}


def write(report: Report) -> None:
    """Write a log with one run. A finding without a file is a notification, because a result needs a location."""
    findings = list(report.findings())
    located = [finding for finding in findings if finding.path is not None]
    rules = list(dict.fromkeys(finding.rule for finding in located))
    driver = {
        "name": PROGRAM,
        "version": __version__,
        "rules": [{"id": rule.name, "shortDescription": {"text": rule.description}} for rule in rules],
    }
    invocation = {
        "executionSuccessful": not any(
            finding.rule == PROBLEM and finding.severity == ERROR for finding in findings
        ),
        "toolExecutionNotifications": [
            {"level": _LEVELS[finding.severity], "message": _message(finding)}
            for finding in findings
            if finding.path is None
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": [_result(finding, rules.index(finding.rule)) for finding in located],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    terminal.write(f"{json.dumps(log, ensure_ascii=False, indent=1)}\n")


def _result(finding: Finding, rule_index: int) -> dict[str, Any]:
    region = {"startLine": finding.line, "startColumn": finding.column}
    location: dict[str, Any] = {"artifactLocation": _artifact(finding.path or "")}
    if finding.line is not None:
        location["region"] = {key: value for key, value in region.items() if value is not None}
    return {
        "ruleId": finding.rule.name,
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.severity],
        "message": _message(finding),
        "locations": [{"physicalLocation": location}],
    }


def _artifact(file: str) -> dict[str, str]:
    """Return the location of a file as a URI. The URI of a relative path starts at the root of the sources."""
    path = quote(os.path.normpath(file), errors="surrogateescape")
    return {"uri": f"file://{path}"} if os.path.isabs(file) else {"uri": path, "uriBaseId": "%SRCROOT%"}


def _message(finding: Finding) -> dict[str, str]:
    # In a SARIF message, braces enclose placeholders. Literal braces must be doubled (section 3.11.5).
    return {"text": finding.message.replace("{", "{{").replace("}", "}}")}
