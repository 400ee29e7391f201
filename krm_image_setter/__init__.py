"""Sets container images anywhere in Kubernetes YAML, custom resources included, and changes nothing else.

outcome = set_images(text, read_config("images: ..."))
outcomes = set_images_in({"a.yaml": text}, config)  # several texts as if they were one, by any `map`
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from krm_image_setter.config import ImageSetter, read_config
    from krm_image_setter.errors import ConfigError, ImageSetterError, InputError
    from krm_image_setter.results import Result
    from krm_image_setter.transform import Outcome, Outcomes, set_images, set_images_in

__all__ = [
    "ConfigError",
    "ImageSetter",
    "ImageSetterError",
    "InputError",
    "Outcome",
    "Outcomes",
    "Result",
    "read_config",
    "set_images",
    "set_images_in",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Return a public name when it is first asked for (PEP 562): the program starts before it loads them all."""
    from importlib import import_module  # noqa: PLC0415

    if name in __all__:
        for module in ("config", "errors", "results", "transform"):
            found = getattr(import_module(f"{__name__}.{module}"), name, None)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
