"""The whole of it, as one pure function: find image fields, decide on new references, splice them in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.edits import Edit, apply_edits
from krm_image_setter.errors import InputError
from krm_image_setter.images import ImageMap, Reference, parse_reference
from krm_image_setter.locators import ImageField, find_image_fields
from krm_image_setter.paths import format_location
from krm_image_setter.resources import Indivisible, Parsed, Resource, read, read_slices, resources_in
from krm_image_setter.results import ERROR, INFO, WARNING, Result, did_you_mean
from krm_image_setter.yaml import sharing
from krm_image_setter.yaml.scalar import Fragment
from krm_image_setter.yaml.sharing import Location
from krm_image_setter.yaml.stream import Slice


class Outcome(NamedTuple):
    """The new text, and what was done: an info for each changed field, then warnings.

    Where a result is an error, the text is as it came.
    """

    text: str
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        """Whether there is an error among the results."""
        return any(result.severity == ERROR for result in self.results)


class _Survey:
    """What one slice of the stream gives: edits, results, and which rules had something to do."""

    def __init__(self) -> None:
        self.edits: list[Edit] = []
        self.results: list[Result] = []
        # Rules are told by their id: to hash one takes longer than to look for what it leads to.
        self.used: set[int] = set()
        self.selected: dict[int, int] = {}  # how many resources each selects
        self.led: set[int] = set()  # whose path led somewhere

    def add(self, other: _Survey) -> None:
        self.edits += other.edits
        self.results += other.results
        self.used |= other.used
        self.led |= other.led
        for rule, count in other.selected.items():
            self.selected[rule] = self.selected.get(rule, 0) + count


class Plan(NamedTuple):
    """What to change in a text, and the results: none of them an error, or all edits left out."""

    edits: list[Edit]
    results: tuple[Result, ...]


def set_images(text: str, config: ImageSetter) -> Outcome:
    """Return `text`, a stream of Kubernetes resources or a ResourceList, with the images set that `config` names.

    Every character outside the rewritten scalars is the same in `Outcome.text`.

    Raises InputError where `text` is not YAML or holds what is no resource.
    """
    edits, results = plan(text, config)
    return Outcome(apply_edits(text, edits), results)


def plan(text: str, config: ImageSetter) -> Plan:
    """Return what `set_images` does, as edits."""
    images = ImageMap(config.images)
    words = _words(config)
    survey = _Survey()
    slices = read_slices(text)
    for number, part in enumerate(slices, 1):
        try:
            survey.add(_survey(text, part, config, images, words))
        except InputError as error:
            raise error.at(document=number if len(slices) > 1 else None) from error
    unused = list(_unused(text, config, survey))
    results = [*survey.results, *unused]
    if any(result.severity == ERROR for result in unused):
        return Plan([], tuple(result for result in results if result.severity != INFO))
    results.sort(key=lambda result: result.severity != INFO)
    return Plan(survey.edits, tuple(results))


def _survey(text: str, part: Slice, config: ImageSetter, images: ImageMap, words: list[str] | None) -> _Survey:
    """Return what the documents of `text[part]` give."""
    try:
        return _survey_trees(read(text, part, words), config, images)
    except Indivisible:
        return _survey_trees(read(text, part, words, whole=True), config, images)


def _survey_trees(trees: Iterator[Parsed], config: ImageSetter, images: ImageMap) -> _Survey:
    survey = _Survey()
    for parsed in trees:
        wanted: dict[Location, list[Fragment]] = {}
        for resource in resources_in(parsed):
            for field in _fields(resource, config, survey):
                fragment = _decide(resource, field, images, survey)
                if fragment is not None:
                    wanted[resource.location + field.location] = [fragment]
        if wanted:
            survey.edits += _edits(parsed, wanted)
    return survey


def _edits(parsed: Parsed, wanted: sharing.Wanted) -> list[Edit]:
    """Return the edits of the stream that write `wanted` into one tree."""
    source = parsed.source
    try:
        edits = sharing.write(source.text, parsed.document, wanted)
    except InputError as error:
        error.line = source.line(0) + (error.line or 1) - 1
        raise
    return [Edit(start + source.start, end + source.start, new) for start, end, new in edits]


def _fields(resource: Resource, config: ImageSetter, survey: _Survey) -> Iterator[ImageField]:
    """Yield the image fields of a resource that hold a string, each once."""
    rules = [rule for rule in config.kinds if rule.selector.matches(resource.ref)]
    for rule in rules:
        survey.selected[id(rule)] = survey.selected.get(id(rule), 0) + 1
    seen: set[Location] = set()
    for field in find_image_fields(resource, rules, pod_specs=config.pod_specs):
        if field.rule is not None:
            survey.led.add(id(field.rule))
        if field.location in seen:
            continue
        seen.add(field.location)
        if isinstance(field.value, str):
            yield field
        elif field.value is not None:
            survey.results.append(_not_a_string(resource, field))


def _decide(resource: Resource, field: ImageField, images: ImageMap, survey: _Survey) -> Fragment | None:
    """Return what to write into a field, or None where nothing changes."""
    value: str = field.value
    current = value.strip()
    found = images.find(current)
    if found is None:
        return None
    reference, rule = found
    survey.used.add(id(rule))
    proposed = rule.rewrite(reference)
    if proposed == current:
        return None
    survey.results.append(
        Result(
            f'set image "{current}" to "{proposed}"',
            INFO,
            resource.ref,
            format_location(field.location),
            current,
            proposed,
            resource.file,
        )
    )
    start = value.index(current)
    return Fragment(start, start + len(current), proposed)


def _not_a_string(resource: Resource, field: ImageField) -> Result:
    what = {dict: "a mapping", list: "a list", bool: "a boolean", int: "a number", float: "a number"}
    found = next(name for kind, name in what.items() if isinstance(field.value, kind))
    path = field.rule.path.text if field.rule else ""
    return Result(
        f"the path {path} leads to {found}, not to a string: left as it is",
        WARNING,
        resource.ref,
        format_location(field.location),
        file=resource.file,
        line=resource.line(field.location),
    )


def _words(config: ImageSetter) -> list[str] | None:
    """Return words of which at least one is in every text that matters, or None where there are none such.

    A resource that `kinds` selects matters even where no image is in it: its path may lead nowhere.
    """
    words = [rule.mention for rule in config.images] + [rule.selector.word for rule in config.kinds]
    return list(dict.fromkeys(words)) if all(words) else None


def _unused(text: str, config: ImageSetter, survey: _Survey) -> Iterator[Result]:
    """Yield a result for each image that was set nowhere, and for each path that led nowhere."""
    if config.on_unused == "ignore":
        return
    severity = ERROR if config.on_unused == "error" else WARNING
    for path_rule in config.kinds:
        count = survey.selected.get(id(path_rule), 0)
        if count and id(path_rule) not in survey.led:
            where = "the one resource there" if count == 1 else f"any of {count} resources"
            yield Result(
                f'the path {path_rule.path.text} of kinds "{path_rule.selector}" leads nowhere in {where}: '
                "check the path",
                severity,
            )
    unused = [rule for rule in config.images if id(rule) not in survey.used]
    if unused:
        seen = set(_references_seen(text, config))
        names = {reference.familiar_name for reference in seen}
        for rule in unused:
            if not any(map(rule.is_done, seen)):
                yield Result(
                    f'the image "{rule.name}" is nowhere to set: {did_you_mean(str(rule.name), names)}', severity
                )


def _references_seen(text: str, config: ImageSetter) -> Iterator[Reference]:
    """Yield the references of all images in the stream. Reads it again, in full: only a warning needs it."""
    for part in read_slices(text):
        for parsed in read(text, part, None, whole=True):
            for resource in resources_in(parsed):
                for field in _fields(resource, config, _Survey()):
                    reference = parse_reference(field.value.strip())
                    if reference is not None:
                        yield reference
