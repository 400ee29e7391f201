"""Puts the facts of a scan into blocks: one for each resource, and one for each field with an image."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby

from krm_image_setter.config import API_VERSION
from krm_image_setter.deciding import HIDDEN, Decision
from krm_image_setter.explaining.blocks import (
    MOST,
    Block,
    Fact,
    deciding_rule,
    image_rule_name,
    other_entries,
    path_rule_name,
    why_unchanged,
)
from krm_image_setter.images import ARGS, ENV
from krm_image_setter.locators import ImageField, KindRule, OtherField, Selector
from krm_image_setter.locators.pod_spec import find_pod_spec_images
from krm_image_setter.paths import format_location, type_of
from krm_image_setter.paths.mismatch import find_mismatch
from krm_image_setter.resources import CRD, NO_REF, Resource
from krm_image_setter.results import INFO
from krm_image_setter.rules import Rules
from krm_image_setter.scan import lines_in_string
from krm_image_setter.yaml import tree
from krm_image_setter.yaml.tree import Location

_Fields = Sequence[tuple[ImageField | OtherField, KindRule | None]]


class ResourceObserver:
    """Receives the facts of a scan (see `scan.Observer`) and puts them into `blocks`.

    `kinds` contains the rules of the configuration, to explain why no rule selects a resource. `decided` contains
    the offsets of the fields whose image a kustomization determines.
    """

    def __init__(self, rules: Rules, kinds: Sequence[KindRule], decided: Mapping[int, str]) -> None:
        self.blocks: list[Block] = []
        self._rules = rules
        self._kinds: dict[str, list[KindRule]] = {}
        for rule in kinds:
            self._kinds.setdefault(rule.selector.kind.lower(), []).append(rule)
        self._decided = decided
        self._outer = ""  # the resource and the field of the string that contains the stream
        self._hides_values = False  # whether the string is in a Secret
        self._line: Callable[[int | None], int] = lambda number: number or 1
        self._found_by: dict[int, KindRule | None] = {}

    def searched(self, resource: Resource, kinds: list[KindRule], uses: Collection[str], fields: _Fields) -> None:
        """Add a block with the rules that searched a resource, and the results of each rule."""
        self._found_by = {id(field): rule for field, rule in fields}
        facts = [*_pod_spec_facts(resource, uses, fields), *_path_facts(resource, kinds, fields)]
        if resource.ref != NO_REF and not kinds and not fields and not self._outer:
            is_config = resource.ref.api_version == API_VERSION
            facts += [Fact("no rule", "this is a configuration")] if is_config else self._unselected(resource)
        subject = str(resource.ref) or "document that is not a resource"
        if not self._outer or not fields:
            line = self._line(resource.line(()))
            self.blocks.append(Block(line, self._outer + subject, tuple(facts)))
        if uses and not self._hides_values:
            self._add_other_uses(resource, {ENV, ARGS}.difference(uses))

    def _unselected(self, resource: Resource) -> Iterator[Fact]:
        """Yield why no rule selects the kind of a resource."""
        api_version, kind, name, namespace = resource.ref
        found = str(Selector(kind, api_version, name, namespace))
        for rule in self._kinds.get(kind.lower(), ())[:MOST]:
            yield Fact("not tried", f"{path_rule_name(rule)}: selects {rule.selector}; this is {found}")
        places = "`kinds` or of the catalog" if self._rules.catalog else "`kinds` (with `catalog: false`)"
        yield Fact("no rule", f"no entry of {places} selects {Selector(kind, api_version)}")

    def _add_other_uses(self, resource: Resource, uses: Collection[str]) -> None:
        """Add the variables and arguments that an entry would set if it had `env: true` or `args: true`."""
        for field in find_pod_spec_images(resource.node, uses) if resource.ref.kind != CRD else ():
            facts = [*other_entries(field.current, field.usage, self._rules)] if field.usage.use in uses else []
            if facts and not resource.is_secret_at(field.location):
                facts = [Fact("image", field.current), Fact("found by", "no rule"), *facts]
                self._add(resource, field.location, facts, field.current)

    def decided(
        self,
        resource: Resource,
        readings: list[ImageField],
        decision: Decision | None,
        *,
        is_claimed: bool,
        hides_values: bool,
    ) -> None:
        """Add a block with the decision on a field."""
        field = decision.field if decision is not None else readings[0]
        image = HIDDEN if hides_values else field.current or '""'
        found_by = dict.fromkeys(path_rule_name(self._found_by.get(id(one))) for one in readings)
        facts = [Fact("image", f"{image} (the field contains the {field.part})" if field.part else image)]
        facts.append(Fact("found by", ", ".join(found_by)))
        offset = resource.offset(field.location) if not self._outer else -1
        if is_claimed:
            facts.append(Fact("unchanged", "another rule already sets this text"))
        elif decision is not None and decision.changes:
            facts += self._changed(decision, in_kustomization=offset in self._decided)
        elif decision is not None and decision.results:
            facts += (Fact("unchanged", one.message.removeprefix("not changed: ")) for one in decision.results)
        elif offset in self._decided:
            facts.append(Fact("unchanged", "a kustomization sets the image; see the explanation of its builds"))
        elif decision is not None:
            facts.append(Fact("unchanged", "already the new reference"))
            if decision.rule is not None:
                facts.append(Fact("set by", image_rule_name(decision.rule)))
        else:
            why = why_unchanged(field.current, field.usage, self._rules, hides_values=hides_values)
            facts.append(Fact("unchanged", why))
        if offset not in self._decided and not hides_values:  # entries with the same name reveal a hidden image
            deciding = decision.rule if decision is not None else None
            facts += other_entries(field.current, field.usage, self._rules, deciding)
        self._add(resource, field.location, facts, image)

    def _changed(self, decision: Decision, *, in_kustomization: bool) -> Iterator[Fact]:
        """Yield the facts about a field that changes."""
        first, *others = decision.results
        yield Fact("set to", first.proposed_value or HIDDEN)
        rule = decision.rule or deciding_rule(decision.field.current, decision.field.usage, self._rules)
        if in_kustomization or rule is None:
            yield Fact("set by", "the decisions on a kustomization; see the explanation of its builds")
        else:
            yield Fact("set by", image_rule_name(rule))
        for result in others:
            yield Fact("also" if result.severity == INFO else "but", f"{result.field}: {result.message}")

    def _add(self, resource: Resource, location: Location, facts: list[Fact], image: str) -> None:
        subject = ": ".join(filter(None, (str(resource.ref), format_location(location))))
        line = self._line(resource.line(location))
        self.blocks.append(Block(line, self._outer + subject, tuple(facts), image, (image,)))

    def in_string(self, resource: Resource, location: Location) -> ResourceObserver:
        """Return an observer for the stream inside a string of a resource."""
        inner = ResourceObserver(self._rules, (), {})
        inner.blocks = self.blocks
        subject = ": ".join(filter(None, (str(resource.ref), format_location(location))))
        inner._outer = f"{self._outer}{subject}: "
        inner._hides_values = self._hides_values or resource.is_secret_at(location)
        in_string, outer = lines_in_string(resource, location), self._line
        inner._line = lambda number: outer(in_string(number))
        return inner


def _pod_spec_facts(resource: Resource, uses: Collection[str], fields: _Fields) -> Iterator[Fact]:
    count = sum(rule is None for _, rule in fields)
    if resource.ref == NO_REF and not uses:
        return
    if not uses:
        yield Fact("not tried", "podSpecs: `podSpecs: false` is set")
    elif resource.ref.kind == CRD:
        yield Fact("not tried", "podSpecs: the schema of a CustomResourceDefinition contains no images")
    elif count:
        yield Fact("tried", f"podSpecs: found {count} {'image' if count == 1 else 'images'}")
    else:
        yield Fact("tried", "podSpecs: no image of a container or a volume")


def _path_facts(resource: Resource, kinds: list[KindRule], fields: _Fields) -> Iterator[Fact]:
    """Yield what each rule's path matches, or why it matches nothing. Paths of the catalog are often optional."""
    found: dict[int, list[ImageField | OtherField]] = {}
    for field, rule in fields:
        found.setdefault(id(rule), []).append(field)
    for is_optional, rules in groupby(kinds, lambda rule: rule.origin == "catalog" and id(rule) not in found):
        if is_optional:
            paths = list(dict.fromkeys(rule.path.text for rule in rules))
            yield Fact("tried", f"catalog: no image at {_listed(paths)}")
            continue
        for rule in rules:
            result = _matched(found[id(rule)]) if id(rule) in found else _unmatched(rule, resource)
            yield Fact("tried", f"{path_rule_name(rule)}: {_path(rule)} {result}")


def _path(rule: KindRule) -> str:
    return f"{rule.path.text} in {format_location(rule.start)}" if rule.start else rule.path.text


def _listed(texts: Sequence[str]) -> str:
    rest = len(texts) - MOST
    return ", ".join(texts[:MOST]) + (f" and {rest} more" if rest > 0 else "")


def _matched(fields: list[ImageField | OtherField]) -> str:
    """Describe the fields that a path matches."""
    for field in fields:
        if isinstance(field, ImageField):
            continue
        at = format_location(field.location)
        if field.embedded is not None and isinstance(field.value, str):
            return f"matches {at}, which is read as a document"
        return f"matches {at}, which is {type_of(field.value)}; expected {field.expected}"
    return f"matches {_listed(list(dict.fromkeys(format_location(field.location) or '.' for field in fields)))}"


def _unmatched(rule: KindRule, resource: Resource) -> str:
    """Describe why a path finds no image."""
    matches = rule.find(resource.node)
    if matches:
        at = _listed([format_location(match.location) or "." for match in matches])
        return f"matches {at}, which contains no image"
    mismatch = find_mismatch(rule.path, tree.at(resource.node, rule.start))
    return f"matches nothing: {mismatch.reason}" if mismatch is not None else "matches nothing"
