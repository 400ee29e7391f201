"""The commands and their options: help, shell completion and wrong arguments."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Program

COMMANDS = (
    "set",
    "list",
    "lock",
    "verify",
    "explain",
    "discover",
    "import",
    "catalog",
    "schema",
    "install-plugin",
)


def test_help_lists_all_commands(program: Program) -> None:
    ran = program("--help")
    text = ran.stdout.decode()
    assert ran.status == 0
    assert re.findall(r"^  ([a-z-]+)  +[A-Z].*[^.]\.$", text.partition("Commands:")[2], re.MULTILINE) == list(
        COMMANDS
    )
    for option in ("--fn-config", "--image", "--images-from", "--kind", "--on-unused", "--version"):
        assert option in text


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_of_a_command_has_two_examples(program: Program, command: tuple[str, ...]) -> None:
    text = program(*command, "--help").stdout.decode()
    examples = text.partition("Examples:\n")[2].partition("\n\n")[0].splitlines()
    assert len(examples) == 2
    assert all("krm-image-setter" in example for example in examples)
    assert max(map(len, text.splitlines())) <= 80
    assert "<class" not in text


WRONG = [
    (["foo"], 'unknown command "foo"; see `krm-image-setter --help`'),
    (["set", "--dry-run", "."], "unknown option `--dry-run`; use `--diff` to see what would change"),
    (["sett"], 'unknown command "sett"; did you mean `set`?'),
    (["--imag", "a=b"], "unknown option `--imag`; similar options: --image, --images-from"),
    (["list", "--foo"], "unknown option `--foo`; see `krm-image-setter list --help`"),
    (["--image"], "missing value of `--image`"),
    (["set", "--diff=a", "."], "unexpected value of `--diff`"),
    (["--on-unused", "x"], 'invalid `--on-unused` "x"; expected one of warn, error, ignore'),
    (["set"], "missing argument `PATH`; see `krm-image-setter set --help`"),
    (["schema", "x", "y"], 'unexpected argument "x y"; see `krm-image-setter schema --help`'),
    (
        ["list", "-o", "xml", "."],
        'invalid `--output`/`-o` "xml"; expected one of table, wide, names, '
        "json, sarif, github, markdown, cyclonedx",
    ),
    (["set", "-o", "yaml", "."], 'invalid `--output`/`-o` "yaml"; expected one of json, sarif, github, markdown'),
]


@pytest.mark.parametrize(
    ("arguments", "message"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_wrong_arguments_are_reported_on_one_line(program: Program, arguments: list[str], message: str) -> None:
    ran = program(*arguments)
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr == f"krm-image-setter: error: {message}\n"


@pytest.mark.parametrize("path", ["deploy", "deploy/a.yaml", "sett"])
def test_path_instead_of_a_command_suggests_set(program: Program, path: str) -> None:
    program.write("deploy/a.yaml", "")
    program.write("sett", "")
    for arguments in ([path], [path, "--image", "a:1"], ["--image", "a:1", path]):
        message = f'unknown command "{path}"; did you mean `krm-image-setter set {path}`?'
        assert program(*arguments) == (2, b"", f"krm-image-setter: error: {message}\n")


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_short_option_prints_the_help(program: Program, command: tuple[str, ...]) -> None:
    assert program(*command, "-h") == program(*command, "--help")


def test_options_before_a_command_are_an_error(program: Program) -> None:
    program.write("a.yaml", "kind: Pod\n")
    ran = program("--image", "a=b", "list", "a.yaml")
    assert (ran.status, ran.stdout) == (2, b"")
    assert "options must follow the command" in ran.stderr


SHELLS = {
    "bash": "source <({show}); COMP_WORDS=(krm-image-setter {word}); COMP_CWORD=1; "
    '_krm_image_setter_completion krm-image-setter; echo "${{COMPREPLY[@]}}"',
    "zsh": "autoload -Uz compinit; compinit -u -D; source <({show}); whence -w _krm_image_setter_completion",
    "fish": "{show} | source; complete -C 'krm-image-setter {word}'",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_in_a_shell_lists_commands(shell: str, tmp_path: Path) -> None:
    """The shell calls the program, as for the Tab key."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this machine")
    program = Path(sys.executable).with_name("krm-image-setter")
    if not program.exists():
        pytest.skip("krm-image-setter is not installed as a program here")
    script = SHELLS[shell].format(show=f"_KRM_IMAGE_SETTER_COMPLETE=source_{shell} krm-image-setter", word="l")
    if shell == "fish":
        script = script.replace("_KRM", "env _KRM")
    ran = subprocess.run(
        [shell, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)},
        timeout=60,
        check=False,
    )
    expected = {"bash": "list", "zsh": "_krm_image_setter_completion: function", "fish": "list\t"}[shell]
    assert ran.stdout.startswith(expected), ran


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_an_option_lists_options(program: Program, shell: str) -> None:
    words = {
        "COMP_WORDS": "krm-image-setter set --i",
        "COMP_CWORD": "2",
        "_TYPER_COMPLETE_ARGS": "krm-image-setter set --i",
    }
    env = {**words, "_TYPER_COMPLETE_FISH_ACTION": "get-args", "_KRM_IMAGE_SETTER_COMPLETE": f"complete_{shell}"}
    answer = program(env=env).stdout.decode()
    assert all(option in answer for option in ("--image", "--images-from", "--in-place"))
    assert "--check" not in answer


KINDS = [
    pytest.param("list --kind KafkaC", ["KafkaCluster", "KafkaConnect"], id="kind"),
    pytest.param("list --kind KafkaConnect.", ["KafkaConnect.kafka.strimzi.io"], id="group"),
    pytest.param("list --kind Deploy", ["Deployment"], id="kind with a pod spec"),
    pytest.param("set --kind KafkaConnect.", ["KafkaConnect.kafka.strimzi.io"], id="option of set"),
    pytest.param("--kind KafkaConnect.", ["KafkaConnect.kafka.strimzi.io"], id="option of the filter"),
    pytest.param("catalog KafkaConnect.", ["KafkaConnect.kafka.strimzi.io"], id="argument of catalog"),
    pytest.param("list --kind nothing", [], id="no kind"),
]


@pytest.mark.parametrize(("words", "expected"), KINDS)
def test_completion_of_a_kind_lists_kinds_of_the_catalog(
    program: Program, words: str, expected: list[str]
) -> None:
    line = f"krm-image-setter {words}"
    env = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_KRM_IMAGE_SETTER_COMPLETE": "complete_bash"}
    assert program(env=env).stdout.decode().split() == expected
