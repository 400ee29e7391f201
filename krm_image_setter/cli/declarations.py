"""Declares the arguments and options of commands. Importing Typer for this would take two thirds of a short run.

`arguments` parses plain arguments with these declarations. `typer_app` converts them to those of Typer.
"""

from __future__ import annotations

from collections.abc import Callable

from krm_image_setter.typed import Any


class Argument:
    """A positional argument. The settings are those of `typer.Argument`."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings


class Option:
    """An option with its flags. The settings are those of `typer.Option`."""

    def __init__(self, *flags: str, **settings: Any) -> None:
        self.flags = flags
        self.settings = settings


def repeated(flag: str, metavar: str, help_text: str, complete: Callable[[str], Any] | None = None) -> Option:
    """Declare an option that the user can repeat. Without the option, its value is an empty list.

    `complete`, if given, returns the values that start with a text, for shell completion.
    """
    return Option(
        flag,
        metavar=metavar,
        help=help_text,
        default_factory=list,
        show_default=False,
        autocompletion=complete,
    )
