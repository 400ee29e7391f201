"""The filter and the KRM function, which read standard input and write standard output.

This module contains the options too, because another module would slow the start of a function.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable

from krm_image_setter.config import (
    ImageSetter,
    Value,
    configurations_in,
    decode,
    decode_images,
    decode_kind,
    decode_registries,
    read_values,
    require_images,
)
from krm_image_setter.config.image_setter import ON_UNUSED
from krm_image_setter.documents import Stream
from krm_image_setter.edits import edited
from krm_image_setter.errors import ConfigError, ImageSetterError, InputError, NotResourceError
from krm_image_setter.function import plan_function, read_resource_list
from krm_image_setter.images import ImageRule
from krm_image_setter.results import ERROR, INFO, Result
from krm_image_setter.streams import (
    PROGRAM,
    STDIN,
    has_log,
    read_stdin,
    read_text,
    require_input,
    say,
    say_error,
    shown,
    write_output,
)
from krm_image_setter.transform import Plan, plan
from krm_image_setter.typed import Any, Final, Record, Self

DEFAULT_CONFIG: Final = "functions.yaml"
PLUGIN_CONFIG: Final = "KUSTOMIZE_PLUGIN_CONFIG_STRING"
#: The options without a value, and the corresponding fields of Options.
FLAGS: Final = {"--no-config": "no_config", "--quiet": "quiet", "-q": "quiet"}
#: The options that the filter and `set` share, and the corresponding fields of Options.
ARGUMENTS: Final = {
    "--fn-config": "fn_config",
    "--image": "images",
    "--images-from": "images_from",
    "--kind": "kinds",
    "--registry": "registries",
    "--on-unused": "on_unused",
    "--stdin-file-name": "stdin_file_name",
}


class Options(Record):
    """The command-line options: configuration files, and rules that are added to the configuration.

    If `quiet` is true, the filter prints only errors.
    """

    fn_config: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    images_from: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    on_unused: str | None = None
    no_config: bool = False
    stdin_file_name: str = ""
    registries: tuple[str, ...] = ()
    quiet: bool = False

    @classmethod
    def from_arguments(cls, arguments: Iterable[str]) -> Self | None:
        """Parse the options of a filter or function. Return None if there is any other argument.

        Typer then parses the arguments. Importing argparse here would take a third of a short run.
        """
        parsed: dict[str, list[str]] = {}
        flags: dict[str, Any] = {}
        rest = iter(arguments)
        for argument in rest:
            if argument in FLAGS:
                flags[FLAGS[argument]] = True
                continue
            name, equals, value = argument.partition("=")
            text = value if equals else next(rest, None)
            if name not in ARGUMENTS or text is None:
                return None
            parsed.setdefault(ARGUMENTS[name], []).append(text)
        *_, on_unused = parsed.pop("on_unused", [None])
        *_, stdin_file_name = parsed.pop("stdin_file_name", [""])
        if on_unused not in (None, *ON_UNUSED):
            return None
        fields: dict[str, Any] = {name: tuple(values) for name, values in parsed.items()}
        return cls(**fields, **flags, on_unused=on_unused, stdin_file_name=stdin_file_name)

    def require_files(self) -> None:
        """Raise ConfigError if an option names standard input, which already contains the manifests."""
        for flag, names in (("--fn-config", self.fn_config), ("--images-from", self.images_from)):
            if STDIN in names:
                raise ConfigError(f"`{flag} -` cannot be combined with manifests from standard input; pass a file")

    def configure(self, found: Callable[[], Iterable[Value]]) -> ImageSetter:
        """Return the configuration for a stream or for files. Raises ConfigError if it does not set any image.

        `configure_list` documents `found` and the other errors.
        """
        config, documents = self._configured(found)
        fix = "pass `--image NAME=REFERENCE` or `--images-from FILE`"
        if documents:
            fix = f"add `images: {{NAME: REFERENCE}}`, or {fix}"
        elif self.fn_config:
            file = shown(self.fn_config[0])
            fix = f"add `images: {{NAME: REFERENCE}}` to {file}, which is empty, or {fix}"
        else:
            fix = f"{fix}, or a configuration: `--fn-config FILE` or ./{DEFAULT_CONFIG}"
        return require_images(config, documents, fix)

    def configure_list(self, found: Callable[[], Iterable[Value]]) -> ImageSetter:
        """Return the configuration for a stream or for files. The configuration might not set any image.

        The configuration comes from the files of `--fn-config`, otherwise from the ImageSetters that `found`
        returns, otherwise from ./functions.yaml. The other options add rules.

        Raises ConfigError if the configuration is invalid, and InputError if a file cannot be read.
        """
        return self._configured(found)[0]

    def configure_function(self, config: Value | None) -> ImageSetter:
        """Return the configuration for a ResourceList: its functionConfig, with the options added.

        Raises the same errors as `configure`.
        """
        documents = [*self._files(), *([config] if config else [])]
        return require_images(self._decoded(documents), documents)

    def _configured(self, found: Callable[[], Iterable[Value]]) -> tuple[ImageSetter, list[Value]]:
        documents = self._files()
        if not self.fn_config and not self.no_config:
            documents = list(found()) or _default_configuration(quiet=self.quiet)
        return self._decoded(documents), documents

    def _files(self) -> list[Value]:
        if self.no_config and self.fn_config:
            raise ConfigError("`--no-config` cannot be combined with `--fn-config`")
        return [value for path in self.fn_config for value in read_values(read_text(path), shown(path))]

    def _decoded(self, documents: Iterable[Value]) -> ImageSetter:
        return decode(
            documents,
            images=(*decode_images(self.images), *_built_images(self.images_from, quiet=self.quiet)),
            kinds=tuple(map(decode_kind, self.kinds)),
            registries=tuple(decode_registries(self.registries)),
            on_unused=self.on_unused,
        )


def _built_images(paths: Iterable[str], *, quiet: bool) -> tuple[ImageRule, ...]:
    """Return the rules from the output files of build tools. Print a warning for each image that is skipped."""
    if not paths:
        return ()
    from krm_image_setter.builds.any_file import read_images  # noqa: PLC0415  (few runs use --images-from)

    rules, warnings = read_images((read_text(path), shown(path)) for path in paths)
    for warning in warnings:
        say(f"warning: {warning}", quiet=quiet)
    return rules


def _default_configuration(*, quiet: bool) -> list[Value]:
    if not os.path.exists(DEFAULT_CONFIG):
        return []
    values = read_values(read_text(DEFAULT_CONFIG), DEFAULT_CONFIG)
    if values:  # the file is empty during `discover > functions.yaml`
        say(f"using configuration from ./{DEFAULT_CONFIG}", quiet=quiet)
    return values


def run_filter(options: Options) -> int:
    """Set the images in the manifests on standard input, write the result, and return the exit status."""
    try:
        options.require_files()
        if sys.stdin.isatty():
            raise InputError(
                f"standard input is a terminal; pipe manifests into {PROGRAM}, or use `{PROGRAM} set PATH`"
            )
        text = read_stdin()
        plan, is_function = _planned(text, options)
    except ImageSetterError as error:
        say_error(error)
        return 2
    is_logged = has_log()
    for result in plan.results:
        is_quiet = result.severity == INFO or (options.quiet and result.severity != ERROR)
        if is_logged or not is_quiet:
            say(str(result), quiet=is_quiet)
    if is_function or not plan.failed:
        for piece in edited(text, plan.edits):
            write_output(piece)
    return 2 if plan.failed else 0


def _planned(text: str, options: Options) -> tuple[Plan, bool]:
    """Return the plan for the manifests in `text`, and whether `text` is a ResourceList."""
    plugin_config = os.environ.get(PLUGIN_CONFIG)
    if plugin_config is not None:
        documents = read_values(plugin_config, None)
        return plan(Stream(text), require_images(decode(documents), documents)), False
    stream = Stream(text, options.stdin_file_name)
    resource_list = read_resource_list(stream)
    if resource_list is not None:
        return plan_function(resource_list, options.configure_function), True
    if options._replace(quiet=False) == Options() and stream.has_resource_list():
        message = "expected one ResourceList, or resources without one; got a ResourceList among other documents"
        return Plan([], (Result(message, ERROR),)), True
    require_input(text)
    config = options.configure(lambda: configurations_in(stream))
    try:
        return plan(stream, config), False
    except NotResourceError as error:
        if not (options.stdin_file_name or stream.can_have_resource):
            reason = error.message.partition(": ")[2].partition(";")[0]
            error.message = (
                f"not a Kubernetes resource: {reason}; "
                "pass the name of a file such as values.yaml with `--stdin-file-name`"
            )
        raise
