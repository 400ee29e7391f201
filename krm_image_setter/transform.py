"""The whole of it, as one pure function: find image fields, decide on new references, splice them in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final, NamedTuple

from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.edits import Edit, apply_edits
from krm_image_setter.errors import ConfigError, InputError
from krm_image_setter.images import (
    HUB,
    IMAGE,
    ImageMap,
    ImageRule,
    InvalidReference,
    Reference,
    RegistryMap,
    check_reference,
    parse_reference,
)
from krm_image_setter.locators import (
    Embedded,
    ImageField,
    ImageSource,
    KindRule,
    OtherField,
    Part,
    Parts,
    Text,
    find_image_fields,
    source_text,
)
from krm_image_setter.paths import format_location
from krm_image_setter.resources import (
    Indivisible,
    Parsed,
    Resource,
    ResourceRef,
    is_resource,
    read,
    read_slices,
    resources_in,
)
from krm_image_setter.results import ERROR, INFO, WARNING, Result, did_you_mean
from krm_image_setter.yaml import sharing, tree
from krm_image_setter.yaml.scalar import Fragment
from krm_image_setter.yaml.sharing import Change, Location
from krm_image_setter.yaml.stream import Slice

#: How many documents within documents are followed.
MAX_EMBEDDED: Final = 20
_NAME: Final = Part("name")


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


class Plan(NamedTuple):
    """What to change in a text, and the results: none of them an error, or all edits left out."""

    edits: list[Edit]
    results: tuple[Result, ...]


def set_images(text: str, config: ImageSetter) -> Outcome:
    """Return `text`, a stream of Kubernetes resources or a ResourceList, with the images set that `config` names.

    Every character outside the rewritten scalars is the same in `Outcome.text`.

    Raises InputError where `text` is not YAML or holds what is no resource, and ConfigError where an entry takes
    its reference from a field that does not give one.
    """
    edits, results = plan(text, config)
    return Outcome(apply_edits(text, edits), results)


def plan(text: str, config: ImageSetter) -> Plan:
    """Return what `set_images` does, as edits."""
    run = _run(text, config)
    survey = _survey(text, run)
    unused = list(_unused(text, run, survey))
    results = [*survey.results, *unused]
    if any(result.severity == ERROR for result in unused):
        return Plan([], tuple(result for result in results if result.severity != INFO))
    results.sort(key=lambda result: result.severity != INFO)
    return Plan(survey.edits, tuple(results))


class _Run(NamedTuple):
    """A configuration, made ready to be asked about each field; `depth` counts documents within documents."""

    config: ImageSetter
    images: ImageMap
    registries: RegistryMap
    pod_spec_uses: Collection[str]
    words: list[str] | None
    depth: int = 0

    def proposed(self, field: ImageField, survey: _Survey) -> str:
        """Return the reference that a field is to hold, which may be the one that it does."""
        found = self.images.find(field.current, field.place)
        if found is not None:
            reference, rule = found
            survey.used.add(id(rule))
            return rule.rewrite(reference)
        if self.config.registries and field.place.use == IMAGE and not self.images.has_set(field.current):
            moved = self.registries.find(field.current)
            if moved is not None and not _may_be_no_image(field, moved[0]):
                return moved[1].rewrite(moved[0])
        return field.current


def _may_be_no_image(field: ImageField, reference: Reference) -> bool:
    """Say whether a reference in a text may be something else: `application/json`."""
    in_text = field.rule is not None and isinstance(field.rule.form, Text)
    return in_text and reference.tag is None and reference.digest is None and reference.domain == HUB


def _run(text: str, config: ImageSetter) -> _Run:
    """Return what to run over `text`: the entries that take their reference from it have it then."""
    rules = tuple(_resolved(text, rule) if rule.source else rule for rule in config.images)
    uses = {use for rule in rules for use in rule.uses}
    return _Run(
        config._replace(images=rules),
        ImageMap(rules),
        RegistryMap(config.registries),
        uses | {IMAGE} if config.pod_specs else (),
        _words(config),
    )


def _words(config: ImageSetter) -> list[str] | None:
    """Return words of which at least one is in every text that matters, or None where there are none such.

    A resource that `kinds` selects matters even where no image is in it: its path may lead nowhere.
    """
    words = [rule.mention for rule in config.images] + [rule.mention for rule in config.registries]
    words += [rule.selector.word for rule in config.kinds]
    return list(dict.fromkeys(words)) if all(words) else None


def _resolved(text: str, rule: ImageRule) -> ImageRule:
    """Return a rule that takes its new reference from a field of the stream as one that has it."""
    source: ImageSource = rule.source
    where = f'the image "{rule.name}" comes from {source.path.text} of {source.selector}'
    word = source.selector.word
    values: dict[str, None] = {}
    for parsed in _trees(text, [word] if word else None):
        for resource in resources_in(parsed):
            if source.selector.matches(resource.ref):
                found = (match.value for match in source.path.find(resource.node))
                values.update((value.strip(), None) for value in found if isinstance(value, str) and value.strip())
    if not values:
        raise ConfigError(f"{where}: no such field is in the stream")
    new, *others = values
    if others:
        raise ConfigError(f'{where}: that is "{new}" and "{others[0]}", make the selector narrower')
    try:
        check_reference(new)
    except InvalidReference as error:
        raise ConfigError(f"{where}: {error.message}") from error
    return rule._replace(new_image=new, source=None)


def _trees(text: str, words: list[str] | None) -> Iterator[Parsed]:
    for part in read_slices(text):
        try:
            yield from list(read(text, part, words))
        except Indivisible:
            yield from read(text, part, words, whole=True)


class _Survey:
    """What a text, or a part of it, gives: edits, results, and which rules had something to do."""

    def __init__(self) -> None:
        self.edits: list[Edit] = []
        self.results: list[Result] = []
        # Rules are told by their id: to hash one takes longer than to look for what it leads to.
        self.used: set[int] = set()
        self.selected: dict[int, int] = {}  # how many resources each selects
        self.led: set[int] = set()  # whose path led somewhere
        self.seen: list[str] = []  # what may be references

    def add(self, other: _Survey) -> None:
        """Take in what another part gives."""
        self.edits += other.edits
        self.results += other.results
        self.used |= other.used
        self.led |= other.led
        self.seen += other.seen
        for rule, count in other.selected.items():
            self.selected[rule] = self.selected.get(rule, 0) + count


def _survey(text: str, run: _Run, relative: Embedded | None = None) -> _Survey:
    """Return what a stream gives; `relative` tells where images are in documents that are no resources."""
    survey = _Survey()
    slices = read_slices(text)
    for number, part in enumerate(slices, 1):
        try:
            survey.add(_survey_slice(text, part, run, relative))
        except InputError as error:
            raise error.at(document=number if len(slices) > 1 else None) from error
    return survey


def _survey_slice(text: str, part: Slice, run: _Run, relative: Embedded | None) -> _Survey:
    try:
        return _survey_trees(read(text, part, run.words), run, relative)
    except Indivisible:
        return _survey_trees(read(text, part, run.words, whole=True), run, relative)


def _survey_trees(trees: Iterator[Parsed], run: _Run, relative: Embedded | None) -> _Survey:
    survey = _Survey()
    for parsed in trees:
        changes: dict[Location, list[Change]] = {}
        root = parsed.document.root
        if relative is None or is_resource(root):
            for resource in resources_in(parsed):
                rules = [rule for rule in run.config.kinds if rule.selector.matches(resource.ref)]
                _survey_resource(resource, rules, run, survey, changes)
        elif isinstance(root, tree.Mapping | tree.Sequence):
            resource = Resource(root, ResourceRef("", "", "", ""), parsed, ())
            _survey_resource(resource, relative.rules, run._replace(pod_spec_uses=()), survey, changes)
        if changes:
            survey.edits += _edits(parsed, changes)
    return survey


def _survey_resource(
    resource: Resource,
    rules: Iterable[KindRule],
    run: _Run,
    survey: _Survey,
    changes: dict[Location, list[Change]],
) -> None:
    """Add what one resource gives to the survey, and what to change to `changes`, by location in the tree."""
    for rule in rules:
        survey.selected[id(rule)] = survey.selected.get(id(rule), 0) + 1
    # Two paths may lead to the same field, or one to a part of what another leads to: the first one counts.
    seen: set[tuple[Location, int]] = set()
    held: set[Location] = set()
    misplaced: dict[Location, OtherField] = {}
    for field in find_image_fields(resource, rules, run.pod_spec_uses):
        if field.rule is not None:
            survey.led.add(id(field.rule))
        key = (field.location, field.start)
        if key in seen or field.location in held:
            continue
        if isinstance(field, ImageField):
            if any((location, 0) in seen for location in field.holds):
                continue
            held.update(field.holds)
            new, results = _decide(resource, field, run, survey)
        elif isinstance(field.value, str) and isinstance(field.rule.form, Embedded):
            new, results = _follow(resource, field, field.rule.form, run, survey)
        else:
            if field.value is not None:
                misplaced.setdefault(field.location, field)
            continue
        seen.add(key)
        placed = [change._replace(location=resource.location + change.location) for change in new]
        if any(_overlaps(change, changes.get(change.location, ())) for change in placed):
            continue
        survey.results += results
        for change in placed:
            changes.setdefault(change.location, []).append(change)
    survey.results += [
        _misplaced(resource, field) for location, field in misplaced.items() if (location, 0) not in seen
    ]


def _overlaps(change: Change, others: Iterable[Change]) -> bool:
    start, end, _ = change.fragment
    return any(start <= other.fragment.end and other.fragment.start <= end for other in others)


def _decide(
    resource: Resource, field: ImageField, run: _Run, survey: _Survey
) -> tuple[list[Change], list[Result]]:
    """Return what to change for the image of a field, and what to say of it."""
    current = field.current
    survey.seen.append(current)
    if field.rule is not None and field.rule.form == _NAME:
        # An earlier run may have set it, and there is no tag here to tell.
        survey.used.update(map(id, run.images.that_name(current)))
    proposed = run.proposed(field, survey)
    if proposed == current:
        return [], []
    try:
        changes = field.changes(proposed)
    except ValueError as error:
        message = f'"{proposed}" can\'t be written here, {error}: left as it is'
        return [], [_warning(resource, field.location, message)]
    if not changes:
        return [], []
    policy_changes, policy_results = _pull_policy(resource, field, proposed, run.config.image_pull_policy)
    if field.shown:
        current, proposed = field.shown, changes[0].fragment.text
    return changes + policy_changes, [_info(resource, field.location, "image", current, proposed), *policy_results]


def _pull_policy(
    resource: Resource, field: ImageField, proposed: str, policy: str | None
) -> tuple[list[Change], list[Result]]:
    """Return what to change beside an image that has changed, so that it is pulled as the configuration says."""
    if policy is None or field.policy is None:
        return [], []
    reference = parse_reference(proposed)
    if policy == "Never" and reference is not None and reference.digest is not None:
        raise InputError(
            f'imagePullPolicy Never and the digest of "{proposed}" exclude each other: give another policy',
            line=resource.line(field.location),
            field=format_location(field.location),
        )
    location, may_be_added = field.policy
    key = location[-1]
    holder: Any = resource.node
    for step in location[:-1]:
        holder = holder[step]
    old = source_text(resource.node, location) if key in holder else ""
    if old == policy or not (may_be_added or key in holder):
        return [], []
    change = Change(location, Fragment(0, len(old), policy), beside=str(field.location[-1]))
    return [change], [_info(resource, location, str(key), old, policy)]


def _follow(
    resource: Resource, field: OtherField, form: Embedded, run: _Run, survey: _Survey
) -> tuple[list[Change], list[Result]]:
    """Return what to change in a string that is a document of its own, and what to say of it."""
    location = field.location
    if run.depth == MAX_EMBEDDED:
        message = f"documents are embedded here more than {MAX_EMBEDDED} deep: left as it is"
        return [], [_warning(resource, location, message)]
    try:
        # No words: parts of a name may stand apart in it.
        inner = _survey(field.value, run._replace(depth=run.depth + 1, words=None), form)
    except InputError as error:
        return [], [_warning(resource, location, f"the document in this string is left as it is: {error}")]
    changes = [Change(location, Fragment(*edit)) for edit in dict.fromkeys(inner.edits)]
    outer = format_location(location)
    results = [
        result._replace(resource_ref=resource.ref, field=f"{outer}: {result.field}", file=resource.file)
        for result in inner.results
    ]
    inner.edits, inner.results = [], []
    survey.add(inner)
    return changes, results


def _edits(parsed: Parsed, changes: dict[Location, list[Change]]) -> list[Edit]:
    """Return the edits of the stream that make the changes in one tree."""
    source = parsed.source
    try:
        edits = sharing.write(
            source.text, parsed.document, [change for listed in changes.values() for change in listed]
        )
    except InputError as error:
        error.line = source.line(0) + (error.line or 1) - 1
        raise
    return [Edit(start + source.start, end + source.start, new) for start, end, new in edits]


def _info(resource: Resource, location: Location, what: str, current: str, proposed: str) -> Result:
    message = f'set {what} "{current}" to "{proposed}"'
    return Result(message, INFO, resource.ref, format_location(location), current, proposed, resource.file)


def _warning(resource: Resource, location: Location, message: str) -> Result:
    line = resource.line(location)
    return Result(message, WARNING, resource.ref, format_location(location), file=resource.file, line=line)


def _misplaced(resource: Resource, field: OtherField) -> Result:
    what = {
        dict: "a mapping",
        list: "a list",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
    }
    found = next(name for kind, name in what.items() if isinstance(field.value, kind))
    wanted = "a mapping" if isinstance(field.rule.form, Parts) else "a string"
    message = f"the path {field.rule.path.text} leads to {found}, not to {wanted}: left as it is"
    return _warning(resource, field.location, message)


def _unused(text: str, run: _Run, survey: _Survey) -> Iterator[Result]:
    """Yield a result for each image that was set nowhere, and for each path that led nowhere."""
    config = run.config
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
        # The first reading left out what has none of the names in question.
        everything = _survey(text, run._replace(words=None)).seen
        seen = {reference for reference in map(parse_reference, everything) if reference is not None}
        names = {reference.familiar_name for reference in seen}
        for rule in unused:
            if not any(map(rule.is_done, seen)):
                yield Result(
                    f'the image "{rule.name}" is nowhere to set: {did_you_mean(str(rule.name), names)}', severity
                )
