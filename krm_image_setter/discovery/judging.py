"""Judges whether a field contains a container image, by its name, its description and the fields around it.

The rules are tables of words and of patterns for descriptions. `docs/discover.md` shows how many image fields the
rules find in kinds that were not used to develop them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import cached_property

from krm_image_setter.discovery.finding import ITEMS, Confidence
from krm_image_setter.images import parse_reference
from krm_image_setter.locators.shapes import contains_images, has_image_word, is_part, means_image, words
from krm_image_setter.typed import Final, Record


class Beside(dict[str, str]):
    """The descriptions of the fields of an object, by name. An object can have thousands of fields."""

    @cached_property
    def by_words(self) -> dict[tuple[str, ...], str]:
        """The names of the fields, by their words."""
        return {words(name): name for name in self}


class Field(Record):
    """A string field: its name, the names of its parents (`around`, outermost first), and its description.

    `context` contains the descriptions of its nearest parents. `beside` contains the descriptions of the fields of
    the same object. `default` is the default of the field.
    """

    name: str
    around: Sequence[str] = ()
    text: str = ""
    context: str = ""
    beside: Beside = Beside()
    default: str = ""


class Judgement(Record):
    """The confidence that a field contains an image or a part of one, and the reason.

    `part` is "reference" for a whole reference, or "name", "registry", "tag" or "digest" for a part.
    """

    confidence: Confidence
    reason: str
    part: str = "reference"


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"\b(?:{each})\b" for each in alternatives), re.IGNORECASE)


# The fields of a container in a pod (core/v1 Container), except its image.
_CONTAINER_FIELDS: Final = frozenset(
    (
        "args", "command", "env", "envFrom", "imagePullPolicy", "lifecycle", "livenessProbe", "ports",
        "readinessProbe", "resources", "securityContext", "startupProbe", "terminationMessagePath", "tty",
        "volumeMounts", "workingDir", "script",
    )
)  # fmt: skip

# == Images that are not container images, or that a new reference must not replace ==

# The images below a field with one of these words are machine disks. A `containerDisk` is a container image.
_MACHINES: Final = frozenset(("disk", "disks", "machine", "operating", "rbd", "ami"))
# Fields that occur next to the image of a machine or a disk, but not next to a container image.
_MACHINE_FIELDS: Final = frozenset(("offer", "sku", "publisher", "checksum", "imageId", "imageID"))
_MACHINE_IMAGE: Final = _pattern(
    r"(?:disk|machine|instance|vm|os|operating system|boot|cloud|node|raw|iso|rbd|rados|gce|compute|azure"
    r"|windows|golden|backing|qcow2?|root|background|profile|user|logo|thumbnail|kernel|mirrored"
    r"|SageMaker(?: AI)?)[- ]images?",
    r"AMIs?|ARN|Amazon Resource Name|marketplace|resource ID|imageID|picture|icon|photo|qcow2?|rbd",
    r"hypervisor|image stream|for (?:the|this) machine|instances? (?:should|to)",
)
# One of these words in the name of a field or a near parent: the image is compared, built or observed, not run.
_NOT_RUN: Final = frozenset(
    (
        "allow", "allowed", "block", "blocked", "current", "deny", "denied", "destination", "exclude", "excluded",
        "exclusion", "exclusions", "exempt", "exemptions", "ignore", "ignored", "kustomize", "last", "match",
        "observed", "output", "policies", "policy", "previous", "publishing", "push", "skip", "skipped", "verify",
    )
)  # fmt: skip
_NOT_RUN_TEXT: Final = _pattern(
    r"regular expressions?|reg-?exp?s?|globs?|wildcards?|patterns?",
    r"(?:is|are|be|being|been) (?:pushed|built)|push(?:es|ed)? to|images? build",
    r"(?:output|resulting|destination|built|final) images?",
    r"images? (?:name )?(?:for the build|to (?:build|push|produce))",
    r"images? (?:\w+ ){0,3}to (?:be )?(?:delete|remove|track|scan|watch|verify|match|allow|deny|exclude|skip)e?d?",
    r"observed|output only|display name|human[- ]readable",
)
_NOT_RUN_CONTEXT: Final = _pattern(
    r"observed state|fetch image details|image scan|SageMaker(?: AI)? image|machine images?",
    r"verif\w+ (?:image|container)s?|images? that match",
)
# A reference, a URL or a repository can belong to one of these instead of an image.
_OTHER_SOURCE: Final = frozenset(("chart", "charts", "helm", "git", "plugin", "plugins"))
_OTHER_SOURCE_TEXT: Final = _pattern(r"charts?|helm|binar(?:y|ies)|download\w*|git")

# In a workflow of GitHub, the id of a job can be `build-images`. These fields of a job contain no image.
_JOB_FIELDS: Final = frozenset(("needs", "runs-on"))

# == Container images ==

_NAME_WORDS: Final = frozenset(("image", "images"))
_LAST_WORDS: Final = frozenset(("name", "names", "override", "ref", "reference", "fqin", "spec", "uri"))
# Words in field names such as `initImageURL`, which mean a container image, not a picture or a machine disk.
_CONTAINER_WORDS: Final = frozenset(("base", "container", "docker", "init", "oci", "sidecar"))
_CONTAINER_IMAGE: Final = _pattern(
    r"(?:container|docker|oci|sidecar|init)[- ](?:\w+[- ])?(?:images?|artifacts?)|docker|OCI container"
)
_IMAGE: Final = _pattern(
    r"images? (?:to|used|that will be|which will be|is used|for) (?:use|run|pull|by|in|the|deploy|be)",
    r"OCI|registry|pod|containers?|sidecar",
)
_AN_IMAGE: Final = _pattern("images?")
# If a field has one of these names, its description must also mention an image, before the first example.
_POINTERS: Final = frozenset(("artifact", "bundle", "package", "ref", "reference", "repo", "uri", "url"))
_POINTED: Final = _pattern(
    r"(?:OCI|container|docker)[- ](?:\w+[- ])?(?:image|artifact)s?|OCI container",
    r"fully[- ]qualified image|image (?:name|repository),? (?:name|including the registry)|scheme:? docker",
)
_EXAMPLE: Final = re.compile(r"\b(?:for example|e\.g\.|examples?:)", re.IGNORECASE)
_FULL: Final = _pattern("full image (?:location|reference|name|path)")
# Any other field, such as `name`, is an image if its description starts like "The name of the container image".
_DEFINED: Final = re.compile(
    r"(?:\W*\w+ (?:is|defines?|specifies|contains?|sets?) )?(?:the |an? )?"
    r"(?:(?:full|optional|name|uri|url|path|reference|address) (?:(?:of|to) )?(?:the |an? )?)*"
    r"(?:container|docker|OCI|full|complete|fully[- ]qualified)[- ]image\b"
    r"(?! (?:tag|version|registry|pull|repository|digest|polic))",
    re.IGNORECASE,
)

# An object with a pull policy, but without any of these parts of a reference, contains several images.
_POLICIES: Final = frozenset(("pullPolicy", "imagePullPolicy"))
_IMAGE_PARTS: Final = frozenset(("name", "registry", "repo", "repository", "tag", "version"))

# == Parts of references ==

_PREFIX: Final = _pattern(
    r"registry to (?:pull|use)|images? (?:are|is) pulled from|pull(?:ing)? (?:\w+ )?images? from|prefix"
)
_REGISTRY: Final = _pattern(r"images?|containers?|docker|OCI|pull\w*")
_OTHER_REGISTRY: Final = frozenset(("quobyte", "schema", "npm", "maven", *_OTHER_SOURCE))
_NO_TAG: Final = _pattern(
    r"(?:must not|should not|cannot|does not) (?:include|contain|have) (?:the |an? )?(?:image )?tag",
    r"without (?:specifying )?(?:the |an? )?(?:image )?tag|in combination with the (?:\w+ )?registry",
    r"repo(?:sitory)? name|tag is (?:specified|set|given|defined) (?:separately|in|by)",
    r"tag (?:\w+ ){0,4}separately",
)
_IS_TAG: Final = _pattern(r"image(?:'s)? (?:tag|version)|(?:tag|version) of the (?:\w+ )?image")


def judged(field: Field) -> Judgement | None:
    """Return the judgement on a string field, or None if the field contains no image."""
    in_name = words(field.name)
    if not in_name or not can_be_set(field):
        return None
    part = _part(field, in_name)
    if part is not None:
        return part
    if means_image(field.name) or in_name[-3:] == ("image", "pull", "spec"):
        return _whole(field, in_name)
    is_two_below = (
        contains_images(field.around[:-1]) and field.around[-1] != ITEMS and _AN_IMAGE.search(field.text)
    )
    if contains_images(field.around) or is_two_below:
        return None if is_part(field.name) else Judgement(Confidence.LIKELY, "name of the parent field")
    is_image_url = in_name[-2:] in (("image", "url"), ("image", "uri"))
    if is_image_url and (_CONTAINER_IMAGE.search(field.text) or _CONTAINER_WORDS.intersection(in_name)):
        return Judgement(Confidence.LIKELY, "field name and description")
    if is_part(field.name) and in_name[-1] not in _POINTERS:
        return None
    if field.around and means_image(field.around[-1]) and _is_in_image_object(field):
        return Judgement(Confidence.LIKELY, "object of an image")
    definition = _EXAMPLE.split(field.text, maxsplit=1)[0]
    is_image = _DEFINED.match(definition) or _FULL.search(definition)
    if in_name[-1] in _POINTERS and not is_image:
        is_image = _POINTED.search(definition)
    is_other = _is_other_source(field._replace(text=definition.split(". ")[0], around=field.around[-1:]))
    if is_image and not is_other:
        return Judgement(Confidence.LIKELY, "description")
    return None


def tag_beside(field: Field) -> str:
    """Return the name of the field that contains the tag of the image in `field`, or an empty string.

    Many kinds have a field `version` next to a whole reference. It is the tag only if there is evidence: the name
    or description of the version field, or the description or default of the image field.
    """
    in_name, default = words(field.name), parse_reference(field.default)
    if default is not None and (default.tag or default.digest):
        return ""
    by_words = field.beside.by_words
    if in_name[-1] == "repository":
        return by_words.get((*in_name[:-1], "version"), "") if _AN_IMAGE.search(field.text) else ""
    if not means_image(field.name):
        return ""
    named = by_words.get((*in_name, "version"))
    if named or in_name == ("base", "image"):
        return named or by_words.get(("version",), "")
    # The description of the image field can contain the name of the version field.
    mentioned = (name for key, name in by_words.items() if key[-1:] == ("version",) and name in field.text)
    version = next(mentioned, "") if _NO_TAG.search(field.text) else ""
    version = version or by_words.get(("version",), "")
    is_bare = default is not None or _NO_TAG.search(field.text)
    says_so = is_bare or _IS_TAG.search(field.beside.get(version, ""))
    return version if in_name[-1] in _NAME_WORDS and says_so else ""


def is_url(field: Field) -> bool:
    """Return whether a field contains a scheme and a reference, as in `oci://REGISTRY/NAME`."""
    return not {"url", "uri"}.isdisjoint(words(field.name)) or "oci://" in field.text


def is_container(fields: Collection[str]) -> bool:
    """Return whether an object with these fields is a container of a pod."""
    return "image" in fields and len(_CONTAINER_FIELDS.intersection(fields)) >= 2


def is_whole_tag(text: str) -> bool:
    """Return whether the description of a tag field says that the field contains a whole reference."""
    return "image:tag" in text


def is_prefix(text: str) -> bool:
    """Return whether the description of a repository field says that it is the prefix of several image names."""
    return _PREFIX.search(text) is not None


def can_be_set(field: Field) -> bool:
    """Return whether a field can contain an image that a container runs, because nothing contradicts this."""
    in_name = words(field.name)
    if field.name in _JOB_FIELDS:
        return False
    nearest = [words(name) for name in field.around[-2:]]
    for name in (in_name, *nearest):
        if not _NOT_RUN.isdisjoint(name) or name[-1:] == ("history",):
            return False
    if _NOT_RUN_TEXT.search(field.text) or _NOT_RUN_CONTEXT.search(field.context):
        return False
    if field.default and parse_reference(field.default) is None and "{" not in field.default:
        return False
    if _CONTAINER_IMAGE.search(field.text) or not _CONTAINER_WORDS.isdisjoint(
        (*in_name, *(nearest[-1] if nearest else ()))
    ):
        return True
    in_parents = {word for outer in field.around for word in words(outer)}
    is_machine = _MACHINES & in_parents or not field.beside.keys().isdisjoint(_MACHINE_FIELDS)
    return not is_machine and not _MACHINE_IMAGE.search(field.text)


def _whole(field: Field, in_name: Sequence[str]) -> Judgement:
    if _CONTAINER_IMAGE.search(field.text) or _IMAGE.search(field.text):
        return Judgement(Confidence.LIKELY, "field name and description")
    if in_name[-1] in _NAME_WORDS or in_name[-1] in _LAST_WORDS:
        return Judgement(Confidence.LIKELY, "field name")
    return Judgement(Confidence.POSSIBLE, "field name")


def _part(field: Field, in_name: Sequence[str]) -> Judgement | None:
    """Judge a field by the last word of its name. Return None if it contains no part of a reference."""
    last = in_name[-1]
    is_of_image = not _NAME_WORDS.isdisjoint(in_name[:-1]) or (
        len(in_name) == 1 and bool(field.around) and has_image_word(field.around[-1])
    )
    if last in ("tag", "digest") and is_of_image:
        if is_whole_tag(field.text):
            return Judgement(Confidence.LIKELY, "description")
        return Judgement(Confidence.LIKELY, f"{last} of an image", last)
    if last == "registry" and _OTHER_REGISTRY.isdisjoint(word for name in field.around for word in words(name)):
        is_alone = is_of_image or len(in_name) == 1 or not {"container", "docker"}.isdisjoint(in_name)
        if _REGISTRY.search(field.text) if field.text else is_alone:
            return Judgement(Confidence.LIKELY, "registry of images", "registry")
    if last in ("repository", "repo") and is_of_image and not _is_other_source(field):
        part = "registry" if is_prefix(field.text) else "name"
        return Judgement(Confidence.LIKELY, f"{part} of an image", part)
    if means_image(field.name) and _NO_TAG.search(field.text):
        return Judgement(Confidence.LIKELY, "name of an image", "name")
    return None


def _is_in_image_object(field: Field) -> bool:
    """Return whether a field of an object such as `image` contains a whole image.

    The field `reference` of an image volume (core/v1 ImageVolumeSource) contains a whole image. So does each field
    next to a pull policy if no field there is a part of a reference: these are images of several containers.
    """
    beside = field.beside.keys()
    return field.name == "reference" or (not beside.isdisjoint(_POLICIES) and beside.isdisjoint(_IMAGE_PARTS))


def _is_other_source(field: Field) -> bool:
    in_parents = {word for outer in field.around for word in words(outer)}
    return bool(_OTHER_SOURCE & in_parents or _OTHER_SOURCE_TEXT.search(field.text))
