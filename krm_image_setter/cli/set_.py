"""The `set` command: sets images in files and directories."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from functools import partial
from typing import Annotated

from krm_image_setter.cli.changes_report import ChangesReport
from krm_image_setter.cli.declarations import Option
from krm_image_setter.cli.diff import unified_diff
from krm_image_setter.cli.files import File, content_digest, find_files
from krm_image_setter.cli.options import (
    FnConfig,
    Hidden,
    Images,
    ImagesFrom,
    Kinds,
    NoConfig,
    OnUnused,
    Paths,
    Registries,
    StdinFileName,
)
from krm_image_setter.cli.outputs import Format, write_report
from krm_image_setter.cli.replace import CHANGED, NOTHING_WRITTEN, Replacement, Rewrite, with_effect
from krm_image_setter.cli.scanning import ReadAhead, Scanned, plan_files
from krm_image_setter.cli.skipped import problems_of, report_others, report_problems, report_results
from krm_image_setter.cli.terminal import counted, flush, invalid_values, placeholders, style_of, write
from krm_image_setter.edits import Edit, apply_edits, edited
from krm_image_setter.errors import ImageSetterError, InputError
from krm_image_setter.filter import Options
from krm_image_setter.results import INFO, Result
from krm_image_setter.scan import Scan
from krm_image_setter.streams import PROGRAM, STDIN, say, say_error
from krm_image_setter.transform import has_error
from krm_image_setter.typed import Final

HELP: Final = """Set images in files and directories.

Prints the changed YAML of all files as one stream; on a terminal, and with several files, prints a diff instead.
With `--in-place` it rewrites the files, with `--diff` it shows the changes, and with `--check` it lists the files
that would change. If there is any error, nothing is written, except with
`--keep-going`.

\b
Examples:
  krm-image-setter set deploy/ --image nginx=nginx:1.27 --diff
  krm-image-setter set deploy/ --fn-config functions.yaml --in-place
"""


class Output(Enum):
    """The action for the files that change."""

    PRINT = "print"
    IN_PLACE = "--in-place"
    DIFF = "--diff"
    CHECK = "--check"
    REPORT = "--output"


def set_command(
    paths: Paths,
    *,
    fn_config: FnConfig,
    no_config: NoConfig = False,
    images: Images,
    images_from: ImagesFrom,
    kinds: Kinds,
    registries: Registries,
    on_unused: OnUnused = None,
    stdin_file_name: StdinFileName = "",
    hidden: Hidden = False,
    in_place: Annotated[
        bool, Option("--in-place", help="Rewrite the files, or none if there is an error")
    ] = False,
    diff: Annotated[bool, Option("--diff", help="Show a diff; exit 1 if anything would change")] = False,
    check: Annotated[
        bool, Option("--check", help="List files that would change; exit 1 if there are any")
    ] = False,
    report_format: Annotated[
        Format | None, Option("--output", "-o", help="Print a report about the changes in this format")
    ] = None,
    keep_going: Annotated[
        bool, Option("--keep-going", help="Skip files with errors; the exit status is still 2")
    ] = False,
    lock: Annotated[
        bool, Option("--lock", help="Ask registries for the digests of the images, and set them")
    ] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", help="Do not print the summary")] = False,
) -> None:
    """Set the images in the files, and exit with the exit status of the command."""
    output = _output(in_place=in_place, diff=diff, check=check)
    if report_format and output is Output.DIFF:
        raise ImageSetterError("`--diff` cannot be combined with `--output`")
    if report_format and output is Output.PRINT:
        output = Output.REPORT
    files = find_files(paths, hidden=hidden, stdin_name=stdin_file_name)
    options = Options(
        fn_config=tuple(fn_config),
        images=tuple(images),
        images_from=tuple(images_from),
        kinds=tuple(kinds),
        on_unused=on_unused,
        no_config=no_config,
        registries=tuple(registries),
    )
    if STDIN in paths:
        options.require_files()
    if STDIN in paths and output is Output.IN_PLACE:
        raise ImageSetterError('`--in-place` cannot be combined with standard input ("-")')
    ahead = ReadAhead(files)
    if lock:
        others = {"--image": images, "--images-from": images_from, "--keep-going": keep_going}
        for flag in (flag for flag, value in others.items() if value):
            raise ImageSetterError(f"`--lock` cannot be combined with `{flag}`; run `set` twice")
        from krm_image_setter.cli.locking import with_digests  # noqa: PLC0415  (few runs use the network)

        config = with_digests(files, ahead.with_values_files(options.configure_list(ahead.configurations)))
    else:
        config = ahead.with_values_files(options.configure(ahead.configurations))
    scanned, total, unused, *_ = plan_files(files, config, locates_changes=report_format is not None)
    failed = report_problems(scanned)
    report_results(scanned, unused)
    if (failed and not keep_going) or has_error(unused):
        if report_format:
            write_report(report_format, _report(output, scanned, [], unused))
        raise SystemExit(2)
    # At a terminal, show a diff, because a stream of several files is hard to read.
    if output is Output.PRINT and len(files) > 1 and sys.stdout.isatty():
        output = Output.DIFF
    shown = [each for each in scanned if output is not Output.PRINT or _is_printed(each)]
    changed = [each for each in scanned if each.found is not None and each.found.edits]
    if output is Output.IN_PLACE:
        replaced = _replace(changed, keep_going=keep_going)
        failed = failed or len(replaced) < len(changed)
        changed = replaced
    elif not report_format:
        _write(output, shown, changed)
    if report_format:
        write_report(report_format, _report(output, scanned, changed, unused))
    if not quiet:
        hint = f" (`{PROGRAM} list --unknown` searches them)"
        report_others(scanned, hint)
        is_set = in_place or (paths == [STDIN] and output is Output.PRINT)
        summary = _summary(scanned, total, changed, len(unused), is_set=is_set)
        is_hint_needed = changed and not (is_set or diff or check)
        say(summary + "; no file was changed, pass `--in-place` to change the files" * bool(is_hint_needed))
    found_changes = bool(changed) and (diff or check)
    raise SystemExit(2 if failed else int(found_changes))


def _output(**flags: bool) -> Output:
    chosen = [f"--{name.replace('_', '-')}" for name, is_set in flags.items() if is_set]
    if len(chosen) > 1:
        raise ImageSetterError(f"`{chosen[0]}` cannot be combined with `{chosen[1]}`")
    return Output(chosen[0]) if chosen else Output.PRINT


def _write(output: Output, scanned: Iterable[Scanned[Scan]], changed: Iterable[Scanned[Scan]]) -> None:
    """Write to standard output: the changed YAML, the names of the changed files, or a diff."""
    if output is Output.PRINT:
        _print([apply_edits(_text(each), _edits(each)) for each in scanned if each.found is not None])
    elif output is Output.CHECK:
        for each in changed:
            write(f"{each.file.shown}\n")
    else:
        for each in changed:
            for line in unified_diff(each.file.shown, _text(each), _edits(each)):
                write(line, style_of(line))
    # Flush the output now, so that a full disk is reported before the summary.
    if not flush() and output is Output.PRINT:
        raise SystemExit(2)  # the reader got incomplete manifests


def _report(
    output: Output, scanned: Iterable[Scanned[Scan]], changed: Sequence[Scanned[Scan]], unused: Iterable[Result]
) -> ChangesReport:
    """Return the report about the changes of the files in `changed`, and about the problems of all files."""
    results: list[tuple[File | None, Result]] = []
    is_changed = {each.file for each in changed}
    for each in scanned:
        results += (
            (each.file, result)
            for result in (each.found.results if each.found is not None else ())
            if result.severity != INFO or each.file in is_changed
        )
    results += ((None, result) for result in unused)
    return ChangesReport(results, problems_of(scanned), output is Output.CHECK)


def _is_printed(scanned: Scanned[Scan]) -> bool:
    """Return whether to print the text of a file. A stream of manifests must contain only resources.

    If a directory search found the file, and it has changes but no resources, a warning is printed.
    """
    found = scanned.found
    if found is not None and scanned.file.is_found and found.others and not found.resources:
        if found.edits:
            message = "not printed: the file contains no resources; use `--in-place` or `--diff`"
            say(f"warning: {scanned.file.shown}: {message}")
        return False
    return True


def _replace(changed: Sequence[Scanned[Scan]], *, keep_going: bool) -> list[Scanned[Scan]]:
    """Replace files, and return those that were replaced. With `keep_going`, skip files that cannot be written."""
    replaced = []
    files = [
        Rewrite(each.file.path, each.file.real, each.digest, partial(_rewritten, _edits(each))) for each in changed
    ]
    with Replacement() as replacement:
        for each, error in zip(changed, replacement.stage(files), strict=True):
            if error is None:
                replaced.append(each)
                continue
            error.message = with_effect(error.message, "the file was skipped" if keep_going else NOTHING_WRITTEN)
            if not keep_going:
                raise error
            say_error(error)
        replacement.commit()
    return replaced


def _edits(scanned: Scanned[Scan]) -> list[Edit]:
    return scanned.found.edits if scanned.found is not None else []


def _rewritten(edits: Iterable[Edit], data: bytes) -> Iterator[bytes]:
    return (piece.encode() for piece in edited(data.decode(), edits))


def _text(scanned: Scanned[Scan]) -> str:
    """Read the text of a file again. Raises InputError if the file has changed since it was scanned."""
    data = scanned.file.read(again=True)
    if content_digest(data) != scanned.digest:
        raise InputError(CHANGED, file=scanned.file.shown)
    return data.decode()


def _print(texts: Sequence[str]) -> None:
    """Print texts as one YAML stream. If there is only one text, it is printed unchanged."""
    end = ""
    for number, text in enumerate(texts):
        if number and not end.endswith("\n"):
            write("\n")
        end = text.removeprefix("\ufeff") if number else text
        if number and end.startswith("%"):  # before a directive, YAML requires `...`
            write("...\n")
        elif number and not end.startswith("---"):
            write("---\n")
        write(end)


def _summary(
    scanned: Sequence[Scanned[Scan]],
    total: Scan,
    changed: Sequence[Scanned[Scan]],
    unused: int,
    *,
    is_set: bool,
) -> str:
    images = sum(each.found.images_set for each in changed if each.found is not None)
    verb = "set" if is_set else "would set"
    summary = f"{verb} {counted(images, 'image')} in {counted(len(changed), 'file')}"
    summary += f" ({counted(len(scanned), 'file')}, {counted(total.resources, 'resource')} read)"
    if total.placeholders:
        summary += f"; {placeholders(total.placeholders)}"
    firsts = ((each.file.shown, each.found.first_invalid) for each in scanned if each.found is not None)
    first = next(((shown, *one) for shown, one in firsts if one is not None), None)
    if first is not None:
        shown, line, value = first
        summary += f"; {invalid_values(total.invalid, f'{shown}:{line} {value}')}"
    return summary + (f"; {counted(unused, 'unused entry')}" if unused else "")
