"""What each of many files gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from krm_image_setter.cli.files import File, naming
from krm_image_setter.cli.replace import digest_of
from krm_image_setter.cli.work import for_each
from krm_image_setter.config import API_VERSION, KIND, ImageSetter, Value, configurations_in
from krm_image_setter.errors import ImageSetterError, InputError, NotResourceError, NotYAMLError
from krm_image_setter.resources import is_resource, read, read_slices
from krm_image_setter.rim import decoded, say, say_error
from krm_image_setter.rules import Rules, given_references, merged, rules_for
from krm_image_setter.survey import Survey, survey

Found = TypeVar("Found")


class Surveyed(NamedTuple, Generic[Found]):
    """A file and what its contents give, which have `digest`; or why they give nothing.

    A file in a folder need not be about Kubernetes: then there is neither. Where it is not even YAML there is an
    error, for a template may have images that are missed, and it `is_skipped`.
    """

    file: File
    found: Found | None = None
    digest: bytes = b""
    error: ImageSetterError | None = None
    is_skipped: bool = False


def read_files(files: Sequence[File], look: Callable[[str], Found]) -> Iterator[Surveyed[Found]]:
    """Yield what `look` finds in the text of each file, in order."""
    return for_each(partial(_read_file, look), files)


def survey_files(files: Sequence[File], rules: Rules) -> Iterator[Surveyed[Survey]]:
    """Yield what each file gives, in order."""
    return read_files(files, partial(survey, rules=rules))


def say_problems(surveyed: Iterable[Surveyed[Any]]) -> bool:
    """Say which files gave nothing and why, and return whether that is an error."""
    failed = False
    for each in surveyed:
        if each.is_skipped:
            say(f"warning: {each.error}, it is skipped")
        elif each.error is not None:
            say_error(each.error)
            failed = True
    return failed


def rules_for_files(files: Sequence[File], config: ImageSetter) -> Rules:
    """Return the rules of a configuration for resources in these files. Raises ConfigError (`rules_for`)."""
    takes = any(rule.source for rule in config.images)
    return rules_for(config, merged(for_each(partial(_given_references, config), files)) if takes else {})


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
                values = configurations_in(decoded(data, file.shown))
            except InputError as error:
                raise error.at(file=file.shown) from error
            found += (value._replace(file=file.shown) for value in values)
    return found


def _read_file(look: Callable[[str], Found], file: File) -> Surveyed[Found]:
    try:
        with naming(file.shown):
            data = file.read()
            text, digest = decoded(data, file.shown), digest_of(data)
            del data  # a large file takes room enough while it is read
            try:
                return Surveyed(file, look(text), digest)
            except NotResourceError:
                if not file.is_found or _has_resource(text):
                    raise
                return Surveyed(file)
    except NotYAMLError as error:
        return Surveyed(file, error=error, is_skipped=file.is_found)
    except ImageSetterError as error:
        return Surveyed(file, error=error)


def _has_resource(text: str) -> bool:
    return any(
        is_resource(parsed.document.root)
        for part in filter(None, read_slices(text, None))
        for parsed in read(text, part, None, whole=True)
        if parsed is not None
    )


def _given_references(config: ImageSetter, file: File) -> dict[int, list[str]]:
    try:
        with naming(file.shown):
            return given_references(decoded(file.read(), file.shown), config)
    except InputError:  # `survey_files` reports it
        return {}
