"""What each of many files gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from krm_image_setter.cli.files import File, naming
from krm_image_setter.cli.replace import digest_of
from krm_image_setter.cli.work import for_each
from krm_image_setter.config import API_VERSION, KIND, ImageSetter, Value, configurations_in
from krm_image_setter.documents import Stream
from krm_image_setter.errors import ImageSetterError, InputError, NotResourceError, NotYAMLError
from krm_image_setter.resources import is_resource
from krm_image_setter.scan import Scan
from krm_image_setter.streams import decoded, say, say_error
from krm_image_setter.transform import Plans, plan_all

Found = TypeVar("Found")


class Scanned(NamedTuple, Generic[Found]):
    """A file and what was found in its contents, which have `digest`; or why there is nothing.

    A file in a folder need not be about Kubernetes: then there is neither. Where it is not even YAML there is an
    error, for a template may have images that are missed, and it `is_skipped`.
    """

    file: File
    found: Found | None = None
    digest: bytes = b""
    error: ImageSetterError | None = None
    is_skipped: bool = False


def read_files(files: Sequence[File], look: Callable[[Stream], Found]) -> Iterator[Scanned[Found]]:
    """Yield what `look` finds in the stream of each file, in order."""
    return for_each(partial(_read_file, look), files)


def plan_files(files: Sequence[File], config: ImageSetter) -> Plans[Scanned[Scan]]:
    """Return the plans for files. Raises ConfigError (`plan_all`)."""
    return plan_all(partial(read_files, files), config, attrgetter("found"), [file.shown for file in files])


def say_problems(scanned: Iterable[Scanned[Any]]) -> bool:
    """Say which files gave nothing and why, and return whether that is an error."""
    failed = False
    for each in scanned:
        if each.is_skipped:
            say(f"warning: {each.error}, it is skipped")
        elif each.error is not None:
            say_error(each.error)
            failed = True
    return failed


def configurations_of(files: Sequence[File]) -> list[Value]:
    """Return the ImageSetters among the documents of the files.

    Raises InputError if a file that seems to contain one is not YAML. A file that cannot be read is skipped: it is
    reported when its images are searched.
    """
    found: list[Value] = []
    for file in files:
        try:
            data = file.read()
        except InputError:
            continue
        if KIND.encode() in data and API_VERSION.encode() in data:
            try:
                values = configurations_in(Stream(decoded(data, file.shown)))
            except InputError as error:
                raise error.at(file=file.shown) from error
            found += (value._replace(file=file.shown) for value in values)
    return found


def _read_file(look: Callable[[Stream], Found], file: File) -> Scanned[Found]:
    try:
        with naming(file.shown):
            data = file.read()
            stream, digest = Stream(decoded(data, file.shown)), digest_of(data)
            del data  # a large file takes room enough while it is read
            try:
                return Scanned(file, look(stream), digest)
            except NotResourceError:
                if not file.is_found or _has_resource(stream):
                    raise
                return Scanned(file)
    except NotYAMLError as error:
        return Scanned(file, error=error, is_skipped=file.is_found)
    except ImageSetterError as error:
        return Scanned(file, error=error)


def _has_resource(stream: Stream) -> bool:
    return any(is_resource(one.document.root) for one in stream.documents())
