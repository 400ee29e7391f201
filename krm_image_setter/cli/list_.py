"""The `list` command: lists the images in files and directories, with the location of each image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import partial
from typing import Annotated

from krm_image_setter.cli import outputs
from krm_image_setter.cli.declarations import Option
from krm_image_setter.cli.difference import Difference, compared
from krm_image_setter.cli.files import File, find_files
from krm_image_setter.cli.kustomizations import kustomized_images
from krm_image_setter.cli.listing import IMAGE, OTHER_REGISTRY, UNPINNED, Listing, Row
from krm_image_setter.cli.options import (
    FnConfig,
    Hidden,
    NoConfig,
    NotRegistries,
    OnlyImages,
    OnlyKinds,
    OnlyRegistries,
    Paths,
    StdinFileName,
    Unpinned,
)
from krm_image_setter.cli.outputs import Format, Rule, write_report
from krm_image_setter.cli.scanning import ReadAhead, Scanned, read_files
from krm_image_setter.cli.skipped import problems_of, report_others, report_problems
from krm_image_setter.cli.terminal import counted, placeholders, write
from krm_image_setter.config import Ignored, decode_group_kind
from krm_image_setter.documents import Stream
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.filter import Options
from krm_image_setter.images import Reference, has_placeholder, is_under, parse_reference, registry_prefix
from krm_image_setter.images.pattern import matches_pattern
from krm_image_setter.locators import Selector
from krm_image_setter.resources import NO_REF
from krm_image_setter.results import ERROR
from krm_image_setter.rules import Rules, rules_for
from krm_image_setter.scan import FoundImage, TextImages, images_in
from krm_image_setter.streams import STDIN, say
from krm_image_setter.typed import TYPE_CHECKING, Any, Final, Record, Self

if TYPE_CHECKING:
    from krm_image_setter.discovery import Finding

HELP: Final = """List the images in files and directories.

Lists the images in pod specs, in kinds and files from the catalog, and in `kinds` and `files` from `--fn-config`,
from ImageSetter documents in the files, or otherwise from ./functions.yaml. Omits images in environment variables
and arguments, which `set` changes only with `env: true` or `args: true`.

\b
Examples:
  krm-image-setter list deploy/ --unpinned --check
  krm-image-setter list deploy/ -o names | xargs -n1 crane pull
"""


class Output(StrEnum):
    """The output formats of `list`."""

    TABLE = "table"
    WIDE = "wide"
    NAMES = "names"
    JSON = Format.JSON
    SARIF = Format.SARIF
    GITHUB = Format.GITHUB
    MARKDOWN = Format.MARKDOWN
    CYCLONEDX = "cyclonedx"


class Filter(Record):
    """The filter options of `list`. An option with an empty list accepts every row. Registries are normalized."""

    images: Sequence[str] = ()
    kinds: Sequence[Selector] = ()
    registries: Sequence[str] = ()
    not_registries: Sequence[str] = ()
    unpinned: bool = False

    @classmethod
    def of(
        cls,
        images: Sequence[str],
        kinds: Sequence[str],
        registries: Sequence[str],
        not_registries: Sequence[str],
        *,
        unpinned: bool = False,
    ) -> Self:
        """Return the filter for option values. Raises ImageSetterError for an invalid value, such as `!nginx`."""
        options = {"--image": images, "--kind": kinds, "--registry": registries, "--not-registry": not_registries}
        for option, value in ((option, value) for option, values in options.items() for value in values):
            if value.startswith("!"):  # in other tools, `!` negates a filter
                host = value[1:] if "registry" in option else "HOST"
                message = f"a filter cannot be negated; use `--not-registry {host}`"
                raise ImageSetterError(f'{option} "{value}": {message}')
        for value in kinds:
            if "=" in value:
                message = "expected KIND or KIND.GROUP; add the path to `kinds`, in a file for `--fn-config`"
                raise ImageSetterError(f'--kind "{value}": {message}')
        in_registries, not_in = (
            [_registry(option, value) for value in options[option]] for option in ("--registry", "--not-registry")
        )
        return cls(images, list(map(decode_group_kind, kinds)), in_registries, not_in, unpinned)

    def reason(self, rows: Sequence[Row]) -> str:
        """Return a message with the first option that accepts none of `rows`, and values that match rows."""
        images = dict.fromkeys(row.reference.familiar_name for row in rows if row.reference)
        kinds = dict.fromkeys(row.found.resource.kind for row in rows if row.found.resource.kind)
        registries = dict.fromkeys(row.reference.domain for row in rows if row.reference)
        options: tuple[tuple[str, Filter, Iterable[str]], ...] = (
            ("--image", Filter(images=self.images), images),
            ("--kind", Filter(kinds=self.kinds), kinds),
            ("--registry", Filter(registries=self.registries), registries),
            ("--not-registry", Filter(not_registries=self.not_registries), ()),
            ("--unpinned", Filter(unpinned=self.unpinned), ()),
        )
        count = counted(len(rows), "image")
        for option, alone, known in options:
            if not any(map(alone.accepts, rows)):
                names = sorted(known)
                values = f"; known values: {', '.join(names[:5])}{', …' * (len(names) > 5)}" if names else ""
                return f"no image matches `{option}` ({count} found){values}"
        return f"no image matches all filters together ({count} found)"

    @property
    def rule(self) -> Rule:
        """The reason why an image is listed."""
        return UNPINNED if self.unpinned else OTHER_REGISTRY if self.not_registries else IMAGE

    def accepts(self, row: Row) -> bool:
        """Return whether a row passes all filter options."""
        reference = row.reference
        return (
            (not self.images or any(map(partial(matches_pattern, row.found.image), self.images)))
            and (
                not self.kinds
                or any(kind.matches(ref) for kind in self.kinds for ref in (row.found.resource, row.found.inner))
            )
            and (not self.registries or any(map(partial(_is_from, reference), self.registries)))
            and not any(map(partial(_is_in, row.found.hidden or row.found.image), self.not_registries))
            and (not self.unpinned or reference is None or reference.digest is None)
        )


def list_command(
    paths: Paths,
    *,
    fn_config: FnConfig,
    no_config: NoConfig = False,
    stdin_file_name: StdinFileName = "",
    hidden: Hidden = False,
    output: Annotated[Output, Option("--output", "-o", help="Output format")] = Output.TABLE,
    image: OnlyImages,
    kind: OnlyKinds,
    registry: OnlyRegistries,
    not_registry: NotRegistries,
    unpinned: Unpinned = False,
    unknown: Annotated[
        bool,
        Option("--unknown", help="List values that look like images but match no rule, and suggest rules"),
    ] = False,
    diff: Annotated[
        bool,
        Option("--diff", help="Compare two paths: list images that were added, removed, changed, moved"),
    ] = False,
    check: Annotated[bool, Option("--check", help="Exit 1 if any image is listed")] = False,
) -> None:
    """Print the images that pass the filters, and exit with the exit status of the command."""
    wanted = Filter.of(image, kind, registry, not_registry, unpinned=unpinned)
    sides = [paths]
    if diff:
        _check_diff(paths, output)
        sides = [[path] for path in paths]
    files = [
        find_files(side, hidden=hidden, stdin_name=stdin_file_name * (STDIN in side or STDIN not in paths))
        for side in sides
    ]
    ahead = ReadAhead([file for side in files for file in side])
    config = Options(tuple(fn_config), no_config=no_config).configure_list(ahead.configurations)
    config = ahead.with_values_files(config)
    rules = rules_for(config._replace(images=(), registries=()), {})
    found = [_search(side, rules, wanted, config.ignore, unknown=unknown) for side in files]
    problems = [problem for one in found for problem in one.problems]
    report: Listing | Difference
    if diff:
        before, after = found
        old = {row.found.image for row in before.rows}
        report = Difference(compared(before.rows, after.rows), old, problems, check)
        count = len(report.pairs)
    else:
        report = Listing(found[0].rows, problems, wanted.rule, check)
        count = len(report.rows)
    write_report(output, report)
    if isinstance(report, Difference):
        say(report.summary)
    else:
        _say_placeholders(report.rows, output)
        if output is Output.TABLE:
            _write_suggestions(found[0])
    failed = any(problem.severity == ERROR for problem in problems)
    raise SystemExit(2 if failed else 1 if check and count else 0)


def _check_diff(paths: Sequence[str], output: Output) -> None:
    """Raise ImageSetterError if there are not two paths, or if the output format cannot show differences."""
    if len(paths) != 2:
        raise ImageSetterError(f"`--diff` compares two paths, such as `--diff OLD NEW`; got {len(paths)}")
    if output in (Output.WIDE, Output.CYCLONEDX):
        raise ImageSetterError(f"`--diff` cannot be combined with `--output {output}`")


class _Found(Record):
    """The images in files, safe rules for the images that no rule finds, and the problems of files."""

    rows: list[Row]
    suggested: list[Finding]
    problems: list[outputs.Finding]


def _search(
    files: Sequence[File], rules: Rules, wanted: Filter, ignore: Sequence[Ignored], *, unknown: bool
) -> _Found:
    """Return the images in files that pass the filters, and print the problems of files."""
    rows: list[Row] = []
    suggested: list[Finding] = []
    read: list[Scanned[Any]] = []
    if wanted.not_registries or not unknown:
        read += add_known(files, rules, rows, final=wanted.unpinned)
    if unknown:
        # Keep only the problems of this search: it accepts files without resources, which `add_known` rejects.
        read = _add_unknown(files, rules, rows, suggested)
    failed = report_problems(read)
    if not unknown:
        report_others(read, " (use --unknown to search them)")
    if not rows and not failed:
        what = "image without a rule" if unknown else "image"
        say(f"no {what} found in {counted(len(files), 'file')}")
    elif rows and not any(map(wanted.accepts, rows)):
        say(wanted.reason(rows))
    rows = list(filter(wanted.accepts, rows))
    if wanted.not_registries or unknown:
        rows = _without_ignored(rows, ignore)
    return _Found(rows, suggested, problems_of(read))


def _say_placeholders(rows: Sequence[Row], output: Output) -> None:
    incomplete = [row for row in rows if row.reference is None]
    count = sum(has_placeholder(row.found.image) for row in incomplete)
    if output is Output.NAMES and incomplete:
        count_shown = counted(len(incomplete), "image")
        first = f'"{incomplete[0].found.image}" at {incomplete[0].location}'
        say(f"not printed: {count_shown} without a complete reference, such as {first}; use `-o table`")
    elif count:
        say(placeholders(count))


def _write_suggestions(found: _Found) -> None:
    """Write the safe rules for the images that are listed."""
    if not found.suggested:
        return
    from krm_image_setter.discovery import write_kinds  # noqa: PLC0415  (only for `--unknown`)

    listed = {row.rule for row in found.rows}
    lines = list(write_kinds((finding for finding in found.suggested if _suggestion(finding) in listed), {}))
    write("".join(f"{line}\n" for line in ["", *lines] if lines))


def add_known(
    files: Sequence[File],
    rules: Rules,
    rows: list[Row],
    visit: Callable[[Stream], Any] | None = None,
    *,
    final: bool = False,
) -> list[Scanned[Any]]:
    """Add the images that rules find to `rows`, and return the files that were read.

    If `final` is true, omit images whose tag changes in every build of the kustomizations. `visit`, if given, is
    also called with each stream. `found.visited` of each returned item is the result of `visit`.
    """
    kustomized = kustomized_images(files, rules)
    look: Callable[[Stream], TextImages] = kustomized.look if kustomized else partial(_images, rules)
    read = list(read_files(files, partial(_visited, look, visit) if visit else look))
    found_in = {each.file.real: each.found for each in read if each.found is not None}
    images = {key: found.images for key, found in found_in.items()}
    if kustomized:
        images = kustomized.images(found_in, final=final)
    for file in files:
        rows += (
            Row(file, found, parse_reference(found.image), _rule(found), is_unknown=False)
            for found in images.get(file.real, ())
        )
    return read


def _add_unknown(
    files: Sequence[File], rules: Rules, rows: list[Row], findings: list[Finding]
) -> list[Scanned[Any]]:
    """Add the images that no rule finds to `rows`, and safe rules for them to `findings`.

    Return the files that were read.
    """
    from krm_image_setter.cli.discover import propose_in_files  # noqa: PLC0415  (10 ms, only for `--unknown`)
    from krm_image_setter.discovery import unknown_images  # noqa: PLC0415

    discovered = list(read_files(files, partial(unknown_images, rules=rules)))
    by_file = [(each.file, one) for each in discovered for one in each.found or ()]
    proposals = propose_in_files(files, [one for _, one in by_file], rules)
    for (file, one), finding in zip(by_file, proposals, strict=True):
        rule = _suggestion(finding) if finding else "no rule sets it safely"
        rows.append(Row(file, one.found, parse_reference(one.found.image), rule, is_unknown=True))
    findings += dict.fromkeys(filter(None, proposals))
    return discovered


def _visited(look: Callable[[Stream], TextImages], visit: Callable[[Stream], Any], stream: Stream) -> TextImages:
    return look(stream)._replace(visited=visit(stream))


def _images(rules: Rules, stream: Stream) -> TextImages:
    resources: list[bool] = []
    images = images_in(stream, rules, visit=lambda one, _: resources.append(one is None or one.ref != NO_REF))
    return TextImages(images=list(images), resources=sum(resources))


def _without_ignored(rows: Iterable[Row], ignore: Sequence[Ignored]) -> list[Row]:
    """Return the rows that no entry of `ignore` matches, and print how many rows each entry matches."""
    counts = Counter[Ignored]()
    kept: list[Row] = []
    for row in rows:
        image = row.found.hidden or row.found.image
        entry = next((entry for entry in ignore if matches_pattern(image, entry.image)), None)
        if entry is None:
            kept.append(row)
        else:
            counts[entry] += 1
    for entry in dict.fromkeys(ignore):
        if counts[entry]:
            say(f'ignored {counted(counts[entry], "image")} "{entry.image}": {entry.reason}')
    return kept


def _suggestion(finding: Finding) -> str:
    return f"{finding.kind.section} {finding.kind} {finding.path}"


def _rule(found: FoundImage) -> str:
    rule = found.rule
    return "podSpecs" if rule is None else f"{rule.origin} {rule.selector} {rule.path.text}"


def _is_from(reference: Reference | None, registry: str) -> bool:
    return reference is not None and is_under(reference.normalized_name, registry)


def _is_in(image: str, registry: str) -> bool:
    """Return whether an image is in a registry, even if its repository or tag contains a placeholder."""
    reference = parse_reference(image)
    return is_under(reference.normalized_name if reference else image, registry)


def _registry(option: str, text: str) -> str:
    """Return the normalized form of HOST or HOST/PATH. A placeholder, such as `${REGISTRY}`, is not changed."""
    registry = text.rstrip("/")
    try:
        return registry if has_placeholder(registry) else registry_prefix(registry)
    except ImageSetterError as error:
        raise ImageSetterError(f'{option} "{text}": {error.message}') from error
