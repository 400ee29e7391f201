"""The `explain` command: shows which rules search each resource, and why images change or do not change."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Annotated

from krm_image_setter.cli.declarations import repeated
from krm_image_setter.cli.discover import propose_in_files
from krm_image_setter.cli.files import File, find_files
from krm_image_setter.cli.kustomizations import kustomized_sources
from krm_image_setter.cli.options import (
    FnConfig,
    Hidden,
    ImagesFrom,
    Kinds,
    NoConfig,
    Paths,
    StdinFileName,
)
from krm_image_setter.cli.scanning import ReadAhead, Scanned, plan_files, read_files
from krm_image_setter.cli.skipped import report_problems, report_results
from krm_image_setter.cli.terminal import write
from krm_image_setter.config import ImageSetter
from krm_image_setter.discovery import Finding
from krm_image_setter.explaining import Block, Explained, Fact, explain_builds, explainer
from krm_image_setter.filter import Options
from krm_image_setter.images import parse_reference
from krm_image_setter.images.pattern import matches_pattern
from krm_image_setter.locators import WHOLE
from krm_image_setter.rules import Rules
from krm_image_setter.streams import PROGRAM, STDIN, say
from krm_image_setter.typed import Final
from krm_image_setter.unused import similar_names

HELP: Final = """Explain why images change or do not change.

Shows which rules search each resource, what each path matches or how far it gets, and which entry of `images` or
`registries` decides on each image. Reads the configuration of `set`, and changes nothing. `--image NAME` without a
new reference only selects the images to explain.

\b
Examples:
  krm-image-setter explain deploy/ --image nginx
  krm-image-setter explain deploy/ --kind 'KafkaConnect={.spec.image}'
"""


def explain_command(
    paths: Paths,
    *,
    fn_config: FnConfig,
    no_config: NoConfig = False,
    images: Annotated[
        list[str],
        repeated("--image", "NAME[=REF]", "Explain only image NAME, or what setting it to REF does (repeatable)"),
    ],
    images_from: ImagesFrom,
    kinds: Kinds,
    stdin_file_name: StdinFileName = "",
    hidden: Hidden = False,
) -> None:
    """Print the explanation, and exit with the exit status of the command."""
    files = find_files(paths, hidden=hidden, stdin_name=stdin_file_name)
    set_images = tuple(image for image in images if "=" in image)
    names = [image for image in images if "=" not in image]
    options = Options(tuple(fn_config), set_images, tuple(images_from), tuple(kinds), no_config=no_config)
    if STDIN in paths:
        options.require_files()
    ahead = ReadAhead(files)
    config = ahead.with_values_files(options.configure_list(ahead.configurations))
    plans = plan_files(files, config, every=True)
    sources = kustomized_sources(files)
    read = list(read_files(files, explainer(config, plans, sources)))
    failed = report_problems(read)
    by_file: dict[str, list[Block]] = {each.file.real: _blocks(each) for each in read}
    for file, block in _unknown(files, read, plans.rules, names):
        by_file[file.real].append(block)
    if plans.planned is not None and sources is not None:
        for key, block in explain_builds(plans.planned, plans.rules, sources):
            by_file.setdefault(key, []).append(block)
    shown = {file.real: file.shown for file in files}
    selected = [
        (shown.get(key, key), block)
        for key, blocks in by_file.items()
        for block in sorted(blocks, key=attrgetter("line"))
        if not names or _is_named(block, names)
    ]
    _write(selected)
    for message in _messages(config, [block for blocks in by_file.values() for block in blocks], names):
        say(message)
    report_results(plans.each, plans.unused)
    raise SystemExit(2 if failed else 0)


def _blocks(scanned: Scanned[Explained]) -> list[Block]:
    if scanned.found is not None:
        return list(scanned.found.blocks)
    if scanned.error is not None:
        return []
    fact = Fact("skipped", "not a Kubernetes resource, not a known file, and no entry of `files` selects it")
    return [Block(1, "", (fact,))]


def _unknown(
    files: Sequence[File], read: Iterable[Scanned[Explained]], rules: Rules, names: Sequence[str]
) -> Iterator[tuple[File, Block]]:
    """Yield a block for each image that no rule finds, with a rule that would find it.

    If `names` is not empty, skip images with other names, because searching for a rule takes time.
    """
    by_file = [
        (each.file, one)
        for each in read
        for one in (each.found.unknown if each.found is not None else ())
        if not names or any(matches_pattern(one.found.image, name) for name in names)
    ]
    proposals = propose_in_files(files, [one for _, one in by_file], rules) if by_file else []
    for (file, one), finding in zip(by_file, proposals, strict=True):
        found = one.found
        subject = ": ".join(filter(None, (str(found.resource), found.path)))
        facts = (Fact("image", found.image), Fact("found by", "no rule"), Fact("try", _suggestion(finding)))
        yield file, Block(found.line, subject, facts, found.image, (found.image,))


def _suggestion(finding: Finding | None) -> str:
    if finding is None:
        return "no path selects only this image; change it by hand"
    if finding.form is WHOLE and not finding.kind.file:
        return f"--kind {shlex.quote(f'{finding.kind}={finding.path}')}"
    return f"the entry in `{finding.kind.section}` that `{PROGRAM} list --unknown` prints"


def _is_named(block: Block, names: Iterable[str]) -> bool:
    return any(matches_pattern(image, name) for name in names for image in block.images)


def _messages(config: ImageSetter, blocks: Sequence[Block], names: Iterable[str]) -> Iterator[str]:
    """Yield messages if there is nothing to explain: no document, no image with a name, or no image to set."""
    if not blocks:
        yield "nothing to explain: no document was found"
    known = {reference.familiar_name for block in blocks if (reference := parse_reference(block.image))}
    for name in names:
        if not any(_is_named(block, [name]) for block in blocks):
            similar = " or ".join(similar_names(name.partition(":")[0], known))
            hint = f"did you mean {similar}?" if similar else f"run `{PROGRAM} list` to see which images exist"
            yield f'no image matches "{name}"; {hint}'
    if not config.images and not config.registries:
        yield "no image to set; pass `--image NAME=REFERENCE` to see what it would change"


def _write(blocks: Sequence[tuple[str, Block]]) -> None:
    """Write the blocks. On a terminal, lines that are too long are folded."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for number, (file, block) in enumerate(blocks):
        head, *facts = block.lines(file, width)
        write("\n" * bool(number))
        write(f"{head}\n", style="1")
        write("".join(f"{fact}\n" for fact in facts))
