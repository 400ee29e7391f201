"""The `list` command: lists the images in files and directories, with the location of each image."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import partial
from itertools import groupby
from typing import Annotated, Any, Final, NamedTuple

import typer

from krm_image_setter.cli.discover import propose_in_files
from krm_image_setter.cli.files import File, find_files
from krm_image_setter.cli.kustomizations import kustomized_images
from krm_image_setter.cli.options import FnConfig, Hidden, NoConfig, Paths, StdinFileName, repeated
from krm_image_setter.cli.scanning import configurations_of, read_files
from krm_image_setter.cli.skipped import report_others, report_problems
from krm_image_setter.cli.terminal import aligned, write
from krm_image_setter.config import decode_group_kind
from krm_image_setter.discovery import unknown_images, write_kinds
from krm_image_setter.documents import Stream
from krm_image_setter.filter import Options
from krm_image_setter.images import HUB, HUB_NAMES, Reference, parse_reference
from krm_image_setter.locators import Selector
from krm_image_setter.rules import Rules, rules_for
from krm_image_setter.scan import FoundImage, images_in

HELP: Final = """List the images in files and directories.

Lists the images that `set` can change: images in pod specs, in kinds from the catalog, and in `kinds` from
`--fn-config`, from ImageSetter documents in the files, or otherwise from ./functions.yaml.

\b
Examples:
  krm-image-setter list deploy/ --unpinned --check
  krm-image-setter list deploy/ -o names | xargs -n1 crane pull
"""


class Output(StrEnum):
    """The output formats of `list`."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    NAMES = "names"


class Row(NamedTuple):
    """An image in a file. `rule` describes the rule that found it or, with `--unknown`, that would find it.

    `reference` is None if the image is not a valid reference, such as `nginx:${TAG}`.
    """

    file: str
    found: FoundImage
    reference: Reference | None
    rule: str

    @property
    def location(self) -> str:
        """The location of the image: `FILE:LINE`."""
        return f"{self.file}:{self.found.line}"

    @property
    def resource(self) -> str:
        """The kind and name of the resource, or "-" if the document is not a resource."""
        return str(self.found.resource) or "-"


class _Filter(NamedTuple):
    """The filter options of `list`. An option with an empty list accepts every row."""

    images: Sequence[str]
    kinds: Sequence[Selector]
    registries: Sequence[str]
    unpinned: bool

    def accepts(self, row: Row) -> bool:
        """Return whether a row passes all filter options."""
        reference = row.reference
        return (
            (not self.images or any(map(partial(_matches, row), self.images)))
            and (not self.kinds or any(kind.matches(row.found.resource) for kind in self.kinds))
            and (not self.registries or any(map(partial(_is_from, reference), self.registries)))
            and (not self.unpinned or reference is None or reference.digest is None or reference.tag == "latest")
        )


def list_command(
    paths: Paths,
    *,
    fn_config: FnConfig,
    no_config: NoConfig = False,
    stdin_file_name: StdinFileName = "",
    hidden: Hidden = False,
    output: Annotated[Output, typer.Option("--output", "-o", help="Output format")] = Output.TABLE,
    image: Annotated[
        list[str], repeated("--image", "GLOB", "Only images matching GLOB, such as 'nginx' or '*/kafka*:0.4?'")
    ],
    kind: Annotated[list[str], repeated("--kind", "KIND", "Only images in resources of KIND or KIND.GROUP")],
    registry: Annotated[list[str], repeated("--registry", "HOST", "Only images from HOST or HOST/PATH")],
    unpinned: Annotated[
        bool, typer.Option("--unpinned", help='Only images without a digest or with the tag "latest"')
    ] = False,
    unknown: Annotated[
        bool,
        typer.Option("--unknown", help="List values that look like images but match no rule, and suggest rules"),
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 if any image is listed")] = False,
) -> None:
    """Print the images that pass the filters, and exit with the exit status of the command."""
    files = find_files(paths, hidden=hidden, stdin_name=stdin_file_name)
    config = Options(tuple(fn_config), no_config=no_config).configure_list(partial(configurations_of, files))
    rules = rules_for(config._replace(images=(), registries=()), {})
    wanted = _Filter(image, list(map(decode_group_kind, kind)), registry, unpinned)
    entries: list[str] = []
    rows: list[Row] = []
    if unknown:
        discovered = list(read_files(files, partial(unknown_images, rules=rules)))
        failed = report_problems(discovered)
        by_file = [(each.file, one) for each in discovered for one in each.found or ()]
        proposals = propose_in_files(files, [one for _, one in by_file], rules)
        entries = list(write_kinds(dict.fromkeys(finding for finding in proposals if finding is not None), {}))
        for (file, one), finding in zip(by_file, proposals, strict=True):
            rule = (
                "no rule sets it safely"
                if finding is None
                else f"{finding.kind.section} {finding.kind} {finding.path}"
            )
            rows.append(_row(file, one.found, rule))
    else:
        kustomized = kustomized_images(files, rules)
        look: Callable[[Stream], Any] = kustomized.look if kustomized else partial(_images, rules)
        read = list(read_files(files, look))
        failed = report_problems(read)
        found_in = {each.file.real: each.found for each in read if each.found is not None}
        images = {key: found.images for key, found in found_in.items()}
        if kustomized:
            images = kustomized.images(found_in)
        for file in files:
            rows += [_row(file, found, _rule(found)) for found in images.get(file.real, ())]
        report_others(read, lambda found: found.resources, " (use --unknown to search them)")
    rows = list(filter(wanted.accepts, rows))
    _WRITERS[output](rows)
    if rows and output is Output.TABLE:
        write("".join(f"{line}\n" for line in ["", *entries] if entries))
    raise SystemExit(2 if failed else 1 if check and rows else 0)


class _Images(NamedTuple):
    """The number of resources in a file, and the images in the file."""

    resources: int
    images: list[FoundImage]


def _images(rules: Rules, stream: Stream) -> _Images:
    kinds: list[str] = []
    images = list(images_in(stream, rules, count=lambda resource: kinds.append(resource.ref.kind)))
    return _Images(sum(map(bool, kinds)), images)


def _row(file: File, found: FoundImage, rule: str) -> Row:
    return Row(file.shown, found, parse_reference(found.image), rule)


def _rule(found: FoundImage) -> str:
    rule = found.rule
    return "podSpecs" if rule is None else f"{rule.origin} {rule.selector} {rule.path.text}"


def _matches(row: Row, pattern: str) -> bool:
    """Return whether `pattern` matches the image or its name: as written, or without `docker.io/library/`."""
    texts = [row.found.image]
    if row.reference is not None:
        familiar = row.reference._replace(name=row.reference.familiar_name)
        texts += [row.reference.name, str(familiar), familiar.name]
    return any(fnmatchcase(text, pattern) for text in texts)


def _is_from(reference: Reference | None, registry: str) -> bool:
    host, slash, path = registry.rstrip("/").partition("/")
    prefix = (HUB if host in HUB_NAMES else host) + slash + path
    return reference is not None and reference.normalized_name.startswith(f"{prefix}/")


def _write_names(rows: Iterable[Row]) -> None:
    for name in sorted({row.found.image for row in rows if row.reference is not None}):
        write(f"{name}\n")


def _write_json(rows: Sequence[Row]) -> None:
    """Write the rows as a JSON array. Each line contains one object."""
    lines = (json.dumps(_data(row), ensure_ascii=False) for row in rows)
    write("[")
    for number, line in enumerate(lines):
        write(f"{',' * bool(number)}\n {line}")
    write("\n]\n" if rows else "]\n")


def _data(row: Row) -> dict[str, Any]:
    ref, reference = row.found.resource, row.reference
    return {
        "image": row.found.image,
        "name": reference and reference.normalized_name,
        "tag": reference and reference.tag,
        "digest": reference and reference.digest,
        "resource": {
            "apiVersion": ref.api_version,
            "kind": ref.kind,
            "namespace": ref.namespace,
            "name": ref.name,
        },
        "file": row.file,
        "line": row.found.line,
        "path": row.found.path,
        "rule": row.rule,
    }


def _write_wide(rows: Sequence[Row]) -> None:
    header = ("IMAGE", "KIND", "APIVERSION", "NAMESPACE", "NAME", "LOCATION", "PATH", "RULE")
    cells = [
        (found.image, ref.kind, ref.api_version, ref.namespace, ref.name, location, found.path, row.rule)
        for row in _sorted(rows)
        for found, ref, location in [(row.found, row.found.resource, row.location)]
    ]
    for line in aligned([header, *cells]):
        write(f"{line}\n")


def _write_table(rows: Sequence[Row]) -> None:
    """Write each image once, and its locations below it. On a narrow terminal, each location takes two lines."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    ordered = _sorted(rows)
    lines = aligned([(row.resource, row.location, row.found.path, row.rule) for row in ordered])
    if width is not None and any(len(line) + 2 > width for line in lines):
        heads = aligned([(row.resource, row.location) for row in ordered])
        lines = [f"{head}\n    {row.found.path}  {row.rule}" for head, row in zip(heads, ordered, strict=True)]
    for image, group in groupby(zip(ordered, lines, strict=True), key=lambda pair: pair[0].found.image):
        write(f"{image}\n", style="1")
        for _, line in group:
            write(f"  {line}\n")


def _sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.found.image)


_WRITERS: Final = {
    Output.TABLE: _write_table,
    Output.WIDE: _write_wide,
    Output.JSON: _write_json,
    Output.NAMES: _write_names,
}
