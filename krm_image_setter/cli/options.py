"""The arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated, Literal

from krm_image_setter.cli.declarations import Argument, Option, repeated
from krm_image_setter.config.image_setter import ON_UNUSED
from krm_image_setter.typed import Final

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
    Argument(
        metavar="PATH",
        help="File, directory (searched for *.yaml, *.yml, *.json and known files), or - for standard input",
        show_default=False,
    ),
]
FnConfig = Annotated[list[str], repeated("--fn-config", "FILE", "Read the configuration from FILE (repeatable)")]
NoConfig = Annotated[bool, Option("--no-config", help="Ignore ImageSetters in the input and ./functions.yaml")]
StdinFileName = Annotated[
    str,
    Option(
        "--stdin-file-name",
        metavar="NAME",
        help="File name for standard input, to match `files` and known files",
        show_default=False,
    ),
]
Hidden = Annotated[bool, Option("--hidden", help="Also read hidden files and directories, except .git")]
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
    Option("--on-unused", help="Action for entries that set nothing (default: warn)"),
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
Unpinned = Annotated[bool, Option("--unpinned", help="Only images without a digest")]
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
