"""The `verify` command: checks that registries have the images in files and directories."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from krm_image_setter.cli.declarations import Option
from krm_image_setter.cli.files import find_files
from krm_image_setter.cli.list_ import Filter
from krm_image_setter.cli.listing import Row
from krm_image_setter.cli.locking import find_used
from krm_image_setter.cli.options import (
    FnConfig,
    Hidden,
    Mirrors,
    NoConfig,
    NotRegistries,
    OnlyImages,
    OnlyKinds,
    OnlyRegistries,
    Paths,
    PlainHttp,
    Platforms,
    StdinFileName,
)
from krm_image_setter.cli.resolving import Answer, Asking, Failed
from krm_image_setter.cli.scanning import ReadAhead
from krm_image_setter.cli.terminal import aligned, counted, flush, write
from krm_image_setter.filter import Options
from krm_image_setter.images import Reference
from krm_image_setter.streams import say
from krm_image_setter.typed import Any, Final, Record

HELP: Final = """Check that registries have the images.

Finds images as `list` does, and asks their registries for each tag, digest and `--platform`. If an image has a tag
and a digest, also checks that the tag still has the digest. No image is pulled.

\b
Examples:
  krm-image-setter verify deploy/
  krm-image-setter verify deploy/ --platform linux/amd64
"""


class Output(StrEnum):
    """The output formats of `verify`."""

    TABLE = "table"
    JSON = "json"


class Status(StrEnum):
    """The result for an image. `MOVED`: in the registry, the tag has another digest than in the files."""

    OK = "ok"
    MOVED = "moved"
    MISSING = "missing"
    FAILED = "failed"


class Verified(Record):
    """An image with its fields, its status, and the explanation of a status other than `OK`."""

    image: Reference
    rows: Sequence[Row]
    answer: Answer
    status: Status
    reason: str


def verify_command(
    paths: Paths,
    *,
    fn_config: FnConfig,
    no_config: NoConfig = False,
    stdin_file_name: StdinFileName = "",
    hidden: Hidden = False,
    output: Annotated[Output, Option("--output", "-o", help="Output format")] = Output.TABLE,
    image: OnlyImages,
    kind: OnlyKinds,
    registry: OnlyRegistries,
    not_registry: NotRegistries,
    platform: Platforms,
    mirror: Mirrors,
    plain_http: PlainHttp,
    tags_must_match: Annotated[
        bool, Option("--tags-must-match", help="Exit 1 if a tag no longer has the digest next to it")
    ] = False,
) -> None:
    """Print the result for each image, and exit with the exit status of the command."""
    wanted = Filter.of(image, kind, registry, not_registry)
    asking = Asking(platform, mirrors=mirror, plain_http=plain_http)
    files = find_files(paths, hidden=hidden, stdin_name=stdin_file_name)
    ahead = ReadAhead(files)
    config = Options(tuple(fn_config), no_config=no_config).configure_list(ahead.configurations)
    images = find_used(files, ahead.with_values_files(config), wanted)
    answers = asking.ask(images)
    verified = [_verified(one, images[one], answers[one]) for one in sorted(images, key=str)]
    _WRITERS[output](verified)
    flush()
    for one in verified:
        if one.status is not Status.OK:
            severity = "warning" if one.status is Status.MOVED and not tags_must_match else "error"
            others = f"; it is also in {counted(len(one.rows) - 1, 'other field')}" if len(one.rows) > 1 else ""
            say(f'{severity}: {one.rows[0].at}: "{one.image}": {one.reason}{others}')
    counts = {status: sum(one.status is status for one in verified) for status in Status}
    say(f"{counted(len(verified), 'image')}: {', '.join(f'{count} {status}' for status, count in counts.items())}")
    if counts[Status.FAILED]:
        raise SystemExit(2)
    raise SystemExit(1 if counts[Status.MISSING] or (tags_must_match and counts[Status.MOVED]) else 0)


def _verified(image: Reference, rows: Sequence[Row], answer: Answer) -> Verified:
    if isinstance(answer, Failed):
        return Verified(image, rows, answer, Status.MISSING if answer.missing else Status.FAILED, answer.reason)
    if image.tag is None or image.digest is None or answer.tag_digest == image.digest:
        return Verified(image, rows, answer, Status.OK, "")
    if answer.tag_digest is None:
        reason = f'the registry has the digest, but no longer the tag "{image.tag}"'
    else:
        reason = f'the tag "{image.tag}" has the digest {answer.tag_digest}'
    return Verified(image, rows, answer, Status.MOVED, reason)


def _write_table(verified: Iterable[Verified]) -> None:
    """Write each image with its status, and its locations below it."""
    for one in verified:
        write(f"{one.image}  {one.status}{': ' * bool(one.reason)}{one.reason}\n", style=_STYLES[one.status])
        for line in aligned([(row.resource, row.location, row.found.path) for row in one.rows]):
            write(f"  {line}\n")


def _write_json(verified: Sequence[Verified]) -> None:
    """Write the images as a JSON array. Each line contains one object."""
    lines = (json.dumps(_data(one), ensure_ascii=False) for one in verified)
    write("[")
    for number, line in enumerate(lines):
        write(f"{',' * bool(number)}\n {line}")
    write("\n]\n" if verified else "]\n")


def _data(one: Verified) -> Mapping[str, Any]:
    answer = None if isinstance(one.answer, Failed) else one.answer
    return {
        "image": str(one.image),
        "status": one.status,
        "reason": one.reason,
        "digest": answer and answer.digest,
        "tagDigest": answer and answer.tag_digest,
        "platforms": list(answer.platforms) if answer else [],
        "locations": [
            {"file": row.file.shown, "line": row.found.line, "resource": row.resource, "path": row.found.path}
            for row in one.rows
        ],
    }


# The numbers of ANSI styles: bold, yellow and red.
_STYLES: Final = {Status.OK: "1", Status.MOVED: "33", Status.MISSING: "31", Status.FAILED: "31"}
_WRITERS: Final = {Output.TABLE: _write_table, Output.JSON: _write_json}
