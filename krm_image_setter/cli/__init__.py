"""The commands, one module each. Nothing here is imported for a function or filter: Typer alone costs 90 ms."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from krm_image_setter.cli import import_
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.rim import PROGRAM, say

app = typer.Typer(name=PROGRAM, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command("import", help=import_.HELP)(import_.import_command)


@app.callback()
def _commands() -> None:
    """Set container images in Kubernetes YAML, and change nothing else."""


def run_command(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name, and return its exit status."""
    try:
        app(list(arguments), prog_name=PROGRAM)
    except ImageSetterError as error:
        for sentence in error.sentences:
            say(f"error: {sentence}")
        return 2
    except SystemExit as stop:  # Typer ends so, and has said all that there is to say
        sys.stdout.flush()
        return stop.code if isinstance(stop.code, int) else 0
    return 0
