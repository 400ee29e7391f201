"""The importer for skaffold.yaml: imports the images that Skaffold builds, and the paths in `resourceSelector`.

The fields have the same meaning as in Skaffold (`pkg/skaffold/schema/latest` and
`pkg/skaffold/kubernetes/manifest` of GoogleContainerTools/skaffold).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial

from krm_image_setter.config import Value
from krm_image_setter.importers import NOT_IMPORTED, Imported, Source
from krm_image_setter.importers.reading import Notes, contains, origin, reference_of, text_of
from krm_image_setter.importers.writing import Entry, Kinds, field_spec_path, images_to_complete, imported, listed
from krm_image_setter.typed import Final

# In Skaffold, this path means every field with the name "image".
_ANYWHERE: Final = ".*"


def is_skaffold(source: Source) -> bool:
    """Return whether one of the documents in `source` is a configuration of Skaffold."""
    return any(map(_is_skaffold, source.documents))


def _is_skaffold(document: Value) -> bool:
    return (
        document.is_mapping
        and document.data.get("kind") == "Config"
        and document.text_at("apiVersion").startswith("skaffold/")
    )


def import_skaffold(source: Source) -> Imported:
    """Convert the configurations of Skaffold to an ImageSetter. Raises ConfigError if the text is not YAML."""
    skaffold = _Skaffold()
    for document in filter(_is_skaffold, source.documents):
        skaffold.add(document)
    return imported(source.file, skaffold.lines(), skaffold.notes.by_line())


class _Skaffold:
    def __init__(self) -> None:
        self.notes = Notes()
        self._images: dict[str, dict[str, None]] = {}
        self._kinds = Kinds()

    def add(self, document: Value) -> None:
        """Add the images and paths of a configuration, and of its profiles."""
        fields = self.notes.fields(document, ("requires", "profiles"), about=None)
        self.notes.each(fields, "requires", self._note_required)
        self._add_pipeline("", document)
        self.notes.each(fields, "profiles", self._add_profile)

    def lines(self) -> Iterator[str]:
        """Yield the lines of the ImageSetter's fields."""
        images = [Entry(origins, {"name": name}) for name, origins in self._images.items()]
        yield from images_to_complete("skaffold.yaml does not contain the new references.", images)
        yield from listed("kinds", self._kinds.entries())

    def _inner(self, fields: Mapping[str, Value], key: str, *known: str) -> dict[str, Value]:
        """Return the `known` fields of the mapping in the field `key`. Add no notes about its other fields."""
        if key in fields:
            with self.notes.catching(fields[key]):
                return self.notes.fields(fields[key], known, about=None)
        return {}

    def _add_profile(self, profile: Value) -> None:
        fields = self.notes.fields(profile, ("name", "patches"), about=None)
        name = text_of(fields["name"]) if "name" in fields else ""
        self._add_pipeline(f', profile "{name}"', profile)
        self.notes.each(fields, "patches", self._note_patch)

    def _add_pipeline(self, where: str, pipeline: Value) -> None:
        fields = self.notes.fields(pipeline, ("build", "resourceSelector", "manifests", "deploy"), about=None)
        build = self._inner(fields, "build", "artifacts")
        self.notes.each(build, "artifacts", partial(self._add_artifact, where))
        selector = self._inner(fields, "resourceSelector", "allow", "deny")
        denied: set[tuple[str, str]] = set()
        self.notes.each(selector, "deny", partial(self._deny, denied))
        self.notes.each(selector, "allow", partial(self._allow, where, denied))
        for key in ("manifests", "deploy"):
            helm = self._inner(self._inner(fields, key, "helm"), "helm", "releases")
            self.notes.each(helm, "releases", self._note_release)

    def _add_artifact(self, where: str, artifact: Value) -> None:
        fields = self.notes.fields(artifact, ("image",), required="image", about="image")
        if fields["image"].string().startswith("ko://"):
            fields["image"].fail("ko resolves `ko://` import paths itself")
        self._images.setdefault(str(reference_of(fields["image"])), {})[origin(artifact) + where] = None

    def _deny(self, denied: set[tuple[str, str]], resource: Value) -> None:
        group_kind, fields = self._filter(resource)
        self.notes.each(fields, "image", lambda path: denied.add((group_kind, path.string())))
        if "image" in fields:
            message = "fields cannot be excluded; check that no path and no pod spec matches this field"
            self.notes.add(resource, NOT_IMPORTED + message, key="image")

    def _allow(self, where: str, denied: set[tuple[str, str]], resource: Value) -> None:
        group_kind, fields = self._filter(resource)
        kind, _, group = group_kind.partition(".")
        selector = {"kind": kind, "apiVersion": f"{group}/*" if group else "v1"}

        def allow(path: Value) -> None:
            if not denied & {(group_kind, path.string()), (group_kind, _ANYWHERE)}:
                self._kinds.add(origin(resource) + where, selector, [_path(path)])

        self.notes.each(fields, "image", allow)

    def _filter(self, resource: Value) -> tuple[str, dict[str, Value]]:
        """Return the group and kind in a ResourceFilter of Skaffold, and the fields of the filter."""
        fields = self.notes.fields(resource, ("groupKind", "image", "labels", "podSpec"), required="groupKind")
        group_kind = text_of(fields["groupKind"])
        if group_kind.startswith("."):
            fields["groupKind"].fail(f'invalid kind "{group_kind}"; expected KIND or KIND.GROUP')
        return group_kind, fields

    def _note_required(self, required: Value) -> None:
        # A required configuration with only these fields is in the same file.
        if not (required.is_mapping and required.data.keys() <= {"configs", "activeProfiles"}):
            required.fail("another skaffold.yaml was not read; import it separately")

    def _note_patch(self, patch: Value) -> None:
        path = patch.data.get("path") if patch.is_mapping else None
        if isinstance(path, str) and re.fullmatch(_IMAGES_BY_POINTER, path):
            patch.fail("the patch changes images; apply it by hand")

    def _note_release(self, release: Value) -> None:
        fields = self.notes.fields(release, ("artifactOverrides", "setValueTemplates"), about=None)
        templates = fields["setValueTemplates"].data if "setValueTemplates" in fields else None
        if "artifactOverrides" in fields or contains(templates, r"\.IMAGE_"):
            release.fail(
                "Skaffold passes the image as a Helm value; write the name of the image into the values, and run "
                "krm-image-setter on the output of `helm template`"
            )


def _path(path: Value) -> str:
    """Convert a path of Skaffold to a path of an ImageSetter. Skaffold's paths omit the indexes of lists."""
    text = text_of(path)
    if text == _ANYWHERE:
        return "{..image}"
    first, *keys = text.split(".")
    if first or not all(keys) or "\\" in text:
        path.fail(f'invalid path "{text}"; expected one such as .spec.image')
    return field_spec_path("/".join(key.replace("/", "\\/") for key in keys))


# This pattern matches JSON pointers to artifacts, to the image of an artifact, and to the paths of image fields.
_IMAGES_BY_POINTER: Final = r"/build(/artifacts(/[^/]+(/image)?)?)?|/resourceSelector(/.*)?"
