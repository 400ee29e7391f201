"""The page docs/try.md of the site that `make docs` builds, in Chromium."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
from chromium import Page
from harness import ROOT
from story import blocks

TRY = ROOT / "site/try"
PAGE = ROOT / "docs/try.md"
BLOCKS = [block for block in blocks(PAGE) if block.language != "sh"]
#: Manifests, configuration and output of each example.
EXAMPLES = list(zip(BLOCKS[::3], BLOCKS[1::3], BLOCKS[2::3], strict=True))
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    if not (TRY / "packages.zip").exists():
        pytest.skip("no site/try/packages.zip: run `make docs` with npm")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(ROOT / "site"))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def page(site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Return the page with the program loaded."""
    with Page(tmp_path_factory.mktemp("chromium")) as page:
        page.open(f"{site}/try/")
        page.wait_for("document.getElementById('try-manifests')?.value")
        assert page.evaluate("document.getElementById('try-run').disabled") is False
        assert not [url for url in page.requests if "pyodide.asm" in url], "loaded without a click"
        page.evaluate("document.getElementById('try-run').click()")
        shown(page)
        yield page


def shown(page: Page) -> dict[str, str]:
    """Return the outputs on the page after the next run, or an empty text for each that is hidden."""
    page.wait_for("document.getElementById('try-results').ariaBusy === 'false'")
    outputs: dict[str, str] = page.evaluate(
        "Object.fromEntries(['diff', 'messages', 'explanation', 'status'].map((name) => {"
        "  const part = document.getElementById(`try-${name}`);"
        "  return [name, part.checkVisibility() ? part.textContent : ''];"
        "}))"
    )
    return outputs


def enter(page: Page, **texts: str) -> dict[str, str]:
    """Enter texts into the form as a user does, and return the outputs."""
    for name, text in texts.items():
        page.evaluate(f"document.getElementById('try-{name}').value = {json.dumps(text)}")
    page.evaluate("document.getElementById('try-form').requestSubmit()")
    return shown(page)


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=lambda number: f"example {number + 1}")
def test_example_has_documented_output(page: Page, number: int) -> None:
    manifests, functions, output = (block.body for block in EXAMPLES[number])
    page.evaluate(f"document.getElementById('try-example').value = {number}")
    page.evaluate("document.getElementById('try-example').dispatchEvent(new Event('change'))")
    page.wait_for(f"document.getElementById('try-manifests').value === {json.dumps(manifests)}")
    outputs = enter(page)
    assert page.evaluate("document.getElementById('try-functions').value") == functions
    if EXAMPLES[number][2].language == "diff":
        assert outputs["diff"] == output
    else:  # a terminal shows both
        assert sorted((outputs["messages"] + outputs["diff"]).splitlines()) == sorted(output.splitlines())
    assert outputs["status"] == "Images change."
    assert "set by" in outputs["explanation"]


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        pytest.param(
            HEAD + "images:\n- {name: nginx, newTag: 1.20}\n",
            'functions.yaml:4: images[0].newTag: YAML reads 1.20 as the number 1.2; quote it: "1.20"',
            id="tag that is a number",
        ),
        pytest.param(
            HEAD + "images:\n- {name: nginx, newTga: '1'}\n- {nam: redis}\n",
            'functions.yaml:4: images[0].newTga: unknown field "newTga"; did you mean "newTag"?',
            id="misspelled field, which jsonschema finds",
        ),
        pytest.param(HEAD + "images: [", "functions.yaml:3:10: invalid YAML", id="invalid YAML"),
    ],
)
def test_error_in_configuration_is_shown(page: Page, functions: str, message: str) -> None:
    outputs = enter(page, manifests=EXAMPLES[0][0].body, functions=functions)
    assert f"krm-image-setter: error: {message}" in outputs["messages"]
    assert (outputs["diff"], outputs["explanation"]) == ("", "")
    assert outputs["status"] == "The program reports an error."


def test_link_restores_input(page: Page, site: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    functions = HEAD + "images: {a: 'a:2'}\n"
    manifests = "kind: Pod\nmetadata: {name: ü-🙂}\nspec: {containers: [{image: 'a:1'}]}\n"
    before = page.evaluate("document.getElementById('try-link').href")
    assert "+spec: {containers: [{image: 'a:2'}]}" in enter(page, manifests=manifests, functions=functions)["diff"]
    page.wait_for(f"document.getElementById('try-link').href !== {json.dumps(before)}")
    link = page.evaluate("document.getElementById('try-link').href")
    assert page.evaluate("document.getElementById('try-example').value") == ""
    assert link.startswith(f"{site}/try/#try=")
    with Page(tmp_path_factory.mktemp("other")) as other:
        other.open(link)
        other.wait_for("document.getElementById('try-manifests')?.value")
        assert other.evaluate("document.getElementById('try-manifests').value") == manifests
        assert other.evaluate("document.getElementById('try-functions').value") == functions
        assert not [url for url in other.requests if "pyodide.asm" in url], "a link must not start the program"
        other.open(f"{site}/try/#try=damaged")
        other.wait_for("document.getElementById('try-status').textContent.startsWith('The link is damaged')")


def test_requests_go_only_to_the_site(page: Page, site: str) -> None:
    hosts = {urlsplit(url).netloc for url in page.requests if not url.startswith(("data:", "blob:"))}
    assert {url.rpartition("/")[2] for url in page.requests} >= {"pyodide.asm.wasm", "packages.zip"}
    assert hosts == {urlsplit(site).netloc}


def test_page_without_pyodide_says_so(site: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with Page(tmp_path_factory.mktemp("without")) as page:
        page.call("Network.setBlockedURLs", urls=["*/pyodide.mjs"])
        page.open(f"{site}/try/")
        page.wait_for("document.getElementById('try-run').disabled")
        assert "does not contain the program" in page.evaluate("document.getElementById('try-status').textContent")


def test_page_has_measured_size(site: str) -> None:
    loaded = [path.read_bytes() for path in TRY.iterdir() if path.suffix != ".html"]
    size, compressed = map(int, re.findall(r"(\d+) MB", PAGE.read_text())[:2])
    assert sum(map(len, loaded)) / 1e6 == pytest.approx(size, abs=1)
    assert sum(len(gzip.compress(content)) for content in loaded) / 1e6 == pytest.approx(compressed, abs=1)


@pytest.mark.parametrize("width", [400, 1280])
def test_page_fits_into_width(page: Page, width: int) -> None:
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
