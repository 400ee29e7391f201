"""Decides how one image field changes, and which results to report about the field."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from krm_image_setter.errors import ConfigError
from krm_image_setter.images import ImageRule, InvalidReference, check_reference, explain, parse_reference
from krm_image_setter.locators import ImageField, source_text
from krm_image_setter.paths import format_location
from krm_image_setter.resources import Resource
from krm_image_setter.results import INFO, WARNING, Result
from krm_image_setter.rules import Rules
from krm_image_setter.typed import Final, Record
from krm_image_setter.yaml.tree import Change, Fragment, Location, at

#: The text that messages show instead of a secret value.
HIDDEN: Final = "***"


class Decision(Record):
    """The changes and results for one image field, and the `images` entry that matched the field (or None).

    The locations of `changes` start at the resource. A decision has results without changes if the field cannot
    contain the new reference.
    """

    field: ImageField
    rule: ImageRule | None
    changes: list[Change]
    results: list[Result]


def decide(
    resource: Resource,
    readings: Sequence[ImageField],
    rules: Rules,
    *,
    hides_values: bool,
    has_name: bool = False,
) -> Decision | None:
    """Decide how a field changes, or return None if no rule matches the field.

    `readings` contains one ImageField per locator that found the field; their references can differ. The first
    `images` entry that matches a reading is applied. If there is none, a rule of `registries` is applied. If
    `hides_values` is true, the results do not contain values. `has_name` is true if another field of the resource
    contains only a name, so that this field need not contain the name.
    """
    proposals: list[tuple[ImageField, str, ImageRule | None]]
    proposals = [(field, *found) for field in readings if (found := rules.images.new(field.current, field.usage))]
    if not proposals and rules.registries and not any(map(rules.is_set, readings)):
        movable = (field for field in readings if not field.is_bare_name)
        moved = ((field, rules.registries.new(field.current, field.usage.use)) for field in movable)
        proposals += [(field, new, None) for field, new in moved if new is not None][:1]
    decision = None
    if len(proposals) > 1:
        proposals.sort(key=lambda proposal: proposal[2].position if proposal[2] else -1)
    for field, proposed, rule in proposals:
        changes, results = _rewrite(resource, field, proposed, rules, hides_values=hides_values)
        if not (has_name or (results and not changes)) and not _has_name_of(field, proposed):
            new = HIDDEN if hides_values else proposed
            message = f'the name of "{new}" was not written: the field contains only a {field.part}'
            results.append(warning(resource, field.location, message))
        # If this reading of the field cannot contain the new reference, try the next reading.
        if changes or not results:
            return Decision(field, rule, changes, results)
        decision = decision or Decision(field, rule, changes, results)
    return decision


def _has_name_of(field: ImageField, proposed: str) -> bool:
    """Return whether a field can contain the name of `proposed`, or belongs to an image with this name."""
    if field.part not in ("tag", "digest"):
        return True
    old, new = parse_reference(field.current), parse_reference(proposed)
    return old is None or new is None or old.normalized_name == new.normalized_name


def decide_as(
    resource: Resource, field: ImageField, new: str, rules: Rules, *, hides_values: bool
) -> Decision | None:
    """Return the decision to set a field to the reference `new`, or None if the field need not change."""
    changes, results = _rewrite(resource, field, new, rules, hides_values=hides_values)
    return Decision(field, None, changes, results) if changes or results else None


def _rewrite(
    resource: Resource, field: ImageField, proposed: str, rules: Rules, *, hides_values: bool
) -> tuple[list[Change], list[Result]]:
    """Return the changes that set a field to the reference `proposed`, and the results that report them."""
    current = field.current
    if proposed == current:
        return [], []
    try:
        check_reference(proposed)  # a tag suffix or a new registry can make the reference too long
        changes, omitted = field.changes(proposed)
    except InvalidReference:
        # A field with only a part of a reference can contain any text, so the message does not show the text.
        new = "the new reference" if field.shown or hides_values else f'"{proposed}"'
        message = f"not changed: cannot set {new}: {explain(proposed)}"
        return [], [warning(resource, field.location, message)]
    except ValueError as error:
        message = f'not changed: cannot set "{HIDDEN if hides_values else proposed}": {error}'
        return [], [warning(resource, field.location, message)]
    warnings = [warning(resource, field.location, omitted)] if omitted else []
    if not changes:
        return [], warnings
    policy_changes, policy_results = _pull_policy(resource, field, proposed, rules, hides_values=hides_values)
    target = "image"
    if field.shown:
        target, current, proposed = f"image {field.part}", field.shown, changes[0].fragment.text
    info = _info(resource, field.location, target, (current, proposed), hides_values=hides_values)
    infos = [info, *policy_results]
    if rules.locates_changes:
        line, column = resource.position(field.first_location)
        infos = [info._replace(line=line, column=column) for info in infos]
    return changes + policy_changes, [*infos, *warnings]


def _pull_policy(
    resource: Resource, field: ImageField, proposed: str, rules: Rules, *, hides_values: bool
) -> tuple[list[Change], list[Result]]:
    """Return the change of the pull policy next to a changed image, and the result that reports the change."""
    policy = rules.image_pull_policy
    if policy is None or field.policy is None:
        return [], []
    reference = parse_reference(proposed)
    if policy == "Never" and reference is not None and reference.digest is not None:
        raise ConfigError(
            'imagePullPolicy "Never" cannot be combined with the digest in '
            f'"{HIDDEN if hides_values else proposed}"; use Always or IfNotPresent',
            line=resource.line(field.location),
            field=format_location(field.location),
        )
    location, can_be_added = field.policy
    key = location[-1]
    parent = at(resource.node, location[:-1])
    old = parent.get(key) if isinstance(parent, dict) else policy  # an item of a list has no policy
    if old == policy or isinstance(old, dict | list) or location == field.location:
        return [], []
    if key not in parent and not can_be_added:
        return [], []
    length = len(source_text(resource.node, location)) if key in parent else 0
    change = Change(location, Fragment(0, length, policy), beside=str(field.location[-1]))
    values = old if isinstance(old, str) else "", policy
    return [change], [_info(resource, location, str(key), values, hides_values=hides_values)]


def _info(
    resource: Resource, location: Location, target: str, values: tuple[str, str], *, hides_values: bool
) -> Result:
    """Return the result that reports the change of a field from the first value to the second value."""
    path = format_location(location)
    if hides_values:
        message = f"set {target}; the values of a Secret are not shown"
        return Result(message, INFO, resource.ref, path, file=resource.file)
    current, proposed = values
    message, proposed = _set_message(target, current, proposed)
    return Result(message, INFO, resource.ref, path, current, proposed, resource.file)


@lru_cache(maxsize=1024)  # saves memory, because thousands of results can share a string
def _set_message(target: str, current: str, proposed: str) -> tuple[str, str]:
    message = f'set {target} "{current}" to "{proposed}"' if current else f'set {target} to "{proposed}"'
    return message, proposed


def warning(resource: Resource, location: Location, message: str) -> Result:
    """Return a warning about the field of a resource at a location. The warning contains the line of the field."""
    line, column = resource.position(location)
    field, file = format_location(location), resource.file
    return Result(message, WARNING, resource.ref, field, file=file, line=line, column=column)
