"""Set container images anywhere in Kubernetes YAML, also in custom resources, and change nothing else.

config = read_config({"images": {"nginx": "nginx:1.27"}})  # or YAML text, or a path
outcome = set_images(text, config)
outcomes = set_images_in({"a.yaml": text}, config)  # several texts as one stream
images = list_images(text)
"""

from krm_image_setter.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from krm_image_setter.config import ImageSetter
    from krm_image_setter.errors import ConfigError, ImageSetterError, InputError
    from krm_image_setter.library import Image, list_images, read_config
    from krm_image_setter.results import Result
    from krm_image_setter.transform import Outcome, Outcomes, set_images, set_images_in

__all__ = [
    "ConfigError",
    "Image",
    "ImageSetter",
    "ImageSetterError",
    "InputError",
    "Outcome",
    "Outcomes",
    "Result",
    "list_images",
    "read_config",
    "set_images",
    "set_images_in",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562), because importing all names would slow the start."""
    from importlib import import_module  # noqa: PLC0415

    if name in __all__:
        for module in ("config", "errors", "results", "transform", "library"):
            value = getattr(import_module(f"{__name__}.{module}"), name, None)
            if value is not None:
                globals()[name] = value
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, including names that are not imported yet."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
