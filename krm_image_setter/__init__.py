"""Sets container images anywhere in Kubernetes YAML, custom resources included, and changes nothing else.

outcome = set_images(text, read_config("images: ..."))
"""

from krm_image_setter.config import ImageSetter, read_config
from krm_image_setter.errors import ConfigError, ImageSetterError, InputError
from krm_image_setter.results import Result
from krm_image_setter.transform import Outcome, set_images

__all__ = [
    "ConfigError",
    "ImageSetter",
    "ImageSetterError",
    "InputError",
    "Outcome",
    "Result",
    "read_config",
    "set_images",
]
__version__ = "0.1.0"
