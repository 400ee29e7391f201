"""`set`: the images of files and folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from functools import partial
from typing import Annotated, Final

import typer

from krm_image_setter.cli.diff import unified_diff
from krm_image_setter.cli.files import File, find_files
from krm_image_setter.cli.kustomizations import stale_matches
from krm_image_setter.cli.options import FnConfig, Images, ImagesFrom, Kinds, NoConfig, OnUnused, Paths
from krm_image_setter.cli.replace import Replacement, changed_meanwhile, digest_of
from krm_image_setter.cli.scanning import Scanned, configurations_of, plan_files, say_problems
from krm_image_setter.cli.terminal import counted, flush, style_of, write
from krm_image_setter.edits import Edit, apply_edits, edited
from krm_image_setter.errors import ImageSetterError, InputError
from krm_image_setter.filter import Options
from krm_image_setter.results import INFO
from krm_image_setter.scan import Scan
from krm_image_setter.streams import STDIN, say, say_error
from krm_image_setter.transform import has_error

HELP: Final = """Set images in files and folders.

Prints the new YAML; or changes the files (--in-place), shows what would change (--diff), or names the files that
would (--check). Nothing is written where anything is wrong.

\b
Examples:
  krm-image-setter set deploy/ --image nginx=nginx:1.27 --diff
  krm-image-setter set deploy/ --fn-config functions.yaml --in-place
"""


class Ending(Enum):
    """What is done with the new texts."""

    PRINT = "print"
    IN_PLACE = "--in-place"
    DIFF = "--diff"
    CHECK = "--check"


def set_command(
    paths: Paths,
    *,
    fn_config: FnConfig,
    no_config: NoConfig = False,
    images: Images,
    images_from: ImagesFrom,
    kinds: Kinds,
    on_unused: OnUnused = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Change the files: all or none")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what would change; ends with 1 if anything")] = False,
    check: Annotated[bool, typer.Option("--check", help="Name the files that would change; ends with 1")] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Leave files with an error, and set the others")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary")] = False,
) -> None:
    """Set the images of files, and end with the status that tells what came of it."""
    ending = _ending(in_place=in_place, diff=diff, check=check)
    files = find_files(paths)
    options = Options(tuple(fn_config), tuple(images), tuple(images_from), tuple(kinds), on_unused, no_config)
    if STDIN in paths and options.read_standard_input:
        raise ImageSetterError("standard input is for the manifests: give a file instead of -")
    if STDIN in paths and ending is Ending.IN_PLACE:
        raise ImageSetterError("standard input can't be changed in place: give files, or leave out --in-place")
    scanned, total, unused = plan_files(files, options.configure(partial(configurations_of, files)))
    failed = say_problems(scanned)
    for each in scanned:
        for result in each.found.results if each.found is not None else ():
            if result.severity != INFO:
                say(result.format(each.file.shown))
    for sentence in stale_matches(files, scanned):
        say(f"warning: {sentence}")
    for result in unused:
        say(str(result))
    if (failed and not keep_going) or has_error(unused):
        raise SystemExit(2)
    changed = [each for each in scanned if each.found is not None and each.found.edits]
    if ending is Ending.IN_PLACE:
        replaced = _replace(changed, keep_going=keep_going)
        failed = failed or len(replaced) < len(changed)
        changed = replaced
    else:
        _write(ending, scanned, changed)
    if not quiet:
        say(_summary(ending, files, total, changed, len(unused)))
    has_news = bool(changed) and ending in (Ending.DIFF, Ending.CHECK)
    raise SystemExit(2 if failed else int(has_news))


def _ending(**given: bool) -> Ending:
    chosen = [f"--{name.replace('_', '-')}" for name, is_given in given.items() if is_given]
    if len(chosen) > 1:
        raise ImageSetterError(f"{chosen[0]} and {chosen[1]} exclude each other: give one of them")
    return Ending(chosen[0]) if chosen else Ending.PRINT


def _write(ending: Ending, scanned: Iterable[Scanned[Scan]], changed: Iterable[Scanned[Scan]]) -> None:
    """Write to standard output what is to be written."""
    if ending is Ending.PRINT:
        _print([apply_edits(_text(each), _edits(each)) for each in scanned if each.found is not None])
    elif ending is Ending.CHECK:
        for each in changed:
            write(f"{each.file.shown}\n")
    else:
        for each in changed:
            for line in unified_diff(each.file.shown, _text(each), _edits(each)):
                write(line, style_of(line))
    flush()  # what can't be written is not to be called done


def _replace(changed: Iterable[Scanned[Scan]], *, keep_going: bool) -> list[Scanned[Scan]]:
    """Change files, and return which; those that can't be written are left where it is to `keep_going`."""
    replaced = []
    with Replacement() as replacement:
        for each in changed:
            try:
                replacement.stage(each.file.path, each.file.real, each.digest, partial(_rewritten, _edits(each)))
                replaced.append(each)
            except InputError as error:
                if not keep_going:
                    raise
                say_error(error)
        replacement.commit()
    return replaced


def _edits(scanned: Scanned[Scan]) -> list[Edit]:
    return scanned.found.edits if scanned.found is not None else []


def _rewritten(edits: Iterable[Edit], data: bytes) -> Iterator[bytes]:
    return (piece.encode() for piece in edited(data.decode(), edits))


def _text(scanned: Scanned[Scan]) -> str:
    """Return the text of a file once more. Raises InputError where it is another than the one that was scanned."""
    data = scanned.file.read()
    if digest_of(data) != scanned.digest:
        raise changed_meanwhile(scanned.file.shown)
    return data.decode()


def _print(texts: Sequence[str]) -> None:
    """Print all texts as one stream; a single one as it is."""
    end = ""
    for number, text in enumerate(texts):
        if number and not end.endswith("\n"):
            write("\n")
        end = text.removeprefix("\ufeff") if number else text
        if number and end.startswith("%"):  # a directive: only the end of a document may stand before it
            write("...\n")
        elif number and not end.startswith("---"):
            write("---\n")
        write(end)


def _summary(
    ending: Ending, files: Sequence[File], total: Scan, changed: Sequence[Scanned[Scan]], unused: int
) -> str:
    images = sum(each.found.images_set for each in changed if each.found is not None)
    done = "set" if ending in (Ending.PRINT, Ending.IN_PLACE) else "to set"
    said = f"{counted(len(files), 'file')}, {counted(total.resources, 'resource')}: "
    said += f"{counted(images, 'image')} {done} in {counted(len(changed), 'file')}"
    return said + (f", {counted(unused, 'entry')} unused" if unused else "")
