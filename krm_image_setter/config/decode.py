"""A functionConfig's mapping -> ImageSetter, by hand; JSON Schema is asked only to explain a wrong one.

The rules are api.md's, section 1; `schema.json` says the same, and a property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from krm_image_setter.config import schema
from krm_image_setter.config.compatible import (
    ENTRY_FIELDS,
    field_spec_api_versions,
    image_setter_fields,
    is_image_setter,
)
from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.config.value import ShapeError, Value
from krm_image_setter.errors import ConfigError, ImageSetterError
from krm_image_setter.images import (
    ARGS,
    ENV,
    IMAGE,
    DefaultRegistry,
    ImageMap,
    ImageRule,
    RegistryRule,
    check_reference,
    default_registry,
    image_rule,
    override,
    registry_rule,
)
from krm_image_setter.locators import WHOLE, Embedded, Form, ImageSource, KindRule, Part, Selector, Split, Text
from krm_image_setter.paths import Path, parse_path
from krm_image_setter.resources import SECRET

T = TypeVar("T")
R = TypeVar("R", ImageRule, KindRule)


class _Entry(NamedTuple):
    """An entry of `images`: where it stands, and the arguments of `image_rule`."""

    value: Value
    name: str
    arguments: dict[str, Any]

    def rule(self, registry: DefaultRegistry | None) -> ImageRule:
        """Return its rule; a default registry gives the new name that it does not say."""
        arguments = self.arguments
        if registry is not None and not arguments.keys() & {"new_name", "new_image", "source"}:
            new_name = _built(self.value, lambda: registry.new_name(check_reference(self.name)))
            arguments = {**arguments, "new_name": new_name}
        rule = _built(self.value, partial(image_rule, self.name, **arguments))
        return rule._replace(config_location=self.value.config_location)


class _Part(NamedTuple):
    """What one document gives; None where it does not say."""

    images: tuple[_Entry, ...]
    kinds: tuple[KindRule, ...]
    registries: tuple[RegistryRule, ...]
    default_registry: DefaultRegistry | None
    pod_specs: bool | None
    catalog: bool | None
    on_unused: str | None
    image_pull_policy: str | None


def decode(
    documents: Iterable[Value],
    *,
    images: Sequence[ImageRule] = (),
    kinds: Sequence[KindRule] = (),
    on_unused: str | None = None,
) -> ImageSetter:
    """Return the configuration that `documents` give together, their lists one after the other.

    `images`, `kinds` and `on_unused` come from arguments. They come first, and `images` take the place of the
    entries of the same name. The configuration may set nothing: `require_images`.

    Raises ConfigError if a document is wrong, or if two contradict each other.
    """
    parts = [(document, _decode_document(document)) for document in documents]
    registry = _agreed(parts, "defaultRegistry", lambda part: part.default_registry)
    rules = [(document, [entry.rule(registry) for entry in part.images]) for document, part in parts]
    if images:
        images = override(images, (rule for _, given in rules for rule in given))
        arguments = ImageMap(images)
        rules = [(document, [rule for rule in given if not arguments.replace(rule)]) for document, given in rules]
    _check_contradictions(rules)
    policy = _agreed(parts, "imagePullPolicy", lambda part: part.image_pull_policy)
    for document, given in rules:
        for rule in given if policy == "Never" else ():
            if rule.target.digest is not None:
                document.fail(
                    f'imagePullPolicy Never and the digest of "{rule.name}" exclude each other: keep one'
                )
    pod_specs = _agreed(parts, "podSpecs", lambda part: part.pod_specs)
    catalog = _agreed(parts, "catalog", lambda part: part.catalog)
    return ImageSetter(
        images=_numbered((*images, *(rule for _, given in rules for rule in given))),
        kinds=_numbered((*kinds, *(rule for _, part in parts for rule in part.kinds))),
        registries=tuple(rule for _, part in parts for rule in part.registries),
        image_pull_policy=policy,
        pod_specs=pod_specs is not False,
        catalog=catalog is not False,
        on_unused=on_unused or _agreed(parts, "onUnused", lambda part: part.on_unused) or "warn",
    )


def _numbered(rules: tuple[R, ...]) -> tuple[R, ...]:
    return tuple(rule._replace(position=position) for position, rule in enumerate(rules))


def require_images(
    config: ImageSetter, documents: Sequence[Value], cure: str = "add `images: {NAME: REFERENCE}`"
) -> ImageSetter:
    """Return a configuration. Raises ConfigError, at the first of its documents, if it sets no image."""
    if not config.images and not config.registries:
        error = ConfigError(f"no image to set; {cure}")
        raise documents[0].place(error) if documents else error
    return config


def decode_image(argument: str) -> ImageRule:
    """Return the rule that `--image NAME=REF` stands for. Raises ConfigError."""
    name, equals, reference = argument.partition("=")
    if not equals:
        raise ConfigError(f'--image "{argument}": give NAME=REFERENCE')
    try:
        return image_rule(name, new_image=reference)
    except ImageSetterError as error:
        raise ConfigError(f'--image "{argument}": {error.message}') from error


def decode_kind(argument: str) -> KindRule:
    """Return the rule that `--kind KIND=PATH` or `KIND.GROUP=PATH` stands for. Raises ConfigError."""
    kind, equals, path = argument.partition("=")
    if not equals or not kind:
        raise ConfigError(f'--kind "{argument}": give KIND=PATH or KIND.GROUP=PATH')
    try:
        return KindRule(decode_group_kind(kind), parse_path(path))
    except ImageSetterError as error:
        column = None if error.column is None else error.column + len(kind) + 1
        raise ConfigError(f'--kind "{argument}": {error.message}', column=column) from error


def decode_kustomize_entries(images: Value) -> Iterator[tuple[Value, ImageRule]]:
    """Yield the entries of a kustomization's `images`, each with its rule. Raises ConfigError."""
    for entry in _entries(images):
        arguments = {**entry.arguments, "joined_name": True}
        yield entry.value, entry._replace(arguments=arguments).rule(None)


def _decode_document(document: Value) -> _Part:
    document.check_keys()
    try:
        return _decode_fields(document)
    except ShapeError as error:
        # The schema is an ImageSetter's; the other kinds have one mistake told at a time.
        explained = schema.explain(document) if is_image_setter(document) else None
        raise explained or error from error


def _decode_fields(document: Value) -> _Part:
    fields = image_setter_fields(document)
    images = fields.get("images")
    image = fields.get("image")
    kinds = fields.get("kinds")
    specs = fields.get("fieldSpecs")
    registries = fields.get("registries")
    default = fields.get("defaultRegistry")
    pod_specs = fields.get("podSpecs")
    catalog = fields.get("catalog")
    on_unused = fields.get("onUnused")
    policy = fields.get("imagePullPolicy")
    return _Part(
        tuple(_entries(images)) if images else (_entry(image),) if image else (),
        tuple(decode_kinds(kinds)) if kinds else tuple(_field_specs(specs)) if specs else (),
        tuple(_registries(registries)) if registries else (),
        _default_registry(default) if default else None,
        pod_specs.boolean() if pod_specs else None,
        catalog.boolean() if catalog else None,
        on_unused.choice(("warn", "error", "ignore")) if on_unused else None,
        policy.choice(("Always", "IfNotPresent", "Never")) if policy else None,
    )


# The names of the fields of an entry, and of the arguments and attributes that they become.
_IMAGE_ARGUMENTS: Final = {
    "newName": "new_name",
    "newTag": "new_tag",
    "digest": "digest",
    "tagSuffix": "tag_suffix",
    "newImage": "new_image",
}
_SELECTOR_FIELDS: Final = {"kind": "kind", "apiVersion": "api_version", "name": "name", "namespace": "namespace"}


def _entries(images: Value) -> Iterator[_Entry]:
    if images.is_mapping:
        for name, value in images.entries():
            yield _Entry(value, name, {"new_image": value.string()})
        return
    for entry in images.items():
        yield _entry(entry)


def _entry(entry: Value) -> _Entry:
    fields = entry.fields(ENTRY_FIELDS, required=("name",))
    arguments: dict[str, Any] = {
        argument: fields[key].string() for key, argument in _IMAGE_ARGUMENTS.items() if key in fields
    }
    if "from" in fields:
        arguments["source"] = _source(fields["from"])
    if "containers" in fields:
        arguments["containers"] = tuple(name.string() for name in fields["containers"].one_or_more())
    uses = [use for use in (ENV, ARGS) if use in fields and fields[use].boolean()]
    if uses:
        arguments["uses"] = (IMAGE, *uses)
    return _Entry(entry, fields["name"].string(), arguments)


def _source(value: Value) -> ImageSource:
    fields = value.fields((*_SELECTOR_FIELDS, "path"), required=("kind", "name", "path"))
    selector = _selector(fields)
    if selector.kind == SECRET:
        fields["kind"].fail("`from` cannot take a value from a Secret; copy the reference to another resource")
    return ImageSource(selector, _path(fields["path"]))


def _registries(registries: Value) -> Iterator[RegistryRule]:
    for entry in registries.items():
        fields = entry.fields(("from", "to"), required=("from", "to"))
        yield _built(entry, partial(registry_rule, fields["from"].string(), fields["to"].string()))


def _default_registry(value: Value) -> DefaultRegistry:
    fields = value.fields(("host", "singleName"), required=("host",))
    single_name = fields["singleName"].string() if "singleName" in fields else None
    return _built(value, partial(default_registry, fields["host"].string(), single_name))


def decode_kinds(kinds: Value) -> Iterator[KindRule]:
    """Yield the rules of `kinds`, one a path. Raises ConfigError."""
    if kinds.is_mapping:
        for kind, paths in kinds.entries():
            yield from _path_rules(_built(paths, partial(decode_group_kind, kind)), paths)
        return
    for entry in kinds.items():
        fields = entry.fields((*_SELECTOR_FIELDS, "paths"), required=("paths",))
        selector = _selector(fields)
        if not (selector.kind or selector.name or selector.namespace):
            entry.fail("this selects everything: give kind, name or namespace")
        yield from _path_rules(selector, fields["paths"])


def _field_specs(specs: Value) -> Iterator[KindRule]:
    """Yield the rules of kustomize's fieldSpecs. `create` creates no image there, and none here."""
    from krm_image_setter.paths import field_spec  # noqa: PLC0415  (only kustomize's own configurations have them)

    for spec in specs.items():
        fields = spec.fields(("group", "version", "kind", "path", "create"), required=("path",))
        group, version, kind = (
            fields[key].string() if key in fields else "" for key in ("group", "version", "kind")
        )
        path = _built(fields["path"], partial(field_spec.parse, fields["path"].string()))
        for api_version in field_spec_api_versions(group, version):
            yield KindRule(Selector(kind, api_version), path, config_location=spec.config_location)


def _selector(fields: Mapping[str, Value]) -> Selector:
    given = {_SELECTOR_FIELDS[key]: value.string() for key, value in fields.items() if key in _SELECTOR_FIELDS}
    return Selector(**given)


def _path_rules(selector: Selector, paths: Value) -> Iterator[KindRule]:
    for path in paths.one_or_more():
        if not path.is_mapping:
            yield KindRule(selector, _path(path), config_location=path.config_location)
            continue
        fields = path.fields(("path", "fields", "part", "of", "as", "paths"), required=("path",))
        form = _form(path, fields)
        yield KindRule(selector, _path(fields["path"]), form, config_location=path.config_location)


def _form(value: Value, fields: Mapping[str, Value]) -> Form:
    given = [key for key in ("fields", "part", "as") if key in fields]
    part = fields["part"].choice(("reference", "name", "tag", "digest")) if "part" in fields else "reference"
    form = fields["as"].choice(("text", "yaml", "json")) if "as" in fields else ""
    parts = _split(fields["fields"]) if "fields" in fields else None
    of = fields["of"].string() if "of" in fields else ""
    rules = tuple(_path_rules(Selector(), fields["paths"])) if "paths" in fields else ()
    if len(given) > 1:
        value.fail(f"{given[0]} and {given[1]} exclude each other: keep one")
    if (part in ("tag", "digest")) != bool(of):
        value.fail("a tag or digest belongs to an image: give part: tag or part: digest together with of: NAME")
    if of and _built(fields["of"], partial(check_reference, of))[1:] != (None, None):
        fields["of"].fail("this takes a name: give it without tag and digest")
    if rules and form not in ("yaml", "json"):
        value.fail("paths lead into a document in a string: give as: yaml or as: json")
    if parts is not None:
        return parts
    if form:
        return Text() if form == "text" else Embedded(form, rules)
    return Part(part, of) if part != "reference" else WHOLE


def _split(value: Value) -> Split:
    fields = value.fields(Split._fields, required=("repository",))
    return Split(**{key: field.string() for key, field in fields.items()})


def _path(value: Value) -> Path:
    return _built(value, partial(parse_path, value.string()))


def decode_group_kind(text: str) -> Selector:
    """Return what `Kind` or `Kind.group` selects (GroupKind notation of apimachinery). Raises ConfigError."""
    kind, dot, group = text.partition(".")
    if not kind or (dot and not group):
        raise ConfigError(f'"{text}" is no kind: give Kind or Kind.group')
    return Selector(kind=kind, api_version=f"{group}/*" if group else "")


def _built(value: Value, build: Callable[[], T]) -> T:
    """Return what `build` gives; what it finds wrong is placed at `value`, or at the field that it names."""
    try:
        return build()
    except ImageSetterError as error:
        key, error.field = error.field, None
        raise value.place(_config_error(error), key=key) from error


def _config_error(error: ImageSetterError) -> ConfigError:
    column = f", column {error.column}" if error.column is not None else ""
    return ConfigError(error.message + column)


def _agreed(parts: list[tuple[Value, _Part]], field: str, say: Callable[[_Part], T | None]) -> T | None:
    """Return what the documents say of a field, or None where they say nothing."""
    said: T | None = None
    for document, part in parts:
        value = say(part)
        if value is not None and said is not None and value != said:
            document.fail(f"{field} is {_yaml(value)} here and {_yaml(said)} in another configuration: keep one")
        said = value if said is None else said
    return said


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(getattr(value, "host", value))


def _check_contradictions(given: list[tuple[Value, list[ImageRule]]]) -> None:
    """Raise ConfigError where two documents set the same images to different things.

    Within one document the first entry wins, as its author can see.
    """
    known: dict[tuple[Any, ...], ImageRule] = {}
    for document, rules in given:
        new = {
            (rule.name.normalized_name, *rule.name[1:], rule.scopes[0].containers): rule
            for rule in reversed(rules)
        }
        for key, rule in new.items():
            if known.setdefault(key, rule)._replace(name=rule.name) != rule:
                document.fail(f'two configurations set "{rule.name}" to different things: keep one')
