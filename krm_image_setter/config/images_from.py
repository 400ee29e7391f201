"""What a build wrote -> rules: the files of `--images-from`, recognised by their content.

- Skaffold's `{"builds": [{"imageName": …, "tag": …}]}`, of `skaffold build --file-output`: an imageName is set to
  its tag, which is a whole reference (cmd/skaffold/app/flags/build_output.go and pkg/skaffold/graph of
  https://github.com/GoogleContainerTools/skaffold).
- BuildKit's metadata, of `docker buildx build --metadata-file`, and of `docker buildx bake --metadata-file`, which
  has one such object a target (https://docs.docker.com/reference/cli/docker/buildx/build/#metadata-file; the keys
  are in exporter/containerimage/exptypes/keys.go of https://github.com/moby/buildkit).
- kbld's lock files, of `kbld --imgpkg-lock-output` and `kbld --lock-output` (pkg/kbld/cmd/resolve.go and
  pkg/kbld/config of https://github.com/carvel-dev/kbld).
- The `images` of a kustomization, which mean what ours do
  (https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/).
- Compose files (https://github.com/compose-spec/compose-spec/blob/main/05-services.md#image).
- Lines `NAME=REFERENCE`, or a reference with a tag or digest, which is set wherever its own name stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from krm_image_setter.config import read_values
from krm_image_setter.config.compatible import IMAGE_FIELDS
from krm_image_setter.config.decode import decode_kustomize_entries
from krm_image_setter.config.value import Value
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import ImageRule, InvalidReference, Reference, image_rule, parse_reference
from krm_image_setter.images.reference import is_digest


class Images(NamedTuple):
    """The rules that files give, and what was left out of them, a sentence each."""

    rules: tuple[ImageRule, ...]
    warnings: tuple[str, ...]


_Place = Callable[[ConfigError], ConfigError]


class _Found(NamedTuple):
    """A rule, and what places an error where it stands."""

    rule: ImageRule
    place: _Place

    @property
    def sets(self) -> str:
        """What it sets an image to, in words."""
        suffix = f" with the tagSuffix {self.rule.tag_suffix}" if self.rule.tag_suffix else ""
        return f"{self.rule.target}{suffix}"

    def where(self, other: _Found) -> str:
        """Where it stands, in words; its file only if that is not the other's."""
        here, there = (found.place(ConfigError("")) for found in (self, other))
        place = here.field or f"line {here.line}"
        return place if here.file == there.file else f"{here.file}, {place}"


class _Format(NamedTuple):
    """What a format is called, whether a mapping is of it, and what is found in one: a ConfigError is left out."""

    name: str
    recognises: Callable[[dict[str, Any]], bool]
    read: Callable[[Value], Iterator[_Found | ConfigError]]


def read_images(files: Iterable[tuple[str, str]]) -> Images:
    """Return the rules that files give together, each a text and the name that errors call it by.

    A rule for a name with a tag or digest comes before those for any tag.

    Raises ConfigError where a file is of no known format, names no image or is wrong, and where one name is set
    to different references: the same one twice is fine.
    """
    found: dict[tuple[str, ...], _Found] = {}
    warnings: list[str] = []
    for text, file in files:
        for entry in _entries(text.removeprefix("\ufeff"), file):
            if isinstance(entry, ConfigError):
                warnings.append(str(entry))
                continue
            name = entry.rule.name
            first = found.setdefault((name.normalized_name, str(name._replace(name=""))), entry)
            if first.sets != entry.sets:
                before = f"{first.sets} in {first.where(entry)}"
                message = f'"{name}" is set to {entry.sets} here and to {before}: keep one'
                raise entry.place(ConfigError(message))
    rules = sorted((entry.rule for entry in found.values()), key=lambda rule: _is_bare(rule.name))
    return Images(tuple(rules), tuple(warnings))


_COMMENT: Final = re.compile(r"(?:^|\s)#.*")


def _entries(text: str, file: str) -> Iterator[_Found | ConfigError]:
    lines = [
        (number, content)
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1)
        if (content := _COMMENT.sub("", line).strip())
    ]
    if lines and _is_line(lines[0][1]):
        for number, line in lines:
            yield _read_line(line, _at_line(file, number))
        return
    documents = read_values(text, file)
    if not documents:
        raise ConfigError(f"this is empty: give {_KNOWN}", file=file)
    for document in documents:
        yield from _read_document(document)


def _read_document(document: Value) -> list[_Found | ConfigError]:
    form = next((form for form in _FORMATS if document.is_mapping and form.recognises(document.data)), None)
    if form is None:
        document.fail(f"this is nothing that images are read from: give {_KNOWN}")
    entries = list(form.read(document))
    if not any(isinstance(entry, _Found) for entry in entries):
        left_out = [entry for entry in entries if isinstance(entry, ConfigError)]
        none = ConfigError(f"this {form.name} names no image: give one that does")
        raise left_out[0] if left_out else document.place(none)
    return entries


def _is_line(text: str) -> bool:
    """Say whether a first line is `NAME=REFERENCE` or a reference: no YAML or JSON that is read here starts so."""
    name, equals, _ = text.partition("=")
    return parse_reference(text) is not None or bool(equals and not re.search(r"""[\s"'{]""", name.strip()))


def _at_line(file: str, number: int) -> _Place:
    return lambda error: error.at(file=file, line=number)


def _read_line(line: str, place: _Place) -> _Found:
    name, equals, reference = line.partition("=")
    return _found(name, reference, place) if equals else _own(line, place)


def _found(name: str, reference: str, place: _Place, name_place: _Place | None = None) -> _Found:
    """Return the rule that sets `name` to `reference`. Raises ConfigError at the one of the two that is wrong."""
    try:
        return _Found(image_rule(name, new_image=reference), place)
    except InvalidReference as error:
        at = name_place if name_place and error.field == "name" else place
        raise at(ConfigError(error.message)) from error


def _own(text: str, place: _Place) -> _Found:
    """Return the rule that sets the image of its own name to the reference `text`."""
    reference = parse_reference(text)
    if reference is None:
        return _found(text, text, place)  # which says what is wrong with it
    if _is_bare(reference):
        raise place(ConfigError(f'"{text}" has neither tag nor digest: give it one, or NAME=REFERENCE'))
    return _found(reference.name, text, place)


def _is_bare(reference: Reference) -> bool:
    return reference.tag is None and reference.digest is None


def _pair(value: Value, name: str, reference: str) -> _Found:
    """Return the rule of a mapping that has a name and a reference in fields of these names, beside others."""
    fields = _fields(value, name, reference)
    names, references = fields[name], fields[reference]
    return _found(names.string(), references.string(), references.place, names.place)


def _fields(value: Value, *required: str) -> dict[str, Value]:
    """Return the fields of a mapping that may have any. Raises ShapeError where it has not the required ones."""
    return value.fields(value.data if value.is_mapping else (), required=required)


def _skaffold(document: Value) -> Iterator[_Found]:
    builds = document.child("builds")
    for build in builds.items() if builds.data is not None else ():  # Go writes an empty list as null
        yield _pair(build, "imageName", "tag")


_METADATA: Final = ("image.name", "containerimage.", "buildx.build.")


def _is_metadata(data: dict[str, Any]) -> bool:
    return any(_is_result(part) for part in (data, *data.values()))


def _is_result(data: Any) -> bool:
    return isinstance(data, dict) and any(key.startswith(_METADATA) for key in data)


def _metadata(document: Value) -> Iterator[_Found]:
    """Yield the images of a build, and of each target of a bake.

    An image is set to the tag that was built and to its digest: the tag tells people what runs, the digest tells
    the cluster. Several tags of one repository are one image: the first is taken. What was built without a tag,
    and what is no target, such as warnings, names no image.
    """
    for result in (document, *(value for _, value in document.entries() if _is_result(value.data))):
        if "image.name" not in result.data:
            continue
        names = result.child("image.name")
        digest = _digest(result)
        first: dict[str, str] = {}
        for text in names.string().split(","):
            reference = parse_reference(text)
            pinned = reference._replace(digest=digest or reference.digest) if reference else text
            first.setdefault(reference.normalized_name if reference else text, str(pinned))
        for text in first.values():
            yield _own(text, names.place)


def _digest(result: Value) -> str | None:
    """Return the digest of the manifest that was built.

    Docker's own image store has none before a push: it gives the ID of the image, which is the digest of its
    configuration and can't be pulled (builder/builder-next/exporter/mobyexporter of https://github.com/moby/moby).
    """
    fields = _fields(result)
    digest = fields.get("containerimage.digest")
    descriptor = fields.get("containerimage.descriptor")
    if digest is None and descriptor is not None:
        digest = _fields(descriptor, "digest")["digest"]
    if digest is None or digest.data == result.data.get("containerimage.config.digest"):
        return None
    if not is_digest(digest.string()):
        digest.fail(f'"{digest.data}" is no digest: give one such as sha256: and 64 hex digits')
    return digest.string()


_KBLD_ID: Final = "kbld.carvel.dev/id"


def _images_lock(document: Value) -> Iterator[_Found]:
    """Yield the images of an ImagesLock; without kbld's annotation the name is the image's own."""
    images = _fields(document).get("images")
    for entry in images.items() if images else ():
        fields = _fields(entry, "image")
        annotations = _fields(fields["annotations"]) if "annotations" in fields else {}
        if _KBLD_ID in annotations:
            name, image = annotations[_KBLD_ID], fields["image"]
            yield _found(name.string(), image.string(), image.place, name.place)
        else:
            yield _own(fields["image"].string(), fields["image"].place)


def _kbld_config(document: Value) -> Iterator[_Found]:
    """Yield the overrides of a Config. Tags are not chosen here: a lock file says what kbld chose."""
    overrides = _fields(document).get("overrides")
    for entry in overrides.items() if overrides else ():
        fields = _fields(entry)
        if "tagSelection" in fields:
            fields["tagSelection"].fail("kbld chooses this tag: give what kbld --lock-output writes")
        yield _pair(entry, "image" if "image" in fields else "imageRepo", "newImage")


_KUSTOMIZATION_FIELDS: Final = tuple(field for field in IMAGE_FIELDS if field != "newImage")


def _kustomization(document: Value) -> Iterator[_Found]:
    images = _fields(document).get("images")
    if images is None:
        return
    for entry in images.items():
        entry.fields(_KUSTOMIZATION_FIELDS, required=("name",))
    for entry, rule in decode_kustomize_entries(images):
        yield _Found(rule, entry.place)


def _compose(document: Value) -> Iterator[_Found | ConfigError]:
    """Yield the images of the services. One with variables, or for any version, is left out.

    Raises ConfigError for a repeated key, as docker compose does. Readers of the other formats take the last one.
    """
    document.check_keys()
    for service in _fields(document.child("services")).values():
        image = _fields(service).get("image")
        if image is None:
            continue
        text = image.string()
        reference = parse_reference(text)
        if "$" in text:
            advice = "give what docker compose config writes"
            yield image.place(ConfigError(f'"{text}" is left out, it has variables: {advice}'))
        elif reference is not None and _is_bare(reference):
            yield image.place(ConfigError(f'"{text}" is left out, it has neither tag nor digest: give it one'))
        else:
            yield _own(text, image.place)


_KBLD_KINDS: Final = ("Config", "ImageOverrides")
_KUSTOMIZE_KINDS: Final = (None, "Kustomization", "Component")
_FORMATS: Final = (
    _Format("Skaffold build output", lambda data: "builds" in data and "kind" not in data, _skaffold),
    _Format("BuildKit metadata", _is_metadata, _metadata),
    _Format(
        "kbld lock file",
        lambda data: data.get("apiVersion") == "imgpkg.carvel.dev/v1alpha1" and data.get("kind") == "ImagesLock",
        _images_lock,
    ),
    _Format(
        "kbld configuration",
        lambda data: data.get("apiVersion") == "kbld.k14s.io/v1alpha1" and data.get("kind") in _KBLD_KINDS,
        _kbld_config,
    ),
    _Format("compose file", lambda data: "services" in data and "kind" not in data, _compose),
    _Format(
        "kustomization",
        lambda data: data.get("kind") in _KUSTOMIZE_KINDS and ("images" in data or "kind" in data),
        _kustomization,
    ),
)
_KNOWN: Final = (
    "what skaffold build --file-output, docker buildx build or bake --metadata-file, or kbld --lock-output or "
    "--imgpkg-lock-output writes, a kustomization, a compose file, or lines NAME=REFERENCE"
)
