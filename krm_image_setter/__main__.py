"""The process: a function or filter at once, all else by way of the commands.

Exit status: 0 done, 1 a command has found something, 2 an error, 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from krm_image_setter.filter import ARGUMENTS, PLUGIN_CONFIG, Options, run_filter
from krm_image_setter.rim import say

# What a shell sets when it asks how an argument goes on.
_COMPLETE: Final = "_KRM_IMAGE_SETTER_COMPLETE"


def main(arguments: Sequence[str]) -> int:
    """Run the program on standard input and output, or a command, and return the exit status."""
    if PLUGIN_CONFIG in os.environ:
        return run_filter(Options())
    options = None if _COMPLETE in os.environ else _options(arguments)
    if options is not None:
        return run_filter(options)
    from krm_image_setter.cli import run_command  # noqa: PLC0415  (Typer costs 90 ms)

    return run_command(arguments)


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


def _options(arguments: Sequence[str]) -> Options | None:
    """Return the options of a function or filter, or None where there is anything else: the commands read that.

    They know the same options; but argparse alone would cost a third of a short run.
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
    return Options(**{name: tuple(values) for name, values in given.items()}, on_unused=on_unused)


if __name__ == "__main__":
    run()
