"""Runs the program through its Python API, through its entry point in a forked process, or as a command."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import traceback
from typing import NamedTuple

import krm_image_setter.__main__
import krm_image_setter.filter
import krm_image_setter.function
from differential.cases import Case
from krm_image_setter import ImageSetterError, read_config, set_images
from krm_image_setter.results import INFO


class Ran(NamedTuple):
    """The result of a run. `infos` contains the old and new value of each change; None if they are not known.

    `crash` names an unexpected exception and the function that raised it. It is empty if there was none.
    """

    status: int
    output: str
    warnings: tuple[str, ...] = ()
    infos: tuple[tuple[str, str], ...] | None = None
    message: str = ""
    crash: str = ""


def run(case: Case, text: str | None = None) -> Ran:
    """Run the program on a case, or on another text with the configuration of the case."""
    text = case.text if text is None else text
    if case.mode == "library":
        return run_library(case.config_text, text)
    return run_command(case, text, fork=case.mode != "process")


def run_library(config: str, text: str) -> Ran:
    """Run the program through its Python API."""
    try:
        outcome = set_images(text, read_config(config))
    except ImageSetterError as error:
        return Ran(2, "", message=str(error))
    except Exception as error:  # noqa: BLE001  (any exception)
        return Ran(2, "", crash=crash(error))
    errors = [str(result) for result in outcome.results if result.severity == "error"]
    if errors:  # with `onUnused: error`
        return Ran(2, "", message=errors[0])
    return Ran(
        0,
        outcome.text,
        tuple(str(result) for result in outcome.results if result.severity != INFO),
        tuple(
            (str(result.current_value), str(result.proposed_value))
            for result in outcome.results
            if result.severity == INFO
        ),
    )


def crash(error: Exception) -> str:
    """Return the type of an exception, and the file and function that raised it."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "krm_image_setter" in frame.filename]
    place = frames[-1] if frames else traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {os.path.basename(place.filename)}, {place.name}"


def run_command(case: Case, text: str, *, fork: bool) -> Ran:
    """Run the command as a filter, or as a KRM function if the text is a ResourceList."""
    with contextlib.ExitStack() as stack:
        arguments = []
        if not case.is_list:
            file = stack.enter_context(tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".yaml"))
            file.write(case.config_text)
            file.flush()
            arguments = ["--fn-config", file.name]
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        given = text.encode()
        status, output, errors = (in_fork if fork else in_process)(arguments, given, folder)
    message = errors.decode(errors="replace")
    crashed = ""
    if "Traceback (most recent call last)" in message:
        lines = message.strip().splitlines()
        places = [
            line.split('"')[1].rsplit("/", 1)[-1] + "," + line.rsplit(",", 1)[1][3:]
            for line in lines
            if "krm_image_setter" in line and line.strip().startswith("File")
        ]
        crashed = f"{lines[-1].partition(':')[0]} in {places[-1] if places else '?'}"
    warnings = tuple(line for line in message.splitlines() if "warning" in line)
    return Ran(status, output.decode(errors="surrogateescape"), warnings, None, message, crashed)


def in_process(arguments: list[str], given: bytes, folder: str) -> tuple[int, bytes, bytes]:
    """Run the installed command."""
    program = os.path.join(os.path.dirname(sys.executable), "krm-image-setter")
    ran = subprocess.run(
        [program, *arguments], input=given, capture_output=True, cwd=folder, check=False, timeout=120
    )
    return ran.returncode, ran.stdout, ran.stderr


def in_fork(arguments: list[str], given: bytes, folder: str) -> tuple[int, bytes, bytes]:
    """Run the entry point in a forked process. This takes a tenth of the time of a new process."""
    streams = [tempfile.TemporaryFile() for _ in range(3)]
    streams[0].write(given)
    streams[0].seek(0)
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        status = 70
        try:
            for number, stream in enumerate(streams):
                os.dup2(stream.fileno(), number)
            sys.stdin = open(0, encoding="utf-8", closefd=False)
            sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
            sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
            os.chdir(folder)
            sys.argv = ["krm-image-setter", *arguments]
            krm_image_setter.__main__.run()
            status = 0
            sys.stdout.flush()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            sys.stdout.flush()
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        finally:
            with contextlib.suppress(BaseException):
                sys.stderr.flush()
            os._exit(status)
    _, waited = os.waitpid(child, 0)
    outputs = []
    for stream in streams[1:]:
        stream.seek(0)
        outputs.append(stream.read())
    for stream in streams:
        stream.close()
    return os.waitstatus_to_exitcode(waited), outputs[0], outputs[1]
