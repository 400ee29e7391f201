"""Finds the images that `lock` and `set --lock` resolve, and reports the images that cannot be locked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import chain

from krm_image_setter.cli.files import File
from krm_image_setter.cli.list_ import Filter, add_known
from krm_image_setter.cli.listing import Row
from krm_image_setter.cli.resolving import Asking, Resolved
from krm_image_setter.cli.skipped import report_others, report_problems
from krm_image_setter.cli.terminal import counted
from krm_image_setter.config import ImageSetter
from krm_image_setter.discovery.limits import Limits, limits_in_stream
from krm_image_setter.errors import InputError
from krm_image_setter.images import (
    LATEST,
    Reference,
    check_reference,
    explain,
    has_placeholder,
    image_rule,
)
from krm_image_setter.lock_file import Locked
from krm_image_setter.rules import rules_for
from krm_image_setter.streams import PROGRAM, say
from krm_image_setter.typed import Final, Record

_MOST_NAMED: Final = 5


class Lockable(Record):
    """The images in files. The keys are references with a tag, such as `nginx:1.27`.

    `images` contains fields that have no digest but can contain one. `pinned` contains the fields with a digest,
    and the fields that the filter excludes. `selected` contains the keys of fields that the filter accepts.
    """

    images: dict[str, list[Row]]
    pinned: dict[str, list[Row]]
    selected: set[str]

    def rows(self, name: str) -> list[Row]:
        """Return the fields that contain an image, those without a digest first."""
        return self.images.get(name, []) + self.pinned.get(name, [])


def find_lockable(files: Sequence[File], config: ImageSetter, wanted: Filter) -> Lockable:
    """Find the images in files as `list` does, and report the images that are skipped.

    Raises InputError if a file cannot be read, after it reports the error.
    """
    rows, limits = _found(files, config, wanted)
    return _lockable(rows, wanted, limits)


def find_used(files: Sequence[File], config: ImageSetter, wanted: Filter) -> dict[Reference, list[Row]]:
    """Return the images that registries must have, each with its fields, and report the images that are skipped.

    Raises InputError if a file cannot be read, after it reports the error.
    """
    used: dict[Reference, list[Row]] = {}
    skipped: list[tuple[Row, str]] = []
    for row in filter(wanted.accepts, _found(files, config, wanted)[0]):
        reference = row.reference
        if reference is None:
            skipped.append((row, _invalid(row)))
        elif _has_unknown_tag(row, reference):
            skipped.append((row, _UNKNOWN_TAG))
        else:
            used.setdefault(reference.familiar, []).append(row)
    _report_skipped(skipped, "not verified")
    return used


def _found(files: Sequence[File], config: ImageSetter, wanted: Filter) -> tuple[list[Row], Limits]:
    rules = rules_for(config._replace(images=(), registries=()), {})._replace(pins=True)
    rows: list[Row] = []
    read = add_known(files, rules, rows, limits_in_stream, final=True)
    if report_problems(read):
        raise InputError("the images in files with errors are not known; no registry was asked")
    report_others(read, f" (`{PROGRAM} list --unknown` searches them)")
    if rows and not any(map(wanted.accepts, rows)):
        say(wanted.reason(rows))
    return rows, Limits(chain.from_iterable(each.found.visited for each in read if each.found is not None))


def _lockable(rows: Iterable[Row], wanted: Filter, limits: Limits) -> Lockable:
    found = Lockable({}, {}, set())
    skipped: list[tuple[Row, str]] = []
    limited: dict[str, Row] = {}
    for row in rows:
        reference, accepted = row.reference, wanted.accepts(row)
        if reference is None:
            if accepted:
                skipped.append((row, _invalid(row)))
            continue
        if accepted and (reference.tag is not None or reference.digest is None):
            found.selected.add(name_of(reference))
        if reference.digest is not None or not accepted:
            if reference.tag is not None or (reference.digest is None and not row.found.usage.has_open_tag):
                found.pinned.setdefault(name_of(reference), []).append(row)
            continue
        problem = row.found.pinned.problem
        if not problem and _has_unknown_tag(row, reference):
            problem = _UNKNOWN_TAG
        limit = limits.problem(row.found.resource, row.found.pinned.texts)
        if limit:
            limited[name_of(reference)] = row
        if problem or limit:
            skipped.append((row, problem or limit))
        else:
            found.images.setdefault(name_of(reference), []).append(row)
    _report_skipped(skipped, "not locked")
    for name, row in limited.items():
        others = found.images.pop(name, [])
        if others:
            say(
                f'warning: {others[0].location}: not locked: an entry for "{name}" would also set '
                f"{row.found.path} of {row.resource} in {row.location}, which cannot contain a digest"
            )
    return found


def name_of(reference: Reference) -> str:
    """Return the name of the lock entry for a reference: its familiar name and tag, such as `nginx:latest`."""
    return str(reference.familiar._replace(tag=reference.tag or LATEST, digest=None))


_UNKNOWN_TAG: Final = "the tag is missing, and a chart, an operator or kustomize chooses it"


def _has_unknown_tag(row: Row, reference: Reference) -> bool:
    return reference == Reference(reference.name) and row.found.usage.has_open_tag


def _invalid(row: Row) -> str:
    if row.found.hidden:
        return "the values of a Secret are not shown"
    if row.found.image.startswith("ko://"):
        return "ko builds this image"
    return "" if has_placeholder(row.found.image) else f'"{row.found.image}": {explain(row.found.image)}'


def _report_skipped(skipped: Iterable[tuple[Row, str]], effect: str) -> None:
    """Report the skipped fields. Fields of a kind (or file) with the same path and problem share one message."""
    placeholders: dict[str, Row] = {}
    count = 0
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row, problem in skipped:
        if not problem:
            count += 1
            placeholders.setdefault(row.found.image, row)
        else:
            path = re.sub(r"\[\d+\]", "[*]", row.found.path)
            groups.setdefault((row.found.resource.kind or row.file.shown, path, problem), []).append(row)
    for (_, _, problem), rows in groups.items():
        others = f"; the same in {counted(len(rows) - 1, 'other field')}" if len(rows) > 1 else ""
        say(f"{rows[0].at}: {effect}: {problem}{others}")
    if count:
        named = [f'"{image}" ({row.location})' for image, row in placeholders.items()]
        more = f" and {len(named) - _MOST_NAMED} others" if len(named) > _MOST_NAMED else ""
        images = f"{counted(count, 'image')} with {'a placeholder' if count == 1 else 'placeholders'}"
        say(f"{effect}: {images}: {', '.join(named[:_MOST_NAMED])}{more}")


def resolved(
    names: Collection[str], found: Lockable, asking: Asking, *, compares: bool = False
) -> dict[str, Locked]:
    """Ask registries for the digests of images. Return the digests by the name of the image.

    Images without an answer are reported and omitted. If there are any, and the caller compares no digests, the
    digests are reported too, because nothing is written.
    """
    digests: dict[str, Locked] = {}
    failed: dict[str, str] = {}
    for reference, answer in asking.ask(check_reference(name) for name in sorted(names)).items():
        if isinstance(answer, Resolved):
            digests[str(reference)] = Locked(answer.digest, answer.platforms)
        else:
            failed[str(reference)] = answer.reason
    for name in sorted(failed):
        rows = found.rows(name)
        others = f"; the image is also in {counted(len(rows) - 1, 'other field')}" if len(rows) > 1 else ""
        say(f'error: {rows[0].at}: cannot resolve "{name}": {failed[name]}{others}')
    if failed:
        count = f"{counted(len(failed), 'image')} of {len(names):,}"
        if compares:
            say(f"error: {count} could not be resolved; the other images were compared")
        else:
            for name, locked in digests.items():
                say(f'resolved "{name}" to {locked.digest}')
            say(f"error: {count} could not be resolved; nothing was written")
    return digests


def with_digests(files: Sequence[File], config: ImageSetter) -> ImageSetter:
    """Return `config` with lock entries for the images in `files`, instead of its own `images` and `registries`.

    If a registry does not answer for an image, this function reports the error and raises SystemExit.
    """
    if config.images or config.registries:
        say("warning: `images` and `registries` of the configuration are not applied with `--lock`")
    found = find_lockable(files, config, Filter())
    digests = resolved(found.images, found, Asking())
    if len(digests) < len(found.images):
        raise SystemExit(2)
    rules = (
        image_rule(name, new_tag=check_reference(name).tag, digest=digests[name].digest)
        for name in sorted(digests)
    )
    numbered = tuple(rule._replace(position=position) for position, rule in enumerate(rules))
    return config._replace(images=numbered, registries=())
