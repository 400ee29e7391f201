"""Match images with patterns, as in `ignore`, in `exclude` of `registries`, and in `list --image`."""

from __future__ import annotations

from fnmatch import fnmatchcase

from krm_image_setter.images.reference import parse_reference


def matches_pattern(image: str, pattern: str) -> bool:
    """Return whether a pattern with wildcards matches an image in any spelling, with or without its tag.

    For example, `nginx`, `nginx:1.*` and `docker.io/library/*` match `nginx:1.27`. A text that is not a valid
    reference, such as `nginx:${TAG}`, is compared as it is.
    """
    texts = [image]
    reference = parse_reference(image)
    if reference is not None:
        names = (reference.name, reference.familiar_name, reference.normalized_name)
        texts += [text for name in names for text in (name, str(reference._replace(name=name)))]
    return any(fnmatchcase(text, pattern) for text in texts)
