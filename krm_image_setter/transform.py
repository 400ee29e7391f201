"""The whole of it, as one pure function: find image fields, decide on new references, splice them in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.edits import Edit, apply_edits
from krm_image_setter.images import key_of, keys_of, parse_reference
from krm_image_setter.results import ERROR, INFO, WARNING, Result, did_you_mean
from krm_image_setter.rules import Rules, given_references, rules_for
from krm_image_setter.survey import Survey, survey
from krm_image_setter.yaml.stream import Listing


class Outcome(NamedTuple):
    """The new text, and what was done: an info for each changed field, then warnings.

    Where a result is an error, the text is as it came.
    """

    text: str
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        """Whether there is an error among the results."""
        return _failed(self.results)


class Plan(NamedTuple):
    """What to change in a text, and the results: none of them an error, or all edits left out."""

    edits: list[Edit]
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        """Whether there is an error among the results."""
        return _failed(self.results)


def _failed(results: Iterable[Result]) -> bool:
    return any(result.severity == ERROR for result in results)


def set_images(text: str, config: ImageSetter) -> Outcome:
    """Return `text`, a stream of Kubernetes resources or a ResourceList, with the images set that `config` names.

    Every character outside the rewritten scalars is the same in `Outcome.text`.

    Raises InputError where `text` is not YAML or holds what is no resource, and ConfigError where an entry takes
    its reference from a field that does not give one.
    """
    edits, results = plan(text, config)
    return Outcome(apply_edits(text, edits), results)


def plan(text: str, config: ImageSetter, listing: Listing | None = None) -> Plan:
    """Return what `set_images` does, as edits; `listing` is that of a text that is known to be one list."""
    rules = rules_for(config, given_references(text, config))
    found = survey(text, rules, listing=listing)
    unused = unused_entries(rules, found, lambda: survey(text, rules._replace(words=None)).seen)
    failed = _failed(unused)
    return Plan([] if failed else found.edits, told([*found.results, *unused], failed=failed))


def told(results: Iterable[Result], *, failed: bool) -> tuple[Result, ...]:
    """Return results in the order that they are told in; where all edits are left out, without those of edits."""
    kept = (result for result in results if not failed or result.severity != INFO)
    return tuple(sorted(kept, key=lambda result: result.severity != INFO))


def unused_entries(
    rules: Rules, found: Survey, all_seen: Callable[[], Iterable[tuple[str, bool]]]
) -> list[Result]:
    """Return a result for each image that was set nowhere, and for each path that led nowhere.

    `all_seen` gives all that can be references, also in what has none of the names in question, and whether a
    message may suggest them.
    """
    return [] if rules.config.on_unused == "ignore" else list(_unused(rules, found, all_seen))


def _unused(rules: Rules, found: Survey, all_seen: Callable[[], Iterable[tuple[str, bool]]]) -> Iterator[Result]:
    config = rules.config
    severity = ERROR if config.on_unused == "error" else WARNING
    for path_rule in config.kinds:
        count = found.selected.get(id(path_rule), 0)
        if count and id(path_rule) not in found.led:
            where = "the one resource there" if count == 1 else f"any of {count} resources"
            yield Result(
                f'the path {path_rule.path.text} of kinds "{path_rule.selector}" leads nowhere in {where}: '
                "check the path",
                severity,
            )
    # An earlier run may have set a field that holds only a name: it has no tag that could tell.
    set_names = {reference.normalized_name for reference in map(parse_reference, found.names) if reference}
    # What an argument, or a configuration before it, says anew is meant to be overridden: no news.
    unused = [
        rule
        for rule in config.images
        if id(rule) not in found.used
        and rule.target.normalized_name not in set_names
        and not rules.images.is_overridden(rule)
    ]
    if unused:
        keys: set[tuple[str, str | None, str | None]] = set()
        names: set[str] = set()
        for text, may_be_shown in all_seen():
            reference = parse_reference(text)
            if reference is not None:
                keys |= keys_of(reference)
                if may_be_shown:
                    names.add(reference.familiar_name)
        compared = 0
        for rule in unused:
            if key_of(rule.target) in keys:  # an earlier run may have set it
                continue
            hint = did_you_mean(str(rule.name), names) if compared < _MOST_COMPARED else _NO_HINT
            compared += len(names)
            yield Result(f'the image "{rule.name}" is nowhere to set: {hint}', severity)


# To compare two names takes a fifth of a millisecond: many unused entries and many images would take hours.
_MOST_COMPARED: Final = 5_000
_NO_HINT: Final = "see in `krm-image-setter list` which images there are"
