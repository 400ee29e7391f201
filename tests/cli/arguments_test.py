"""What `parse_arguments` understands, it understands as Typer does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
import typer

from krm_image_setter.cli import _MODULES, command_named
from krm_image_setter.cli.arguments import parse_arguments
from krm_image_setter.cli.typer_app import for_typer

COMMANDS: Final = {name: command_named(name)[0] for name in _MODULES}

#: Pairs of a command and its arguments.
ORDINARY: Final = [
    ("list", "a.yaml"),
    ("list", "-"),
    ("list", "a b --image x --image=y -o json --check"),
    ("list", "--output=names a --hidden"),
    ("list", "a --stdin-file-name= --unpinned"),
    ("set", "a --on-unused error --in-place --image a=b"),
    ("set", "-q a --image=a=b=c"),
    ("discover", "a --min-confidence=sure"),
    ("catalog", ""),
    ("catalog", "Pod --output yaml"),
    ("schema", ""),
    ("install-plugin", "--remove"),
    ("import", "Tiltfile"),
]
OTHERS: Final = [
    ("list", ""),
    ("list", "--help"),
    ("list", "a --nothing"),
    ("list", "a -o"),
    ("list", "a -o yaml2"),
    ("list", "a -ojson"),
    ("list", "a --check=true"),
    ("list", "-- -a"),
    ("set", "a --on-unused never"),
    ("set", "a --in-pl"),
    ("schema", "x"),
    ("import", "a --image"),
]


def parsed_by_typer(command: Callable[..., None], arguments: list[str]) -> dict[str, Any]:
    app = typer.Typer(add_completion=False)
    seen: dict[str, Any] = {}
    app.command()(for_typer(command))
    context = typer.main.get_command(app).make_context("x", arguments)
    seen |= context.params
    return seen


@pytest.mark.parametrize(("name", "arguments"), ORDINARY, ids=map(" ".join, ORDINARY))
def test_ordinary_arguments_are_parsed_as_by_typer(name: str, arguments: str) -> None:
    parsed = parse_arguments(COMMANDS[name], arguments.split())
    assert parsed == parsed_by_typer(COMMANDS[name], arguments.split())


@pytest.mark.parametrize(("name", "arguments"), OTHERS, ids=map(" ".join, OTHERS))
def test_other_arguments_are_left_to_typer(name: str, arguments: str) -> None:
    assert parse_arguments(COMMANDS[name], arguments.split()) is None
