"""Several texts that belong together, such as the files of a folder, with the work on each done by whoever can."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.edits import Edit, apply_edits
from krm_image_setter.errors import ImageSetterError, InputError
from krm_image_setter.results import ERROR, Result
from krm_image_setter.rules import Rules, given_references, merged, rules_for
from krm_image_setter.survey import Survey, survey
from krm_image_setter.transform import Outcome, told, unused_entries

#: What `map` does; by processes or machines, as `concurrent.futures.Executor.map` does it.
ForEach: TypeAlias = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


class Outcomes(NamedTuple):
    """The outcome of each text by its name, and the results that are about all of them together."""

    of: dict[str, Outcome]
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        """Whether there is an error among the results: then each text is as it came."""
        return any(result.severity == ERROR for result in self.results)


def set_images_in(texts: Mapping[str, str], config: ImageSetter, for_each: ForEach = map) -> Outcomes:
    """Return what `set_images` gives for these texts, by their names, as if they were one.

    That is not what it gives for each alone: an entry `from` may find its reference in another text, and only an
    entry that sets nothing in any of them is unused. The work on a text is done by `for_each`; all that it carries
    can be pickled.

    Raises what `set_images` does; the error's `file` is the name of the text.
    """
    takes = any(rule.source for rule in config.images)
    given = for_each(partial(_given, config), list(texts.values())) if takes else ()
    rules = rules_for(config, merged(given))
    ids = dict(enumerate(map(id, _rules_told(rules))))
    total = Survey()
    done: dict[str, tuple[list[Edit], list[Result]]] = {}
    for name, found in zip(texts, for_each(partial(_surveyed, rules), list(texts.values())), strict=True):
        if isinstance(found, ImageSetterError):
            raise found.at(file=name)
        done[name] = found.edits, found.results
        total.add(_with_ids(found, ids))

    def all_seen() -> Iterator[tuple[str, bool]]:
        for seen in for_each(partial(_seen, rules._replace(words=None)), list(texts.values())):
            yield from seen

    together = Outcomes({}, tuple(unused_entries(rules, total, all_seen)))
    for name, (edits, results) in done.items():
        text = texts[name] if together.failed else apply_edits(texts[name], edits)
        together.of[name] = Outcome(text, told(results, failed=together.failed))
    return together


def _given(config: ImageSetter, text: str) -> dict[int, list[str]]:
    try:
        return given_references(text, config)
    except InputError:  # told when the text is surveyed
        return {}


def _surveyed(rules: Rules, text: str) -> Survey | ImageSetterError:
    """Return what a text gives, or why it gives nothing: the order of the texts says which error is told."""
    try:
        found = survey(text, rules)
    except ImageSetterError as error:
        return error
    found.seen = []  # it is long, and asked for only where an entry is unused
    return _with_ids(found, {id(rule): place for place, rule in enumerate(_rules_told(rules))})


def _seen(rules: Rules, text: str) -> set[tuple[str, bool]]:
    return set(survey(text, rules).seen)


def _rules_told(rules: Rules) -> list[Any]:
    """Return the rules of which it is told that they are unused: in each process in the same places."""
    return [*rules.config.images, *rules.config.kinds]


def _with_ids(found: Survey, ids: Mapping[int, int]) -> Survey:
    """Give rules other ids, for they are others in another process; who has none is not asked for."""
    found.used = {ids[rule] for rule in found.used if rule in ids}
    found.led = {ids[rule] for rule in found.led if rule in ids}
    found.selected = {ids[rule]: count for rule, count in found.selected.items() if rule in ids}
    return found
