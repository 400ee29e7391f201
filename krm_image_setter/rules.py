"""Converts a configuration to the rules of a scan, and to keywords that show which resources must be parsed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import chain

from krm_image_setter.catalog import catalog_rules, with_parts, with_split_references
from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.images import (
    IMAGE,
    ImageMap,
    ImageRule,
    RegistryMap,
    Usage,
    is_invalid,
    parse_reference,
)
from krm_image_setter.locators import PLACEHOLDER_STARTS, WHOLE, FileRule, ImageField, KindRule, SelectorMap
from krm_image_setter.resources import Resource, ResourceRef
from krm_image_setter.typed import TYPE_CHECKING, Any, Final, Record, Self, TypeVar
from krm_image_setter.yaml.stream import Keyword, searchable

AnyKeyword = TypeVar("AnyKeyword", bound=Keyword)

if TYPE_CHECKING:
    from krm_image_setter.globs import GlobMap


class PathChecks:
    """Finds the resources that must be parsed to check the paths of `kinds`, although no image in them changes.

    A path of `kinds` causes a warning if it matches no field in any resource, or if it matches a value that is not
    a string. So a resource need not be parsed if its paths have already matched in other resources, and if its
    text shows that the last keys of these paths have only strings as values. For 10,000 resources of which `kinds`
    selects a third, this halves the time of a run.
    """

    def __init__(self, rules: Iterable[KindRule]) -> None:
        self._checks = [(searchable(rule.selector.keyword), rule.position, _Proof.of(rule)) for rule in rules]

    def test(self, text: str, matched: Collection[int]) -> Callable[[str], bool] | None:
        """Return a function that tests whether a slice of `text` must be parsed; None if no slice must be.

        `matched` contains the positions of the rules that have matched a field. It can change between the calls.
        """
        if len(self._checks) > _MOST_KEYWORDS:  # the test of so many would take longer than parsing
            return lambda _: True
        checks = [check for check in self._checks if check[0] in text]
        if not checks:
            return None

        def must_parse(part: str) -> bool:
            for keyword, position, proof in checks:
                if keyword in part and (position not in matched or proof is None or not proof.succeeds(part)):
                    return True
            return False

        return must_parse


class _Proof(Record):
    """Proves that a path causes no warning in a resource. `head` matches the start of a resource of its `kind`.

    `other_value` finds the last key of the path with a value that might not be a string.
    """

    kind: str
    head: re.Pattern[str]
    other_value: re.Pattern[str]

    @classmethod
    def of(cls, rule: KindRule) -> Self | None:
        """Return the proof for a rule of `kinds`, or None if there is no proof for such rules."""
        kind, key = rule.selector.kind, rule.path.last_key
        if rule.form != WHOLE or not all(word.isalnum() and word.isascii() for word in (kind, key)):
            return None
        head = re.compile(rf"{_BEFORE_KIND}kind: {kind}[ \t]*(?:#.*)?\r?\n")
        return cls(kind, head, re.compile(rf"{key}(?:[\"'][ \t]*:|:(?=\s))(?!{_STRING})"))

    def succeeds(self, part: str) -> bool:
        """Return whether the path certainly causes no warning in the resource with this text.

        A second occurrence of the kind can be a resource inside the resource, or in a string. A backslash can hide
        a key in a string. An image with a placeholder is counted.
        """
        return (
            part.count(self.kind) == 1
            and self.head.match(part) is not None
            and self.other_value.search(part) is None
            and not any(mark in part for mark in ("\\", "$", "{{"))
        )


# The lines before the kind of a document or of an item: comments, and often the API version.
_BEFORE_KIND: Final = r"(?:---.*\n|[ \t]*(?:#.*)?\r?\n)*+(?:- )?(?:apiVersion: \S+[ \t]*\r?\n *)?"
# A value that is certainly a string: text in quotes, or a plain scalar with characters that no number, boolean and
# null contains.
_STRING: Final = r"[ \t]*(?:[\"']|[A-Za-z][A-Za-z0-9]*[-_/.:]\S|[A-Za-z0-9._-]+/)"


class OtherRules(Record):
    """The rules for a document that is not a resource. Its pod specs are searched for `pod_spec_uses`."""

    paths: list[KindRule]
    pod_spec_uses: Collection[str]


class Rules(Record):
    """The rules that set images, and the rules that find image fields.

    Pod specs are searched only for references whose use, such as `env`, is in `pod_spec_uses`. If
    `locates_changes` is true, the results of changes contain a line and a column, which few runs need. If `pins`
    is true, each found image contains the text that its field would have with a digest. Only `lock` needs it.
    """

    images: ImageMap
    registries: RegistryMap
    kinds: SelectorMap[KindRule]
    pod_spec_uses: Collection[str]
    catalog: bool = True
    image_pull_policy: str | None = None
    files: tuple[FileRule, ...] = ()
    values_files: GlobMap | None = None
    locates_changes: bool = False
    pins: bool = False
    checks: PathChecks = PathChecks(())

    def kinds_for(self, ref: ResourceRef) -> list[KindRule]:
        """Return the rules for the kind of a resource, those of `kinds` before those of the catalog."""
        if not ref.kind:
            return []
        kinds = self.kinds.matching(ref)
        if self.catalog:
            kinds += catalog_rules(ref.api_version, ref.kind)
        return kinds

    def kinds_in(self, resource: Resource) -> list[KindRule]:
        """Return the rules for the kind of a resource, and the rules for the resources inside it."""
        kinds = self.kinds_for(resource.ref)
        for inner in resource.nested():
            start = inner.location[len(resource.location) :]
            kinds += [rule._replace(start=start) for rule in self.kinds_for(inner.ref)]
        return kinds

    def others_for(self, resource: Resource, stream: Stream) -> OtherRules | None:
        """Return the rules for a document that is not a resource; None if no rule selects it.

        The file name comes from the stream, or for an item of a ResourceList from the annotations of the item.
        """
        file = stream.file or (resource.file or ("", None))[0]
        rules = [*self._file_rules(file, stream.directory), *self._patch_rules(resource.node)]
        if not rules:
            return None
        uses = self.pod_spec_uses or (IMAGE,)
        return OtherRules(
            [path for rule in rules for path in rule.paths], uses if any(rule.pod_specs for rule in rules) else ()
        )

    def can_read(self, stream: Stream) -> bool:
        """Return whether a rule can select documents of a stream that are not resources."""
        from krm_image_setter.locators.json_patch import can_be_json_patch  # noqa: PLC0415  (few runs need it)

        return bool(self._file_rules(stream.file, stream.directory)) or can_be_json_patch(stream.text)

    def _file_rules(self, file: str, directory: str) -> Iterable[FileRule]:
        """Return the rules that select a file, those of `files` before those of the catalog."""
        if not file:
            return ()
        rules = [rule for rule in self.files if rule.selects(file)]
        if self.catalog:
            from krm_image_setter.catalog.known_files import known_files  # noqa: PLC0415  (few runs need it)

            path = f"{directory}/{file}"
            is_values = self.values_files is not None and self.values_files.matches(path)
            rules += known_files(path) or (known_files("values.yaml") if is_values else ())
        return rules

    def _patch_rules(self, root: Any) -> Iterable[FileRule]:
        """Return the rules for a JSON patch, which can be in a file of any name."""
        if not self.catalog or not isinstance(root, list):
            return ()
        from krm_image_setter.catalog.known_files import patch_rules  # noqa: PLC0415  (few runs need it)
        from krm_image_setter.locators.json_patch import is_json_patch  # noqa: PLC0415  (few runs need it)

        return patch_rules() if is_json_patch(root) else ()

    def new(self, image: str, usage: Usage) -> tuple[str, ImageRule | None]:
        """Return the new reference for a whole reference, and the entry of `images` that sets it, if any.

        The new reference is equal to `image` if no rule matches, or if the new reference would be invalid.
        """
        found = self.images.new(image, usage)
        new = None if found or self.images.has_set(image, usage) else self.registries.new(image)
        new, rule = found or (new or image, None)
        return (new if parse_reference(new) else image), rule

    def is_set(self, field: ImageField) -> bool:
        """Return whether a field already contains the new reference of an entry of `images`.

        If the field contains only a name, only the names are compared.
        """
        if field.part == "name":
            return self.images.has_set_name(field.current)
        return self.images.has_set(field.current, field.usage)


def rules_for(config: ImageSetter, references: Mapping[int, str]) -> Rules:
    """Convert a configuration to the rules for a scan.

    `references` contains the new reference of each entry with `from`. The keys are the positions in `images`.
    """
    images = [
        rule._replace(new_image=references[position], source=None) if position in references else rule
        for position, rule in enumerate(config.images)
    ]
    uses = {use for rule in images for use in rule.uses}.union(*(rule.uses for rule in config.registries))
    values_files = None
    if config.values_files:
        from krm_image_setter.globs import GlobMap  # noqa: PLC0415  (pathspec is slow to import)

        values_files = GlobMap(config.values_files)
    return Rules(
        ImageMap(images),
        RegistryMap(config.registries),
        SelectorMap((rule.selector, rule) for rule in (*config.kinds, *config.values_keys)),
        uses | {IMAGE} if config.pod_specs else (),
        config.catalog,
        config.image_pull_policy,
        config.files,
        values_files,
        checks=PathChecks(config.kinds),
    )


class Keywords:
    """The keywords of a configuration. Only resources with one of them must be parsed.

    `PathChecks` finds the other resources that must be parsed. `others` are additional keywords; None means that
    all resources must be parsed.
    """

    def __init__(self, config: ImageSetter, others: Iterable[Keyword] | None = ()) -> None:
        names = (rule.keyword for rules in (config.images, config.registries) for rule in rules)
        self._usable = None if others is None else usable_keywords(chain(names, others))
        # Several fields of a split reference can contain the name together, but each component is in one field.
        # Most resources contain a word as short as the last component, so search only kinds with split references
        # for it.
        texts = (keyword for keyword in self._usable or () if isinstance(keyword, str))
        self._last = list(dict.fromkeys(keyword.rstrip("/").rpartition("/")[2] for keyword in texts))
        self._catalog = config.catalog
        # The files of a repository have few kinds. Looking them up in the catalog for each file took a twentieth
        # of the time of a run.
        self._by_kinds: dict[frozenset[str], list[Keyword]] = {}

    def of(self, text: str, *, finds_invalid: bool = False) -> list[Keyword] | None:
        """Return the keywords for the resources in a text. None means: parse all resources.

        If `finds_invalid` is true, resources with values of images that are not references are parsed too. Only
        the summary of `set` needs them, and finding them takes 6 % of the time of a run for 10,000 resources.
        """
        if self._usable is None:
            return None
        kinds = frozenset(re.findall(_KIND, text)) if self._catalog else frozenset()
        found = self._by_kinds.get(kinds)
        if found is None:
            splits = ((kind, word) for kind in sorted(with_split_references(kinds)) for word in self._last)
            found = self._by_kinds[kinds] = [*self._usable, *splits, *with_parts(kinds)]
        if _can_have_placeholder(text):
            found = [*found, *set(re.findall(_PLACEHOLDER, text))]
        invalid = _invalid_values(text) if finds_invalid else []
        return [*found, *invalid] if len(invalid) <= _MOST_KEYWORDS else None


# Finds the kinds in a text. Searching for each kind of the catalog instead took ten times as long.
_KIND: Final = r"kind(?:: |[\"']?\s*:\s*[\"']?)([A-Za-z0-9]+)"
# Finds images with placeholders. Their resources must be parsed, because the summary contains their number.
_PLACEHOLDER: Final = r"mage[\"']?\s*:\s*[\"']?[^\s\"'#$]*?(\$[({]|\{\{)"


# Finds values of images that might not be references, which the summary also contains. Most values are a name and
# a tag. Parsing them too would add a fifth to the time of a run for 10,000 resources. A plain value is one word,
# because the descriptions in CustomResourceDefinitions contain texts such as "image: see the documentation".
_USUAL: Final = r"[a-z0-9]+(?:[./-][a-z0-9]+)*:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}[\"']?[ \t]*[,}\r\n]"
_VALUE: Final = (
    rf"mage[\"']?[ \t]*:[ \t]*(?![\"']?{_USUAL})"
    r"(?:\"([^\"\n]+)\"|'([^'\n]+)'|([\w./:<][^\s\"'#]*)[ \t]*(?:[,}#\r\n]|\Z))"
)


def _invalid_values(text: str) -> list[str]:
    """Return the values of images in a text that are not references. The result can contain other values."""
    found = re.findall(_VALUE, text)
    values = {(one or two or three.rstrip(",}]")).strip() for one, two, three in found}
    return [value for value in values if value and is_invalid(value)]


# The start of the value of an image, up to its last slash.
_DIRECTORY: Final = r"mage[\"']?[ \t]*:[ \t]*[\"']?([a-zA-Z0-9_.:/-]+)/"


def directories_in(text: str) -> set[str]:
    """Return the registries and paths of images in a text. The result can contain other words."""
    references = (parse_reference(f"{directory}/x") for directory in set(re.findall(_DIRECTORY, text)))
    return {reference.normalized_name.removesuffix("/x") for reference in references if reference}


def _can_have_placeholder(text: str) -> bool:
    if len(text) < _LONG_TEXT:
        return any(start in text for start in PLACEHOLDER_STARTS)
    # For a text of 6 MB, this takes 5 ms, and the operator `in` takes 16 ms. Compiling the patterns takes 0.1 ms.
    return any(re.search(re.escape(start), text) for start in PLACEHOLDER_STARTS)


_LONG_TEXT: Final = 100_000  # characters


def usable_keywords(keywords: Iterable[AnyKeyword]) -> list[AnyKeyword] | None:
    """Return the distinct keywords, or None if one is empty or there are so many that parsing is faster."""
    distinct: dict[AnyKeyword, None] = {}
    for keyword in keywords:
        distinct[keyword] = None
        if not keyword or len(distinct) > _MOST_KEYWORDS:  # return early, because this is called for each file
            return None
    return list(distinct)


# Searching a resource for one keyword takes a hundredth of the time of parsing the resource.
_MOST_KEYWORDS: Final = 100
