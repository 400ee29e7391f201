"""Asks registries about images, with the options of `lock` and `verify`. No other module of `cli` does this."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from krm_image_setter.cli.workers import with_bar
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.images import Reference
from krm_image_setter.registry import Answer, Failed, Registries, Resolved, parse_platform
from krm_image_setter.typed import Record

__all__ = ["Answer", "Asking", "Failed", "Resolved"]


class Asking(Record):
    """The options about registries, as the user passed them."""

    platforms: Sequence[str] = ()
    single_platform: bool = False
    mirrors: Sequence[str] = ()
    plain_http: Sequence[str] = ()

    def ask(self, images: Iterable[Reference]) -> dict[Reference, Answer]:
        """Return the answers of the registries, with a progress bar on a terminal.

        Raises ImageSetterError if an option is invalid.
        """
        registries = Registries(
            platforms=list(map(parse_platform, self.platforms)),
            single_platform=self.single_platform,
            mirrors=dict(map(_mirror, self.mirrors)),
            plain_http=self.plain_http,
        )
        wanted = list(images)
        with registries:
            return dict(with_bar(registries.resolve(wanted), len(wanted), "images"))


def _mirror(text: str) -> tuple[str, str]:
    source, equals, target = text.partition("=")
    if not (source and equals and target):
        raise ImageSetterError(
            f'--mirror "{text}": expected FROM=TO, such as `--mirror docker.io=mirror.example.com/hub`'
        )
    return source, target
