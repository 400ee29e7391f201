"""`list`: the images of files and folders, and where they are."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import partial
from itertools import groupby
from typing import Annotated, Any, Final, NamedTuple

import typer

from krm_image_setter.cli.files import find_files
from krm_image_setter.cli.options import FnConfig, NoConfig, Paths, repeated
from krm_image_setter.cli.surveying import configurations_of, read_files, say_problems, survey_files
from krm_image_setter.cli.terminal import aligned, write
from krm_image_setter.config import decode_group_kind
from krm_image_setter.discovery import discover, merged, write_kinds
from krm_image_setter.filter import Options
from krm_image_setter.images import HUB, HUB_NAMES, Reference, parse_reference
from krm_image_setter.locators import Selector
from krm_image_setter.rules import rules_for
from krm_image_setter.survey import Sighting

HELP: Final = """List the images in files and folders, and where they are.

Finds what `set` would: images of pod specs, and of the `kinds` in --fn-config, in ImageSetter documents among the
files, or in ./functions.yaml.

\b
Examples:
  krm-image-setter list deploy/ --unpinned --check
  krm-image-setter list deploy/ -o names | xargs -n1 crane pull
"""


class Output(StrEnum):
    """How the list is written."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    NAMES = "names"


class Row(NamedTuple):
    """An image that was found, and by which rule, or which would find it.

    `reference` is None where the image is a placeholder such as nginx:${TAG}.
    """

    file: str
    sighting: Sighting
    reference: Reference | None
    rule: str

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.file}:{self.sighting.line}"


class _Filter(NamedTuple):
    """Which rows are wanted; what is empty is no limit."""

    images: Sequence[str]
    kinds: Sequence[Selector]
    registries: Sequence[str]
    unpinned: bool

    def wants(self, row: Row) -> bool:
        reference = row.reference
        return (
            (not self.images or any(map(partial(_is_like, row), self.images)))
            and (not self.kinds or any(kind.matches(row.sighting.resource) for kind in self.kinds))
            and (not self.registries or any(map(partial(_is_from, reference), self.registries)))
            and (not self.unpinned or reference is None or reference.digest is None or reference.tag == "latest")
        )


def list_command(
    paths: Paths,
    *,
    fn_config: FnConfig,
    no_config: NoConfig = False,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to write it")] = Output.TABLE,
    image: Annotated[
        list[str],
        repeated("--image", "GLOB", "Only images like this: 'nginx', '*/kafka*:0.4?'"),
    ],
    kind: Annotated[
        list[str],
        repeated("--kind", "KIND", "Only in this kind, or KIND.GROUP"),
    ],
    registry: Annotated[
        list[str],
        repeated("--registry", "HOST", "Only from this registry, or HOST/PATH"),
    ],
    unpinned: Annotated[bool, typer.Option("--unpinned", help="Only without digest, or with tag latest")] = False,
    unknown: Annotated[
        bool,
        typer.Option("--unknown", help="What looks like an image and no rule finds, with the rule that would"),
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="End with 1 if there are any")] = False,
) -> None:
    """List the images of files, and end with the status that tells what came of it."""
    files = find_files(paths)
    config = Options(tuple(fn_config), no_config=no_config).configure_list(partial(configurations_of, files))
    rules = rules_for(config._replace(images=(), registries=()), {})._replace(words=None, listing=True)
    wanted = _Filter(image, list(map(decode_group_kind, kind)), registry, unpinned)
    entries: list[str] = []
    if unknown:
        read = list(read_files(files, partial(discover, rules=rules)))
        found = [
            (each.file, sighting, f"kinds {finding.kind} {finding.path}")
            for each in read
            if each.found is not None
            for finding, sighting in each.found.sightings
        ]
        failed = say_problems(read)
        discovered = merged(each.found._replace(findings=()) for each in read if each.found is not None)
        entries = list(write_kinds(discovered.findings, {}))
    else:
        surveyed = list(survey_files(files, rules))
        found = [
            (each.file, sighting, _rule(sighting))
            for each in surveyed
            if each.found is not None
            for sighting in each.found.sightings
        ]
        failed = say_problems(surveyed)
    rows = [
        row
        for file, sighting, rule in found
        if wanted.wants(row := Row(file.shown, sighting, parse_reference(sighting.image), rule))
    ]
    _WRITERS[output](rows)
    if rows and output is Output.TABLE:
        write("".join(f"{line}\n" for line in ["", *entries] if entries))
    raise SystemExit(2 if failed else 1 if check and rows else 0)


def _rule(sighting: Sighting) -> str:
    rule = sighting.rule
    return "podSpecs" if rule is None else f"{rule.origin} {rule.selector} {rule.path.text}"


def _is_like(row: Row, pattern: str) -> bool:
    """Say whether the image, or its name, as it is written or in its familiar form, is like a pattern."""
    texts = [row.sighting.image]
    if row.reference is not None:
        familiar = row.reference._replace(name=row.reference.familiar_name)
        texts += [row.reference.name, str(familiar), familiar.name]
    return any(fnmatchcase(text, pattern) for text in texts)


def _is_from(reference: Reference | None, registry: str) -> bool:
    host, slash, path = registry.rstrip("/").partition("/")
    prefix = (HUB if host in HUB_NAMES else host) + slash + path
    return reference is not None and reference.normalized_name.startswith(f"{prefix}/")


def _write_names(rows: Iterable[Row]) -> None:
    for name in sorted({row.sighting.image for row in rows if row.reference is not None}):
        write(f"{name}\n")


def _write_json(rows: Sequence[Row]) -> None:
    """Write a list of objects, one a line."""
    lines = (json.dumps(_data(row), ensure_ascii=False) for row in rows)
    write("[")
    for number, line in enumerate(lines):
        write(f"{',' * bool(number)}\n {line}")
    write("\n]\n" if rows else "]\n")


def _data(row: Row) -> dict[str, Any]:
    ref, reference = row.sighting.resource, row.reference
    return {
        "image": row.sighting.image,
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
        "line": row.sighting.line,
        "path": row.sighting.path,
        "rule": row.rule,
    }


def _write_wide(rows: Sequence[Row]) -> None:
    header = ("IMAGE", "KIND", "API VERSION", "NAMESPACE", "NAME", "PLACE", "PATH", "RULE")
    cells = [
        (
            row.sighting.image,
            ref.kind,
            ref.api_version,
            ref.namespace,
            ref.name,
            row.place,
            row.sighting.path,
            row.rule,
        )
        for row in _sorted(rows)
        for ref in [row.sighting.resource]
    ]
    for line in aligned([header, *cells]):
        write(f"{line}\n")


def _write_table(rows: Sequence[Row]) -> None:
    """Write each image once, and under it where it is: in two lines each where the terminal is too narrow."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    ordered = _sorted(rows)
    lines = aligned([(str(row.sighting.resource), row.place, row.sighting.path, row.rule) for row in ordered])
    if width is not None and any(len(line) + 2 > width for line in lines):
        heads = aligned([(str(row.sighting.resource), row.place) for row in ordered])
        lines = [f"{head}\n    {row.sighting.path}  {row.rule}" for head, row in zip(heads, ordered, strict=True)]
    for image, group in groupby(zip(ordered, lines, strict=True), key=lambda pair: pair[0].sighting.image):
        write(f"{image}\n", style="1")
        for _, line in group:
            write(f"  {line}\n")


def _sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.sighting.image)


_WRITERS: Final = {
    Output.TABLE: _write_table,
    Output.WIDE: _write_wide,
    Output.JSON: _write_json,
    Output.NAMES: _write_names,
}
