"""The arguments that several commands share, each said once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer


def repeated(flag: str, metavar: str, help_text: str) -> Any:
    """Return an option that may be given several times, and is an empty list otherwise."""
    return typer.Option(flag, metavar=metavar, help=help_text, default_factory=list, show_default=False)


Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="Files, folders (*.yaml, *.yml and *.json in them), or - for standard input",
        show_default=False,
    ),
]
FnConfig = Annotated[
    list[str],
    repeated("--fn-config", "FILE", "A file of ImageSetter documents"),
]
NoConfig = Annotated[
    bool,
    typer.Option("--no-config", help="Read no ImageSetters in the input, and no ./functions.yaml"),
]
Images = Annotated[
    list[str],
    repeated("--image", "NAME=REF", "Set image NAME to REF"),
]
ImagesFrom = Annotated[
    list[str],
    repeated("--images-from", "FILE", "A file that a build wrote (Skaffold, BuildKit, kbld), or NAME=REF lines"),
]
Kinds = Annotated[
    list[str],
    repeated("--kind", "KIND=PATH", "KIND (or KIND.GROUP) has an image at PATH"),
]


class Unused(StrEnum):
    """What `onUnused` may be."""

    WARN = "warn"
    ERROR = "error"
    IGNORE = "ignore"


OnUnused = Annotated[Unused | None, typer.Option("--on-unused", help="What it means that an entry sets nothing")]
