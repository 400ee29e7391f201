"""The command line. Each command has a module. The filter imports none of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from krm_image_setter.cli.arguments import parse_arguments
from krm_image_setter.cli.terminal import flush
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.streams import say_error
from krm_image_setter.typed import Final

# Maps the name of each command to the name of its module.
_MODULES: Final = {
    "set": "set_",
    "list": "list_",
    "lock": "lock",
    "verify": "verify",
    "explain": "explain",
    "discover": "discover",
    "import": "import_",
    "catalog": "catalog",
    "schema": "schema",
    "install-plugin": "install_plugin",
}


def command_named(name: str) -> tuple[Callable[..., None], str]:
    """Load the module of a command, and return the command and its help."""
    module = import_module(f"{__name__}.{_MODULES[name]}")
    return getattr(module, f"{name.replace('-', '_')}_command"), module.HELP


def run_command(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` specify, and return the exit status."""
    # Load only the module of this command. Without a command, `--help` and shell completion need all modules.
    named = _MODULES.keys() & arguments[:1]
    commands = {name: command_named(name) for name in named or _MODULES}
    try:
        if named:
            ((command, _),) = commands.values()
            parsed = parse_arguments(command, arguments[1:])
            if parsed is not None:
                command(**parsed)
                return 0
        from krm_image_setter.cli.typer_app import run_typer  # noqa: PLC0415  (50 ms)

        return run_typer(commands, arguments)
    except ImageSetterError as error:
        say_error(error)
    except SystemExit as stop:
        # Typer exits with 1 if the reader of a help text closes the output. Here, 1 would mean differences.
        if isinstance(stop.__context__, BrokenPipeError):
            return 0
        return stop.code if isinstance(stop.code, int) else 0
    finally:
        flush()
    return 2
