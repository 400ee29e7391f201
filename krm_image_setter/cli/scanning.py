"""Reads the files of a command, and reports the files with errors. Many files are read by worker processes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache, partial
from operator import attrgetter

from krm_image_setter.catalog import VALUES_MARKS
from krm_image_setter.cli.files import File, content_digest, naming
from krm_image_setter.cli.kustomizations import kustomized_sources
from krm_image_setter.cli.workers import for_each
from krm_image_setter.config import API_VERSION, KIND, ImageSetter, Value, configurations_in
from krm_image_setter.documents import Stream
from krm_image_setter.errors import ImageSetterError, InputError, NotResourceError, NotYAMLError
from krm_image_setter.resources import is_resource
from krm_image_setter.scan import Scan
from krm_image_setter.streams import STDIN, decoded, require_input
from krm_image_setter.transform import Plans, plan_all
from krm_image_setter.typed import Final, Generic, Record, TypeVar
from krm_image_setter.yaml.json_comments import blanked

Found = TypeVar("Found")


class Scanned(Record, Generic[Found]):
    """The result of processing a file, or the error. `digest` is a hash of the contents of the file, if requested.

    If a directory search finds a file without resources that no rule of `files` selects, there is neither a result
    nor an error. If a directory search finds a file that is not YAML, `is_skipped` is true and the error is only a
    warning, because the file can be a template. `has_images` is true if a file without a result has a line with
    the key `image`.
    """

    file: File
    found: Found | None = None
    digest: bytes = b""
    error: ImageSetterError | None = None
    is_skipped: bool = False
    has_images: bool = False


def read_files(
    files: Sequence[File], search: Callable[[Stream], Found], *, digests: bool = False
) -> Iterator[Scanned[Found]]:
    """Call `search` with the stream of each file, and yield the results in the order of the files.

    If `digests` is true, the results contain the digests of the files.
    """
    return for_each(partial(_read_file, search, digests), files)


def plan_files(
    files: Sequence[File], config: ImageSetter, *, locates_changes: bool = False, every: bool = False
) -> Plans[Scanned[Scan]]:
    """Scan the files with a configuration. See `plan_all` for `locates_changes`, `every` and the errors."""
    by_key = {file.real: file for file in files}

    def visit(look: Callable[[Stream], Found], keys: Iterable[str] | None = None) -> Iterator[Scanned[Found]]:
        return read_files(files if keys is None else [by_key[key] for key in keys], look, digests=True)

    found_in = attrgetter("found")
    sources = [file.shown for file in files]
    kustomized = kustomized_sources(files)
    plans = plan_all(visit, config, found_in, sources, kustomized, locates_changes=locates_changes, every=every)
    # The images in files with errors are not known. If there are only such files, any entry might be used.
    is_known = any(map(found_in, plans.each)) or not any(one.error and not one.is_skipped for one in plans.each)
    return plans if is_known else plans._replace(unused=[])


class ReadAhead:
    """Finds configurations and references to Helm values in files before the scan. Reads each file at most once.

    A file that cannot be read is skipped, because `read_files` reports the error.
    """

    def __init__(self, files: Sequence[File]) -> None:
        self._files = files

    def configurations(self) -> list[Value]:
        """Return the ImageSetter documents in the files. Raises InputError if such a file is not YAML."""
        found: list[Value] = []
        for file, data in self._parts.configurations:
            try:
                values = configurations_in(Stream(decoded(data, file.shown)))
            except InputError as error:
                raise error.at(file=file.shown) from error
            found += (value._replace(file=file.shown) for value in values)
        return found

    def with_values_files(self, config: ImageSetter) -> ImageSetter:
        """Return `config`, extended to the files with Helm values to which other files refer."""
        if not config.catalog or not self._parts.references:
            return config
        from krm_image_setter.catalog.values_files import with_values  # noqa: PLC0415  (few runs need it)

        streams = (
            Stream(data.decode(errors="replace"), file.name, _directory(file))
            for file, data in self._parts.references
        )
        return with_values(config, streams)

    @cached_property
    def _parts(self) -> _Parts:
        parts = _Parts([], [])
        for file in self._files:
            try:
                data = file.read()
            except InputError:
                continue
            if KIND.encode() in data and API_VERSION.encode() in data:
                parts.configurations.append((file, data))
            if any(mark in data for mark in _VALUES_MARKS):
                parts.references.append((file, data))
        return parts


_VALUES_MARKS: Final = tuple(mark.encode() for mark in VALUES_MARKS)


class _Parts(Record):
    """The files with configurations, and the files that refer to Helm values elsewhere. Each has its contents."""

    configurations: list[tuple[File, bytes]]
    references: list[tuple[File, bytes]]


def _directory(file: File) -> str:
    return "" if file.path == STDIN else _absolute(file.top)


_absolute: Final = lru_cache(os.path.abspath)


def _read_file(search: Callable[[Stream], Found], has_digest: bool, file: File) -> Scanned[Found]:
    data = b""
    try:
        with naming(file.shown):
            data = file.read()
            digest = content_digest(data) if has_digest else b""
            text, directory = decoded(data, file.shown), _directory(file)
            if file.path == STDIN:
                require_input(text)
            stream = Stream(text, file.name, directory, file.real, is_found=file.is_found)
            try:
                if file.is_found and not stream.can_have_resource and _is_encrypted(data):
                    raise NotYAMLError(_ENCRYPTED)
                return Scanned(file, search(stream), digest)
            except NotResourceError:
                if not file.is_found or _has_resource(stream):
                    raise
                return Scanned(file, has_images=_has_image_line(data))
    except NotYAMLError as error:
        error.message = _explained(error.message, data, file)
        if file.is_found:
            error.message = f"skipped: {error.message}"
        return Scanned(file, error=error, is_skipped=file.is_found, has_images=_has_image_line(data))
    except ImageSetterError as error:
        return Scanned(file, error=error)


_ENCRYPTED: Final = "encrypted with SOPS; a change would make its MAC invalid"
_COMMENTS: Final = "JSON with comments, which is not valid JSON or YAML; remove the comments"


def _is_encrypted(data: bytes) -> bool:
    """Return whether a file is encrypted with SOPS: https://getsops.io/docs/#encryption-protocol."""
    return b"ENC[AES256_GCM," in data and b"sops" in data


def _explained(message: str, data: bytes, file: File) -> str:
    """Return the message for a file that is not valid YAML. JSON with comments has a special message."""
    if file.path.endswith(".json") and blanked(text := data.decode(errors="replace")) != text:
        return _COMMENTS
    return message


def _has_image_line(data: bytes) -> bool:
    return re.search(rb"^[ \t]*(?:- +)?[\"']?image[\"']?[ \t]*:", data, re.MULTILINE) is not None


def _has_resource(stream: Stream) -> bool:
    return stream.can_have_resource and any(is_resource(one.document.root) for one in stream.documents())
