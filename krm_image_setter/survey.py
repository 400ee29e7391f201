"""What a text gives: the edits and results for its resources, and which rules had something to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from operator import attrgetter
from typing import Any, Final, NamedTuple

from krm_image_setter.edits import Edit
from krm_image_setter.errors import ConfigError, InputError
from krm_image_setter.images import IMAGE, InvalidReference, check_reference, explain, parse_reference
from krm_image_setter.locators import (
    Embedded,
    ImageField,
    KindRule,
    OtherField,
    Parts,
    find_image_fields,
    source_text,
)
from krm_image_setter.paths import format_location
from krm_image_setter.resources import (
    NO_REF,
    Indivisible,
    Parsed,
    Resource,
    ResourceRef,
    read,
    read_items,
    read_slices,
    resources_in,
    resources_in_string,
)
from krm_image_setter.results import INFO, WARNING, Result
from krm_image_setter.rules import NAME, Rules, may_be_no_image
from krm_image_setter.yaml import scalar, tree, writer
from krm_image_setter.yaml.stream import Listing, Slice
from krm_image_setter.yaml.tree import Change, Fragment, Location

#: How many documents within documents are followed.
MAX_EMBEDDED: Final = 20

_BATCH: Final = 32
#: What stands for a value that no message shows.
HIDDEN: Final = "***"


class Sighting(NamedTuple):
    """An image that was found: in which resource, at which path and line; `rule` is None in a pod spec."""

    image: str
    resource: ResourceRef
    path: str
    line: int
    rule: KindRule | None


class Survey:
    """What a text, or a part of it, gives: edits, results, and which rules had something to do."""

    def __init__(self) -> None:
        self.resources = 0
        self.images_set = 0
        self.edits: list[Edit] = []
        self.results: list[Result] = []
        # Rules are told by their id: to hash one takes longer than to look for what it leads to.
        self.used: set[int] = set()
        self.selected: dict[int, int] = {}  # how many resources each selects
        self.names: set[str] = set()  # in fields that hold only the name of an image
        self.led: set[int] = set()  # whose path led somewhere
        # What can be references, and whether a message may suggest them: no value of a variable or a Secret.
        self.seen: list[tuple[str, bool]] = []
        self.sightings: list[Sighting] = []  # the same with their places, for who asks for a list

    def add(self, other: Survey) -> None:
        """Take in what another part gives."""
        self.resources += other.resources
        self.images_set += other.images_set
        self.edits += other.edits
        self.results += other.results
        self.used |= other.used
        self.names |= other.names
        self.led |= other.led
        self.seen += other.seen
        self.sightings += other.sightings
        for rule, count in other.selected.items():
            self.selected[rule] = self.selected.get(rule, 0) + count


def survey(text: str, rules: Rules, relative: Embedded | None = None, listing: Listing | None = None) -> Survey:
    """Return what a stream gives.

    `relative` tells where images are in documents that are no resources. `listing` is that of a text that is known
    to be one list: then it need not be cut again.
    """
    found = Survey()
    rules = rules._replace(words=rules.words_for(text))
    slices = read_slices(text, rules.words) if listing is None else [(0, len(text))]
    for number, part in enumerate(slices, 1):
        if part is None:
            found.resources += 1
            continue
        try:
            found.add(_survey_slice(text, part, rules, relative, listing))
        except InputError as error:
            raise error.at(document=number if len(slices) > 1 else None) from error
    return found


def _survey_slice(
    text: str, part: Slice, rules: Rules, relative: Embedded | None, listing: Listing | None
) -> Survey:
    try:
        trees = (
            read_items(text, listing.items, rules.words) if listing is not None else read(text, part, rules.words)
        )
        return _survey_trees(trees, rules, relative)
    except Indivisible:
        return _survey_trees(read(text, part, rules.words, whole=True), rules, relative)


def _survey_trees(trees: Iterator[Parsed | None], rules: Rules, relative: Embedded | None) -> Survey:
    found = Survey()
    # One step for many, then the next: that takes a sixth less time than all steps for each one, for the code and
    # data of a step stay in the processor's caches.
    while batch := list(islice(trees, _BATCH)):
        found.resources += batch.count(None)
        surveyed = [(parsed, _survey_tree(parsed, rules, relative, found)) for parsed in batch if parsed]
        for parsed, (resources, changes) in surveyed:
            if changes:
                _write(parsed, resources, changes, found)
    return found


def _survey_tree(
    parsed: Parsed, rules: Rules, relative: Embedded | None, found: Survey
) -> tuple[list[Resource], dict[Location, list[Change]]]:
    """Add what one tree gives to `found`; return its resources, and what to change in it, by location."""
    resources: list[Resource] = []
    changes: dict[Location, list[Change]] = {}
    for resource in resources_in(parsed) if relative is None else resources_in_string(parsed):
        resources.append(resource)
        kinds = rules.kinds_for(resource.ref) if resource.ref.kind else []
        if relative is not None and not resource.location:
            kinds = [*relative.rules, *kinds]
        _survey_resource(resource, kinds, rules, found, changes, pod_spec_uses=rules.pod_spec_uses)
    if relative is not None and relative.rules and resources and resources[0].location:
        whole = Resource(parsed.document.root, NO_REF, parsed, ())
        _survey_resource(whole, relative.rules, rules, found, changes, pod_spec_uses=())
    return resources, changes


def _survey_resource(
    resource: Resource,
    kinds: Iterable[KindRule],
    rules: Rules,
    found: Survey,
    changes: dict[Location, list[Change]],
    *,
    pod_spec_uses: Collection[str],
) -> None:
    """Add what one resource gives to `found`, and what to change to `changes`, by location in the tree."""
    found.resources += 1
    for rule in kinds:
        found.selected[id(rule)] = found.selected.get(id(rule), 0) + 1
    # Two rules can find one field, or one of them a part of what the other finds. What is listed is the first one;
    # what is set is the first one that an entry matches, so that no rule hides a field from the others.
    listed, settled = _Claims(), _Claims()
    misplaced: dict[Location, OtherField] = {}
    unwritten: list[tuple[ImageField, list[Result]]] = []
    for field in find_image_fields(resource, kinds, pod_spec_uses):
        if field.rule is not None:
            found.led.add(id(field.rule))
        if isinstance(field, ImageField):
            if listed.claim(field):
                _note(resource, field, rules, found)
            if settled.holds(field):
                continue
            new, results, is_settled = _decide(resource, field, rules, found)
            if results and not new:  # another rule might find the same text in a form that can hold the new one
                unwritten.append((field, results))
                continue
            if not is_settled:
                continue
        elif isinstance(field.value, str) and isinstance(field.rule.form, Embedded):
            if settled.holds(field):
                continue
            new, results = _follow(resource, field, field.rule.form, rules, found)
            if not new:
                found.results += results
                continue
        else:
            # The catalog is for many versions of a kind: what it doesn't find is no news.
            if field.value is not None and field.rule.origin != "catalog":
                misplaced.setdefault(field.location, field)
            continue
        settled.claim(field)
        # (A change's _replace would take as long as all else here.)
        placed = [Change(resource.location + location, fragment, beside) for location, fragment, beside in new]
        fresh = placed
        if changes:
            fresh = [change for change in placed if not _is_made(change, changes)]
            if (placed and not fresh) or any(_overlaps(change, changes) for change in fresh):
                continue
        # Two images may share one pull policy: that is told once.
        found.results += results if len(fresh) == len(placed) else results[:1]
        found.images_set += bool(fresh) and isinstance(field, ImageField)
        for change in fresh:
            others = changes.setdefault(change.location, [])
            others.insert(_place(change, others) if others else 0, change)
    for field, results in unwritten:
        if settled.claim(field):
            found.results += results
    for field in misplaced.values():
        if not (listed.holds(field) or settled.holds(field)):
            found.results.append(_misplaced(resource, field))


class _Claims:
    """The fields of one resource that are spoken for."""

    def __init__(self) -> None:
        self._starts: set[tuple[Location, int]] = set()
        self._parts: set[Location] = set()  # of split references

    def holds(self, field: ImageField | OtherField) -> bool:
        """Return whether a field, or a part of it, is claimed."""
        if not self._starts:  # nearly always
            return False
        parts = field.holds if isinstance(field, ImageField) else ()
        if parts:  # split references can share a mapping: each is where its repository is
            return parts[0] in self._parts or any((part, 0) in self._starts for part in parts)
        return (field.location, field.start) in self._starts or field.location in self._parts

    def claim(self, field: ImageField | OtherField) -> bool:
        """Claim a field, and return whether it was free."""
        if self.holds(field):
            return False
        parts = field.holds if isinstance(field, ImageField) else ()
        self._starts.add((field.location, field.start))
        if parts:
            self._parts.update(parts)
            self._starts.add((parts[0], field.start))
        return True


# The changes of one location are kept in order: a text may have a hundred thousand.


def _is_made(change: Change, changes: dict[Location, list[Change]]) -> bool:
    return any(other.fragment == change.fragment for other in _beside(change, changes))


def _overlaps(change: Change, changes: dict[Location, list[Change]]) -> bool:
    """Say whether a change has a character in common with another, or touches one."""
    start, end, _ = change.fragment
    return any(start <= other.fragment.end and other.fragment.start <= end for other in _beside(change, changes))


def _beside(change: Change, changes: dict[Location, list[Change]]) -> list[Change]:
    """Return the change before and the one after, or equal to, the place of a change."""
    others = changes.get(change.location)
    if not others:  # nearly always
        return []
    at = _place(change, others)
    return others[max(at - 1, 0) : at + 1]


def _place(change: Change, others: list[Change]) -> int:
    from bisect import bisect_left  # noqa: PLC0415  (few fields have two changes)

    return bisect_left(others, change.fragment, key=attrgetter("fragment"))


def _note(resource: Resource, field: ImageField, rules: Rules, found: Survey) -> None:
    """Note the image of a field, for a list of all images and for suggestions."""
    current = field.current
    hides_value = _hides_value(resource, rules)
    found.seen.append((current, field.place.use == IMAGE and not hides_value))
    if rules.listing and current and not may_be_no_image(field):
        line = resource.line(field.location)
        image = HIDDEN if hides_value else current
        found.sightings.append(Sighting(image, resource.ref, format_location(field.location), line, field.rule))


def _hides_value(resource: Resource, rules: Rules) -> bool:
    """Return whether no message may show a value of a resource: it is a Secret, or in a string of one."""
    return resource.is_secret or rules.hides_values


def _decide(
    resource: Resource, field: ImageField, rules: Rules, found: Survey
) -> tuple[list[Change], list[Result], bool]:
    """Return what to change for the image of a field, what to say of it, and whether an entry is for it.

    If none is, another rule can find something else in the same field.
    """
    current = field.current
    if field.rule is not None and field.rule.form == NAME:
        found.names.add(current)
    proposed, rule = rules.proposed(field)
    if rule is not None:
        found.used.add(id(rule))
    changes, results = _rewrite(resource, field, proposed, rules)
    is_settled = rule is not None or proposed != current or rules.is_set(field)
    return changes, results, is_settled


def _rewrite(
    resource: Resource, field: ImageField, proposed: str, rules: Rules
) -> tuple[list[Change], list[Result]]:
    """Return what to change so that a field gets a reference, and what to say of it."""
    current = field.current
    if proposed == current:
        return [], []
    try:
        check_reference(proposed)  # what a rule adds may make it too long
        changes, omitted = field.changes(proposed)
    except InvalidReference:
        # A field that is only a part of it can contain anything, so the message does not show it.
        is_shown = not (field.shown or _hides_value(resource, rules))
        new = f'"{proposed}"' if is_shown else "the new reference"
        message = f"not changed: {new} would be invalid: {explain(proposed)}"
        return [], [_warning(resource, field.location, message)]
    except ValueError as error:
        new = HIDDEN if _hides_value(resource, rules) else proposed
        message = f'not changed: "{new}" cannot be written here: {error}'
        return [], [_warning(resource, field.location, message)]
    warnings = [_warning(resource, field.location, omitted)] if omitted else []
    if not changes:
        return [], warnings
    policy_changes, policy_results = _pull_policy(resource, field, proposed, rules)
    if field.shown:
        current, proposed = field.shown, changes[0].fragment.text
    info = _info(resource, field.location, "image", (current, proposed), rules)
    return changes + policy_changes, [info, *policy_results, *warnings]


def _pull_policy(
    resource: Resource, field: ImageField, proposed: str, rules: Rules
) -> tuple[list[Change], list[Result]]:
    """Return what to change beside an image that has changed, so that it is pulled as the configuration says."""
    policy = rules.config.image_pull_policy
    if policy is None or field.policy is None:
        return [], []
    reference = parse_reference(proposed)
    if policy == "Never" and reference is not None and reference.digest is not None:
        raise ConfigError(
            "imagePullPolicy Never and the digest of "
            f'"{HIDDEN if _hides_value(resource, rules) else proposed}" exclude each other: give another policy',
            line=resource.line(field.location),
            field=format_location(field.location),
        )
    location, may_be_added = field.policy
    key = location[-1]
    holder: Any = resource.node
    for step in location[:-1]:
        holder = holder[step]
    old = holder.get(key) if isinstance(holder, dict) else policy  # items of a list have nothing beside them
    if old == policy or not (may_be_added or key in holder):
        return [], []
    length = len(source_text(resource.node, location)) if key in holder else 0
    change = Change(location, Fragment(0, length, policy), beside=str(field.location[-1]))
    return [change], [_info(resource, location, str(key), (old if isinstance(old, str) else "", policy), rules)]


def _follow(
    resource: Resource, field: OtherField, form: Embedded, rules: Rules, found: Survey
) -> tuple[list[Change], list[Result]]:
    """Return what to change in a string that is a document of its own, and what to say of it."""
    location = field.location
    if rules.depth == MAX_EMBEDDED:
        message = f"documents are embedded here more than {MAX_EMBEDDED} deep: left as it is"
        return [], [_warning(resource, location, message)]
    try:
        # No words: parts of a name may stand apart in it.
        hides_values = _hides_value(resource, rules)
        inner = survey(
            field.value, rules._replace(depth=rules.depth + 1, words=None, hides_values=hides_values), form
        )
    except ConfigError as error:
        line = _lines_in_file(resource, location)
        error.line, error.field = line(error.line), f"{format_location(location)}: {error.field}"
        raise
    except InputError as error:
        where = f"line {error.line} column {error.column} of the string: " if error.column else ""
        message = f"not changed: {where}{error.message}"
        return [], [
            _warning(resource, location, message)._replace(line=_lines_in_file(resource, location)(error.line))
        ]
    changes = [Change(location, Fragment(*edit)) for edit in dict.fromkeys(inner.edits)]
    outer = format_location(location)
    line = _lines_in_file(resource, location)
    results = [
        result._replace(
            resource_ref=resource.ref, field=f"{outer}: {result.field}", file=resource.file, line=line(result.line)
        )
        for result in inner.results
    ]
    found.sightings += [
        sighting._replace(resource=resource.ref, path=f"{outer}: {sighting.path}", line=line(sighting.line))
        for sighting in inner.sightings
    ]
    inner.edits, inner.results, inner.sightings, inner.resources = [], [], [], 0
    found.add(inner)
    return changes, results


def _lines_in_file(resource: Resource, location: Location) -> Callable[[Any], Any]:
    """Return what gives the line of the stream for a line of a string, from 1; None for None."""
    starts: list[int] = []

    def line(number: int | None) -> int | None:
        if number is None:
            return None
        source = resource.parsed.source
        if not starts:
            written = resource.written(location)
            event = written.target if isinstance(written, tree.Alias) else written
            starts.extend(scalar.line_starts(source.text, event))
        return source.line(starts[min(number, len(starts)) - 1])

    return line


def _write(
    parsed: Parsed, resources: list[Resource], changes: dict[Location, list[Change]], found: Survey
) -> None:
    """Add the edits of the stream that make the changes in one tree, and warnings about aliases left behind."""
    source = parsed.source
    try:
        edits, kept = writer.write(
            source.text, parsed.document, [change for listed in changes.values() for change in listed]
        )
    except InputError as error:
        error.line = source.line(0) + (error.line or 1) - 1
        raise
    found.edits += [Edit(start + source.start, end + source.start, new) for start, end, new in edits]
    for alias, location in kept:
        resource = next((one for one in resources if one.location == location[: len(one.location)]), resources[0])
        found.results.append(_kept_alias(resource, alias, location[len(resource.location) :]))


def _kept_alias(resource: Resource, alias: tree.Alias, location: Location) -> Result:
    """Return the warning about an alias that was replaced by a copy so that only its anchor's field changes."""
    message = (
        f"the alias *{alias.name} was replaced by what it had, because only its anchor &{alias.name} was set; "
        "set this field too if it must follow the anchor"
    )
    line = resource.parsed.source.line(alias.start_mark.index)
    field = format_location(location) if location != (-1,) else None
    return Result(message, WARNING, resource.ref, field, file=resource.file, line=line)


def _info(resource: Resource, location: Location, what: str, values: tuple[str, str], rules: Rules) -> Result:
    """Return the result for a field that is set from one of the values to the other."""
    path = format_location(location)
    if _hides_value(resource, rules):
        message = f"set {what}; the values of a Secret are not shown"
        return Result(message, INFO, resource.ref, path, file=resource.file)
    current, proposed = values
    message, proposed = _told(what, current, proposed)
    return Result(message, INFO, resource.ref, path, current, proposed, resource.file)


@lru_cache(maxsize=1024)  # a hundred thousand results share the few strings that they have
def _told(what: str, current: str, proposed: str) -> tuple[str, str]:
    return f'set {what} "{current}" to "{proposed}"', proposed


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
