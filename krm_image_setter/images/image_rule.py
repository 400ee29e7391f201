"""Match image references with the entries of `images`, and compute the new references.

The fields have the meaning that kustomize documents. kustomize itself behaves differently: it reads a name as a
regular expression, can apply tagSuffix twice, and applies an entry to the result of another entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from operator import attrgetter

from krm_image_setter.errors import ConfigLocation
from krm_image_setter.images.reference import (
    DIGEST_RULE,
    HUB,
    HUB_NAMES,
    TAG_RULE,
    InvalidReference,
    Reference,
    check_reference,
    is_digest,
    is_tag,
    parse_reference,
)
from krm_image_setter.typed import Any, Final, Record

#: A name with this end, such as `quay.io/org/*`, matches all names below `quay.io/org`.
_BELOW: Final = "/*"
IMAGE: Final = "image"
ENV: Final = "env"
ARGS: Final = "args"


class Usage(Record):
    """How a resource uses a reference: as an image, in a variable or in an argument, and in which container.

    If `has_open_tag` is true, a reference without a tag does not mean the tag `latest`, because something else
    chooses the tag, such as a Helm chart.
    """

    container: str | None = None
    use: str = IMAGE
    has_open_tag: bool = False


NO_CONTAINER: Final = Usage()
OPEN_TAG: Final = Usage(has_open_tag=True)
LATEST: Final = "latest"


class Scope(Record):
    """The containers and uses in which a rule sets references. Empty `containers` mean all containers."""

    containers: tuple[str, ...] = ()
    uses: tuple[str, ...] = (IMAGE,)


class ImageRule(Record):
    """An entry of `images`. If `name` has a tag or digest, only references with this tag or digest match.

    A `name` that ends with `/*` matches all names below it: `quay.io/org/*` matches `quay.io/org/app`.

    A rule with a `source` cannot be used until `new_image` is set to the reference in the source. `position` is
    the index of the entry in the configuration. Use `image_rule` to create a rule.

    The tag `latest` in `name` also matches a missing tag, because both are the same image (TagNameOnly in
    https://github.com/distribution/reference/blob/main/normalize.go). If `needs_tag` is true, `latest` does not
    match a missing tag, as in kustomize.
    """

    name: Reference
    new_name: str | None = None
    new_tag: str | None = None
    digest: str | None = None
    tag_suffix: str | None = None
    new_image: str | None = None
    scopes: tuple[Scope, ...] = (Scope(),)
    source: Any = None
    position: int = -1
    config_location: ConfigLocation = ConfigLocation()
    needs_tag: bool = False

    def reaches(self, usage: Usage) -> bool:
        """Return whether the rule sets references with this usage."""
        return not self.usages.isdisjoint(_keys_of_usage(usage))

    def matches(self, reference: Reference, usage: Usage = NO_CONTAINER) -> bool:
        """Return whether the rule applies to `reference`. The normalized names are compared."""
        name = self.name
        if name.name.endswith(_BELOW):
            return reference.normalized_name.startswith(name.normalized_name.removesuffix("*"))
        return not _matching_keys(reference, usage).isdisjoint(self.keys)

    @property
    def keys(self) -> tuple[_Key, ...]:
        """The keys of the references that the rule matches, if its name does not end with `/*`."""
        key = _key_of(self.name)
        return (key, _without_tag(key[0])) if key[1:] == (LATEST, None) and not self.needs_tag else (key,)

    @property
    def uses(self) -> set[str]:
        """The uses of references that the rule sets in at least one container."""
        return {use for scope in self.scopes for use in scope.uses}

    @property
    def usages(self) -> set[Usage]:
        """The usages of references that the rule sets. A usage without a container means all containers."""
        return {
            Usage(container, use)
            for scope in self.scopes
            for use in scope.uses
            for container in scope.containers or (None,)
        }

    def rewrite(self, reference: Reference) -> str:
        """Return the new reference for a reference that the rule matches."""
        if self.new_image is not None:
            return self.new_image
        if self.new_name is not None:
            is_done = _key_of(self.target) in _keys_of(reference)
            if is_done and check_reference(self.new_name) != Reference(self.new_name):
                return str(reference)
            reference = reference._replace(name=self.new_name)
        if self.new_tag is not None or self.digest is not None:
            # A new tag also removes the old digest, and a new digest also removes the old tag, because a digest
            # identifies one image.
            reference = reference._replace(tag=self.new_tag, digest=self.digest)
        elif self.tag_suffix is not None and reference.tag and not reference.tag.endswith(self.tag_suffix):
            reference = reference._replace(tag=reference.tag + self.tag_suffix, digest=None)
        return str(reference)

    @property
    def target(self) -> Reference:
        """The new reference, without a tag or digest that comes from the old reference."""
        if self.new_image is not None:
            return check_reference(self.new_image)
        if self.name.name.endswith(_BELOW):
            return self.name._replace(tag=self.new_tag)
        name, tag, digest = check_reference(self.new_name or self.name.name)
        return Reference(name, self.new_tag or tag, self.digest or digest)

    @property
    def renames(self) -> bool:
        """Whether the rule can set another name."""
        return self.new_image is not None or self.new_name is not None

    @property
    def keyword(self) -> str:
        """A string that every matching reference contains, in every spelling of its name."""
        path, domain = self.name.path.removesuffix("*"), self.name.domain
        return path.removeprefix("library/") if domain == HUB else f"{domain}/{path}"


def image_rule(
    name: str,
    *,
    new_name: str | None = None,
    new_tag: str | None = None,
    digest: str | None = None,
    tag_suffix: str | None = None,
    new_image: str | None = None,
    containers: tuple[str, ...] = (),
    uses: tuple[str, ...] = (IMAGE,),
    source: Any = None,
    joined_name: bool = False,
) -> ImageRule:
    """Return the rule of one entry.

    If `joined_name` is true, `new_name` can contain a tag or digest. As in kustomize, the tag and digest of the
    entry or of the old reference are then appended to `new_name`.

    Raises InvalidReference if a field is invalid. The exception contains the name of this field.
    """
    is_below = name.endswith(_BELOW) and not joined_name
    example = f"{name[:-1]}x" if is_below else name
    for field, text in (("name", example), ("newImage", new_image), ("newName", new_name)):
        if text is not None:
            _check(field, text, joined_name=joined_name)
    if new_tag is not None and not is_tag(new_tag):
        raise InvalidReference(f'invalid tag "{new_tag}"; {TAG_RULE}', field="newTag")
    if digest is not None and not is_digest(digest):
        raise InvalidReference(f'invalid digest "{digest}"; {DIGEST_RULE}', field="digest")
    if tag_suffix is not None and not (tag_suffix and is_tag("x" + tag_suffix)):
        message = f'invalid tag suffix "{tag_suffix}"; use up to 127 letters, digits, "_", "." or "-"'
        raise InvalidReference(message, field="tagSuffix")
    values = (new_name, new_tag, digest, tag_suffix, new_image, source)
    present = {field for field, value in zip(_FIELDS, values, strict=True) if value is not None}
    if not present:
        message = "entry sets nothing; add `newName`, `newTag`, `digest`, `tagSuffix`, `newImage` or `from`"
        raise InvalidReference(message)
    for field, others, message in _CANNOT_COMBINE:
        if field in present and not present.isdisjoint(others):
            raise InvalidReference(message, field=field)
    if is_below and not present <= {"newTag", "tagSuffix"}:
        message = "a name that ends with `/*` requires `newTag` or `tagSuffix`; move images with `registries`"
        raise InvalidReference(message, field="name")
    if is_below and name.removesuffix(_BELOW) in HUB_NAMES:
        raise InvalidReference(f'"{name}" contains no path; expected {HUB}/ORGANIZATION/*', field="name")
    if joined_name and new_name is not None:
        joined = str(Reference(new_name, f"TAG{tag_suffix}" if tag_suffix else new_tag, digest))
        if parse_reference(joined) is None:
            message = f'kustomize would set "{joined}", which is not an image reference; use `newTag` and `digest`'
            raise InvalidReference(message, field="newName")
    scopes = (Scope(containers, uses),)
    matched = Reference(name) if is_below else check_reference(name)
    return ImageRule(matched, new_name, new_tag, digest, tag_suffix, new_image, scopes, source)


# A version, a commit, or `latest`. Such a text is a valid name, but hardly ever the name of an image.
_BARE_TAG: Final = r"v?[0-9][\w.-]*|(?=[a-f]*[0-9])[0-9a-f]{7,40}|latest"


# `app:COMMIT` has the form of a digest, so a digest must start with the name of a known algorithm.
_ALGORITHMS: Final = ("sha256:", "sha512:")


def _completed(name: str, text: str) -> Reference | None:
    """If `text` is only a tag or a digest, return `name` with this tag or digest. Otherwise return None."""
    old, parsed = parse_reference(name), parse_reference(text)
    # Return early for a name with a tag, because compiling the patterns of tags and digests takes time.
    if old is None or (parsed not in (None, Reference(text)) and not text.startswith(_ALGORITHMS)):
        return None
    tag, digest = text.removeprefix(":"), text.removeprefix("@")
    if is_digest(digest) and (digest != text or text.startswith(_ALGORITHMS)):
        return Reference(old.name, digest=digest)
    if is_tag(tag) and (tag != text or re.fullmatch(_BARE_TAG, tag, re.ASCII)):
        return Reference(old.name, tag)
    return None


def whole_image_rule(name: str, reference: str, before: str = "") -> ImageRule:
    """Return the rule that sets `name` to `reference`.

    Raises InvalidReference if one of them is invalid, or if `reference` is only a tag or a digest, such as `1.27`.
    In the last case, the message suggests the complete reference, with the text `before` before it.
    """
    new = _completed(name, reference)
    if new is not None and reference != name:
        part = "digest" if new.digest else "tag"
        raise InvalidReference(f'"{reference}" is only a {part}; write `{before}{new}`', field="newImage")
    return image_rule(name, new_image=reference)


#: The fields of an entry that determine the new reference.
_FIELDS: Final = ("newName", "newTag", "digest", "tagSuffix", "newImage", "from")
_CANNOT_COMBINE: Final = (
    ("tagSuffix", ("newTag", "digest"), "`tagSuffix` cannot be combined with `newTag` or `digest`"),
    ("newImage", _FIELDS[:4], "`newImage` cannot be combined with `newName`, `newTag`, `digest` or `tagSuffix`"),
    (
        "from",
        _FIELDS[:5],
        "`from` cannot be combined with `newName`, `newTag`, `digest`, `tagSuffix` or `newImage`",
    ),
)


def _check(field: str, text: str, *, joined_name: bool) -> None:
    try:
        reference = check_reference(text)
    except InvalidReference as error:
        raise error.at(field=field) from None
    if field != "newName" or joined_name:
        return
    if reference.tag is not None:
        raise InvalidReference(f'`newName` cannot contain a tag; use `newTag: "{reference.tag}"`', field=field)
    if reference.digest is not None:
        raise InvalidReference(f"`newName` cannot contain a digest; use `digest: {reference.digest}`", field=field)


def override(rules: Iterable[ImageRule], others: Iterable[ImageRule]) -> tuple[ImageRule, ...]:
    """Return `rules`. Each rule also gets the scopes of the `others` with the same name, tag and digest.

    For example, if an entry for nginx has `env: true`, `--image nginx=nginx:2` also sets variables.
    """
    scopes: dict[_Key, dict[Scope, None]] = {}
    for rule in others:
        scopes.setdefault(_key_of(rule.name), {}).update(dict.fromkeys(rule.scopes))
    return tuple(
        rule._replace(scopes=tuple({**dict.fromkeys(rule.scopes), **scopes.get(_key_of(rule.name), {})}))
        for rule in rules
    )


_Key = tuple[str, str | None, str | None]


def _key_of(name: Reference) -> _Key:
    """Return the key of a reference: its normalized name, its tag and its digest."""
    return name.normalized_name, name.tag, name.digest


def _keys_of(reference: Reference) -> set[_Key]:
    """Return four keys for the name of a reference: with its tag, with its digest, with both, with neither."""
    name, tag, digest = _key_of(reference)
    return {(name, None, None), (name, tag, None), (name, None, digest), (name, tag, digest)}


def _matching_keys(reference: Reference, usage: Usage) -> set[_Key]:
    """Return the keys of all rules that match `reference`; see `ImageRule.keys`."""
    keys = _keys_of(reference)
    if reference == Reference(reference.name) and not usage.has_open_tag:
        keys.add(_without_tag(reference.normalized_name))
    return keys


def _without_tag(name: str) -> _Key:
    """Return the key of a name without a tag. Rules for the tag `latest` have this key too."""
    return name, "", None


def _keys_below(name: str) -> set[_Key]:
    """Return the keys of all rules with `/*` that match the normalized name `name`."""
    parts = name.split("/")
    return {("/".join(parts[:end]) + _BELOW, None, None) for end in range(1, len(parts))}


_Positioned = tuple[int, ImageRule]

# https://ko.build/features/k8s/
_KO: Final = "ko://"
# The maximum number of references in the cache. Most resources contain one of a few references.
_REMEMBERED: Final = 4096


class ImageMap:
    """The rules of `images`, indexed by name and usage. A lookup takes the same time for any number of rules."""

    def __init__(self, rules: Iterable[ImageRule]) -> None:
        # If several rules have the same key and usage, only the first of them is applied.
        self._first: dict[_Key, dict[Usage, _Positioned]] = {}
        self._targets: dict[_Key, set[Usage]] = {}
        self._new_names: set[str] = set()
        self._set: dict[tuple[str, Usage], tuple[str, ImageRule] | None] = {}
        self.rules = tuple(rules)
        self._named: dict[str, list[ImageRule]] = {}
        self._all_named: dict[str, list[ImageRule]] = {}
        self._has_below = any(rule.name.name.endswith(_BELOW) for rule in self.rules)
        for position, rule in enumerate(self.rules):
            usages = rule.usages
            for key in rule.keys:
                first = self._first.setdefault(key, {})
                for usage in usages:
                    first.setdefault(usage, (position, rule))
            target = rule.target
            self._targets.setdefault(_key_of(target), set()).update(usages)
            self._new_names.add(target.normalized_name)

    def find(self, text: str, usage: Usage = NO_CONTAINER) -> tuple[Reference, ImageRule] | None:
        """Return the parsed reference and the first rule that matches it. Return None if no rule matches it."""
        reference = parse_reference(text)
        keys = _matching_keys(reference, usage) if reference else set()
        if reference and self._has_below:
            keys |= _keys_below(reference.normalized_name)
        rule = self._first_rule(keys, usage)
        return None if reference is None or rule is None else (reference, rule)

    def _find_built(self, text: str, usage: Usage) -> tuple[Reference, ImageRule] | None:
        """Return the reference and the rule for a text such as `ko://github.com/org/app`, which ko replaces.

        The rule must set a new name, because the old name is an import path and not an image.
        """
        found = self.find(text.removeprefix(_KO), usage) if text.startswith(_KO) else None
        return found if found and (found[1].new_image or found[1].new_name) else None

    def _first_rule(self, keys: Iterable[_Key], usage: Usage) -> ImageRule | None:
        """Return the first rule with one of `keys` that sets references with this usage, or None."""
        found = [
            self._first[key][each]
            for key in keys
            if key in self._first
            for each in _keys_of_usage(usage)
            if each in self._first[key]
        ]
        return min(found)[1] if found else None

    def named(self, reference: Reference) -> list[ImageRule]:
        """Return the rules for the name of `reference`, including rules with `/*`, in their order."""
        name = reference.normalized_name
        found = self._all_named.get(name)
        if found is None:
            if not self._named:
                for rule in self.rules:
                    self._named.setdefault(rule.name.normalized_name, []).append(rule)
            keys = (name, *(key for key, *_ in _keys_below(name)))
            found = [rule for key in keys for rule in self._named.get(key, ())]
            # Thousands of images can have the same name, and thousands of rules too.
            self._all_named[name] = found = sorted(found, key=attrgetter("position"))
        return found

    def replace(self, rule: ImageRule) -> bool:
        """Return whether the rules of this map replace `rule`, which comes after all of them.

        One rule with the same name, tag and digest replaces `rule`. Several rules also replace `rule` if together
        they match every image that it matches.
        """
        return _key_of(rule.name) in self._first or all(
            self._first_rule(_keys_of(rule.name), usage) is not None for usage in rule.usages
        )

    def is_overridden(self, rule: ImageRule) -> bool:
        """Return whether earlier rules with the same name, tag and digest match every image that `rule` matches.

        Earlier rules without a tag do not count. If the user adds a rule for one tag after a rule for all tags,
        another check reports the mistake.
        """
        return all(self._first_rule([_key_of(rule.name)], usage) is not rule for usage in rule.usages)

    def new(self, text: str, usage: Usage = NO_CONTAINER) -> tuple[str, ImageRule] | None:
        """Return the new text for the reference `text`, and its rule. Return None if no rule matches it."""
        key = (text, usage)
        if key not in self._set:
            if len(self._set) > _REMEMBERED:
                self._set.clear()
            found = self.find(text, usage) or self._find_built(text, usage)
            self._set[key] = (found[1].rewrite(found[0]), found[1]) if found else None
        return self._set[key]

    def has_set(self, text: str, usage: Usage = NO_CONTAINER) -> bool:
        """Return whether `text` is the new reference of a rule for this usage.

        If it is, an earlier run might have set the field.
        """
        reference = parse_reference(text)
        return reference is not None and any(
            not self._targets[key].isdisjoint(_keys_of_usage(usage))
            for key in _keys_of(reference)
            if key in self._targets
        )

    def has_set_name(self, text: str) -> bool:
        """Return whether `text` is a reference whose name is the new name of a rule."""
        reference = parse_reference(text)
        return reference is not None and reference.normalized_name in self._new_names


def _keys_of_usage(usage: Usage) -> set[Usage]:
    """Return the usages of rules that apply to `usage`: for its container, and for all containers."""
    return {Usage(usage.container, usage.use), Usage(use=usage.use)}


class SeenReferences:
    """The references that a search has found, with their usages."""

    def __init__(self) -> None:
        self._usages: dict[_Key, set[Usage]] = {}

    def add(self, reference: Reference, usage: Usage) -> None:
        """Add a reference that occurs with a usage."""
        for key in _keys_of(reference):
            self._usages.setdefault(key, set()).add(usage)

    def has_target_of(self, rule: ImageRule) -> bool:
        """Return whether a reference equals the new reference of a rule. An earlier run might have set it."""
        return any(map(rule.reaches, self._usages.get(_key_of(rule.target), ())))
