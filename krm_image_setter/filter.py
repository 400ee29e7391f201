"""What comes in on standard input: an orchestrator's ResourceList, or a stream of resources in a plain pipe."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, Self

from krm_image_setter.config import (
    API_VERSION,
    KIND,
    ImageSetter,
    Value,
    configurations_in,
    decode,
    decode_image,
    decode_kind,
    read_values,
)
from krm_image_setter.edits import edited
from krm_image_setter.errors import ConfigError, ImageSetterError, InputError
from krm_image_setter.function import has_resource_list, plan_function, read_resource_list
from krm_image_setter.images import ImageRule
from krm_image_setter.results import ERROR, INFO, Result
from krm_image_setter.rim import STDIN, read_stdin, read_text, say, say_error, shown, write_output
from krm_image_setter.transform import Plan, plan

DEFAULT_CONFIG: Final = "functions.yaml"
PLUGIN_CONFIG: Final = "KUSTOMIZE_PLUGIN_CONFIG_STRING"
#: The fields of Options by the arguments that give them; those of a filter, and of `set`.
ARGUMENTS: Final = {
    "--fn-config": "fn_config",
    "--image": "images",
    "--images-from": "images_from",
    "--kind": "kinds",
    "--on-unused": "on_unused",
}


class Options(NamedTuple):
    """What is given by arguments: configuration files, what stands for parts of one, and what overrides them."""

    fn_config: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    images_from: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    on_unused: str | None = None

    @classmethod
    def given(cls, arguments: Iterable[str]) -> Self | None:
        """Return the options of a function or filter, or None where there is anything else.

        The commands read that, and know the same options; but argparse alone would cost a third of a short run.
        """
        given: dict[str, list[str]] = {}
        rest = iter(arguments)
        for argument in rest:
            name, equals, value = argument.partition("=")
            text = value if equals else next(rest, None)
            if name not in ARGUMENTS or text is None:
                return None
            given.setdefault(ARGUMENTS[name], []).append(text)
        *_, on_unused = given.pop("on_unused", [None])
        if on_unused not in (None, "warn", "error", "ignore"):
            return None
        return cls(**{name: tuple(values) for name, values in given.items()}, on_unused=on_unused)

    @property
    def read_standard_input(self) -> bool:
        """Whether one of the files is standard input."""
        return STDIN in self.fn_config or STDIN in self.images_from

    def configure(self, documents: Iterable[Value] = (), *, sets_nothing: bool = False) -> ImageSetter:
        """Return the configuration of the files, of these documents and of the arguments together.

        Raises ConfigError where something is wrong in them, and InputError where a file can't be read.
        """
        files = [value for path in self.fn_config for value in read_values(read_text(path), shown(path))]
        return decode(
            [*files, *documents],
            images=(*map(decode_image, self.images), *_built_images(self.images_from)),
            kinds=tuple(map(decode_kind, self.kinds)),
            on_unused=self.on_unused,
            sets_nothing=sets_nothing,
        )

    def configure_stream(self, found: Callable[[], Iterable[Value]]) -> ImageSetter:
        """Return the configuration for a stream: the arguments, else what is `found` in it, else ./functions.yaml.

        Raises ConfigError where there is none, or something is wrong in it.
        """
        if self.fn_config or self.images or self.images_from:
            return self.configure()
        documents = list(found()) or _default_configuration()
        if not documents:
            raise ConfigError(
                f"no configuration: give --fn-config FILE, --image NAME=REF, --images-from FILE, an {KIND} "
                f"({API_VERSION}) in the stream, or ./{DEFAULT_CONFIG}"
            )
        return self.configure(documents)

    def configure_list(self, found: Callable[[], Iterable[Value]]) -> ImageSetter:
        """Return the same where nothing is to be set, and none is needed: it only tells where images are."""
        documents = [] if self.fn_config else list(found()) or _default_configuration()
        return self.configure(documents, sets_nothing=True)


def _built_images(paths: Iterable[str]) -> tuple[ImageRule, ...]:
    """Return the rules that files of a build give, and say what is left out of them."""
    if not paths:
        return ()
    from krm_image_setter.config.images_from import read_images  # noqa: PLC0415  (few runs read what a build wrote)

    rules, warnings = read_images((read_text(path), shown(path)) for path in paths)
    for warning in warnings:
        say(f"warning: {warning}")
    return rules


def _default_configuration() -> list[Value]:
    if not os.path.exists(DEFAULT_CONFIG):
        return []
    say(f"using ./{DEFAULT_CONFIG}")
    return read_values(read_text(DEFAULT_CONFIG), DEFAULT_CONFIG)


def run_filter(options: Options) -> int:
    """Set the images of what is on standard input, write it to standard output, and return the exit status."""
    try:
        if options.read_standard_input:
            raise ConfigError("standard input is for the manifests: give a file instead of -")
        text = read_stdin()
        plan, is_function = _planned(text, options)
    except ImageSetterError as error:
        say_error(error)
        return 2
    for result in plan.results:
        if result.severity != INFO:
            say(str(result))
    if is_function or not plan.failed:
        for piece in edited(text, plan.edits):
            write_output(piece)
    return 2 if plan.failed else 0


def _planned(text: str, options: Options) -> tuple[Plan, bool]:
    """Return what to change in the text, and whether it is a ResourceList."""
    plugin_config = os.environ.get(PLUGIN_CONFIG)
    if plugin_config is not None:
        return plan(text, decode(read_values(plugin_config, None))), False
    resource_list = read_resource_list(text)
    if resource_list is not None:
        return plan_function(resource_list, lambda config: options.configure([config] if config else [])), True
    if options == Options() and has_resource_list(text):
        message = "expected one ResourceList, or resources without one; got a ResourceList among other documents"
        return Plan([], (Result(message, ERROR),)), True
    if not text.strip("\ufeff \t\r\n"):
        raise InputError("standard input is empty: give Kubernetes YAML or a ResourceList")
    return plan(text, options.configure_stream(lambda: configurations_in(text))), False
