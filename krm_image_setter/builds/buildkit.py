"""Reads BuildKit's metadata, which `docker buildx build` or `docker buildx bake` writes with `--metadata-file`.

The metadata of a bake contains one object per target, with the same keys as the metadata of a build. See
https://docs.docker.com/reference/cli/docker/buildx/build/#metadata-file. The keys are defined in
exporter/containerimage/exptypes/keys.go of https://github.com/moby/buildkit.
"""

from __future__ import annotations

from collections.abc import Iterator

from krm_image_setter.builds.reading import BuiltImage, image_of_its_name
from krm_image_setter.config import Value
from krm_image_setter.images import parse_reference
from krm_image_setter.images.reference import DIGEST_RULE, is_digest
from krm_image_setter.typed import Any, Final

_KEYS: Final = ("image.name", "containerimage.", "buildx.build.")


def is_buildkit(data: dict[str, Any]) -> bool:
    """Return whether a document is the metadata of a build or a bake."""
    return any(_is_build(part) for part in (data, *data.values()))


def _is_build(data: Any) -> bool:
    return isinstance(data, dict) and any(key.startswith(_KEYS) for key in data)


def read_buildkit(document: Value) -> Iterator[BuiltImage]:
    """Yield the images of a build, or of each target of a bake. Raises ConfigError.

    An image is set to its tag and its digest. People read the tag, and the cluster uses the digest. If a build has
    several tags in one repository, the first tag is used. Builds without a tag are skipped. Objects that are not a
    target, such as the warnings, are skipped too.
    """
    for build in (document, *(value for _, value in document.entries() if _is_build(value.data))):
        if "image.name" not in build.data:
            continue
        names = build.child("image.name")
        digest = _digest(build)
        by_repository: dict[str, str] = {}
        for text in names.string().split(","):
            reference = parse_reference(text)
            pinned = reference._replace(digest=digest or reference.digest) if reference else text
            by_repository.setdefault(reference.normalized_name if reference else text, str(pinned))
        for text in by_repository.values():
            yield image_of_its_name(text, names.located)


def _digest(build: Value) -> str | None:
    """Return the digest of the manifest that was built, or None if the metadata contains none.

    Docker's own image store does not know this digest before a push. Docker then writes the image ID, which is the
    digest of the image configuration. An image cannot be pulled by its ID. (See
    builder/builder-next/exporter/mobyexporter of https://github.com/moby/moby.)
    """
    fields = build.fields()
    digest = fields.get("containerimage.digest")
    descriptor = fields.get("containerimage.descriptor")
    if digest is None and descriptor is not None:
        digest = descriptor.fields(required=("digest",))["digest"]
    if digest is None or digest.data == build.data.get("containerimage.config.digest"):
        return None
    if not is_digest(digest.string()):
        digest.fail(f'invalid digest "{digest.data}"; {DIGEST_RULE}')
    return digest.string()
