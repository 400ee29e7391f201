"""The entry point of the process: it runs the filter, the KRM function or a command.

Exit status: 0 for success, 1 if a command found differences or images, 2 for an error, 130 after an interrupt.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from errno import ENOMEM

from krm_image_setter import __version__
from krm_image_setter.typed import Final, NoReturn

NO_MEMORY: Final = "out of memory; process fewer files or resources at a time"

_VERSION: Final = "--version"
# A shell sets this environment variable to request the completions for a command line.
_COMPLETE: Final = "_KRM_IMAGE_SETTER_COMPLETE"


def main(arguments: Sequence[str]) -> int:
    """Run the filter, the KRM function or the command in `arguments`, and return the exit status."""
    if list(arguments) == [_VERSION]:
        from krm_image_setter.streams import PROGRAM, write_output  # noqa: PLC0415  (the import can fail)

        write_output(f"{PROGRAM} {__version__}\n")
        return 0
    from krm_image_setter.filter import PLUGIN_CONFIG, Options, run_filter  # noqa: PLC0415  (the import can fail)

    if PLUGIN_CONFIG in os.environ:
        return run_filter(Options())
    options = None if _COMPLETE in os.environ else Options.from_arguments(arguments)
    if options is not None and not (sys.stdin.isatty() and not arguments):
        return run_filter(options)
    from krm_image_setter.cli import run_command  # noqa: PLC0415  (importing Typer takes 90 ms)

    # Without arguments, show the help: at a terminal, the filter would wait for input from the keyboard.
    return run_command(arguments or ["--help"])


def run() -> NoReturn:
    """Run the program and exit. Print one message for an error, but none for Ctrl-C or a closed pipe."""
    message = None
    # Garbage collection took 20 % of the time of a run, or 5 % of a very short run. The reference cycles that it
    # would free need little memory.
    gc.disable()
    try:
        from krm_image_setter.streams import prepare_streams  # noqa: PLC0415  (the import can fail)

        prepare_streams()
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        status = 0 if sys.argv[1:] == [_VERSION] else 2  # the reader got incomplete YAML
    # Some C libraries raise SystemError when memory runs out.
    except (MemoryError, SystemError):
        status, message = 2, NO_MEMORY
    except ImportError as error:
        status, message = 2, f"cannot import a required module: {error}; reinstall krm-image-setter"
    except OSError as error:
        where = error.filename or "standard output: cannot write"
        status, message = 2, f"{where}: {error.strerror or error}"
        if error.errno == ENOMEM:
            message = NO_MEMORY
    # After the `except` blocks, the exception is freed, so that there is memory for the message.
    if message is not None:
        from krm_image_setter.streams import say  # noqa: PLC0415

        say(f"error: {message}")
    # Skip the shutdown of Python, which took a seventh of a short run. All output is already flushed.
    os._exit(status)


if __name__ == "__main__":
    run()
