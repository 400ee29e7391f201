"""Decodes the mapping of a functionConfig to an ImageSetter.

`schema.json` describes the same configuration; a property test checks that the decoder and the schema agree. The
schema is used only to explain errors, because jsonschema is slow to import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count

from krm_image_setter.config import schema
from krm_image_setter.config.compatible import field_spec_api_versions, image_setter_fields, is_image_setter
from krm_image_setter.config.image_setter import ON_UNUSED, STRING_ARGUMENTS, Ignored, ImageSetter
from krm_image_setter.config.value import ShapeError, Value
from krm_image_setter.errors import ConfigError, ImageSetterError
from krm_image_setter.images import (
    ARGS,
    ENV,
    IMAGE,
    DefaultRegistry,
    ImageMap,
    ImageRule,
    Reference,
    RegistryRule,
    check_reference,
    default_registry,
    image_rule,
    override,
    registry_rule,
    whole_image_rule,
)
from krm_image_setter.locators import (
    WHOLE,
    Embedded,
    FileRule,
    Form,
    ImageSource,
    KindRule,
    Part,
    Selector,
    Split,
)
from krm_image_setter.paths import Path, parse_path
from krm_image_setter.resources import SECRET
from krm_image_setter.typed import Any, Final, Record, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R", ImageRule, KindRule)


class _Entry(Record):
    """An entry of `images`, with the arguments of `image_rule` that the fields of the entry specify."""

    value: Value
    name: str
    arguments: dict[str, Any]

    def rule(self, registry: DefaultRegistry | None) -> ImageRule:
        """Return the rule of this entry. If the entry has no new name, the default registry creates one."""
        arguments = self.arguments
        if registry is not None and not arguments.keys() & {"new_name", "new_image", "source"}:
            new_name = _built(self.value, lambda: registry.new_name(check_reference(self.name)))
            arguments = {**arguments, "new_name": new_name}
        rule = _built(self.value, partial(image_rule, self.name, **arguments))
        return rule._replace(config_location=self.value.location())


#: The decoded fields of one configuration document, by the name of the field.
_Part: TypeAlias = dict[str, Any]


def decode(
    documents: Iterable[Value],
    *,
    images: Sequence[ImageRule] = (),
    kinds: Sequence[KindRule] = (),
    registries: Sequence[RegistryRule] = (),
    on_unused: str | None = None,
) -> ImageSetter:
    """Combine configuration documents. Their lists are joined in the order of the documents.

    `images`, `kinds`, `registries` and `on_unused` come from command-line options. Their rules come first. An item
    of `images` replaces the entries with the same name in the documents. The result might not set any image; see
    `require_images`.

    Raises ConfigError if a document is invalid or if two documents contradict each other.
    """
    parts = [(document, _decode_document(document)) for document in documents]
    registry = _agreed(parts, "defaultRegistry")
    rules = [
        [(entry.value, entry.rule(registry)) for entry in _joined([part], "images", "image")] for part in parts
    ]
    if images:
        images = override(images, (rule for entries in rules for _, rule in entries))
    if images and any(rules):
        options = ImageMap(images)
        rules = [[entry for entry in entries if not options.replace(entry[1])] for entries in rules]
    _check_contradictions(rules)
    policy = _agreed(parts, "imagePullPolicy")
    for value, rule in (entry for entries in rules for entry in entries):
        if policy == "Never" and rule.target.digest is not None:
            value.fail("a digest cannot be combined with `imagePullPolicy: Never`")
    pod_specs = _agreed(parts, "podSpecs")
    catalog = _agreed(parts, "catalog")
    kinds = _numbered((*kinds, *_joined(parts, "kinds", "fieldSpecs")))
    return ImageSetter(
        images=_numbered((*images, *(rule for entries in rules for _, rule in entries))),
        kinds=kinds,
        files=_numbered_files(_joined(parts, "files"), len(kinds)),
        registries=(*registries, *_joined(parts, "registries")),
        image_pull_policy=policy,
        pod_specs=pod_specs is not False,
        catalog=catalog is not False,
        on_unused=on_unused or _agreed(parts, "onUnused") or ON_UNUSED[0],
        ignore=tuple(_joined(parts, "ignore")),
    )


def _joined(parts: Iterable[tuple[Value, _Part]], *fields: str) -> Iterator[Any]:
    return (item for _, part in parts for field in fields for item in part.get(field, ()))


def _numbered(rules: tuple[R, ...]) -> tuple[R, ...]:
    return tuple(rule._replace(position=position) for position, rule in enumerate(rules))


def _numbered_files(files: Iterable[FileRule], start: int) -> tuple[FileRule, ...]:
    """Set the positions of the paths in `files`. The first position is `start`, the number of paths in `kinds`."""
    numbers = count(start)
    return tuple(
        rule._replace(paths=tuple(path._replace(position=next(numbers)) for path in rule.paths)) for rule in files
    )


def require_images(
    config: ImageSetter, documents: Sequence[Value], suggestion: str = "add `images: {NAME: REFERENCE}`"
) -> ImageSetter:
    """Return `config` if it sets an image. Otherwise raise ConfigError with the location of the first document."""
    if not config.images and not config.registries:
        error = ConfigError(f"no image to set; {suggestion}")
        raise documents[0].located(error) if documents else error
    return config


def decode_image(argument: str) -> ImageRule:
    """Return the rule for the argument of `--image`. Raises ConfigError if it is invalid.

    The argument is `NAME=REFERENCE`, or one of the forms `NAME:TAG` and `NAME@DIGEST` of kustomize:
    https://kubectl.docs.kubernetes.io/references/kustomize/cmd/edit/set/image.
    """
    name, equals, reference = argument.partition("=")
    try:
        if equals:
            return whole_image_rule(name, reference, f"--image {name}=")
        old = check_reference(argument)
        if old.tag is not None or old.digest is not None:
            return image_rule(old.name, new_tag=old.tag, digest=old.digest)
    except ImageSetterError as error:
        raise ConfigError(f'--image "{argument}": {error.message}') from error
    raise ConfigError(f'--image "{argument}": expected NAME=REFERENCE or NAME:TAG, such as `--image nginx:1.27`')


def decode_registry(argument: str) -> RegistryRule:
    """Return the rule for the argument `FROM=TO` of `--registry`. Raises ConfigError if it is invalid."""
    from_, equals, to = argument.partition("=")
    if not equals:
        raise ConfigError(
            f'--registry "{argument}": expected FROM=TO, such as `--registry docker.io=mirror.example`'
        )
    try:
        return registry_rule(from_, to)
    except ImageSetterError as error:
        raise ConfigError(f'--registry "{argument}": {error.message}') from error


def decode_images(arguments: Iterable[str]) -> Iterator[ImageRule]:
    """Yield the rules of the arguments of `--image`. Raises ConfigError if one is invalid, or if two differ."""
    known: dict[Reference, tuple[str, Reference]] = {}
    for argument in arguments:
        rule = decode_image(argument)
        first, target = known.setdefault(rule.name.normalized, (argument, rule.target))
        if target.normalized != rule.target.normalized:
            raise ConfigError(
                f'--image "{argument}": image "{rule.name}" is set to {rule.target} here and to {target} '
                f'by --image "{first}"; remove one of them'
            )
        yield rule


def decode_registries(arguments: Iterable[str]) -> Iterator[RegistryRule]:
    """Yield the rules of arguments of `--registry`. Raises ConfigError if one is invalid, or if two differ."""
    known: dict[str, tuple[str, str]] = {}
    for argument in arguments:
        rule = decode_registry(argument)
        first, to = known.setdefault(rule.from_, (argument, rule.to))
        if to != rule.to:
            raise ConfigError(
                f'--registry "{argument}": registry "{rule.from_}" is moved to {rule.to} here and to {to} '
                f'by --registry "{first}"; remove one of them'
            )
        yield rule


def decode_kind(argument: str) -> KindRule:
    """Return the rule for the argument of `--kind`: `KIND=PATH` or `KIND.GROUP=PATH`.

    Raises ConfigError if the argument is invalid.
    """
    kind, equals, path = argument.partition("=")
    if not equals or not kind:
        raise ConfigError(
            f'--kind "{argument}": expected KIND=PATH or KIND.GROUP=PATH, such as '
            "`--kind 'KafkaConnect={.spec.image}'`"
        )
    try:
        return KindRule(decode_group_kind(kind), parse_path(path))
    except ImageSetterError as error:
        raise ConfigError(f'--kind "{argument}": {message_with_column(error)}') from error


def decode_kustomize_entries(images: Value) -> Iterator[tuple[Value, ImageRule]]:
    """Yield each `images` entry of a kustomization with its rule. Raises ConfigError if an entry is invalid."""
    for entry in _entries(images):
        arguments = {**entry.arguments, "joined_name": True}
        yield entry.value, entry._replace(arguments=arguments).rule(None)._replace(needs_tag=True)


def _decode_document(document: Value) -> _Part:
    document.check_keys()
    try:
        return _decode_fields(document)
    except ShapeError as error:
        # The schema describes only an ImageSetter. For the kinds of other tools, report only the first error.
        explained = schema.explain(document) if is_image_setter(document) else None
        raise explained or error from error


def _decode_fields(document: Value) -> _Part:
    # If several fields are wrong, the first decoder in this order reports its field.
    decoders: dict[str, Callable[[Value], Any]] = {
        "images": lambda images: list(_entries(images)),
        "image": lambda image: [_entry(image)],
        "kinds": lambda kinds: list(decode_kinds(kinds)),
        "fieldSpecs": lambda specs: list(_field_specs(specs)),
        "files": lambda files: list(decode_files(files)),
        "registries": lambda registries: list(_registries(registries)),
        "defaultRegistry": _default_registry,
        "podSpecs": Value.boolean,
        "catalog": Value.boolean,
        "onUnused": lambda value: value.choice(ON_UNUSED),
        "imagePullPolicy": lambda value: value.choice(("Always", "IfNotPresent", "Never")),
        "ignore": lambda entries: list(_ignored(entries)),
    }
    fields = image_setter_fields(document)
    return {name: decoder(fields[name]) for name, decoder in decoders.items() if name in fields}


_ENTRY_FIELDS: Final = ("name", *STRING_ARGUMENTS, "from", "containers", "env", "args")
# The configuration fields that select resources, and the corresponding fields of Selector.
_SELECTOR_FIELDS: Final = {"kind": "kind", "apiVersion": "api_version", "name": "name", "namespace": "namespace"}


def _entries(images: Value) -> Iterator[_Entry]:
    if images.is_mapping:
        for name, value in images.entries():
            _built(value, partial(whole_image_rule, name, value.string()))
            yield _Entry(value, name, {"new_image": value.string()})
        return
    for entry in images.items():
        yield _entry(entry)


def _entry(entry: Value) -> _Entry:
    fields = entry.fields(_ENTRY_FIELDS, required=("name",))
    arguments: dict[str, Any] = {
        argument: fields[key].string() for key, argument in STRING_ARGUMENTS.items() if key in fields
    }
    if "from" in fields:
        arguments["source"] = _source(fields["from"])
    if "containers" in fields:
        arguments["containers"] = tuple(name.string() for name in fields["containers"].one_or_more())
    arguments["uses"] = _uses(fields)
    return _Entry(entry, fields["name"].string(), arguments)


def _uses(fields: Mapping[str, Value]) -> tuple[str, ...]:
    """Return the uses for which an entry sets references: images, variables with `env`, arguments with `args`."""
    return IMAGE, *(use for use in (ENV, ARGS) if use in fields and fields[use].boolean())


def _source(value: Value) -> ImageSource:
    fields = value.fields((*_SELECTOR_FIELDS, "path"), required=("kind", "name", "path"))
    selector = _selector(fields)
    if selector.kind == SECRET:
        fields["kind"].fail("`from` cannot take a value from a Secret; copy the reference to another resource")
    return ImageSource(selector, _path(fields["path"]))


def _registries(registries: Value) -> Iterator[RegistryRule]:
    for entry in registries.items():
        fields = entry.fields(("from", "to", "env", "args", "exclude"), required=("from", "to"))
        patterns = fields["exclude"].one_or_more() if "exclude" in fields else ()
        exclude = tuple(pattern.string() for pattern in patterns)
        from_, to = fields["from"].string(), fields["to"].string()
        rule = _built(entry, partial(registry_rule, from_, to, uses=_uses(fields), exclude=exclude))
        yield rule._replace(config_location=entry.location())


def _ignored(entries: Value) -> Iterator[Ignored]:
    for entry in entries.items():
        fields = entry.fields(Ignored._fields, required=Ignored._fields)
        yield Ignored(fields["image"].string(), fields["reason"].string())


def _default_registry(value: Value) -> DefaultRegistry:
    fields = value.fields(("host", "singleName"), required=("host",))
    single_name = fields["singleName"].string() if "singleName" in fields else None
    return _built(value, partial(default_registry, fields["host"].string(), single_name))


def decode_kinds(kinds: Value) -> Iterator[KindRule]:
    """Yield the rules in `kinds`, one per path. Raises ConfigError if an entry is invalid."""
    if kinds.is_mapping:
        for kind, paths in kinds.entries():
            yield from _path_rules(_built(paths, partial(decode_group_kind, kind)), paths)
        return
    for entry in kinds.items():
        fields = entry.fields((*_SELECTOR_FIELDS, "paths"), required=("paths",))
        selector = _selector(fields)
        if not (selector.kind or selector.name or selector.namespace):
            entry.fail("the selector matches every resource; add `kind`, `name` or `namespace`")
        yield from _path_rules(selector, fields["paths"])


def decode_files(files: Value) -> Iterator[FileRule]:
    """Yield the rules in `files`. Raises ConfigError if an entry is invalid."""
    from krm_image_setter.globs import check_globs  # noqa: PLC0415  (few runs need it)

    for entry in files.items():
        fields = entry.fields(("files", "podSpecs", "paths"), required=("files",))
        globs = tuple(glob.string() for glob in fields["files"].one_or_more())
        _built(fields["files"], partial(check_globs, globs))
        pod_specs = "podSpecs" in fields and fields["podSpecs"].boolean()
        paths = tuple(_path_rules(Selector(files=globs), fields["paths"])) if "paths" in fields else ()
        if not (paths or pod_specs):
            entry.fail("the entry finds no images; add `paths` or `podSpecs: true`")
        yield FileRule(globs, tuple(rule._replace(origin="files") for rule in paths), pod_specs)


def _field_specs(specs: Value) -> Iterator[KindRule]:
    """Yield the rules for kustomize's field specs. As in kustomize, `create` has no effect on images."""
    from krm_image_setter.paths import field_spec  # noqa: PLC0415  (only kustomize uses field specs)

    for spec in specs.items():
        fields = spec.fields(("group", "version", "kind", "path", "create"), required=("path",))
        group, version, kind = (
            fields[key].string() if key in fields else "" for key in ("group", "version", "kind")
        )
        path = _built(fields["path"], partial(field_spec.parse, fields["path"].string()))
        for api_version in field_spec_api_versions(group, version):
            yield KindRule(Selector(kind, api_version), path, config_location=spec.location())


def _selector(fields: Mapping[str, Value]) -> Selector:
    patterns: dict[str, Any] = {
        _SELECTOR_FIELDS[key]: value.string() for key, value in fields.items() if key in _SELECTOR_FIELDS
    }
    return Selector(**patterns)


def _path_rules(selector: Selector, paths: Value) -> Iterator[KindRule]:
    for path in paths.one_or_more():
        if not path.is_mapping:
            yield KindRule(selector, _path(path), config_location=path.location())
            continue
        fields = path.fields(("path", "fields", "part", "of", "as", "paths"), required=("path",))
        form = _form(path, fields)
        yield KindRule(selector, _path(fields["path"]), form, config_location=path.location())


# Maps each value of `as` to a module and the name of a form in it. Other forms depend on the field `paths`.
_FORMS: Final = {
    "text": ("forms", "TEXT"),
    "yaml": (),
    "json": (),
    "values": ("values", "VALUES"),
    "jsonPatch": ("json_patch", "JSON_PATCH"),
    "override": ("override", "OVERRIDE"),
    "kustomize": ("kustomize_entry", "KUSTOMIZE"),
    "relatedImage": ("forms", "RELATED_IMAGE"),
}


def _form(value: Value, fields: Mapping[str, Value]) -> Form:
    forms = [key for key in ("fields", "part", "as") if key in fields]
    part = fields["part"].choice(("reference", "name", "tag", "digest")) if "part" in fields else "reference"
    form = fields["as"].choice(tuple(_FORMS)) if "as" in fields else ""
    parts = _split(fields["fields"]) if "fields" in fields else None
    of = fields["of"].string() if "of" in fields else ""
    rules = tuple(_path_rules(Selector(), fields["paths"])) if "paths" in fields else ()
    if len(forms) > 1:
        value.fail(f"`{forms[0]}` cannot be combined with `{forms[1]}`")
    if part in ("tag", "digest") and not of:
        value.fail(f"`part: {part}` requires `of`, the name of the image that the {part} belongs to")
    if of and part not in ("tag", "digest"):
        value.fail("`of` requires `part: tag` or `part: digest`")
    if of and _built(fields["of"], partial(check_reference, of))[1:] != (None, None):
        fields["of"].fail("expected an image name without a tag or digest")
    if rules and form not in ("yaml", "json"):
        value.fail("`paths` requires `as: yaml` or `as: json`")
    if parts is not None:
        return parts
    if form in ("yaml", "json"):
        return Embedded(form, rules)
    if form:
        from importlib import import_module  # noqa: PLC0415  (few runs need it)

        module, name = _FORMS[form]
        decoded: Form = getattr(import_module(f"krm_image_setter.locators.{module}"), name)
        return decoded
    return Part(part, of) if part != "reference" else WHOLE


def _split(value: Value) -> Split:
    fields = value.fields(Split._fields, required=("repository",))
    return Split(**{key: field.string() for key, field in fields.items()})


def _path(value: Value) -> Path:
    return _built(value, partial(parse_path, value.string()))


def decode_group_kind(text: str) -> Selector:
    """Return the selector for `KIND` or `KIND.GROUP`. Raises ConfigError if the text is something else.

    The notation is that of apimachinery's GroupKind.
    """
    kind, dot, group = text.partition(".")
    if not kind or (dot and not group):
        raise ConfigError(f'invalid kind "{text}"; expected KIND or KIND.GROUP')
    return Selector(kind=kind, api_version=f"{group}/*" if group else "")


def _built(value: Value, build: Callable[[], T]) -> T:
    """Return the result of `build`. An error gets the location of `value`, or of the field that it names."""
    try:
        return build()
    except ImageSetterError as error:
        key, error.field = error.field, None
        raise value.located(ConfigError(message_with_column(error)), key=key) from error


def message_with_column(error: ImageSetterError) -> str:
    """Return the message of an error, with the column if there is one. Only errors in a path have a column."""
    return error.message if error.column is None else f"{error.message} (column {error.column} of the path)"


def _agreed(parts: list[tuple[Value, _Part]], field: str) -> Any:
    """Return the value of a field, or None if no document has it. Raises ConfigError if two documents differ."""
    found = [(document, part[field]) for document, part in parts if field in part]
    for document, value in found[1:]:
        first, agreed = found[0]
        if value != agreed:
            other = f"{_shown(agreed)} at {first.location(field)}"
            document.fail(f"{_shown(value)} contradicts {other}; remove one of them", field)
    return found[0][1] if found else None


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(getattr(value, "host", value))


def _check_contradictions(rules: list[list[tuple[Value, ImageRule]]]) -> None:
    """Raise ConfigError if two documents set an image differently. Within a document, the first entry wins."""
    known: dict[tuple[Any, ...], tuple[Value, ImageRule]] = {}
    for entries in rules:
        new = {
            (rule.name.normalized_name, *rule.name[1:], rule.scopes[0].containers): (value, rule)
            for value, rule in reversed(entries)
        }
        for key, (value, rule) in new.items():
            other_value, other = known.setdefault(key, (value, rule))
            if other._replace(name=rule.name) != rule:
                where = other_value.location()
                value.fail(f'image "{rule.name}" is set differently at {where}; remove one of the entries')
