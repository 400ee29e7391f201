"""The output format `sarif`, checked with the schema of SARIF 2.1.0."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from harness import ROOT, Program

# `make sarif-schema` installs the npm package, which contains the schema of the standard.
SCHEMA = Path(
    os.environ.get("SARIF_SCHEMA")
    or ROOT / ".sarif-schema/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
)
POD = "kind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec: {containers: [{image: 'nginx:1'}]}\n"


def log(program: Program, *arguments: str, stdin: str = "") -> dict[str, Any]:
    """Run the program with `-o sarif`, and return the run of its log."""
    log = json.loads(program(*arguments, "-o", "sarif", stdin=stdin).stdout)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run: dict[str, Any] = log["runs"][0]
    return run


def files(program: Program) -> None:
    program.write("a/pod.yaml", POD)
    program.write("a/b ü%#:.yaml", POD.replace("nginx:1", "nginx:${TAG}"))
    program.write("a/broken.yaml", "kind: Pod\nspec: {\n")


RUNS = [
    pytest.param(["list", "a"], id="list"),
    pytest.param(["list", "a", "--unpinned", "--check"], id="list with a check"),
    pytest.param(["list", "a", "--unknown"], id="unknown images"),
    pytest.param(["list", "--diff", "a", "a/pod.yaml"], id="difference"),
    pytest.param(["list", "a", "--image", "none"], id="empty list"),
    pytest.param(["list", "-"], id="standard input"),
    pytest.param(["set", "a", "--image", "nginx=b:2", "--image", "x=y"], id="set with warnings"),
    pytest.param(["set", "a", "--image", "nginx=b:2", "--check"], id="set with a check"),
    pytest.param(["set", "a", "a/broken.yaml", "--image", "nginx=b:2"], id="set with an error"),
]


@pytest.mark.parametrize("arguments", RUNS)
def test_log_is_valid(program: Program, arguments: list[str]) -> None:
    if not SCHEMA.exists():
        pytest.skip("the schema of SARIF is not here: make sarif-schema (needs npm), or set SARIF_SCHEMA")
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())
    files(program)
    validator.validate(json.loads(program(*arguments, "-o", "sarif", stdin=POD).stdout))


def test_result_has_rule_level_and_location(program: Program) -> None:
    files(program)
    run = log(program, "list", "./a/pod.yaml", "--unpinned")
    assert run["tool"]["driver"]["rules"] == [
        {"id": "unpinned-image", "shortDescription": {"text": "An image has no digest."}}
    ]
    assert run["results"] == [
        {
            "ruleId": "unpinned-image",
            "ruleIndex": 0,
            "level": "note",
            "message": {"text": 'Pod/p: spec.containers[0].image: image "nginx:1" has no digest'},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "a/pod.yaml", "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": 4, "startColumn": 29},
                    }
                }
            ],
        }
    ]


def test_braces_are_doubled_and_paths_are_uris(program: Program) -> None:
    """SARIF 2.1.0, sections 3.11.5 and 3.4.3."""
    files(program)
    (result,) = log(program, "list", "a", "--image", "nginx:${TAG}")["results"][:1]
    assert result["message"]["text"].endswith('image "nginx:${{TAG}}"')
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact["uri"] == "a/b%20%C3%BC%25%23%3A.yaml"


def test_absolute_path_is_a_file_uri(program: Program) -> None:
    files(program)
    (result,) = log(program, "list", str(program.folder / "a/pod.yaml"))["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": (program.folder / "a/pod.yaml").as_uri()}


def test_message_without_file_is_a_notification(program: Program) -> None:
    files(program)
    run = log(program, "set", "a/pod.yaml", "--image", "ngin=b")
    message = 'no image named "ngin" was found; did you mean "nginx"?'
    assert run["results"] == []
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    assert invocation["toolExecutionNotifications"] == [{"level": "warning", "message": {"text": message}}]


def test_error_of_a_file_is_a_result(program: Program) -> None:
    files(program)
    run = log(program, "set", "a/broken.yaml", "a/pod.yaml", "--image", "nginx=b")
    assert run["invocations"][0]["executionSuccessful"] is False
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [("problem", "error")]


@pytest.mark.parametrize(("check", "level"), [([], "note"), (["--check"], "error")])
def test_change_is_an_error_if_it_is_checked(program: Program, check: list[str], level: str) -> None:
    files(program)
    run = log(program, "set", "a/pod.yaml", "--image", "nginx=b:2", *check)
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [("image-change", level)]
