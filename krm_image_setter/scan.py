"""Scans one stream: finds the image fields, decides how each field changes, and collects the changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import islice

from krm_image_setter.changes import AcceptedChanges
from krm_image_setter.deciding import HIDDEN, Decision, decide, decide_as, warning
from krm_image_setter.documents import Stream
from krm_image_setter.edits import Edit
from krm_image_setter.errors import ConfigError, InputError, NotResourceError
from krm_image_setter.images import IMAGE, LATEST, Usage, has_placeholder, is_invalid, parse_reference
from krm_image_setter.line_breaks import BREAK
from krm_image_setter.locators import Embedded, ImageField, KindRule, OtherField, find_image_fields, source_text
from krm_image_setter.paths import format_location, type_of
from krm_image_setter.resources import CRD, NO_REF, Resource, ResourceRef, Tree, is_resource
from krm_image_setter.results import INFO, WARNING, Result
from krm_image_setter.rules import Rules, directories_in
from krm_image_setter.typed import Any, Final, Protocol, Record, TypeAlias
from krm_image_setter.yaml import tree, writer
from krm_image_setter.yaml.stream import Keyword, has_kind, keyword_test
from krm_image_setter.yaml.tree import Change, Fragment, Location

#: The maximum nesting depth of documents in strings. Deeper documents are not scanned.
MAX_EMBEDDED: Final = 20

_BATCH: Final = 32
_SEALED: Final = "not changed: encrypted with SOPS, and a change would make its MAC invalid; use `sops edit`"


#: A field with an image, or with a document, and the rule that found it. In a pod spec, the rule is None.
LocatedField: TypeAlias = tuple[ImageField | OtherField, KindRule | None]
#: A callback that gets a resource and its fields.
Visit: TypeAlias = Callable[[Resource, list[LocatedField]], None]


class Pinned(Record):
    """The new `texts` of a field with a digest added to its image. Each text has a location in the resource.

    If the field cannot contain a digest, there are no texts, and `problem` is the reason. If the image is not a
    reference, or already has a digest, both are empty.
    """

    texts: tuple[tuple[Location, str], ...] = ()
    problem: str = ""


_NOT_PINNED: Final = Pinned()


class FoundImage(Record):
    """An image, with its resource, path, and position in the stream. In a pod spec, `rule` is None.

    `line` and `column` count from 1. `column` is None if it is not known, as in a string of a kustomization.

    If `is_public` is false, messages must not suggest the image: it is from a variable or a Secret. `part` is the
    part of a reference that the field contains, or an empty string for a whole reference. For a value of a Secret,
    `image` is `***`, and `hidden` is the value, which must not be printed. `inner` is the innermost resource
    around the image, which can be inside `resource`. `pinned` describes the field with a digest; see `Rules.pins`.
    """

    image: str
    resource: ResourceRef
    path: str
    line: int
    column: int | None
    rule: KindRule | None
    usage: Usage
    part: str
    is_public: bool
    hidden: str = ""
    inner: ResourceRef = NO_REF
    pinned: Pinned = _NOT_PINNED


class TextImages(Record):
    """The number of resources in a text, and its images.

    `fields` contains the fields that kustomize can change. `visited` is the result of `visit` in `add_known`.
    """

    resources: int
    images: list[FoundImage]
    fields: Any = None
    visited: Any = None


class Scan:
    """The edits and results for a stream, or for a part of it, and the rules that were used.

    A rule is identified by its position in the configuration. `applied` contains the applied entries of `images`,
    and `fulfilled` those of them with at least one field that can be set. `selected` contains how many resources
    each path of `kinds` or `files` selects. `matched` contains the paths that match a field. `others` is the
    number of documents that are not resources. `fields` contains the image fields of a text that is part of a
    kustomization. `placeholders` is the number of images that contain a placeholder, such as `nginx:${TAG}`.
    `invalid` is the number of other values that are not image references. `first_invalid` is the line and the
    value (in quotes) of the first of them in the stream. `renamed` contains the new name of each image whose name
    changes, by its normalized old name. `overrides` contains the normalized name that each override replaces, and
    a warning whose message is only this name. `moved` contains `from` of the rules of `registries` that match an
    image. If there are other such rules, `directories` contains the registries and paths of all images.
    """

    def __init__(self) -> None:
        self.resources = 0
        self.others = 0
        self.images_set = 0
        self.placeholders = 0
        self.invalid = 0
        self.first_invalid: tuple[int | None, str] | None = None
        self.edits: list[Edit] = []
        self.results: list[Result] = []
        self.applied: set[int] = set()
        self.fulfilled: set[int] = set()
        self.matched: set[int] = set()
        self.selected: dict[int, int] = {}
        self.renamed: dict[str, str] = {}
        self.overrides: list[tuple[str, Result]] = []
        self.moved: set[str] = set()
        self.directories: set[str] = set()
        self.fields: Any = None

    def add_counts(self, other: Scan) -> None:
        """Add the numbers and the rules of another scan, but not its edits and results."""
        self.resources += other.resources
        self.others += other.others
        self.images_set += other.images_set
        self.placeholders += other.placeholders
        self.invalid += other.invalid
        self.renamed |= other.renamed
        self.directories |= other.directories
        self.add_rules(other)

    def add_change(self, old: str, new: str) -> None:
        """Add the new name of an image if its name changes."""
        before, after = parse_reference(old), parse_reference(new)
        if before is not None and after is not None and before.name != after.name:
            self.renamed[before.normalized_name] = after.name

    def report_overrides(self, renamed: Mapping[str, str]) -> None:
        """Add a warning for each override of a name that the run changes. `renamed` is that of all sources."""
        for name, result in self.overrides:
            new = renamed.get(name)
            if new is not None:
                message = (
                    f'the entry still replaces "{result.message}", but other resources now contain "{new}"; '
                    f'if the entry is for these resources, change its name to "{new}"'
                )
                self.results.append(result._replace(message=message))

    def add_rules(self, other: Scan) -> None:
        """Add the rules that were applied, selected or matched in another scan."""
        self.applied |= other.applied
        self.fulfilled |= other.fulfilled
        self.moved |= other.moved
        self.matched |= other.matched
        for position, count in other.selected.items():
            self.selected[position] = self.selected.get(position, 0) + count


class Observer(Protocol):
    """Receives the facts of a scan: which rules search a resource, and how each field that they find changes."""

    def searched(
        self,
        resource: Resource,
        kinds: list[KindRule],
        uses: Collection[str],
        fields: list[tuple[ImageField | OtherField, KindRule | None]],
    ) -> None:
        """Receive a resource, its rules, the uses for its pod specs, and each found field with its rule."""

    def decided(
        self,
        resource: Resource,
        readings: list[ImageField],
        decision: Decision | None,
        *,
        is_claimed: bool,
        hides_values: bool,
    ) -> None:
        """Receive the decision on a field of a received resource. If `is_claimed`, another decision is applied."""

    def in_string(self, resource: Resource, location: Location) -> Observer:
        """Return the observer of the stream in a string of a resource."""


class _String(Record):
    """A string that contains a stream: its form, its nesting depth, and whether messages must hide its values."""

    form: Embedded
    depth: int
    hides_values: bool


def scan(
    stream: Stream,
    rules: Rules,
    keywords: Iterable[Keyword] | None = None,
    string: _String | None = None,
    *,
    decided: Mapping[int, str] | None = None,
    visit: Visit | None = None,
    observer: Observer | None = None,
) -> Scan:
    """Find the image fields in a stream, decide on each field, and return the edits that set the images.

    A resource without any of `keywords` is counted but not parsed, unless `PathChecks` requires it. `string` is
    None unless the stream is in a string. `decided` maps the offset of a field in the stream to its new reference,
    which overrides the rules. `visit` is called for each resource that is parsed, with its fields. `observer`
    receives the facts that explain the result.

    Raises InputError, with the line in the stream, if a document is not valid YAML or not a resource. Raises
    ConfigError if an image cannot have the configured pull policy.
    """
    found = Scan()
    run = _Run(stream, rules, string, decided, visit, observer)
    can_matter = keyword_test(stream.text, keywords)
    must_check = rules.checks.test(stream.text, found.matched if visit is None else ())
    is_parsed = can_matter if must_check is None else lambda part: can_matter(part) or must_check(part)
    trees = _trees(stream, rules, string, is_parsed)
    # Run each step for a batch of trees, not all steps for one tree. This takes a sixth less time, because the
    # code and data of a step remain in the caches of the processor.
    while batch := list(islice(trees, _BATCH)):
        found.resources += batch.count(None)
        scanned = [(one, *_scan_tree(one, run, found)) for one in batch if one]
        for one, resources, accepted in scanned:
            if accepted:
                _write(one, resources, accepted, found)
    if rules.registries and string is None and rules.registries.unused(found.moved, ()):
        found.directories = directories_in(stream.text)
    return found


def searched(
    stream: Stream, rules: Rules, keywords: Iterable[Keyword] | None = None, *, every: bool = False
) -> Iterator[tuple[Resource, list[KindRule], Collection[str]]]:
    """Yield the resources with one of `keywords` in a stream. Each has its rules and the uses for its pod specs.

    A document that is not a resource is yielded with NO_REF if rules of `files` or of the catalog select it. If
    `every` is true, other documents are yielded too, without rules.

    Raises InputError under the same conditions as `scan`, but no NotResourceError if `every` is true.
    """
    can_matter = keyword_test(stream.text, keywords)
    for one in stream.trees(can_matter) if every else _trees(stream, rules, None, can_matter):
        if one is not None:
            yield from _searched(one, stream, rules, None, every=every)


def _trees(
    stream: Stream,
    rules: Rules,
    string: _String | None,
    can_matter: Callable[[str], bool] | None,
) -> Iterator[Tree | None]:
    if stream.is_found and not stream.can_have_resource and not rules.can_read(stream):
        # Most files of a repository contain no resource. Parsing all of them would double the time of a run.
        raise NotResourceError("not a Kubernetes resource")
    # The paths of a string start at the root of its document, even if the root is a list of resources.
    return stream.documents() if string and string.form.rules else stream.trees(can_matter)


class _Run(Record):
    """The arguments of `scan`."""

    stream: Stream
    rules: Rules
    string: _String | None
    decided: Mapping[int, str] | None
    visit: Visit | None
    observer: Observer | None


def _scan_tree(one: Tree, run: _Run, found: Scan) -> tuple[list[Resource], AcceptedChanges]:
    """Scan the resources of one tree. Return the resources and the accepted changes."""
    accepted = AcceptedChanges()
    resources: list[Resource] = []
    for resource, kinds, uses in _searched(one, run.stream, run.rules, run.string):
        resources.append(resource)
        if resource.ref == NO_REF:
            found.others += 1
        else:
            found.resources += 1
        for rule in kinds:
            if rule.start:  # an inner resource is often a template, in which a path need not match anything
                continue
            found.selected[rule.position] = found.selected.get(rule.position, 0) + 1
        fields = list(find_image_fields(resource, kinds, uses, found.matched))
        if run.visit is not None:
            run.visit(resource, fields)
        if run.observer is not None:
            run.observer.searched(resource, kinds, uses, fields)
        if fields:
            searched = _Searched(resource, run.rules, run.string, run.decided, observer=run.observer)
            _scan_fields(searched, fields, found, accepted)
    return resources, accepted


def _searched(
    one: Tree, stream: Stream, rules: Rules, string: _String | None, *, every: bool = False
) -> Iterator[tuple[Resource, list[KindRule], Collection[str]]]:
    """Yield each resource of a tree, with its rules and the uses for which to search its pod specs."""
    if string is None:
        for resource in one.nodes():
            # A document without `apiVersion` can be a file of another tool, which can have a key `kind` too.
            others = None if is_resource(resource.node) else rules.others_for(resource, stream)
            if others is None and not (every and resource.ref == NO_REF):
                yield resource.checked(), rules.kinds_in(resource), rules.pod_spec_uses
            elif isinstance(resource.node, tree.Mapping | tree.Sequence):
                other = resource._replace(ref=NO_REF)
                paths, uses = others or ((), ())
                yield other, [*paths, *rules.kinds_in(other)], uses
        return
    paths = list(string.form.rules)
    is_whole = False
    for resource in one.resources_in_string():
        is_whole = not resource.location
        kinds = rules.kinds_in(resource)
        yield resource, [*paths, *kinds] if is_whole else kinds, rules.pod_spec_uses
    if paths and not is_whole and isinstance(one.document.root, tree.Mapping | tree.Sequence):
        yield Resource(one.document.root, NO_REF, one, ()), paths, ()


class _Searched(Record):
    """A resource to search, the rules to apply, and the string that contains the resource (or None).

    See `scan` for `decided`.
    """

    resource: Resource
    rules: Rules
    string: _String | None
    decided: Mapping[int, str] | None = None
    observer: Observer | None = None

    def decide(self, readings: list[ImageField], *, has_name: bool) -> Decision | None:
        """Return the decision on a field, or None if the field does not change. See `decide` for `has_name`."""
        location = readings[0].location
        if self.decided:
            new = self.decided.get(self.resource.offset(location))
            if new is not None:
                return decide_as(self.resource, readings[0], new, self.rules, hides_values=self.hides(location))
        hides_values = self.hides(location)
        decision = decide(self.resource, readings, self.rules, hides_values=hides_values, has_name=has_name)
        if decision is not None and decision.changes and self.resource.is_sealed:
            sealed = warning(self.resource, decision.field.location, _SEALED)
            return decision._replace(changes=[], results=[sealed])
        return decision

    def hides(self, location: Location) -> bool:
        """Return whether messages must not show the value at a location, because it is in a Secret."""
        return (self.string is not None and self.string.hides_values) or self.resource.is_secret_at(location)

    def string_at(self, location: Location, form: Embedded) -> _String | None:
        """Return the description of the string at a location, or None if it is nested too deeply."""
        depth = self.string.depth + 1 if self.string else 1
        return _String(form, depth, self.hides(location)) if depth <= MAX_EMBEDDED else None


def _scan_fields(
    searched: _Searched,
    fields: Iterable[LocatedField],
    found: Scan,
    accepted: AcceptedChanges,
) -> None:
    """Decide on each image field of a resource, and accept the changes of the decisions."""
    readings: dict[tuple[Location, int], list[ImageField]] = {}
    others: list[tuple[OtherField, KindRule]] = []
    for field, rule in fields:
        if isinstance(field, ImageField):
            readings.setdefault(_key(field), []).append(field)
        elif rule is not None:
            others.append((field, rule))
    has_name = any(field.part == "name" for same in readings.values() for field in same)
    claims = Claims()
    for same in readings.values():
        if same[0].overrides:
            _note_override(searched.resource, same[0], found)
        decision = searched.decide(same, has_name=has_name)
        is_claimed = decision is not None and claims.has(decision.field)
        if searched.observer is not None:
            hides = searched.hides(same[0].location)
            searched.observer.decided(searched.resource, same, decision, is_claimed=is_claimed, hides_values=hides)
        if decision is None or is_claimed:
            _count_unset(searched, same[0], found)
            continue
        if decision.rule is not None:
            found.applied.add(decision.rule.position)
            # A warning about a part that has no field, such as a digest, does not mean that the image is not set.
            if not (decision.results and decision.results[0].message.startswith("not changed: ")):
                found.fulfilled.add(decision.rule.position)
        elif searched.rules.registries.has_more_than(found.moved):
            moved = searched.rules.registries.find(decision.field.current, decision.field.usage.use)
            found.moved.update([moved[1].from_] if moved else ())
        if decision.changes or not decision.results:
            claims.claim(decision.field)
        _accept(searched, decision.changes, decision.results, found, accepted, images=1)
        if decision.changes and not same[0].overrides and (decision.rule is None or decision.rule.renames):
            result = decision.results[0]  # without values if the field is in a Secret
            found.add_change(result.current_value or "", result.proposed_value or "")
    for other, rule in others:
        if other.embedded is not None and isinstance(other.value, str):
            _follow(searched, other, other.embedded, found, accepted, rule=rule)
        # Do not report values for rules of the catalog, because types differ between versions of a kind.
        elif other.value not in (None, "") and rule.origin != "catalog" and not _is_read(other, readings.values()):
            found.results.append(_wrong_type(searched.resource, other, rule))


def _count_unset(searched: _Searched, field: ImageField, found: Scan) -> None:
    """Count a field that does not change if its value is not a reference."""
    if field.usage.use != IMAGE:
        return
    found.placeholders += has_placeholder(field.current)
    if field.current and not (field.part or field.is_bare_name) and is_invalid(field.current):
        found.invalid += 1
        if found.first_invalid is None:
            value = HIDDEN if searched.hides(field.location) else f'"{field.current}"'
            found.first_invalid = searched.resource.line(field.first_location), value


def _note_override(resource: Resource, field: ImageField, found: Scan) -> None:
    reference = parse_reference(field.overrides)
    if reference is not None:
        found.overrides.append((reference.normalized_name, warning(resource, field.location, reference.name)))


def _key(field: ImageField) -> tuple[Location, int]:
    """Return the location and offset of a field's text. For a split reference, use its repository field."""
    return field.first_location, field.start


class Claims:
    """The image fields of one resource that already have a decision. Other rules must not change them again."""

    def __init__(self) -> None:
        self._starts: set[tuple[Location, int]] = set()
        self._parts: set[Location] = set()  # the fields of split references

    def has(self, field: ImageField) -> bool:
        """Return whether an earlier claim includes a field or a part of the field."""
        if not self._starts:
            return False
        if field.parts:  # one mapping can contain several split references
            return field.parts[0] in self._parts or any((part, 0) in self._starts for part in field.parts)
        return _key(field) in self._starts or field.location in self._parts

    def claim(self, field: ImageField) -> bool:
        """Claim a field. Return false if an earlier claim already includes it."""
        if self.has(field):
            return False
        self._starts.add(_key(field))
        self._parts.update(field.parts)
        return True


def _is_read(other: OtherField, readings: Iterable[list[ImageField]]) -> bool:
    """Return whether another rule found an image in the same field."""
    return any(other.location in (field.location, *field.parts) for same in readings for field in same)


def _accept(
    searched: _Searched,
    changes: list[Change],
    results: list[Result],
    found: Scan,
    accepted: AcceptedChanges,
    *,
    images: int,
) -> None:
    """Accept the changes of a decision, and add its results. `images` is the number of images that it sets."""
    start = searched.resource.location
    # Call Change directly, because Change._replace would double the time of this function.
    located = [Change(start + location, fragment, beside) for location, fragment, beside, _ in changes]
    new = accepted.accept(located)
    if new:
        found.images_set += images
    elif located:
        return
    if len(new) < len(located):
        # Another image already changed the shared pull policy field. Report this change only once.
        results = [results[0], *(result for result in results[1:] if result.severity != INFO)]
    found.results += results


def _follow(
    searched: _Searched,
    field: OtherField,
    form: Embedded,
    found: Scan,
    accepted: AcceptedChanges,
    *,
    rule: KindRule,
) -> None:
    """Scan the document that the string in a field contains. `rule` found the field."""
    resource, location = searched.resource, field.location
    string = searched.string_at(location, form)
    if string is None:
        message = f"not changed: embedded documents are nested more than {MAX_EMBEDDED} levels deep"
        found.results.append(warning(resource, location, message))
        return
    position = positions_in_string(resource, location)
    try:
        # Do not use keywords, because a split reference might not contain any of them.
        observer = searched.observer and searched.observer.in_string(resource, location)
        inner = scan(Stream(field.value), searched.rules, None, string, observer=observer)
    except ConfigError as error:
        error.line, error.field = position(error.line, None)[0], f"{format_location(location)}: {error.field}"
        raise
    except InputError as error:
        # A Bundle of Fleet also contains files that are not YAML.
        if rule.origin == "catalog" and re.search("(?i)image|repository", field.value) is None:
            return
        where = f"line {error.line}, column {error.column} of the string: " if error.column else ""
        message = f"not changed: {where}{error.message}"
        line, column = position(error.line, error.column)
        found.results.append(warning(resource, location, message)._replace(line=line, column=column))
        return

    def located(result: Result) -> Result:
        line, column = position(result.line, result.column)
        at = result._replace(line=line, column=column, file=resource.file)
        return at._replace(resource_ref=resource.ref, field=f"{format_location(location)}: {result.field}")

    found.add_rules(inner)
    found.placeholders += inner.placeholders
    found.invalid += inner.invalid
    if found.first_invalid is None and inner.first_invalid is not None:
        line, value = inner.first_invalid
        found.first_invalid = position(line, None)[0], value
    found.renamed |= inner.renamed
    found.overrides += ((name, located(result)) for name, result in inner.overrides)
    results = [located(result) for result in inner.results]
    changes = [Change(location, Fragment(*edit)) for edit in dict.fromkeys(inner.edits)]
    _accept(searched, changes, results, found, accepted, images=inner.images_set)


def lines_in_string(resource: Resource, location: Location) -> Callable[[int | None], Any]:
    """Return a function that converts a line (from 1) of a string to a line of the stream. None remains None."""
    starts: list[int] = []

    def line(number: int | None) -> int | None:
        if number is None:
            return None
        source = resource.tree.source
        if not starts:
            starts.extend(writer.line_starts(source.text, _event(resource, location)))
        return source.line(starts[min(number, len(starts)) - 1])

    return line


def positions_in_string(
    resource: Resource, location: Location
) -> Callable[[int | None, int | None], tuple[Any, Any]]:
    """Return a function that converts a line and column of a string to those of the stream. All count from 1.

    A line or column that is None remains None.
    """
    line_in_stream = lines_in_string(resource, location)
    source = resource.tree.source
    starts: list[int] = []
    offset_in_source = cache(lambda: writer.source_offsets(source.text, _event(resource, location)))

    def position(line: int | None, column: int | None) -> tuple[int | None, int | None]:
        if line is None or column is None:
            return line_in_stream(line), None
        value = _event(resource, location).value
        if not starts:
            starts.extend([0, *(match.end() for match in re.finditer(BREAK, value))])
        offset = min(starts[min(line, len(starts)) - 1] + column - 1, len(value))
        return source.position(offset_in_source()(offset))

    return position


def _event(resource: Resource, location: Location) -> Any:
    """Return the event of the scalar at a location. For an alias, return the event of its anchor."""
    return tree.target_of(resource.written(location))


def images_in(
    stream: Stream,
    rules: Rules,
    string: _String | None = None,
    visit: Callable[[Resource | None, list[LocatedField]], None] | None = None,
    *,
    every: bool = False,
) -> Iterator[FoundImage]:
    """Yield the images of a stream, once per field. Raises InputError under the same conditions as `scan`.

    `visit` is called with the fields of each resource, and of each document that `files` or the catalog selects.
    If `every` is false, CustomResourceDefinitions without images are not parsed, and `visit` is called with None.
    """
    # Only a rule of `kinds` finds images in a CustomResourceDefinition. Parsing them took a third of the time of
    # `list` in a repository with 25 of them.
    is_parsed = every or rules.kinds.has_kind(CRD) or CRD not in stream.text
    for one in _trees(stream, rules, string, None if is_parsed else lambda part: not has_kind(part, CRD)):
        if one is None and visit is not None:
            visit(None, [])
        for resource, kinds, uses in _searched(one, stream, rules, string) if one else ():
            fields = list(find_image_fields(resource, kinds, uses, set()))
            if visit is not None:
                visit(resource, fields)
            yield from _images(_Searched(resource, rules, string), fields)


def images_of(
    resource: Resource, kinds: Iterable[KindRule], uses: Collection[str], rules: Rules
) -> Iterator[FoundImage]:
    """Yield the images of a resource in pod specs with one of `uses`, and in the fields that `kinds` match.

    `rules` apply to the resources in strings.
    """
    return _images(_Searched(resource, rules, None), find_image_fields(resource, kinds, uses, set()))


def _images(searched: _Searched, fields: Iterable[LocatedField]) -> Iterator[FoundImage]:
    claims = Claims()
    for field, rule in fields:
        if isinstance(field, ImageField):
            if field.current and claims.claim(field) and not field.is_bare_name:
                yield _found_image(searched, field, rule)
        elif field.embedded is not None and isinstance(field.value, str):
            for image in _images_in_string(searched, field, field.embedded):
                # A form such as `as: values` adds internal rules. Report the rule of the user instead.
                is_own = image.rule is not None and not image.rule.origin
                yield image._replace(rule=rule) if is_own else image


def _found_image(searched: _Searched, field: ImageField, rule: KindRule | None) -> FoundImage:
    resource, hides_values = searched.resource, searched.hides(field.location)
    return FoundImage(
        HIDDEN if hides_values else field.current,
        resource.ref,
        format_location(field.location),
        *resource.position(field.first_location),
        rule,
        field.usage,
        field.part,
        is_public=field.usage.use == IMAGE and not hides_values,
        hidden=field.current if hides_values else "",
        inner=resource.inner_ref(field.location),
        pinned=_pinned(resource, field) if searched.rules.pins else _NOT_PINNED,
    )


#: A digest to check whether a field can contain a digest, before the digest of its image is known.
_ANY_DIGEST: Final = f"sha256:{'0' * 64}"


def _pinned(resource: Resource, field: ImageField) -> Pinned:
    reference = parse_reference(field.current)
    if reference is None or reference.digest is not None:
        return _NOT_PINNED
    new = f"{reference.name}:{reference.tag or LATEST}@{_ANY_DIGEST}"
    if not field.part and not field.parts:  # a whole reference can always be written
        return Pinned(((field.location, new),))
    try:
        changes, omitted = field.changes(new)
    except ValueError as error:
        return Pinned(problem=str(error))
    if omitted:
        return Pinned(problem=omitted.partition(": ")[2])
    return Pinned(tuple((change.location, _text_after(resource.node, change)) for change in changes))


def _text_after(root: Any, change: Change) -> str:
    start, end, new = change.fragment
    text = source_text(root, change.location) if start or end else ""
    return text[:start] + new + text[end:]


def _images_in_string(searched: _Searched, field: OtherField, form: Embedded) -> Iterator[FoundImage]:
    string = searched.string_at(field.location, form)
    if string is None:
        return
    resource, location = searched.resource, field.location
    position, outer = positions_in_string(resource, location), format_location(location)
    try:
        for image in images_in(Stream(field.value), searched.rules, string):
            line, column = position(image.line, image.column)
            path = f"{outer}: {image.path}"
            yield image._replace(resource=resource.ref, inner=NO_REF, path=path, line=line, column=column)
    except InputError:  # `scan` reports the error
        return


def _write(one: Tree, resources: list[Resource], accepted: AcceptedChanges, found: Scan) -> None:
    """Add the edits for the accepted changes of a tree, and warnings about aliases that are replaced by copies."""
    source = one.source
    try:
        if one.document.aliased:
            from krm_image_setter.yaml import aliases  # noqa: PLC0415  (few documents have any)

            edits, kept = aliases.write(source.text, one.document.root, accepted.all())
        else:
            edits, kept = writer.write(source.text, one.document.root, accepted.all()), []
    except InputError as error:
        error.line = source.line(0) + (error.line or 1) - 1
        raise
    found.edits += [Edit(start + source.start, end + source.start, new) for start, end, new in edits]
    for alias, location in kept:
        resource = next((one for one in resources if one.location == location[: len(one.location)]), resources[0])
        found.results.append(_kept_alias(resource, alias, location[len(resource.location) :]))


def _kept_alias(resource: Resource, alias: tree.Alias, location: Location) -> Result:
    """Return the warning about an alias that was replaced by a copy because only the anchored field changes."""
    message = (
        f"alias *{alias.name} was replaced by a copy of the old value because only &{alias.name} was set; "
        "set this field too if it must follow the anchor"
    )
    line, column = resource.tree.source.position(alias.start_mark.index)
    field = format_location(location) if location[:1] != (-1,) else None
    return Result(message, WARNING, resource.ref, field, file=resource.file, line=line, column=column)


def _wrong_type(resource: Resource, field: OtherField, rule: KindRule) -> Result:
    path, found = rule.path.text, type_of(field.value)
    message = f"not changed: path {path} points to {found}, expected {field.expected}"
    return warning(resource, field.location, message)
