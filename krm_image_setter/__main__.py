"""The rim: bytes in, bytes out, exit status; as KRM function, as filter, and as exec plugin of kustomize.

Exit status: 0 done, 2 an error, 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple, NoReturn

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
from krm_image_setter.errors import ConfigError, ImageSetterError, InputError
from krm_image_setter.function import read_resource_list, run_function
from krm_image_setter.images import ImageRule
from krm_image_setter.locators import KindRule
from krm_image_setter.results import INFO
from krm_image_setter.rim import PROGRAM, decoded, read_text, say
from krm_image_setter.transform import Outcome, set_images

DEFAULT_CONFIG: Final = "functions.yaml"
PLUGIN_CONFIG: Final = "KUSTOMIZE_PLUGIN_CONFIG_STRING"
COMMANDS: Final = frozenset(("import",))


class Options(NamedTuple):
    """The arguments: configuration files, and the rules that stand for parts of one."""

    fn_config: tuple[str, ...] = ()
    images: tuple[ImageRule, ...] = ()
    kinds: tuple[KindRule, ...] = ()
    on_unused: str | None = None

    def configure(self, documents: Sequence[Value]) -> ImageSetter:
        """Return the configuration of these documents and the arguments together."""
        return decode(documents, images=self.images, kinds=self.kinds, on_unused=self.on_unused)


def main(arguments: Sequence[str]) -> int:
    """Run the program on standard input and output, or a command, and return the exit status."""
    if arguments and arguments[0] in COMMANDS:
        from krm_image_setter.cli import run_command  # noqa: PLC0415  (Typer costs 90 ms)

        return run_command(arguments)
    try:
        options = _options(arguments)
        text = decoded(sys.stdin.buffer.read(), "standard input")
        outcome, is_function = _run(text, options)
    except ImageSetterError as error:
        for sentence in error.sentences:
            say(f"error: {sentence}")
        return 2
    for result in outcome.results:
        if result.severity != INFO:
            say(str(result))
    if is_function or not outcome.failed:
        sys.stdout.buffer.write(outcome.text.encode())
        sys.stdout.buffer.flush()
    return 2 if outcome.failed else 0


def run() -> NoReturn:
    """Run the program as a process does: quiet on Ctrl-C and on a closed pipe."""
    # The run is short and makes no cycles worth collecting: the collector would cost a fifth of it.
    gc.disable()
    try:
        status = main(sys.argv[1:])
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        status = 2
    except OSError as error:  # a full disk
        say(f"error: standard input or output: {error.strerror}")
        status = 2
    # All is written and flushed: taking the interpreter down in good order would cost a seventh of a short run.
    os._exit(status)


def _options(arguments: Sequence[str]) -> Options:
    if not arguments or PLUGIN_CONFIG in os.environ:
        return Options()
    import argparse  # noqa: PLC0415  (8 ms, and an orchestrator gives no arguments)

    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Set container images in Kubernetes YAML from standard input, and change nothing else.",
        epilog=f"Without arguments the configuration comes with the ResourceList, or as {KIND} in the stream, or "
        f"from ./{DEFAULT_CONFIG}. `{PROGRAM} import Tiltfile` writes an {KIND} from what others have.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--fn-config", action="append", default=[], metavar="FILE", help=f"a file of {KIND} documents"
    )
    parser.add_argument("--image", action="append", default=[], metavar="NAME=REF", help="set image NAME to REF")
    parser.add_argument(
        "--images-from", action="append", default=[], metavar="FILE", help="a file that a build wrote"
    )
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        metavar="KIND=PATH",
        help="KIND (or KIND.GROUP) has an image at PATH",
    )
    parser.add_argument(
        "--on-unused", choices=("warn", "error", "ignore"), help="what it means that an entry sets nothing"
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {_version()}")
    given = parser.parse_args(arguments)
    return Options(
        tuple(given.fn_config),
        (*map(decode_image, given.image), *_images_from(given.images_from)),
        tuple(map(decode_kind, given.kind)),
        given.on_unused,
    )


def _images_from(paths: Sequence[str]) -> tuple[ImageRule, ...]:
    if not paths:
        return ()
    from krm_image_setter.config.images_from import read_images  # noqa: PLC0415  (few runs read what a build wrote)

    if "-" in paths:
        raise ConfigError("--images-from -: standard input is for the manifests, give a file")
    rules, warnings = read_images((read_text(path), path) for path in paths)
    for warning in warnings:
        say(f"warning: {warning}")
    return rules


def _version() -> str:
    from krm_image_setter import __version__  # noqa: PLC0415

    return __version__


def _run(text: str, options: Options) -> tuple[Outcome, bool]:
    """Return what became of the text, and whether it was a ResourceList."""
    files = [value for path in options.fn_config for value in read_values(read_text(path), path)]
    plugin_config = os.environ.get(PLUGIN_CONFIG)
    if plugin_config is not None:
        return set_images(text, decode(read_values(plugin_config, None))), False
    resource_list = read_resource_list(text)
    if resource_list is not None:
        return run_function(
            resource_list, lambda config: options.configure([*files, *([config] if config else [])])
        ), True
    if not text.strip("\ufeff \t\r\n"):
        raise InputError("standard input is empty: give Kubernetes YAML or a ResourceList")
    return set_images(text, options.configure(files or _filter_config(text, options))), False


def _filter_config(text: str, options: Options) -> list[Value]:
    """Return the configuration of a filter without --fn-config: from the stream, or ./functions.yaml."""
    if options.images:
        return []
    if KIND in text:
        found = configurations_in(text)
        if found:
            return found
    if os.path.exists(DEFAULT_CONFIG):  # noqa: PTH110  (pathlib is slow to import)
        say(f"using ./{DEFAULT_CONFIG}")
        return read_values(read_text(DEFAULT_CONFIG), DEFAULT_CONFIG)
    raise ConfigError(
        f"no configuration: give --fn-config FILE, --image NAME=REF, an {KIND} ({API_VERSION}) in the stream, "
        f"or ./{DEFAULT_CONFIG}"
    )


if __name__ == "__main__":
    run()
