"""`install-plugin`: this program where kustomize looks for the plugin of an ImageSetter."""

from __future__ import annotations

import os
import shlex
import sys
import zipfile
from contextlib import suppress
from typing import Annotated, Final

import typer

from krm_image_setter.cli.terminal import write
from krm_image_setter.config import API_VERSION, KIND
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.streams import PROGRAM

HELP: Final = f"""Install this program as plugin of kustomize.

`kubectl kustomize` runs no exec functions, but the plugin of an {KIND}. It looks in $KUSTOMIZE_PLUGIN_HOME, else
in kustomize/plugin below $XDG_CONFIG_HOME or ~/.config. kpt, and functions in kustomize, take no notice of it.

\b
Examples:
  krm-image-setter install-plugin
  KUSTOMIZE_PLUGIN_HOME=plugins krm-image-setter install-plugin
"""

_HOME: Final = "KUSTOMIZE_PLUGIN_HOME"
_PLACE: Final = (*API_VERSION.split("/"), KIND.lower(), KIND)
_MARK: Final = f"# Written by {PROGRAM} install-plugin.\n"
_USE: Final = f"""
In kustomization.yaml, with an {KIND} that has no annotation config.kubernetes.io/function:

transformers:
- functions.yaml

Then: kubectl kustomize --enable-alpha-plugins .
"""


def install_plugin_command(
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Take it away again")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also where there is a file that is not ours")] = False,
) -> None:
    """Write or remove the plugin, and say what was done."""
    if os.name == "nt":
        raise ImageSetterError("kustomize has no exec plugins on Windows: use a pipe")
    path = os.path.join(_plugin_home(), *_PLACE)
    try:
        old = _read(path)
        if old is not None and _MARK not in old and not force:
            raise ImageSetterError("this is not ours: move it, or give --force", file=path)
        write(_removed(path, old) if remove else _installed(path, old))
    except OSError as error:
        raise ImageSetterError(f"{error.strerror}: give ${_HOME} where it can be written", file=path) from error


def _plugin_home() -> str:
    """Return the folder that kustomize takes, by its api/konfig/plugins.go: the first that exists."""
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
    if os.path.islink(path):  # whatever it leads to, it is none of ours
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
    os.chmod(temporary, 0o755)  # noqa: S103  (a program is there to be run)
    os.replace(temporary, path)
    return f"installed: {path}\n{_USE}"


def _launcher() -> str:
    """Return a script that runs this very program again, however it was installed.

    A link would do for pip and pipx, but not for a zip file that was run by `python`, nor for `python -m`. By -P
    nothing is imported from the folder that kustomize works in.
    """
    program = os.path.abspath(sys.argv[0])
    what = [program] if zipfile.is_zipfile(program) else ["-P", "-m", "krm_image_setter"]
    return f'#!/bin/sh\n{_MARK}exec {shlex.join([sys.executable, *what])} "$@"\n'


def _removed(path: str, old: str | None) -> str:
    if old is None:
        return f"not installed: {path}\n"
    os.unlink(path)
    folder = path
    with suppress(OSError):  # others are in there
        for _ in _PLACE[1:]:
            folder = os.path.dirname(folder)
            os.rmdir(folder)
    return f"removed: {path}\n"
