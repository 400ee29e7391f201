"""The arguments that several commands share, each said once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

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
    typer.Option(
        "--fn-config",
        metavar="FILE",
        help="A file of ImageSetter documents",
        default_factory=list,
        show_default=False,
    ),
]
Images = Annotated[
    list[str],
    typer.Option(
        "--image", metavar="NAME=REF", help="Set image NAME to REF", default_factory=list, show_default=False
    ),
]
ImagesFrom = Annotated[
    list[str],
    typer.Option(
        "--images-from",
        metavar="FILE",
        help="A file that a build wrote (Skaffold, BuildKit, kbld), or NAME=REF lines",
        default_factory=list,
        show_default=False,
    ),
]
Kinds = Annotated[
    list[str],
    typer.Option(
        "--kind",
        metavar="KIND=PATH",
        help="KIND (or KIND.GROUP) has an image at PATH",
        default_factory=list,
        show_default=False,
    ),
]


class Unused(StrEnum):
    """What `onUnused` may be."""

    WARN = "warn"
    ERROR = "error"
    IGNORE = "ignore"


OnUnused = Annotated[Unused | None, typer.Option("--on-unused", help="What it means that an entry sets nothing")]
