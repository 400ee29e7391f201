"""The commands, one module each. Nothing here is imported for a function or filter: Typer alone costs 90 ms."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Final

import typer

from krm_image_setter import __version__
from krm_image_setter.cli.options import FnConfig, Images, ImagesFrom, Kinds, NoConfig, OnUnused
from krm_image_setter.cli.terminal import write
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.filter import Options, run_filter
from krm_image_setter.streams import PROGRAM, say_error

app = typer.Typer(name=PROGRAM, pretty_exceptions_enable=False, rich_markup_mode=None)

# The commands, each with its module.
_MODULES: Final = {
    "set": "set_",
    "list": "list_",
    "discover": "discover",
    "import": "import_",
    "catalog": "catalog",
    "schema": "schema",
    "install-plugin": "install_plugin",
}

_HELP = """Set container images in Kubernetes YAML, and change nothing else.

Without a command: from standard input to standard output, as KRM function for kpt and kustomize (a ResourceList
with its functionConfig comes in), or as filter in a pipe. A filter reads the ImageSetters in the stream, or
./functions.yaml if there are none, or the files of --fn-config instead. Other options add to this configuration.

\b
Examples:
  krm-image-setter --image nginx=nginx:1.27 < deployment.yaml
  kubectl get rollouts -o yaml | krm-image-setter --fn-config functions.yaml
"""


def _add(name: str) -> None:
    module = import_module(f"{__name__}.{_MODULES[name]}")
    app.command(name, help=module.HELP)(getattr(module, f"{name.replace('-', '_')}_command"))


def _show_version(value: bool) -> None:
    if value:
        write(f"{PROGRAM} {__version__}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True, help=_HELP)
def _filter(
    context: typer.Context,
    *,
    fn_config: FnConfig,
    no_config: NoConfig = False,
    images: Images,
    images_from: ImagesFrom,
    kinds: Kinds,
    on_unused: OnUnused = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    options = Options(tuple(fn_config), tuple(images), tuple(images_from), tuple(kinds), on_unused, no_config)
    if context.invoked_subcommand is None:
        raise SystemExit(run_filter(options))
    if options != Options():
        raise ImageSetterError(f"give the options behind the command: {PROGRAM} {context.invoked_subcommand} …")


def run_command(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name, and return its exit status."""
    # Only that one is loaded; where none is named, help and completion want them all.
    for name in _MODULES if not _MODULES.keys() & arguments[:1] else arguments[:1]:
        _add(name)
    try:
        app(list(arguments), prog_name=PROGRAM)
    except ImageSetterError as error:
        say_error(error)
        return 2
    except SystemExit as stop:  # Typer ends so, and has said all that there is to say
        return stop.code if isinstance(stop.code, int) else 0
    return 0
