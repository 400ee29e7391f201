"""Where a name, a tag and a digest are written when images go through several kustomizations, and what is reported."""

from __future__ import annotations

import pytest

from krm_image_setter import Outcomes, read_config, set_images_in

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: a, image: IMAGE}\n"
TAG = 'images: [{name: nginx, newTag: "9"}]'
NAME = "images: [{name: nginx, newName: m.b/x}]"
DIGEST = "sha256:" + "f" * 64
MERGE_PATCH = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: b, image: 'nginx:1'}]}\n"
)
JSON_PATCH = "- {op: test, path: /spec/containers/0/image, value: 'nginx:1'}\n"


def run(files: dict[str, str], config: str) -> Outcomes:
    return set_images_in(files, read_config(HEAD + config))


def texts(outcomes: Outcomes) -> dict[str, str]:
    return {name: outcome.text for name, outcome in outcomes.of.items()}


def warnings(outcomes: Outcomes) -> list[str]:
    found = [*outcomes.results, *(result for one in outcomes.of.values() for result in one.results)]
    return [result.message for result in found if result.severity != "info"]


def tree(image: str, **kustomizations: str) -> dict[str, str]:
    """A pod with an image in base/web.yaml, and kustomizations by the name of their folder."""
    files = {f"{name}/kustomization.yaml": text for name, text in kustomizations.items()}
    return {
        "base/web.yaml": POD.replace("IMAGE", image),
        "base/kustomization.yaml": "resources: [web.yaml]\n",
        **files,
    }


def entry(keys: str, *, base: str = "../base") -> str:
    return f"resources: [{base}]\nimages: [{{{keys}}}]\n"


@pytest.mark.parametrize(
    "before, config, after",
    [
        pytest.param(
            tree("app", base="resources: [web.yaml]\nimages: [{name: app, newName: b.c/d}]\n", over=entry("name: b.c/d, newTag: v1")),
            "images: [{name: b.c/d, newName: e.f/g}]",
            tree("app", base="resources: [web.yaml]\nimages: [{name: app, newName: e.f/g}]\n", over=entry("name: e.f/g, newTag: v1")),
            id="new name of a base",
        ),
        pytest.param(
            tree("b.c/d", base=entry("name: b.c/d, newName: b.c/d, newTag: v1", base="web.yaml"), over=entry("name: b.c/d, newName: b.c/d, newTag: v2")),
            "images: [{name: b.c/d, newName: e.f/g}]",
            tree("b.c/d", base=entry("name: b.c/d, newName: e.f/g, newTag: v1", base="web.yaml"), over=entry("name: e.f/g, newName: e.f/g, newTag: v2")),
            id="entries of base and overlay that keep the name",
        ),
        pytest.param(
            tree("b.c/d:1", over=entry("name: b.c/d, newName: b.c/d, newTag: v2")),
            "images: [{name: b.c/d, newName: e.f/g}]",
            tree("e.f/g:1", over=entry("name: e.f/g, newName: e.f/g, newTag: v2")),
            id="entry that keeps the name of a resource",
        ),
        pytest.param(
            tree("nginx:1", base="resources: [web.yaml]\nimages: [{name: nginx, newTag: v1}]\n", over=entry("name: nginx, newTag: v2")),
            TAG,
            tree("nginx:9", base='resources: [web.yaml]\nimages: [{name: nginx, newTag: "9"}]\n', over=entry('name: nginx, newTag: "9"')),
            id="overridden tags",
        ),
        pytest.param(
            tree("nginx:1", a=entry("name: nginx, newName: b.c/d"), b=entry("name: nginx, newName: b.c/e, newTag: v1")),
            "images: [{name: b.c/d, newTag: v9}]",
            tree("nginx:1", a=entry("name: nginx, newName: b.c/d, newTag: v9"), b=entry("name: nginx, newName: b.c/e, newTag: v1")),
            id="placeholder of two builds",
        ),
        pytest.param(
            tree("nginx:1", over=entry("name: nginx, newTag: v1", base="https://github.com/a/b")),
            NAME,
            tree("m.b/x:1", over=entry("name: nginx, newTag: v1, newName: m.b/x", base="https://github.com/a/b")),
            id="remote base",
        ),
        pytest.param(
            tree("docker.io/library/nginx:1", over=entry("name: docker.io/library/nginx, newTag: v1")),
            NAME,
            tree("m.b/x:1", over=entry("name: m.b/x, newTag: v1")),
            id="another spelling",
        ),
        pytest.param(
            tree("nginx:1}\n  - {name: b, image: docker.io/library/nginx:1", over=entry("name: docker.io/library/nginx, newTag: v1")),
            NAME,
            tree("m.b/x:1}\n  - {name: b, image: docker.io/library/nginx:1", over=entry("name: docker.io/library/nginx, newTag: v1, newName: m.b/x")),
            id="two spellings, of which an entry matches one",
        ),
        pytest.param(
            {**tree("b.c/d:1", base=f"resources: [web.yaml]\npatchesStrategicMerge:\n- |-\n  {MERGE_PATCH.replace(chr(10), chr(10) + '  ')}\n")},
            TAG,
            {**tree("b.c/d:1", base=f"resources: [web.yaml]\npatchesStrategicMerge:\n- |-\n  {MERGE_PATCH.replace(chr(10), chr(10) + '  ')}\n".replace("nginx:1", "nginx:9"))},
            id="inline merge patch",
        ),
        pytest.param(
            {**tree("nginx:1", base="resources: [web.yaml]\npatches: [{path: p.yaml, target: {kind: Pod}}]\n"), "base/p.yaml": JSON_PATCH},
            TAG,
            {**tree("nginx:9", base="resources: [web.yaml]\npatches: [{path: p.yaml, target: {kind: Pod}}]\n"), "base/p.yaml": JSON_PATCH.replace("nginx:1", "nginx:9")},
            id="JSON patch that tests the image",
        ),
        pytest.param(
            tree("b.c/d", over='resources: [../base]\npatches:\n- patch: \'[{"op": "add", "path": "/spec/containers/-", "value": {"name": "b", "image": "nginx:1"}}]\'\n  target: {kind: Pod}\n'),
            TAG,
            tree("b.c/d", over='resources: [../base]\npatches:\n- patch: \'[{"op": "add", "path": "/spec/containers/-", "value": {"name": "b", "image": "nginx:9"}}]\'\n  target: {kind: Pod}\n'),
            id="JSON patch as JSON",
        ),
        pytest.param(
            tree("b.c/d", over="resources: [../base]\nreplacements:\n- sourceValue: nginx:1 # s\n  targets: [{select: {kind: Pod}, fieldPaths: [spec.containers.0.image]}]\n"),
            TAG,
            tree("b.c/d", over="resources: [../base]\nreplacements:\n- sourceValue: nginx:9 # s\n  targets: [{select: {kind: Pod}, fieldPaths: [spec.containers.0.image]}]\n"),
            id="value of a replacement",
        ),
        pytest.param(
            tree("app:1", over="resources: [../base]\ntransformers:\n- |-\n  apiVersion: builtin\n  kind: ImageTagTransformer\n  metadata: {name: x}\n  imageTag: {name: app, newName: nginx} # t\n"),
            TAG,
            tree("app:1", over='resources: [../base]\ntransformers:\n- |-\n  apiVersion: builtin\n  kind: ImageTagTransformer\n  metadata: {name: x}\n  imageTag: {name: app, newName: nginx, newTag: "9"} # t\n'),
            id="ImageTagTransformer",
        ),
        pytest.param(
            tree("nginx:1", over="# é\r\nresources: [../base]\r\nimages:\r\n- name: nginx\r\n  newName: b.c/d # n"),
            "images: [{name: b.c/d, newTag: v9}]",
            tree("nginx:1", over="# é\r\nresources: [../base]\r\nimages:\r\n- name: nginx\r\n  newName: b.c/d # n\r\n  newTag: v9"),
            id="CRLF line endings and no last line break",
        ),
        pytest.param(
            tree("nginx:1", over="resources: [../base]\nimages:\n- &a\n  name: nginx\n  digest: sha256:" + "0" * 64 + "\n- *a\n"),
            TAG,
            tree("nginx:9", over='resources: [../base]\nimages:\n- &a\n  name: nginx\n  digest: ""\n  newTag: "9"\n- *a\n'),
            id="alias of an entry",
        ),
        pytest.param(
            {"k/kustomization.yaml": "configMapGenerator: [{name: c, files: [a=web.yaml]}]\n", "k/web.yaml": POD.replace("IMAGE", "nginx:1")},
            TAG + "\nkinds: {ConfigMap: {path: '{.data.a}', as: yaml}}",
            {"k/kustomization.yaml": "configMapGenerator: [{name: c, files: [a=web.yaml]}]\n", "k/web.yaml": POD.replace("IMAGE", "nginx:9")},
            id="embedded document in a ConfigMap",
        ),
    ],
)  # fmt: skip
def test_image_is_written_where_it_is_made(before: dict[str, str], config: str, after: dict[str, str]) -> None:
    outcomes = run(before, config)
    assert texts(outcomes) == after
    assert warnings(outcomes) == []
    assert texts(run(after, config)) == after


REPLACEMENT = (
    "resources: [../base]\nreplacements:\n- source: {kind: KIND, fieldPath: PATH}\n"
    "  targets: [{select: {kind: Pod}, fieldPaths: [spec.containers.0.image]OPTIONS}]\n"
)


@pytest.mark.parametrize(
    "files, config, message",
    [
        pytest.param(
            tree("nginx:1", over=entry("name: m.b/x, newTag: v66")),
            NAME,
            'not changed: "nginx:1" cannot become "m.b/x:1" in the build of over/kustomization.yaml: '
            'it would become "m.b/x:v66"',
            id="captured by another entry",
        ),
        pytest.param(
            tree("nginx:1", a=entry("name: nginx, newName: b.c/d"), b="resources: [../base]\n"),
            TAG,
            'not changed: "nginx:1" cannot become "nginx:9" in the build of b/kustomization.yaml: "b.c/d:1" would '
            'become "b.c/d:9" in the build of a/kustomization.yaml; set both images or none of them',
            id="scalar shared by two builds",
        ),
        pytest.param(
            tree("nginx:1", over=entry("name: nginx, newName: b.c/d")),
            TAG,
            'line 3: images[0]: no build has an image "nginx": over/kustomization.yaml:2 makes it "b.c/d"; '
            "did you mean that?",
            id="name of a placeholder",
        ),
        pytest.param(
            tree("b.c/d", over=entry("name: nginx, newTag: v1")),
            TAG,
            'line 3: images[0]: no build has an image "nginx": the entry in over/kustomization.yaml:2 matches nothing',
            id="entry without an image",
        ),
        pytest.param(
            {"over/kustomization.yaml": "resources: ['https://github.com/a/b']\n", "over/x.yaml": POD.replace("IMAGE", "a/b")},
            TAG,
            'images of the resource "https://github.com/a/b" are unknown; only an entry of `images` can set "nginx" there',
            id="remote base without an entry",
        ),
        pytest.param(
            {"k/kustomization.yaml": "configMapGenerator: [{name: c, files: [a=web.yaml]}]\n", "k/web.yaml": POD.replace("IMAGE", "nginx:1")},
            TAG,
            "not changed: a kustomization puts this file into a ConfigMap or Secret as text; add `kinds` for the key "
            "with `as: yaml` to set its images",
            id="text of a ConfigMap",
        ),
        pytest.param(
            {
                **tree("b.c/d", over=REPLACEMENT.replace("KIND", "ConfigMap").replace("PATH", "data.a").replace("OPTIONS", "")),
                "base/kustomization.yaml": "resources: [web.yaml, c.yaml]\n",
                "base/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: 'nginx:1'}\n",
            },
            TAG,
            'not changed: the replacement into spec.containers.0.image writes "nginx:1"; change it to "nginx:9" by hand',
            id="image in a ConfigMap",
        ),
        *(
            pytest.param(
                {
                    **tree("b.c/d", over=REPLACEMENT.replace("KIND", "ConfigMap").replace("PATH", "data.a").replace("OPTIONS", "")),
                    "base/kustomization.yaml": f"resources: [web.yaml]\nconfigMapGenerator: [{{name: c, {values}}}]\n",
                    "base/c.env": "# a comment\na=nginx:1\n",
                },
                TAG,
                'not changed: the replacement into spec.containers.0.image writes "nginx:1"; change it to "nginx:9" by hand',
                id=f"image in a generated ConfigMap, {values}",
            )
            for values in ("literals: [b=x, a='nginx:1']", "envs: [c.env]", "env: c.env")
        ),
        pytest.param(
            tree("nginx:1", over=REPLACEMENT.replace("KIND", "ConfigMap").replace("PATH", "data.a").replace("OPTIONS", ", options: {delimiter: ':', index: 1}")),
            TAG,
            'not changed: the replacement into spec.containers.0.image writes a part of "nginx:1"; change it to '
            '"nginx:9" by hand',
            id="replacement of a tag",
        ),
    ],
)  # fmt: skip
def test_image_that_cannot_be_set_is_left_and_reported(files: dict[str, str], config: str, message: str) -> None:
    outcomes = run(files, config)
    assert message in warnings(outcomes)
    assert texts(outcomes) == files


CAPTURED = tree("nginx:1", over=entry("name: m.b/x, newTag: v66"))
HALF = {
    **CAPTURED,
    "x/kustomization.yaml": "resources: [web.yaml]\n",
    "x/web.yaml": POD.replace("IMAGE", "nginx:1"),
}


@pytest.mark.parametrize(
    ("files", "status", "has_error"),
    [
        (CAPTURED, "warn", False),
        (CAPTURED, "ignore", False),
        (CAPTURED, "error", True),
        (HALF, "error", False),  # the entry sets the other image
        (tree("m.b/x:1", over="resources: [../base]\n"), "error", False),  # a second run
    ],
)  # fmt: skip
def test_entry_whose_images_cannot_change_is_an_error(files: dict[str, str], status: str, has_error: bool) -> None:
    outcomes = run(files, f"{NAME}\nonUnused: {status}")
    message = (
        'line 3: images[0]: no image "nginx" was set: "nginx:1" cannot become "m.b/x:1" in the build of '
        "over/kustomization.yaml"
    )
    assert [result.message for result in outcomes.results if result.severity == "error"] == [message] * has_error
    assert outcomes.failed == has_error
    assert (message in warnings(outcomes)) == has_error


def test_entry_that_sets_only_the_image_of_a_base_is_used() -> None:
    base = "resources: [web.yaml]\nimages: [{name: nginx, newName: nginx, newTag: v1}]\n"
    files = tree("nginx", base=base, over=entry("name: nginx, newName: m.b/x, newTag: v2"))
    outcomes = run(files, TAG)
    assert texts(outcomes) == {**files, "base/kustomization.yaml": base.replace("v1", '"9"')}
    assert warnings(outcomes) == []
    assert warnings(run(texts(outcomes), TAG)) == []


@pytest.mark.parametrize(
    "kustomization",
    [
        pytest.param("images: {a: b}\n", id="mapping instead of a list"),
        pytest.param("images: [a, {newTag: b}, {name: [c]}, {name: '(('}]\n", id="invalid entries"),
        pytest.param("resources: [1, null, {a: b}, '', ., ..]\ncomponents: [x, 2]\n", id="invalid references"),
        pytest.param("patches: [1, {patch: [1]}, {patch: 'a: ['}, {path: x}]\ntransformers: [x, 3, 'a: [\n']\n", id="invalid patches"),
        pytest.param("replacements: [1, {targets: [1]}, {source: 1, targets: [{fieldPaths: [1]}]}]\n", id="invalid replacements"),
        pytest.param("vars: [1, {fieldref: 1}]\nconfigMapGenerator: [1, {files: [1]}]\n", id="invalid generators"),
        pytest.param("resources: [../k]\n", id="cycle"),
        pytest.param("[]\n", id="list"),
        pytest.param("", id="empty file"),
    ],
)  # fmt: skip
def test_invalid_kustomization_is_not_changed(kustomization: str) -> None:
    files = {"k/kustomization.yaml": kustomization, "k/web.yaml": POD.replace("IMAGE", "nginx:1")}
    assert texts(run(files, TAG)) == {**files, "k/web.yaml": POD.replace("IMAGE", "nginx:9")}


def test_entry_that_matches_no_image_is_not_changed_because_of_a_component() -> None:
    files = {
        "base/kustomization.yaml": "resources: [web.yaml]\n",
        "base/web.yaml": POD.replace("IMAGE", "nginx:1"),
        "c/kustomization.yaml": "kind: Component\nimages: [{name: nginx, newTag: '2'}]\n",
        "k/kustomization.yaml": (
            "resources: [../base]\ncomponents: [../c]\nimages: [{name: redis, newName: a.b/redis}]\n"
        ),
    }
    outcomes = run(files, "registries: [{from: a.b, to: m.c/d}]\nonUnused: ignore")
    assert texts(outcomes) == files


def test_build_with_exponentially_many_bases_ends() -> None:
    files = {f"k{n}/kustomization.yaml": f"resources: [../k{n + 1}, ../k{n + 1}/.]\n" for n in range(40)}
    files["k40/kustomization.yaml"] = "images: [{name: nginx, newTag: v1}]\n"
    assert texts(run(files, TAG)).keys() == files.keys()


CHART = """helmCharts:
- name: web
  valuesInline:
    image: {repository: nginx, tag: '1'}  # pinned
  valuesFile: prod.yaml
images:
- {name: redis, newTag: '7'}
"""
VALUES = "cache: {repository: redis, tag: '6'}\n"


@pytest.mark.parametrize(
    "config, chart, values",
    [
        pytest.param(TAG, CHART.replace("tag: '1'", "tag: '9'"), VALUES, id="inline values"),
        pytest.param(
            "images: [{name: redis, newName: m.b/x, newTag: '9'}]",
            CHART.replace("name: redis, newTag: '7'", "name: m.b/x, newTag: '9'"),
            VALUES.replace("redis", "m.b/x"),
            id="entry for a file with values",
        ),
        pytest.param(f"images: [{{name: nginx, newImage: 'nginx@{DIGEST}'}}]", CHART, VALUES, id="impossible"),
    ],
)
def test_values_of_a_chart_are_followed_through_entries(config: str, chart: str, values: str) -> None:
    outcomes = run({"a/kustomization.yaml": CHART, "a/prod.yaml": VALUES}, config)
    assert texts(outcomes) == {"a/kustomization.yaml": chart, "a/prod.yaml": values}
    assert bool(warnings(outcomes)) == ("redis" in config or DIGEST in config)


@pytest.mark.parametrize(
    "inline, is_changed",
    [
        pytest.param("{image: {tag: '2'}}", False, id="tag of the default values"),
        pytest.param("{image: {repository: nginx, tag: '1'}}", True, id="all values"),
        pytest.param("{image: {pullPolicy: Always}}", True, id="another value"),
        pytest.param("{image: 1}", True, id="value in place of the mapping"),
    ],
)
def test_image_in_several_values_of_a_chart_is_reported(inline: str, is_changed: bool) -> None:
    files = {
        "a/kustomization.yaml": f"helmCharts: [{{name: web, valuesInline: {inline}}}]\n",
        "a/charts/web/values.yaml": "image: {repository: nginx, tag: '1'}\n",
    }
    found = warnings(run(files, TAG))
    message = '"nginx:2" cannot become "nginx:9"'
    assert any(message in one for one in found) != is_changed


URL = "https://example.com/x.yaml"


@pytest.mark.parametrize(
    "files, is_reported",
    [
        pytest.param(
            tree("nginx:1", base=entry("name: nginx, newTag: v2", base="web.yaml"), other=f"resources: ['{URL}']\n"),
            False,
            id="other build",
        ),
        pytest.param(
            tree("nginx:1", base=entry("name: nginx, newTag: v2", base="web.yaml"), over=f"resources: ['{URL}', ../base]\n"),
            False,
            id="entry of a base next to the URL",
        ),
        pytest.param(tree("nginx:1", over=entry("name: nginx, newTag: v2", base=f"'{URL}', ../base")), True, id="URL before the entry"),
        pytest.param(
            tree("nginx:1", url=f"resources: ['{URL}', ../base]\n", over=entry("name: nginx, newTag: v2", base="../url")),
            True,
            id="URL in a base",
        ),
        pytest.param(
            tree(
                "nginx:1",
                component="kind: Component\nimages: [{name: nginx, newTag: v2}]\n",
                over=f"resources: ['{URL}', ../base]\ncomponents: [../component]\n",
            ),
            True,
            id="entry in a component",
        ),
    ],
)  # fmt: skip
def test_new_name_of_an_entry_is_reported_for_unknown_images_that_it_reaches(
    files: dict[str, str], is_reported: bool
) -> None:
    outcomes = run(files, NAME)
    assert (
        any(f'an image "nginx" of the resource "{URL}" is no longer' in one for one in warnings(outcomes))
        == is_reported
    )
    assert "name: m.b/x, newTag: v2" in "".join(texts(outcomes).values())


FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: prod}
spec: {images: [{name: IMAGE, newTag: "2"}]}
"""
ARGO = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: prod}
spec: {source: {kustomize: {images: ["IMAGE"]}}}
"""
IN_STRING = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  x: |\n    " + FLUX.replace(
    "\n", "\n    "
)


@pytest.mark.parametrize(
    "override",
    [
        pytest.param(FLUX.replace("IMAGE", "nginx"), id="Flux"),
        pytest.param(FLUX.replace("IMAGE", "docker.io/library/nginx"), id="another spelling"),
        pytest.param(ARGO.replace("IMAGE", "nginx:2"), id="Argo CD"),
        pytest.param(ARGO.replace("IMAGE", "nginx=nginx:2"), id="Argo CD, with a name"),
        pytest.param(ARGO.replace("IMAGE", "nginx=other.example/web:2"), id="override with another name"),
        pytest.param(IN_STRING.replace("IMAGE", "nginx"), id="in a string"),
    ],
)
@pytest.mark.parametrize(
    "config, is_reported",
    [
        pytest.param(NAME, True, id="new name"),
        pytest.param("registries: [{from: docker.io, to: m.b/x}]", True, id="registry"),
        pytest.param(f"images: [{{name: nginx, newImage: 'm.b/x@{DIGEST}'}}]", True, id="new image"),
        pytest.param(TAG, False, id="tag"),
    ],
)
def test_override_of_a_name_that_changes_in_other_files_is_reported(
    override: str, config: str, is_reported: bool
) -> None:
    config += "\nkinds: [{kind: ConfigMap, paths: {path: .data.x, as: yaml}}]\nonUnused: ignore"
    said = 'the entry still replaces "'
    pod = POD.replace("IMAGE", "nginx:1")
    kustomization = {"k/kustomization.yaml": "resources: [web.yaml]\n", "k/web.yaml": pod}
    for others in ({"web.yaml": pod}, kustomization):
        found = warnings(run({"prod.yaml": override, **others}, config))
        assert sum(said in one for one in found) == len(found) == is_reported
    assert warnings(run({"prod.yaml": override, "web.yaml": POD.replace("IMAGE", "redis:1")}, config)) == []


REMOTE = f"resources: ['{URL}']\n"


@pytest.mark.parametrize(
    "config",
    [
        pytest.param("images: [{name: nginx, newName: m.b/x}]", id="new name"),
        pytest.param("images: [{name: nginx, newName: m.b/x, newTag: '9'}]", id="new name and tag"),
        pytest.param(f"images: [{{name: nginx, newImage: 'm.b/x@{DIGEST}'}}]", id="new name and digest"),
        pytest.param(
            "images: [{name: nginx, newName: m.b/x}, {name: nginx, newName: a.b/c}]", id="overridden entry"
        ),
    ],
)
def test_second_run_with_an_unknown_source_has_no_warning(config: str) -> None:
    first = run(tree("nginx:1", other=REMOTE), config)
    assert warnings(first) == []
    assert warnings(run(texts(first), config)) == []


def test_message_about_unknown_images_counts_further_names() -> None:
    names = [f"{{name: app{number}, newTag: v1}}" for number in range(5)]
    found = warnings(run(tree("nginx:1", over=REMOTE), f"images: [{', '.join(names)}]\nonUnused: ignore"))
    only = 'only an entry of `images` can set "app0", "app1", "app2" and 2 more there'
    assert found == [f'images of the resource "{URL}" are unknown; {only}']


@pytest.mark.parametrize(
    "field", ["resources: [x.yaml, web.yaml]", "resources: [web.yaml]\npatches: [{path: x.yaml}]"]
)
@pytest.mark.parametrize(
    "text, is_known",
    [
        pytest.param("# generated later\n", True, id="comment"),
        pytest.param("---\n# a\n---\n# b\n", True, id="comments in two documents"),
        pytest.param("null\n", True, id="null"),
        pytest.param("{}\n", True, id="empty mapping"),
        pytest.param("text\n", False, id="text"),
        pytest.param("a: 1\n", False, id="mapping without a kind"),
    ],
)
def test_file_without_content_contains_no_unknown_images(field: str, text: str, is_known: bool) -> None:
    files = {**tree("nginx:1", base=f"{field}\n"), "base/x.yaml": text}
    found = warnings(run(files, "images: [{name: redis, newTag: '9'}]\nonUnused: ignore"))
    assert any('"x.yaml" are unknown' in one for one in found) != is_known


@pytest.mark.parametrize(
    "form, key, is_set",
    [
        pytest.param("yaml", "values.yaml", True, id="YAML"),
        pytest.param("values", "values.yaml", True, id="Helm values"),
        pytest.param("values", "other", False, id="other key"),
        pytest.param("text", "values.yaml", False, id="text"),
    ],
)
def test_file_of_a_config_map_is_set_if_kinds_read_its_key(form: str, key: str, is_set: bool) -> None:
    files = {
        "k/kustomization.yaml": "configMapGenerator: [{name: c, files: [values.yaml]}]\n",
        "k/values.yaml": "image: {repository: nginx, tag: '1'}\n",
    }
    kinds = f"kinds: [{{kind: ConfigMap, paths: [{{path: \"{{.data['{key}']}}\", as: {form}}}]}}]"
    outcomes = run(files, f"{TAG}\n{kinds}\nonUnused: ignore")
    assert ("tag: '9'" in texts(outcomes)["k/values.yaml"]) == is_set
    assert any("as text" in message for message in warnings(outcomes)) != is_set
