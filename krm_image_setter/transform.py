"""The whole transformation of one or several texts, as functions without side effects. Read this module first.

set_images(text, config): stream -> references of `from` -> rules -> scan -> unused entries -> new text
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from krm_image_setter.catalog import VALUES_MARKS
from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.edits import Edit, apply_edits
from krm_image_setter.errors import ImageSetterError, NotResourceError, check_type
from krm_image_setter.results import ERROR, INFO, Result
from krm_image_setter.rules import Keywords, Rules, rules_for
from krm_image_setter.scan import Scan, scan
from krm_image_setter.typed import TYPE_CHECKING, Any, Generic, Record, TypeAlias, TypeVar

if TYPE_CHECKING:
    from krm_image_setter.kustomizations.planning import Planned
    from krm_image_setter.kustomizations.reading import Sources

T = TypeVar("T")
#: A function like `map`. It can use several processes or machines, as `concurrent.futures.Executor.map` can.
ForEach: TypeAlias = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


class Outcome(Record):
    """The new text and the results: first an info for each changed field, then warnings and errors.

    If a result is an error, the text is not changed.
    """

    text: str
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        """Whether a result is an error."""
        return has_error(self.results)


class Outcomes(Record):
    """The outcome of each text, by the name of the text, and the results that concern all texts together."""

    of: dict[str, Outcome]
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        """Whether a result is an error. In that case, no text is changed."""
        return has_error(self.results)


class Plan(Record):
    """The edits and results for a text. If a result is an error, there are no edits."""

    edits: list[Edit]
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        """Whether a result is an error."""
        return has_error(self.results)


class Plans(Record, Generic[T]):
    """The result of `plan_all` for each source, the total of all sources, and results about unused entries.

    `rules` were applied. `planned` contains the decisions on kustomizations, or None if there are none.
    """

    each: list[T]
    total: Scan
    unused: list[Result]
    rules: Rules
    planned: Planned | None


def has_error(results: Iterable[Result]) -> bool:
    """Return whether at least one result is an error."""
    return any(result.severity == ERROR for result in results)


def set_images(text: str, config: ImageSetter) -> Outcome:
    """Set images in `text`, which is a stream of Kubernetes resources or a ResourceList.

    Only the scalars that contain images differ between `text` and `Outcome.text`. Raises InputError if `text` is
    not valid YAML or a document is not a resource. Raises ConfigError if a `from` finds no reference. Raises
    TypeError if an argument has the wrong type.
    """
    check_type("set_images", text, str, "a str as text")
    check_type("set_images", config, ImageSetter, "an ImageSetter as config")
    edits, results = plan(Stream(text), config)
    return Outcome(apply_edits(text, edits), results)


def set_images_in(texts: Mapping[str, str], config: ImageSetter, for_each: ForEach = map) -> Outcomes:
    """Set images in several texts as if they were one stream. The keys of `texts` are file names.

    The field that a `from` selects can be in another text. An entry is unused only if it sets nothing in all of
    the texts. `for_each` calls a function for each text; the function and its results can be pickled. If a text is
    a kustomization, all names must be paths, and the texts need not be resources.

    Raises the same errors as `set_images`. The `file` of an error is the name of the text.
    """
    check_type("set_images_in", texts, Mapping, "a mapping of names to texts")
    check_type("set_images_in", config, ImageSetter, "an ImageSetter as config")
    for name, text in texts.items():
        check_type("set_images_in", name, str, "a str as the name of a text")
        check_type("set_images_in", text, str, f'a str as the text of "{name}"')

    def visit(look: Callable[[Stream], Any], names: Iterable[str] | None = None) -> Iterator[Any]:
        names = list(texts if names is None else names)
        found = for_each(partial(_result_or_error, look), [(name, texts[name]) for name in names])
        for name, one in zip(names, found, strict=True):
            if isinstance(one, NotResourceError) and sources is not None:
                yield None  # a kustomization, or a file that it refers to
                continue
            if isinstance(one, ImageSetterError):
                raise one.at(file=name)
            yield one

    references = [name for name, text in texts.items() if any(mark in text for mark in VALUES_MARKS)]
    if config.catalog and references:
        from krm_image_setter.catalog.values_files import with_values  # noqa: PLC0415  (few runs need it)

        config = with_values(config, (Stream(texts[name], name) for name in references))
    sources = None
    if any(name.rpartition("/")[2].lower().startswith("kustomization") for name in texts):
        from krm_image_setter.kustomizations.reading import Sources  # noqa: PLC0415  (few runs need it)

        sources = Sources({name: name for name in texts}, texts.get)
    plans: Plans[Scan | None] = plan_all(visit, config, lambda found: found, texts, sources)
    failed = has_error(plans.unused)
    outcomes = Outcomes({}, tuple(plans.unused))
    for (name, text), one in zip(texts.items(), plans.each, strict=True):
        found = one or Scan()
        new = text if failed else apply_edits(text, found.edits)
        outcomes.of[name] = Outcome(new, ordered(found.results, failed=failed))
    return outcomes


def _result_or_error(look: Callable[[Stream], Any], text: tuple[str, str]) -> Any:
    """Return the result of `look` for a text with a name, or the error that `look` raises.

    The caller raises the error of the first text that has one.
    """
    try:
        return look(Stream(text[1], text[0], source=text[0]))
    except ImageSetterError as error:
        return error


def plan(stream: Stream, config: ImageSetter) -> Plan:
    """Return the edits and results that `set_images` would apply to a stream."""
    plans: Plans[Scan] = plan_all(lambda look, _=None: [look(stream)], config, lambda found: found)
    (found,), failed = plans.each, has_error(plans.unused)
    results = ordered([*found.results, *plans.unused], failed=failed)
    return Plan([] if failed else found.edits, results)


def plan_all(
    visit: Callable[..., Iterable[T]],
    config: ImageSetter,
    found_in: Callable[[T], Any],
    sources: Iterable[str] = ("",),
    kustomized: Sources | None = None,
    *,
    locates_changes: bool = False,
    every: bool = False,
) -> Plans[T]:
    """Scan all streams with a configuration, and report the entries that set nothing in any of them.

    `visit` calls a function with the stream of each source, possibly in other processes. It yields one item per
    source, in the order of the sources. `found_in` returns the function's result from an item, or None if there is
    none. `sources` contains the names of the sources for messages; it is empty for standard input. `kustomized`
    contains the same sources if one of them is a kustomization. In that case, `visit` must accept a second
    argument: the keys of the sources to visit. If `locates_changes` is true, the results of changes contain their
    lines and columns. If `every` is true, all resources are parsed, also those without an image that is set, and
    all absent kinds of command-line options are reported.

    Raises ConfigError if the field of a `from` contains no reference, or if there are several.
    """
    references: dict[int, str] = {}
    if any(rule.source for rule in config.images):
        from krm_image_setter.from_fields import references_in, resolve  # noqa: PLC0415  (few runs need it)

        found = map(found_in, visit(partial(references_in, config=config)))
        references = resolve(config, filter(None, found))
    rules = rules_for(config, references)._replace(locates_changes=locates_changes)
    planned = None
    if kustomized is None:
        each = list(visit(partial(_scan, Keywords(config, None if every else ()), rules)))
    else:
        from krm_image_setter.kustomizations.scanning import scan_all  # noqa: PLC0415  (few runs need it)

        each, planned = scan_all(visit, found_in, config, rules, kustomized, every=every)
    total = Scan()
    for one in filter(None, map(found_in, each)):
        total.add_counts(one)
    causes = planned.causes if planned else {}
    total.applied |= planned.applied if planned else set()
    if config.on_unused == "error":
        # Warnings already report the fields that cannot be set, so such an entry is reported only as an error.
        fulfilled = total.fulfilled | (planned.applied - planned.blocked if planned else set())
        blocked = total.applied - fulfilled
        total.applied -= blocked
        causes = {
            position: f'no image "{rules.images.rules[position].name}" was set; read the warnings about it'
            for position in blocked
        } | causes
    if total.renamed:
        for one in filter(None, map(found_in, each)):
            one.report_overrides(total.renamed)

    def for_each_source(look: Callable[[Stream], Any]) -> Iterator[tuple[str, Any]]:
        return zip(sources, map(found_in, visit(look)), strict=True)

    # Use `issuperset`, because rules of the catalog, and rules for documents in strings, have the position -1.
    all_used = total.applied.issuperset(range(len(config.images))) and total.matched.issuperset(
        range(len(config.paths))
    )
    names = {f"{directory}/" for directory in total.directories}
    registries = rules.registries.unused(total.moved, names)
    if config.on_unused == "ignore" or (all_used and not registries):
        return Plans(each, total, [], rules, planned)
    from krm_image_setter.unused import unused_entries, unused_registries  # noqa: PLC0415  (most use all entries)

    images = planned.images if planned else []
    unused = unused_entries(config, rules, total, for_each_source, causes=causes, images=images, every=every)
    built = [flow.image for flow in planned.decisions.flows] if planned else []
    unused += unused_registries(config, rules, registries, names, for_each_source, images=built)
    return Plans(each, total, unused, rules, planned)


def _scan(keywords: Keywords, rules: Rules, stream: Stream) -> Scan:
    return scan(stream, rules, keywords.of(stream.text, finds_invalid=stream.source != ""))


def ordered(results: Iterable[Result], *, failed: bool) -> tuple[Result, ...]:
    """Return the results with the infos first. If the run failed, omit the infos, because nothing was changed."""
    kept = (result for result in results if not failed or result.severity != INFO)
    return tuple(sorted(kept, key=lambda result: result.severity != INFO))
