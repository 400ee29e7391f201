"""Scans the texts of a run that contains kustomizations.

Each text is scanned once, which also finds the images that kustomize can change. After the decisions, only the texts
are scanned again in which a field gets another image than the rules would set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.errors import InputError, NotResourceError
from krm_image_setter.kustomizations.fields import checksum, scan_with_fields
from krm_image_setter.kustomizations.planning import KustomizationPlan, Planned
from krm_image_setter.kustomizations.reading import Sources
from krm_image_setter.locators import KindRule, SelectorMap
from krm_image_setter.results import WARNING, Result
from krm_image_setter.rules import Rules, keywords_of, usable_keywords
from krm_image_setter.scan import Scan, scan

#: Calls a function with the stream of each text, or only of the texts with some keys, and returns the results.
Visit = Callable[[Callable[[Stream], Any], Iterable[str] | None], Iterable[Any]]


class _Look(NamedTuple):
    """The first scan of a text. An instance can be pickled."""

    config: ImageSetter
    rules: Rules
    kustomizations: frozenset[str]
    text_files: frozenset[str]
    reached: frozenset[str]
    specs: SelectorMap[KindRule]
    keywords: list[str] | None

    def __call__(self, stream: Stream) -> Scan:
        keywords = keywords_of(self.config, stream.text)
        if stream.source in self.reached:
            if keywords is not None:
                keywords = None if self.keywords is None else usable_keywords([*keywords, *self.keywords])
            found, fields = scan_with_fields(stream, self.rules, self.specs, keywords)
            found.fields = fields
            return found
        if stream.source in self.kustomizations:
            return self._kustomization(stream, keywords)
        found = scan(stream, self.rules, keywords)
        return _as_text(found) if stream.source in self.text_files else found

    def _kustomization(self, stream: Stream, keywords: list[str] | None) -> Scan:
        """Return a scan without changes: the changes of a kustomization are planned together with its resources."""
        try:
            found = scan(stream, self.rules, keywords)
        except NotResourceError:
            return Scan()  # `kind` and `apiVersion` can be missing
        found.edits, found.results, found.images_set, found.applied = [], [], 0, set()
        return found


def _as_text(found: Scan) -> Scan:
    """Return the scan of a file that a generator puts into a ConfigMap or Secret as text."""
    kept = Scan()
    kept.resources = found.resources
    if found.edits:
        message = (
            "not changed: a kustomization puts this file into a ConfigMap or Secret as text; "
            "add `kinds` for the key with `as: yaml` to set its images"
        )
        kept.results.append(Result(message, WARNING))
    return kept


class _LookAgain(NamedTuple):
    """The second scan of a text, with the decisions for its fields. An instance can be pickled."""

    config: ImageSetter
    rules: Rules
    decided: Mapping[str, Mapping[int, str]]
    checksums: Mapping[str, int]

    def __call__(self, stream: Stream) -> Scan:
        if checksum(stream.text) != self.checksums[stream.source]:
            raise InputError("the file has changed since it was read; run the command again")
        return scan(stream, self.rules, None, decided=self.decided[stream.source])


def scan_all(
    visit: Visit, found_in: Callable[[Any], Any], config: ImageSetter, rules: Rules, sources: Sources
) -> tuple[list[Any], Planned]:
    """Scan all texts, and decide on the kustomizations among them. Return what `visit` returned, and the plan.

    `found_in` returns the scan of a result of `visit`, or None. The scans contain the changes of the plan.
    """
    plan = KustomizationPlan(sources, rules)
    look = _Look(
        config, rules, frozenset(plan.files), frozenset(plan.text_files), plan.reached, plan.specs, plan.keywords
    )
    each = list(visit(look, None))
    scans: dict[str, Scan | None] = dict(zip(sources.names, map(found_in, each), strict=True))
    planned = plan.decide({key: found.fields for key, found in scans.items() if found is not None})
    changed = [key for key in sources.names if key in planned.decided]
    if changed:
        again = _LookAgain(config, rules, planned.decided, planned.checksums)
        for key, one in zip(changed, visit(again, changed), strict=True):
            _replace(scans[key], found_in(one))
    for key, new in planned.scans.items():
        old = scans.get(key)
        if old is not None:
            old.edits += new.edits
            old.results += new.results
            old.images_set += new.images_set
    return each, planned


def _replace(old: Scan | None, new: Scan | None) -> None:
    if old is None:
        return
    if new is None:
        raise InputError("a file has changed since it was read; run the command again")
    old.edits, old.results, old.images_set = new.edits, new.results, new.images_set
    old.applied, old.matched, old.selected = new.applied, new.matched, new.selected
