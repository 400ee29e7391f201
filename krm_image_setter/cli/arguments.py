"""Parse ordinary command-line arguments without Typer, whose import took two thirds of `list` with one file.

Typer still parses all other arguments, for help, completion, errors and abbreviations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import EnumType
from typing import Literal, get_args, get_origin, get_type_hints

from krm_image_setter.cli.declarations import Argument
from krm_image_setter.typed import Any


def parse_arguments(command: Callable[..., None], arguments: Sequence[str]) -> dict[str, Any] | None:
    """Return the keyword arguments for `command`. Return None if Typer must parse `arguments`."""
    values: dict[str, Any] = {}
    options: dict[str, tuple[str, Any]] = {}
    positional, required = "", False
    defaults = command.__kwdefaults__ or {}
    hints = get_type_hints(command, include_extras=True)
    hints.pop("return", None)
    for name, hint in hints.items():
        kind, declared = get_args(hint)
        values[name] = [] if kind == list[str] else defaults.get(name)
        if isinstance(declared, Argument):
            positional, required = name, "default_factory" not in declared.settings
        else:
            options |= dict.fromkeys(declared.flags, (name, kind))
    rest = iter(arguments)
    for argument in rest:
        if positional and (argument == "-" or not argument.startswith("-")):
            values[positional].append(argument)
            continue
        flag, equals, value = argument.partition("=") if argument.startswith("--") else (argument, "", "")
        if flag not in options:
            return None
        name, kind = options[flag]
        new = (not equals or None) if kind is bool else _converted(kind, value if equals else next(rest, None))
        if new is None:
            return None
        if kind == list[str]:
            values[name].append(new)
        else:
            values[name] = new
    return None if required and not values[positional] else values


def _converted(kind: Any, text: str | None) -> Any:
    """Convert the text of an option to the type `kind`. Return None if the text is not valid for this type."""
    for one in (kind, *get_args(kind)):
        if one is str or (get_origin(one) is Literal and text in get_args(one)):
            return text
        if isinstance(one, EnumType) and text in one.__members__.values():
            return one(text)
    return None
