"""Scans the texts of a run that contains kustomizations.

The first scan of a text also finds the images that kustomize can change. After the decisions, a text is scanned
again only if a field gets another image than the rules alone would set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.errors import InputError, NotResourceError
from krm_image_setter.images import Usage
from krm_image_setter.kustomizations.decisions import followed
from krm_image_setter.kustomizations.fields import NO_FIELDS, FieldCollector, Fields, checksum
from krm_image_setter.kustomizations.planning import KustomizationPlan, Planned
from krm_image_setter.kustomizations.reading import Sources
from krm_image_setter.locators import KindRule, SelectorMap
from krm_image_setter.resources import NO_REF, Resource
from krm_image_setter.results import WARNING, Result
from krm_image_setter.rules import Keywords, Rules
from krm_image_setter.scan import FoundImage, LocatedField, Scan, TextImages, images_in, scan
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml.stream import Keyword

#: Calls a function with the stream of each text, and returns the results. With keys, visits only these texts.
Visit = Callable[[Callable[[Stream], Any], Iterable[str] | None], Iterable[Any]]


#: The warning about the images of a file that a generator reads.
AS_TEXT: Final = (
    "not changed: a kustomization puts this file into a ConfigMap or Secret as text; "
    "add `kinds` for the key with `as: yaml` to set its images"
)
_CHANGED: Final = "the file has changed since it was read; run the command again"


class _Run(Record):
    """The facts about a run that the first scan of each text needs."""

    config: ImageSetter
    rules: Rules
    kustomizations: dict[str, int | None]  # the number of resources; None if the file is not YAML
    read: frozenset[str]  # the files that the plan has read
    text_files: frozenset[str]
    reached: frozenset[str]
    rules_of_reached: Rules
    specs: SelectorMap[KindRule]
    keywords: Keywords
    keywords_of_reached: Keywords


def _run(config: ImageSetter, rules: Rules, plan: KustomizationPlan, *, every: bool = False) -> _Run:
    read = frozenset(plan.checksums())
    keywords = Keywords(config, None if every else ()), Keywords(config, None if every else plan.keywords)
    found = plan.resources(), read, plan.text_files, plan.reached, plan.rules, plan.specs
    return _Run(config, rules, *found, *keywords)


def _scan(run: _Run, stream: Stream) -> Scan:
    """Scan a text, and collect the image fields if the text is part of a kustomization."""
    is_reached = stream.source in run.reached
    keywords = (run.keywords_of_reached if is_reached else run.keywords).of(stream.text, finds_invalid=True)
    if is_reached:
        collector = FieldCollector(run.rules_of_reached, run.specs)
        found = scan(stream, run.rules_of_reached, keywords, visit=collector)
        found.fields = collector.fields(stream)
        return found
    if stream.source in run.kustomizations:
        found = _scan_kustomization(run, stream, keywords)
    else:
        found = scan(stream, run.rules, keywords)
    if stream.source in run.read:
        found.fields = Fields((), checksum(stream.text))
    return _as_text(found) if stream.source in run.text_files else found


def _scan_kustomization(run: _Run, stream: Stream, keywords: list[Keyword] | None) -> Scan:
    """Return a scan without changes, because `KustomizationPlan` plans the changes of a kustomization."""
    found = Scan()
    resources = run.kustomizations[stream.source]
    if resources is None:
        list(stream.documents())  # raises NotYAMLError
    elif not run.config.paths:
        found.resources, found.others = resources, int(not resources)
        return found
    try:
        found = scan(stream, run.rules, keywords)
    except NotResourceError:  # `kind` and `apiVersion` can be missing
        found.others = 1
    found.edits, found.results, found.images_set, found.applied, found.fulfilled = [], [], 0, set(), set()
    found.renamed, found.overrides = {}, []
    return found


def _as_text(found: Scan) -> Scan:
    """Return a scan without its changes, for a file that a generator puts into a ConfigMap or Secret as text."""
    kept = Scan()
    kept.resources = found.resources
    if found.edits:
        kept.applied = found.applied  # so that the entries are not also reported as unused
        kept.results.append(Result(AS_TEXT, WARNING))
    return kept


def _scan_again(rules: Rules, planned: Planned, stream: Stream) -> Scan:
    """Scan a text again to set the images that were decided. Raises InputError if the text has changed."""
    if checksum(stream.text) != planned.checksums[stream.source]:
        raise InputError(_CHANGED)
    return scan(stream, rules, None, decided=planned.decided[stream.source])


def scan_all(
    visit: Visit,
    found_in: Callable[[Any], Any],
    config: ImageSetter,
    rules: Rules,
    sources: Sources,
    *,
    every: bool = False,
) -> tuple[list[Any], Planned]:
    """Scan all texts, and plan the changes of kustomizations. Return the results of `visit`, and the plan.

    If `every` is true, resources without a keyword are parsed too. `found_in` returns the scan in a result of
    `visit`, or None if the result has no scan. The changes of the plan are added to the scans.
    """
    plan = KustomizationPlan(sources, rules)
    run = _run(config, rules, plan, every=every)
    each = list(visit(partial(_scan, run), None))
    scans: dict[str, Scan | None] = dict(zip(sources.names, map(found_in, each), strict=True))
    planned = plan.decide({key: found.fields if found else None for key, found in scans.items()})
    changed = [key for key in sources.names if key in planned.decided]
    if changed:
        again = visit(partial(_scan_again, plan.rules, planned), changed)
        for key, one in zip(changed, again, strict=True):
            old, new = scans[key], found_in(one)
            if old is None or new is None:
                raise InputError(_CHANGED)
            old.edits, old.results, old.images_set = new.edits, new.results, new.images_set
            old.applied, old.matched, old.selected = new.applied, new.matched, new.selected
            old.fulfilled = new.fulfilled
            old.renamed, old.overrides = new.renamed, new.overrides
    checksums = plan.checksums()
    for key, new in planned.scans.items():
        old = scans.get(key)
        if old is not None:
            if new.edits and old.fields.checksum != checksums[key]:
                raise InputError(_CHANGED, file=sources.shown(key))
            old.edits += new.edits
            old.results += new.results
            old.images_set += new.images_set
            old.renamed |= new.renamed
    return each, planned


def _list(run: _Run, stream: Stream) -> TextImages:
    """Return the images of a text, and its image fields if the text is part of a kustomization."""
    is_reached = stream.source in run.reached
    rules = run.rules_of_reached if is_reached else run.rules
    collector = FieldCollector(rules, run.specs)
    count = 0

    def visit(resource: Resource | None, fields: list[LocatedField]) -> None:
        nonlocal count
        count += resource is None or resource.ref != NO_REF
        if resource is not None and is_reached:
            collector(resource, fields)

    images: list[FoundImage] = []
    resources = run.kustomizations.get(stream.source)
    if resources is not None and not run.rules.kinds and not run.rules.files:
        return TextImages(resources, images, NO_FIELDS)
    try:
        images += images_in(stream, rules, visit=visit, every=bool(run.specs))
    except NotResourceError:  # `kind` and `apiVersion` of a kustomization can be missing
        if stream.source not in run.kustomizations:
            raise
        list(stream.documents())  # raises NotYAMLError
    return TextImages(count, images, collector.fields(stream) if is_reached else NO_FIELDS)


class Listing:
    """The images of a run that contains kustomizations."""

    def __init__(self, sources: Sources, rules: Rules) -> None:
        self._plan = KustomizationPlan(sources, rules)
        #: A function that returns the images and the image fields of a stream. It can be pickled.
        self.look = partial(_list, _run(ImageSetter(), rules, self._plan))

    def images(self, found: Mapping[str, TextImages], *, final: bool = False) -> dict[str, list[FoundImage]]:
        """Return the images of each text. `found` contains the results of `look` for the texts that can be read.

        An image that an entry renames in every build is omitted. If `final` is true, an image whose tag or digest
        an entry sets in every build is omitted too. The images that entries make are added, and if `final` is
        false, also those that entries make in a base's own build, because a base can be installed alone.
        """
        fields = {key: one.fields for key, one in found.items()}
        flows = followed(self._plan.flows(fields, bases=not final), _no_wish)
        placeholders = self._plan.placeholders(flows, final=final)
        listed = {
            key: [image for image in one.images if (key, image.line, image.path) not in placeholders]
            for key, one in found.items()
        }
        for key, image in self._plan.images(flows):
            listed.setdefault(key, []).append(image)
        return listed


def _no_wish(image: str, usage: Usage) -> str:
    del usage
    return image
