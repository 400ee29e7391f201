"""The process: a function or filter at once, all else by way of the commands.

Exit status: 0 done, 1 a command has found something, 2 an error, 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from errno import ENOMEM
from typing import Final, NoReturn

NO_MEMORY: Final = "there is not enough memory: give less at once"

# What a shell sets when it asks how an argument goes on.
_COMPLETE: Final = "_KRM_IMAGE_SETTER_COMPLETE"


def main(arguments: Sequence[str]) -> int:
    """Run the program on standard input and output, or a command, and return the exit status."""
    from krm_image_setter.filter import PLUGIN_CONFIG, Options, run_filter  # noqa: PLC0415  (see run)

    if PLUGIN_CONFIG in os.environ:
        return run_filter(Options())
    options = None if _COMPLETE in os.environ else Options.given(arguments)
    if options is not None:
        return run_filter(options)
    from krm_image_setter.cli import run_command  # noqa: PLC0415  (Typer costs 90 ms)

    return run_command(arguments)


def run() -> NoReturn:
    """Run the program as a process does: quiet on Ctrl-C and on a closed pipe, else with one sentence."""
    message = None
    # The run is short and makes no cycles worth collecting: the collector would cost a fifth of it, and of a very
    # short one, while it loads its modules, a twentieth.
    gc.disable()
    try:
        from krm_image_setter.streams import prepare_streams  # noqa: PLC0415  (see below: an import can fail)

        prepare_streams()
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        status = 2
    except (MemoryError, SystemError):  # the second is what some libraries in C make of the first
        status, message = 2, NO_MEMORY
    except ImportError as error:  # memory or files were too few to load a library
        status, message = 2, f"this program can't be loaded: {error}"
    except OSError as error:  # a full disk, or a library that cannot be loaded without memory
        status, message = 2, f"{error.filename or 'standard output'}: {error.strerror or error}"
        if error.errno == ENOMEM:
            message = NO_MEMORY
    if message is not None:  # only now is the memory free again that the error held
        from krm_image_setter.streams import say  # noqa: PLC0415

        say(f"error: {message}")
    # All is written and flushed: taking the interpreter down in good order would cost a seventh of a short run.
    os._exit(status)


if __name__ == "__main__":
    run()
