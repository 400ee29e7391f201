"""The `lock` command: writes an ImageSetter that sets the digests of the images in files and directories."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Annotated

from krm_image_setter.cli.declarations import Option
from krm_image_setter.cli.files import content_digest, find_files
from krm_image_setter.cli.list_ import Filter
from krm_image_setter.cli.locking import Lockable, find_lockable, resolved
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
    Unpinned,
)
from krm_image_setter.cli.replace import Replacement, Rewrite
from krm_image_setter.cli.resolving import Asking
from krm_image_setter.cli.scanning import ReadAhead
from krm_image_setter.cli.terminal import counted, flush, write
from krm_image_setter.errors import ImageSetterError, InputError, one_line
from krm_image_setter.filter import Options
from krm_image_setter.lock_file import Locked, LockFile, new_lock, read_lock
from krm_image_setter.streams import PROGRAM, decoded, read_bytes, say
from krm_image_setter.typed import Final

HELP: Final = """Write the digests of images to a file.

Finds images as `list` does, and asks their registries for the digests of the tags. The file is called a lock,
and is an ImageSetter. If the lock exists, asks only for images that it does not contain. `set --fn-config LOCK`
applies the lock without asking a registry.

\b
Examples:
  krm-image-setter lock deploy/ -o images.lock.yaml
  krm-image-setter lock deploy/ -o images.lock.yaml --check
"""


def lock_command(
    paths: Paths,
    *,
    fn_config: FnConfig,
    no_config: NoConfig = False,
    stdin_file_name: StdinFileName = "",
    hidden: Hidden = False,
    output: Annotated[
        str, Option("--output", "-o", metavar="FILE", help="Lock to write or update", show_default="stdout")
    ] = "",
    image: OnlyImages,
    kind: OnlyKinds,
    registry: OnlyRegistries,
    not_registry: NotRegistries,
    platform: Platforms,
    single_platform: Annotated[
        bool, Option("--single-platform", help="Lock the digest of the only `--platform`, not of the index")
    ] = False,
    mirror: Mirrors,
    plain_http: PlainHttp,
    unpinned: Unpinned = False,
    refresh: Annotated[bool, Option("--refresh", help="Also ask for images that are in the lock")] = False,
    check: Annotated[
        bool, Option("--check", help="Write nothing; exit 1 if the lock differs from files or registries")
    ] = False,
) -> None:
    """Write, update or check the lock, and exit with the exit status of the command."""
    if check and not output:
        raise ImageSetterError("`--check` requires the lock to check: `--output FILE`")
    wanted = Filter.of(image, kind, registry, not_registry, unpinned=unpinned)
    asking = Asking(platform, single_platform, mirror, plain_http)
    if output == "-" or (os.path.exists(output) and not os.path.isfile(output)):
        raise InputError("expected a file; to print the lock, omit `--output`", file=output)
    data = read_bytes(output) if os.path.exists(output) else None
    comments = _comments(paths, output or "images.lock.yaml")
    lock = new_lock(comments) if data is None else read_lock(decoded(data, output), output)
    files = find_files(paths, hidden=hidden, stdin_name=stdin_file_name)
    ahead = ReadAhead(files)
    config = Options(tuple(fn_config), no_config=no_config).configure_list(ahead.configurations)
    found = find_lockable(files, ahead.with_values_files(config), wanted)
    kept = {name: Locked(entry.digest) for name, entry in lock.entries.items() if found.rows(name)}
    names = (kept.keys() | found.images.keys()) & found.selected
    if not (check or refresh):
        names -= kept.keys()
    if check:
        digests = resolved(names, found, asking, compares=True)
        findings = list(_findings(lock, output, found, digests))
        for finding in findings:
            write(f"{finding}\n")
        flush()
        say(f"{output}: {counted(len(digests), 'image')}, {counted(len(findings), 'difference')}")
        raise SystemExit(2 if len(digests) < len(names) else 1 if findings else 0)
    digests = resolved(names, found, asking)
    if len(digests) < len(names):
        raise SystemExit(2)
    text = lock.updated({**kept, **digests})
    if not output:
        write(text)
        flush()
    elif data is None or text.encode() != data:
        _save(output, data, text.encode())
    say(_summary(output or "standard output", lock, {**kept, **digests}, len(digests)))


def _comments(paths: Sequence[str], output: str) -> list[str]:
    """Return the comments at the start of a new lock."""
    named = shlex.join(paths)
    return [
        one_line(f"Written by `{PROGRAM} lock {named}`. To apply it:"),
        one_line(f"{PROGRAM} set {named} --fn-config {shlex.quote(output)} --in-place"),
    ]


def _findings(lock: LockFile, file: str, found: Lockable, digests: Mapping[str, Locked]) -> Iterator[str]:
    """Yield the differences between the lock, the files, and the digests that the registries have now."""
    for name in sorted(lock.entries.keys() | digests.keys()):
        entry, rows = lock.entries.get(name), found.rows(name)
        if entry is None:
            yield f'{rows[0].at}: "{name}" is missing in {file}; its digest is {digests[name].digest}'
        elif not rows:
            yield f'{file}:{entry.line}: "{name}" is no longer in the files; its digest was {entry.digest}'
        elif name in digests and digests[name].digest != entry.digest:
            moved = f"has moved from {entry.digest} to {digests[name].digest}"
            yield f'{file}:{entry.line}: "{name}" {moved}; it is used in {rows[0].location}'


def _save(path: str, old: bytes | None, new: bytes) -> None:
    """Write a lock. Raises InputError if it cannot be written, or has changed since it was read."""
    if old is not None:
        with Replacement() as replacement:
            rewrite = Rewrite(path, os.path.realpath(path), content_digest(old), lambda _: [new])
            (error,) = replacement.stage([rewrite])
            if error is not None:
                raise error
            replacement.commit()
        return
    try:
        file = open(path, "xb")  # noqa: SIM115  (only a file that was created here is removed)
    except OSError as error:
        raise InputError(f"cannot write the file: {error.strerror}", file=path) from error
    try:
        with file:
            file.write(new)
    except OSError as error:
        with suppress(OSError):
            os.unlink(path)
        raise InputError(f"cannot write the file: {error.strerror}", file=path) from error


def _summary(output: str, lock: LockFile, images: Mapping[str, Locked], asked: int) -> str:
    old = {name: entry.digest for name, entry in lock.entries.items()}
    counts = {
        "added": len(images.keys() - old.keys()),
        "moved": sum(old.get(name, locked.digest) != locked.digest for name, locked in images.items()),
        "removed": len(old.keys() - images.keys()),
    }
    changes = ", ".join(f"{count} {verb}" for verb, count in counts.items() if count) or "no change"
    return f"{output}: {counted(len(images), 'image')} ({changes}); asked registries for {counted(asked, 'image')}"
