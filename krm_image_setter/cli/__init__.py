"""The commands, one module each. Nothing here is imported for a function or filter: Typer alone costs 90 ms."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from krm_image_setter import __version__
from krm_image_setter.cli import catalog, discover, import_, install_plugin, list_, schema, set_
from krm_image_setter.cli.options import FnConfig, Images, ImagesFrom, Kinds, OnUnused
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.filter import Options, run_filter
from krm_image_setter.rim import PROGRAM, say_error

app = typer.Typer(name=PROGRAM, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command("set", help=set_.HELP)(set_.set_command)
app.command("list", help=list_.HELP)(list_.list_command)
app.command("discover", help=discover.HELP)(discover.discover_command)
app.command("import", help=import_.HELP)(import_.import_command)
app.command("catalog", help=catalog.HELP)(catalog.catalog_command)
app.command("schema", help=schema.HELP)(schema.schema_command)
app.command("install-plugin", help=install_plugin.HELP)(install_plugin.install_plugin_command)

_HELP = """Set container images in Kubernetes YAML, and change nothing else.

Without a command: from standard input to standard output, as KRM function for kpt and kustomize (a ResourceList
with its functionConfig comes in), or as filter in a pipe. A filter's configuration comes from the options, else
from ImageSetter documents in the stream, else from ./functions.yaml.

\b
Examples:
  krm-image-setter --image nginx=nginx:1.27 < deployment.yaml
  kubectl get rollouts -o yaml | krm-image-setter --fn-config functions.yaml
"""


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True, help=_HELP)
def _filter(
    context: typer.Context,
    *,
    fn_config: FnConfig,
    images: Images,
    images_from: ImagesFrom,
    kinds: Kinds,
    on_unused: OnUnused = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    options = Options(tuple(fn_config), tuple(images), tuple(images_from), tuple(kinds), on_unused)
    if context.invoked_subcommand is None:
        raise SystemExit(run_filter(options))
    if options != Options():
        raise ImageSetterError(f"give the options behind the command: {PROGRAM} {context.invoked_subcommand} …")


def run_command(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name, and return its exit status."""
    try:
        app(list(arguments), prog_name=PROGRAM)
    except ImageSetterError as error:
        say_error(error)
        return 2
    except SystemExit as stop:  # Typer ends so, and has said all that there is to say
        sys.stdout.flush()
        return stop.code if isinstance(stop.code, int) else 0
    return 0
