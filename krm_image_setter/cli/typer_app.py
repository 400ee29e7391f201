"""Runs commands with Typer, for help, shell completion, abbreviated options and wrong arguments."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature, signature
from typing import Annotated, get_args, get_origin

import typer

from krm_image_setter import __version__
from krm_image_setter.cli.declarations import Argument, Option
from krm_image_setter.cli.options import (
    FnConfig,
    Images,
    ImagesFrom,
    Kinds,
    NoConfig,
    OnUnused,
    Registries,
    StdinFileName,
)
from krm_image_setter.cli.terminal import flush, write
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.filter import Options, run_filter
from krm_image_setter.streams import PROGRAM
from krm_image_setter.typed import Any, Final, cast

_HELP = """Set container images in Kubernetes YAML, and change nothing else.

Without a command, reads Kubernetes YAML from standard input and writes it to standard output, as a filter in a
pipe or as a KRM function that kpt or kustomize calls. A filter takes its configuration from `--fn-config`,
otherwise from ImageSetter documents in the input, otherwise from ./functions.yaml. Other options add to the
configuration.

\b
Examples:
  krm-image-setter --image nginx=nginx:1.27 < deployment.yaml
  kubectl get rollouts -o yaml | krm-image-setter --fn-config functions.yaml
"""


def for_typer(command: Callable[..., None]) -> Callable[..., None]:
    """Return a function that calls `command`, and whose parameters have the declarations of Typer."""

    def run(**values: Any) -> None:
        command(**values)

    parameters = [_for_typer(each) for each in signature(command, eval_str=True).parameters.values()]
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _for_typer(parameter: Parameter) -> Parameter:
    if get_origin(parameter.annotation) is not Annotated:
        return parameter
    kind, declared = get_args(parameter.annotation)
    converted = None
    if isinstance(declared, Option):
        converted = typer.Option(*declared.flags, **declared.settings)
    elif isinstance(declared, Argument):
        converted = typer.Argument(**declared.settings)
    return parameter.replace(annotation=Annotated[kind, converted])


def run_typer(commands: Mapping[str, tuple[Callable[..., None], str]], arguments: Sequence[str]) -> int:
    """Run the program with Typer, and return the exit status. `commands` contains the commands and their help.

    Raises ImageSetterError for wrong arguments.
    """
    app = typer.Typer(
        name=PROGRAM,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True, help=_HELP)(for_typer(_filter))
    for name, (command, help_text) in commands.items():
        app.command(name, help=help_text)(for_typer(command))
    try:
        return app(list(arguments), prog_name=PROGRAM, standalone_mode=False) or 0
    except _UsageError as error:
        raise _reworded(error) from error


def _show_version(value: bool) -> None:
    if value:
        write(f"{PROGRAM} {__version__}\n")
        raise typer.Exit


def _filter(
    context: typer.Context,
    *,
    fn_config: FnConfig,
    no_config: NoConfig = False,
    images: Images,
    images_from: ImagesFrom,
    kinds: Kinds,
    registries: Registries,
    on_unused: OnUnused = None,
    stdin_file_name: StdinFileName = "",
    quiet: Annotated[bool, Option("--quiet", "-q", help="Print only errors, no warnings")] = False,
    _version: Annotated[
        bool, Option("--version", help="Show the version and exit", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    options = Options(
        fn_config=tuple(fn_config),
        images=tuple(images),
        images_from=tuple(images_from),
        kinds=tuple(kinds),
        on_unused=on_unused,
        no_config=no_config,
        stdin_file_name=stdin_file_name,
        registries=tuple(registries),
        quiet=quiet,
    )
    if context.invoked_subcommand is None:
        try:
            status = run_filter(options)
        except BrokenPipeError:
            status = 2
        raise SystemExit(status if flush() else 2)
    if options != Options():
        command = f"{PROGRAM} {context.invoked_subcommand}"
        raise ImageSetterError(f"options must follow the command, as in `{command} --fn-config FILE`")


# Typer does not export the base class of its errors about wrong arguments.
_UsageError: Final = cast(type[typer.BadParameter], typer.BadParameter.__base__)

# Patterns for the messages of Typer, and their replacements in the style of this program.
_REWORDED: Final = (
    (r"No such command '(.*)'\. Did you mean '(.*)'\?", r'unknown command "\1"; did you mean `\2`?'),
    (r"No such command '(.*)'", r'unknown command "\1"'),
    (r"No such option: --dry-run\b.*", "unknown option `--dry-run`; use `--diff` to see what would change"),
    (r"No such option: (\S+) \(Possible options: (.*)\)", r"unknown option `\1`; similar options: \2"),
    (r"No such option: (\S+)", r"unknown option `\1`"),
    (r"Option '(.*)' requires an argument", r"missing value of `\1`"),
    (r"Option '(.*)' does not take a value", r"unexpected value of `\1`"),
    (r"Missing argument '(.*)'", r"missing argument `\1`"),
    (r"Invalid value for '(.*)': .*?'(.*)' is not one of '(.*)'", r'invalid `\1` "\2"; expected one of \3'),
    (r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", r'unexpected argument "\1"'),
)


def _reworded(error: typer.BadParameter) -> ImageSetterError:
    """Convert an error that Typer raised about the arguments to an error in the style of this program."""
    text = error.format_message().rstrip(".").replace("' / '", "`/`").replace("', '", ", ")
    path = re.match(r"No such command '(.*?)'", text)
    if path and os.path.exists(path[1]):
        return ImageSetterError(f'unknown command "{path[1]}"; did you mean `{PROGRAM} set {path[1]}`?')
    matches = ((re.fullmatch(pattern, text), template) for pattern, template in _REWORDED)
    message = next((match.expand(template) for match, template in matches if match), text[:1].lower() + text[1:])
    hint = f"; see `{error.ctx.command_path} --help`" if error.ctx and ";" not in message else ""
    return ImageSetterError(message + hint)
