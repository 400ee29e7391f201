"""A skaffold.yaml -> ImageSetter: which images it builds, and where its `resourceSelector` says images are.

As skaffold reads them (GoogleContainerTools/skaffold, `pkg/skaffold/schema/latest`, `.../kubernetes/manifest`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from krm_image_setter.config import Value
from krm_image_setter.importers import Imported
from krm_image_setter.importers.reading import Notes, mentions, origin, read_documents, reference_of, text_of
from krm_image_setter.importers.writing import Entry, Kinds, field_spec_path, images_to_give, imported, listed

_ANYWHERE: Final = ".*"  # to skaffold: every field that is named image


def is_skaffold(document: Value) -> bool:
    """Say whether a document is a configuration of skaffold's."""
    return (
        document.is_mapping
        and document.data.get("kind") == "Config"
        and document.text_at("apiVersion").startswith("skaffold/")
    )


def import_skaffold(text: str, file: str) -> Imported:
    """Return the ImageSetter that says what the configurations in `text` say; `file` is its name.

    Raises ConfigError where the text is not YAML.
    """
    skaffold = _Skaffold()
    for document in read_documents(text, file):
        if is_skaffold(document):
            skaffold.add(document)
    return imported(file, skaffold.lines(), skaffold.notes.by_line())


class _Skaffold:
    """Gathers what the configurations say."""

    def __init__(self) -> None:
        self.notes = Notes()
        self._images: dict[str, dict[str, None]] = {}
        self._kinds = Kinds()

    def add(self, document: Value) -> None:
        """Add what a configuration and its profiles say of images."""
        fields = self.notes.fields(document, ("requires", "profiles"), about=None)
        self.notes.each(fields, "requires", self._tell_of_required)
        self._add_pipeline("", document)
        self.notes.each(fields, "profiles", self._add_profile)

    def lines(self) -> Iterator[str]:
        """Yield what is written."""
        images = [Entry(origins, {"name": name}) for name, origins in self._images.items()]
        yield from images_to_give("A skaffold.yaml doesn't say the new references.", images)
        yield from listed("kinds", self._kinds.entries())

    def _inner(self, fields: Mapping[str, Value], key: str, *known: str) -> dict[str, Value]:
        """Return the known fields of what stands under `key`; most of skaffold's are not about images."""
        if key in fields:
            with self.notes.kept(fields[key]):
                return self.notes.fields(fields[key], known, about=None)
        return {}

    def _add_profile(self, profile: Value) -> None:
        fields = self.notes.fields(profile, ("name", "patches"), about=None)
        name = text_of(fields["name"]) if "name" in fields else ""
        self._add_pipeline(f', in the profile "{name}"', profile)
        self.notes.each(fields, "patches", self._tell_of_patch)

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
            self.notes.each(helm, "releases", self._tell_of_release)

    def _add_artifact(self, where: str, artifact: Value) -> None:
        fields = self.notes.fields(artifact, ("image",), about="image")
        if "image" not in fields:
            artifact.fail("image is missing: add it")
        if fields["image"].string().startswith("ko://"):
            fields["image"].fail("an import path is no reference here: leave it to ko")
        self._images.setdefault(str(reference_of(fields["image"])), {})[origin(artifact) + where] = None

    def _deny(self, denied: set[tuple[str, str]], resource: Value) -> None:
        group_kind, fields = self._filter(resource)
        self.notes.each(fields, "image", lambda path: denied.add((group_kind, path.string())))
        if "image" in fields:
            message = "no field can be taken out here: see that no path leads there, nor to a pod spec there"
            self.notes.add(resource, message, key="image")

    def _allow(self, where: str, denied: set[tuple[str, str]], resource: Value) -> None:
        group_kind, fields = self._filter(resource)
        kind, _, group = group_kind.partition(".")
        selector = {"kind": kind, "apiVersion": f"{group}/*" if group else "v1"}

        def allow(path: Value) -> None:
            if not denied & {(group_kind, path.string()), (group_kind, _ANYWHERE)}:
                self._kinds.add(origin(resource) + where, selector, [_path(path)])

        self.notes.each(fields, "image", allow)

    def _filter(self, resource: Value) -> tuple[str, dict[str, Value]]:
        """Return the group and kind of a ResourceFilter, and its fields."""
        fields = self.notes.fields(resource, ("groupKind", "image", "labels", "podSpec"))
        if "groupKind" not in fields:
            resource.fail("groupKind is missing: add it")
        group_kind = text_of(fields["groupKind"])
        if group_kind.startswith("."):
            fields["groupKind"].fail("the kind is missing: give Kind or Kind.group")
        return group_kind, fields

    def _tell_of_required(self, required: Value) -> None:
        if required.is_mapping and required.data.keys() <= {"configs", "activeProfiles"}:  # of the same file
            return
        required.fail("this is not read: import its skaffold.yaml too")

    def _tell_of_patch(self, patch: Value) -> None:
        path = patch.data.get("path") if patch.is_mapping else None
        if isinstance(path, str) and re.fullmatch(_IMAGES_BY_POINTER, path):
            patch.fail("this has to do with images and is not applied: add by hand what it changes")

    def _tell_of_release(self, release: Value) -> None:
        fields = self.notes.fields(release, ("artifactOverrides", "setValueTemplates"), about=None)
        templates = fields["setValueTemplates"].data if "setValueTemplates" in fields else None
        if "artifactOverrides" in fields or mentions(templates, r"\.IMAGE_"):
            message = "the chart gets an image by its values: give it the image's name, and set what helm writes"
            release.fail(message)


def _path(path: Value) -> str:
    """Return skaffold's path: keys behind dots, through lists as if they were not there."""
    text = text_of(path)
    if text == _ANYWHERE:
        return "{..image}"
    first, *keys = text.split(".")
    if first or not all(keys) or "\\" in text:
        path.fail("skaffold finds nothing there: give a path such as .spec.image")
    return field_spec_path("/".join(key.replace("/", "\\/") for key in keys))


# JSON pointers to artifacts, their names, and where images are.
_IMAGES_BY_POINTER: Final = r"/build(/artifacts(/[^/]+(/image)?)?)?|/resourceSelector(/.*)?"
