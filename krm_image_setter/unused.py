"""The report about entries of a configuration that set nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.images import ImageRule, Reference, key_of, keys_of, parse_reference
from krm_image_setter.results import ERROR, WARNING, Result, did_you_mean
from krm_image_setter.rules import Rules
from krm_image_setter.scan import FoundImage, Scan


def unused_entries(
    config: ImageSetter, rules: Rules, total: Scan, images: Callable[[], Iterable[FoundImage]]
) -> list[Result]:
    """Return a result for each entry of `images` and each path of `kinds` that set nothing.

    `total` is the scan of all streams together. `images` returns all images in them; it is called only if an entry
    of `images` was not applied.
    """
    severity = ERROR if config.on_unused == "error" else WARNING
    return [Result(message, severity) for message in _messages(config, rules, total, images)]


def _messages(
    config: ImageSetter, rules: Rules, total: Scan, images: Callable[[], Iterable[FoundImage]]
) -> Iterator[str]:
    for path_rule in config.kinds:
        count = total.selected.get(path_rule.position, 0)
        if count and path_rule.position not in total.matched:
            where = "the one resource there" if count == 1 else f"any of {count} resources"
            yield (
                f'the path {path_rule.path.text} of kinds "{path_rule.selector}" leads nowhere in {where}: '
                "check the path"
            )
    # An argument, or a configuration before it, can repeat an entry on purpose.
    unused = [
        rule
        for position, rule in enumerate(rules.images.rules)
        if position not in total.applied and not rules.images.is_overridden(rule)
    ]
    if not unused:
        return
    seen = _Seen(images())
    compared = 0
    for rule in unused:
        if seen.has_set(rule):
            continue
        hint = did_you_mean(str(rule.name), seen.names) if compared < _MOST_COMPARED else _NO_HINT
        compared += len(seen.names)
        yield f'the image "{rule.name}" is nowhere to set: {hint}'


class _Seen:
    """All images in the streams: the names that messages can suggest, and what an earlier run can have set."""

    def __init__(self, images: Iterable[FoundImage]) -> None:
        self.names: set[str] = set()
        self._keys: dict[tuple[str, str | None, str | None], set[object]] = {}
        self._lone_names: set[str] = set()  # in fields that hold only the name
        for image in images:
            reference = parse_reference(image.image)
            if reference is None:
                continue
            self._add(reference, image)

    def _add(self, reference: Reference, image: FoundImage) -> None:
        for key in keys_of(reference):
            self._keys.setdefault(key, set()).add(image.place)
        if image.part == "name":
            self._lone_names.add(reference.normalized_name)
        if image.is_public:
            self.names.add(reference.familiar_name)

    def has_set(self, rule: ImageRule) -> bool:
        """Return whether an earlier run can have set an image by a rule: it is what the rule makes of it."""
        places = self._keys.get(key_of(rule.target), ())
        return rule.target.normalized_name in self._lone_names or any(map(rule.reaches, places))  # type: ignore[arg-type]


# To compare two names takes a fifth of a millisecond: many unused entries and many images would take hours.
_MOST_COMPARED: Final = 5_000
_NO_HINT: Final = "see in `krm-image-setter list` which images there are"
