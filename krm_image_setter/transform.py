"""The whole transformation as pure functions over one or many texts. Read this module first.

set_images(text, config): streams -> references `from` fields -> rules -> scan -> unused entries -> text
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.edits import Edit, apply_edits
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.results import ERROR, INFO, Result
from krm_image_setter.rules import Rules, keywords_of, rules_for
from krm_image_setter.scan import Scan, scan

T = TypeVar("T")
#: A function like `map`, such as `concurrent.futures.Executor.map`, which can use processes or machines.
ForEach: TypeAlias = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


class Outcome(NamedTuple):
    """The new text and the results: an info for each changed field, then warnings and errors.

    If one of the results is an error, the text is unchanged.
    """

    text: str
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        """Whether one of the results is an error."""
        return has_error(self.results)


class Outcomes(NamedTuple):
    """The outcome of each text by its name, and the results about all texts together."""

    of: dict[str, Outcome]
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        """Whether one of the results is an error. If it is, all texts are unchanged."""
        return has_error(self.results)


class Plan(NamedTuple):
    """The edits and results of a text. If one of the results is an error, the text has no edits."""

    edits: list[Edit]
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        """Whether one of the results is an error."""
        return has_error(self.results)


class Plans(NamedTuple, Generic[T]):
    """The result of `plan_all` for each source, the counts of all together, and results about unused entries."""

    each: list[T]
    total: Scan
    unused: list[Result]


def has_error(results: Iterable[Result]) -> bool:
    """Return whether one of the results is an error."""
    return any(result.severity == ERROR for result in results)


def set_images(text: str, config: ImageSetter) -> Outcome:
    """Set images in `text`, a stream of Kubernetes resources or a ResourceList.

    `Outcome.text` is equal to `text` outside the scalars with images. Raises InputError if `text` is not valid
    YAML or a document is not a resource, and ConfigError if an entry has no reference in its `from` field.
    """
    edits, results = plan(Stream(text), config)
    return Outcome(apply_edits(text, edits), results)


def set_images_in(texts: Mapping[str, str], config: ImageSetter, for_each: ForEach = map) -> Outcomes:
    """Set images in several texts, by name, as if they were one stream.

    An entry with `from` can find its reference in another text, and an entry is unused only if it sets nothing in
    any of the texts. `for_each` calls the work for each text; its arguments and results can be pickled.

    Raises the errors of `set_images`; the `file` of an error is the name of the text.
    """

    def visit(look: Callable[[Stream], Any]) -> Iterator[Any]:
        found = for_each(partial(_result_or_error, look), list(texts.values()))
        for name, one in zip(texts, found, strict=True):
            if isinstance(one, ImageSetterError):
                raise one.at(file=name)
            yield one

    plans: Plans[Scan] = plan_all(visit, config, lambda found: found, texts)
    failed = has_error(plans.unused)
    outcomes = Outcomes({}, tuple(plans.unused))
    for (name, text), found in zip(texts.items(), plans.each, strict=True):
        new = text if failed else apply_edits(text, found.edits)
        outcomes.of[name] = Outcome(new, ordered(found.results, failed=failed))
    return outcomes


def _result_or_error(look: Callable[[Stream], Any], text: str) -> Any:
    """Return the result of `look` or its error, so that the caller can raise the error of the first text."""
    try:
        return look(Stream(text))
    except ImageSetterError as error:
        return error


def plan(stream: Stream, config: ImageSetter) -> Plan:
    """Return the edits and results of `set_images`."""
    plans: Plans[Scan] = plan_all(lambda look: [look(stream)], config, lambda found: found)
    (found,), failed = plans.each, has_error(plans.unused)
    results = ordered([*found.results, *plans.unused], failed=failed)
    return Plan([] if failed else found.edits, results)


def plan_all(
    visit: Callable[[Callable[[Stream], Any]], Iterable[T]],
    config: ImageSetter,
    found_in: Callable[[T], Any],
    sources: Iterable[str] = ("",),
) -> Plans[T]:
    """Scan all streams for a configuration, and report the entries that set nothing in any of them.

    `visit` calls a function with the stream of each source, perhaps in other processes, and yields one item per
    source, in their order. `found_in` returns the result of the function from an item; None if there is no result.
    `sources` are the names of the sources for messages; empty for standard input.

    Raises ConfigError if an entry with `from` has no reference, or several.
    """
    references: dict[int, str] = {}
    if any(rule.source for rule in config.images):
        from krm_image_setter.from_fields import references_in, resolve  # noqa: PLC0415  (few runs need it)

        found = map(found_in, visit(partial(references_in, config=config)))
        references = resolve(config, filter(None, found))
    rules = rules_for(config, references)
    each = list(visit(partial(_scan, config, rules)))
    total = Scan()
    for one in filter(None, map(found_in, each)):
        total.add_counts(one)

    def for_each_source(look: Callable[[Stream], Any]) -> Iterator[tuple[str, Any]]:
        return zip(sources, map(found_in, visit(look)), strict=True)

    # A rule of the catalog, and a path inside a string, has no position among the entries.
    all_used = total.applied.issuperset(range(len(config.images))) and total.matched.issuperset(
        range(len(config.kinds))
    )
    if all_used or config.on_unused == "ignore":
        return Plans(each, total, [])
    from krm_image_setter.unused import unused_entries  # noqa: PLC0415  (most runs use all entries)

    return Plans(each, total, unused_entries(config, rules, total, for_each_source))


def _scan(config: ImageSetter, rules: Rules, stream: Stream) -> Scan:
    return scan(stream, rules, keywords_of(config, stream.text))


def ordered(results: Iterable[Result], *, failed: bool) -> tuple[Result, ...]:
    """Return the infos, then all other results. If the run failed, omit the infos, because nothing was changed."""
    kept = (result for result in results if not failed or result.severity != INFO)
    return tuple(sorted(kept, key=lambda result: result.severity != INFO))
