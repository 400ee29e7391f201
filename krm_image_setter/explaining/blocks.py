"""Defines Block, the facts about a resource or one of its images, and functions that return such facts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import attrgetter

from krm_image_setter.catalog.known_files import ANY_FILE
from krm_image_setter.deciding import HIDDEN
from krm_image_setter.errors import location, one_line
from krm_image_setter.images import (
    ARGS,
    ENV,
    ImageRule,
    RegistryRule,
    Usage,
    explain,
    has_placeholder,
    parse_reference,
)
from krm_image_setter.locators import KindRule
from krm_image_setter.rules import Rules
from krm_image_setter.typed import Final, Record

#: The maximum number of rules or locations that a block lists for one reason.
MOST: Final = 5


class Fact(Record):
    """One line of an explanation: a label such as "set by", and a text."""

    label: str
    text: str


class Block(Record):
    """The facts about a resource or a field (`subject`). `line` is its first line, counted from 1.

    `image` is the image of a field in the form that messages show. `images` contains all images that the block is
    about, because a build of kustomize can change an image several times.
    """

    line: int
    subject: str
    facts: tuple[Fact, ...]
    image: str = ""
    images: tuple[str, ...] = ()

    def lines(self, file: str, width: int = 0) -> list[str]:
        """Return the header, which starts with the location in `file`, and one text for each fact.

        Texts are folded at spaces if they are longer than `width` columns; 0 means that no text is folded.
        """
        header = ": ".join(filter(None, (location(file, self.line), self.subject)))
        lines = [_folded(one_line(header), 4, width)]
        for label, text in self.facts:
            line = one_line(f"  {label.ljust(_LABEL)}{text}")
            # A suggested option must remain one line, so that it can be copied.
            lines.append(line if label == "try" else _folded(line, _LABEL + 2, width))
        return lines


# The labels of facts are padded to this width.
_LABEL: Final = 11


def _folded(line: str, indent: int, width: int) -> str:
    if not width or len(line) <= width:
        return line
    import textwrap  # noqa: PLC0415  (only a terminal needs it)

    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def path_rule_name(rule: KindRule | None) -> str:
    """Return the name of a rule that finds images: its location in the configuration, or its origin."""
    if rule is None:
        return "podSpecs"
    if rule.selector.files == ANY_FILE:
        return "catalog (JSON patches)"
    if rule.origin == "catalog":
        return f"catalog ({rule.selector})" if rule.selector.files else "catalog"
    return rule.config_location.prefixed("") or f"--kind {rule.selector.kind}"


def image_rule_name(rule: ImageRule | RegistryRule) -> str:
    """Return the name of a rule that sets images: its location in the configuration, or its name in an option."""
    if isinstance(rule, RegistryRule):
        return rule.config_location.prefixed(f"{rule.from_} -> {rule.to}")
    return rule.config_location.prefixed("") or f'the option for "{rule.name}"'


def deciding_rule(image: str, usage: Usage, rules: Rules) -> ImageRule | RegistryRule | None:
    """Return the entry of `images` or `registries` that sets an image in a field with this usage, or None."""
    found = rules.images.new(image, usage)
    if found is not None:
        return found[1]
    moved = rules.registries.find(image, usage.use)
    return moved[1] if moved is not None else None


def other_entries(image: str, usage: Usage, rules: Rules, deciding: object = None) -> Iterator[Fact]:
    """Yield the reasons why the other entries of `images` with the same name do not set the image."""
    reference = parse_reference(image)
    if reference is None:
        return
    named = rules.images.named(reference)
    for rule in islice((rule for rule in named if rule is not deciding), MOST):
        if not rule.matches(reference):
            reason = f'matches only "{rule.name}"'
        elif not rule.reaches(usage):
            reason = _excluded(rule, usage)
        else:
            reason = "an earlier entry sets the image"
        yield Fact("not by", f"{image_rule_name(rule)}: {reason}")
    more = len(named) - MOST - _contains(named, deciding)
    if more > 0:
        yield Fact("not by", f"{more} more entries with this name")


def _contains(rules: Sequence[ImageRule], rule: object) -> bool:
    """Return whether a rule is one of `rules`, which are in the order of their positions."""
    if not isinstance(rule, ImageRule):
        return False
    index = bisect_left(rules, rule.position, key=attrgetter("position"))
    return index < len(rules) and rules[index] is rule


def _excluded(rule: ImageRule, usage: Usage) -> str:
    """Return why a rule does not set images in fields with this usage."""
    if usage.use not in rule.uses:
        field = {ENV: "an environment variable", ARGS: "a command or an argument"}.get(usage.use, "an image")
        return f"does not set {field}; add `{usage.use}: true`"
    names = sorted({f'"{name}"' for scope in rule.scopes for name in scope.containers})
    return f"sets only containers named {' or '.join(names[:MOST])}"


def why_unchanged(image: str, usage: Usage, rules: Rules, *, hides_values: bool = False) -> str:
    """Return why no rule sets an image. If `hides_values` is true, the text does not contain the image name."""
    if not image:
        return "the field is empty"
    reference = parse_reference(image)
    if reference is None:
        if has_placeholder(image):
            return "contains a placeholder; the program sets only complete references"
        return f"not an image reference: {explain(image)}"
    if rules.images.has_set(image, usage):
        return "already the new reference of an entry"
    entries = f'no entry of `images` sets "{HIDDEN if hides_values else reference.familiar_name}"'
    return f"{entries}, and no entry of `registries` moves it" if rules.registries else entries
