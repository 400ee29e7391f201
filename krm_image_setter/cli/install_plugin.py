"""The `install-plugin` command: installs the program as a kustomize plugin for ImageSetter resources."""

from __future__ import annotations

import os
import shlex
import sys
import zipfile
from contextlib import suppress
from typing import Annotated

from krm_image_setter.cli.declarations import Option
from krm_image_setter.cli.terminal import write
from krm_image_setter.config import API_VERSION, KIND
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.streams import PROGRAM
from krm_image_setter.typed import Final

HELP: Final = """Install krm-image-setter as a kustomize exec plugin.

`kubectl kustomize` does not run exec functions but still supports plugins. It searches $KUSTOMIZE_PLUGIN_HOME,
or otherwise kustomize/plugin in $XDG_CONFIG_HOME or ~/.config. Functions of kpt and kustomize are not affected.

\b
Examples:
  krm-image-setter install-plugin
  KUSTOMIZE_PLUGIN_HOME=plugins krm-image-setter install-plugin
"""

_HOME: Final = "KUSTOMIZE_PLUGIN_HOME"
_PLUGIN_PATH: Final = (*API_VERSION.split("/"), KIND.lower(), KIND)
_MARK: Final = f"# Written by {PROGRAM} install-plugin.\n"
_USE: Final = f"""
To use it, list the {KIND} under `transformers` in kustomization.yaml. The {KIND} must not have the annotation
config.kubernetes.io/function:

transformers:
- functions.yaml

Then: kubectl kustomize --enable-alpha-plugins .
"""


def install_plugin_command(
    *,
    remove: Annotated[bool, Option("--remove", help="Remove the plugin")] = False,
    force: Annotated[bool, Option("--force", help="Overwrite or remove a file of another program")] = False,
) -> None:
    """Install or remove the plugin, and print the path of the plugin."""
    if os.name == "nt":
        raise ImageSetterError(
            "kustomize does not support exec plugins on Windows; use krm-image-setter as a filter in a pipe"
        )
    path = os.path.join(_plugin_home(), *_PLUGIN_PATH)
    try:
        old = _read(path)
        if old is not None and _MARK not in old and not force:
            raise ImageSetterError("this file belongs to another program; move it or pass `--force`", file=path)
        write(_removed(path, old) if remove else _installed(path, old))
    except OSError as error:
        verb, remedy = ("remove", "") if remove else ("write", f"; set {_HOME} to a writable directory")
        raise ImageSetterError(f"cannot {verb} the plugin: {error.strerror}{remedy}", file=path) from error


def _plugin_home() -> str:
    """Return the first existing plugin directory, in the order of kustomize's api/konfig/plugins.go."""
    home = os.environ.get(_HOME)
    if home:
        return home
    user = os.path.expanduser("~")
    settings = os.environ.get("XDG_CONFIG_HOME") or os.path.join(user, ".config")
    homes = [os.path.join(top, "kustomize", "plugin") for top in (settings, os.path.join(user, ".config"), user)]
    return next(filter(os.path.exists, homes), homes[0])


def _read(path: str) -> str | None:
    if not os.path.lexists(path):
        return None
    # `install-plugin` never creates a link, so a link comes from another program.
    if os.path.islink(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _installed(path: str, old: str | None) -> str:
    new = _launcher()
    if new == old and os.access(path, os.X_OK):
        return f"already installed: {path}\n{_USE}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(new)
    os.chmod(temporary, 0o755)  # noqa: S103  (kustomize executes the file)
    os.replace(temporary, path)
    return f"installed: {path}\n{_USE}"


def _launcher() -> str:
    """Return a shell script that runs the program with the same Python.

    A symbolic link to the program would work with pip and pipx, but not with `python -m` or with a zip file that
    Python runs. With the option -P, Python imports no modules from the current directory.
    """
    program = os.path.abspath(sys.argv[0])
    arguments = [program] if zipfile.is_zipfile(program) else ["-P", "-m", "krm_image_setter"]
    return f'#!/bin/sh\n{_MARK}exec {shlex.join([sys.executable, *arguments])} "$@"\n'


def _removed(path: str, old: str | None) -> str:
    if old is None:
        return f"not installed: {path}\n"
    os.unlink(path)
    directory = path
    # The directories can contain other plugins.
    with suppress(OSError):
        for _ in _PLUGIN_PATH[1:]:
            directory = os.path.dirname(directory)
            os.rmdir(directory)
    return f"removed: {path}\n"
