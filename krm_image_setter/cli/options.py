"""The arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import typer

from krm_image_setter.config.image_setter import ON_UNUSED
from krm_image_setter.typed import Any, Final


def repeated(flag: str, metavar: str, help_text: str, complete: Callable[[str], Any] | None = None) -> Any:
    """Return an option that the user can repeat. If the user does not pass the option, its value is an empty list.

    `complete`, if given, returns the values that start with a text, for shell completion.
    """
    return typer.Option(
        flag,
        metavar=metavar,
        help=help_text,
        default_factory=list,
        show_default=False,
        autocompletion=complete,
    )


# The built-in kinds of Kubernetes with a pod spec.
_WORKLOADS: Final = (
    "CronJob", "DaemonSet", "Deployment", "Job", "Pod", "PodTemplate", "ReplicaSet", "StatefulSet",
)  # fmt: skip


def complete_kind(incomplete: str) -> list[str]:
    """Return the kinds with a pod spec or in the catalog that start with a text, as KIND or KIND.GROUP."""
    from krm_image_setter.catalog import entries  # noqa: PLC0415  (only shell completion needs it)

    names = [f"{entry.kind}.{entry.group}" if "." in incomplete else entry.kind for entry in entries()]
    return sorted({name for name in (*names, *_WORKLOADS) if name.startswith(incomplete)})


Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="File, directory (searched for *.yaml, *.yml, *.json and known files), or - for standard input",
        show_default=False,
    ),
]
FnConfig = Annotated[list[str], repeated("--fn-config", "FILE", "Read the configuration from FILE (repeatable)")]
NoConfig = Annotated[
    bool, typer.Option("--no-config", help="Ignore ImageSetters in the input and ./functions.yaml")
]
StdinFileName = Annotated[
    str,
    typer.Option(
        "--stdin-file-name",
        metavar="NAME",
        help="File name for standard input, to match `files` and known files",
        show_default=False,
    ),
]
Hidden = Annotated[bool, typer.Option("--hidden", help="Also read hidden files and directories, except .git")]
Images = Annotated[list[str], repeated("--image", "NAME=REF", "Set image NAME to REF; also NAME:TAG (repeatable)")]
ImagesFrom = Annotated[
    list[str],
    repeated(
        "--images-from",
        "FILE",
        "Read new references from build output (Skaffold, BuildKit, kbld, Jib, dt), a kustomization, a compose "
        "file, ImagePolicies, Pods, the output of `list -o json` or NAME=REF lines (repeatable)",
    ),
]
Kinds = Annotated[
    list[str],
    repeated(
        "--kind",
        "KIND=PATH",
        "Look for images at PATH in resources of KIND or KIND.GROUP (repeatable)",
        complete_kind,
    ),
]
Registries = Annotated[
    list[str],
    repeated("--registry", "FROM=TO", "Move images from registry FROM to TO: HOST or HOST/PATH (repeatable)"),
]


OnUnused = Annotated[
    Literal[ON_UNUSED] | None,  # type: ignore[valid-type]
    typer.Option("--on-unused", help="Action for entries that set nothing (default: warn)"),
]
OnlyImages = Annotated[
    list[str], repeated("--image", "GLOB", "Only images matching GLOB, such as 'nginx' or '*/kafka*:0.4?'")
]
OnlyKinds = Annotated[
    list[str], repeated("--kind", "KIND", "Only images in resources of KIND or KIND.GROUP", complete_kind)
]
OnlyRegistries = Annotated[list[str], repeated("--registry", "HOST", "Only images from HOST or HOST/PATH")]
NotRegistries = Annotated[
    list[str], repeated("--not-registry", "HOST", "Only images that are not from HOST or HOST/PATH")
]
Unpinned = Annotated[bool, typer.Option("--unpinned", help="Only images without a digest")]
Platforms = Annotated[
    list[str], repeated("--platform", "OS/ARCH", "Require this platform in each image (repeatable)")
]
Mirrors = Annotated[
    list[str],
    repeated("--mirror", "FROM=TO", "Look up images of FROM (HOST or HOST/PATH) in TO instead (repeatable)"),
]
PlainHttp = Annotated[
    list[str], repeated("--plain-http", "HOST", "Ask registry HOST[:PORT] over HTTP without TLS (repeatable)")
]
