"""The process: run as a function or filter, or import the commands and run one of them.

Exit status: 0 for success, 1 if a command found differences or images, 2 for an error, 130 after an interrupt.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from errno import ENOMEM
from typing import Final, NoReturn

NO_MEMORY: Final = "out of memory; process fewer files or resources at a time"

# A shell sets this variable to get the completions of an argument.
_COMPLETE: Final = "_KRM_IMAGE_SETTER_COMPLETE"


def main(arguments: Sequence[str]) -> int:
    """Run the program on standard input and output, or a command, and return the exit status."""
    from krm_image_setter.filter import PLUGIN_CONFIG, Options, run_filter  # noqa: PLC0415  (see run)

    if PLUGIN_CONFIG in os.environ:
        return run_filter(Options())
    options = None if _COMPLETE in os.environ else Options.from_arguments(arguments)
    if options is not None:
        return run_filter(options)
    from krm_image_setter.cli import run_command  # noqa: PLC0415  (Typer costs 90 ms)

    return run_command(arguments)


def run() -> NoReturn:
    """Run the program and exit: silently on Ctrl-C and on a closed pipe, otherwise with one message per error."""
    message = None
    # A run is short, so its reference cycles need little memory. The garbage collector took a fifth of a run, and
    # a twentieth of a very short run, which mostly imports modules.
    gc.disable()
    try:
        from krm_image_setter.streams import prepare_streams  # noqa: PLC0415  (an import can fail, see below)

        prepare_streams()
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        status = 2
    except (MemoryError, SystemError):  # some C libraries raise SystemError when memory runs out
        status, message = 2, NO_MEMORY
    except ImportError as error:
        status, message = 2, f"cannot import a required module: {error}; reinstall krm-image-setter"
    except OSError as error:  # a full disk, for example
        where = error.filename or "standard output: cannot write"
        status, message = 2, f"{where}: {error.strerror or error}"
        if error.errno == ENOMEM:
            message = NO_MEMORY
    if message is not None:  # after the `except` block, the memory of the exception is free
        from krm_image_setter.streams import say  # noqa: PLC0415

        say(f"error: {message}")
    # All output is flushed. An orderly shutdown of the interpreter took a seventh of a short run.
    os._exit(status)


if __name__ == "__main__":
    run()
