"""The modules, patterns and calls of a short run are counted exactly, so that their number cannot grow unnoticed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

from harness import UNMEASURED

from krm_image_setter import rules
from krm_image_setter.images import reference
from krm_image_setter.yaml import lines, outline, stream

SERVICE: Final = """\
- apiVersion: v1
  kind: Service
  metadata:
    name: web  # it's skipped
  spec: {selector: {app: "web"}}
"""
POD: Final = """\
- apiVersion: v1
  kind: Pod
  metadata:
    name: web
  spec:
    containers:
    - name: web
      image: nginx:1
"""
# The modules of the standard library that most programs use, and the modules that these import.
COMMON: Final = "import __future__, collections.abc, errno, functools, gc, itertools, os, re, sys, typing"


def measured(items: str, before: str, after: str, config: str = "images: {nginx: nginx:2}") -> Any:
    """Run the function on these items in a new interpreter, then run `after`, and return its variable `measured`."""
    text = f"""\
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
{items}functionConfig:
  apiVersion: krm-image-setter.dev/v1alpha1
  kind: ImageSetter
  {config}
"""
    code = f"""\
{before}
from krm_image_setter.__main__ import main
assert main([]) == 0
{after}
import json
print(json.dumps(measured), file=sys.stderr)
"""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", code], input=text, capture_output=True, text=True, env=UNMEASURED, check=True
    )
    assert ("nginx:2" in ran.stdout) == ("nginx:1" in items)
    return json.loads(ran.stderr)


MODULES: Final = """
    __main__ catalog changes config config.compatible config.decode config.image_setter config.schema config.value
    deciding documents edits errors filter function images images.image_rule images.reference
    images.registry_rule line_breaks locators locators.forms locators.image_field locators.kind_rule
    locators.pod_spec paths paths.path resources results rules scan streams transform typed yaml yaml.lines yaml.parsing
    yaml.scalar yaml.stream yaml.tree yaml.writer
"""


def test_modules_that_a_run_loads() -> None:
    """A run imports these modules of the program, the common modules of the standard library, and no package."""
    loaded = measured(POD, f"{COMMON}\ncommon = set(sys.modules)", "measured = sorted(set(sys.modules) - common)")
    assert loaded == ["krm_image_setter", *(f"krm_image_setter.{name}" for name in MODULES.split())]


def test_modules_that_paths_add() -> None:
    loaded = measured(
        POD,
        f"{COMMON}\ncommon = set(sys.modules)",
        "measured = sorted(set(sys.modules) - common)",
        "images: {nginx: nginx:2}\n  kinds: {Widget: '{.spec.image}'}\n  onUnused: ignore",
    )
    assert set(loaded) - {f"krm_image_setter.{name}" for name in MODULES.split()} == {
        "krm_image_setter",
        "krm_image_setter.paths.kubernetes",
    }


RECORD: Final = """\
import re, sys
import typing
from re import _compiler
measured = []
compile = _compiler.compile
def record(pattern, flags=0):
    measured.append(pattern)
    return compile(pattern, flags)
_compiler.compile = record
"""


def test_patterns_that_a_run_compiles() -> None:
    """Compiling a pattern takes at least 0.1 ms. If a module compiles it on import, every run takes longer."""
    compiled = measured(SERVICE + POD, RECORD, "_compiler.compile = compile")
    assert sorted(compiled) == sorted(
        [
            lines.LINE.pattern,
            "- +",
            lines._FLOW,
            outline._SIMPLE.pattern,
            reference._REFERENCE.pattern,
            rules._KIND,
            stream._ITEMS,
            r"\n[^\s#]",  # the items of this list
            r"\n- kind: (\S+)",  # the kinds of the catalog
        ]
    )


COUNT: Final = """\
import sys
measured = 0
def count(frame, event, _):
    global measured
    measured += event == "call" and "krm_image_setter" in frame.f_code.co_filename
sys.setprofile(count)
"""


def test_calls_for_a_resource_that_names_no_image() -> None:
    """For each resource, one call decides, one searches for keywords, one proves that it is valid, one skips it."""
    few, many = (measured(SERVICE * count + POD, COUNT, "sys.setprofile(None)") for count in (10, 30))
    assert many - few == 4 * 20  # (all in one batch)


def test_plain_arguments_of_a_command_load_no_typer() -> None:
    code = """\
import sys
from krm_image_setter.__main__ import main
assert main(["list", "-", "-o", "names", "--no-config"]) == 0
print(*{"typer", "inspect", "hashlib", "shutil"} & set(sys.modules), file=sys.stderr)
"""
    pod = "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: nginx:1}]}\n"
    command = [sys.executable, "-I", "-c", code]
    ran = subprocess.run(command, input=pod, capture_output=True, text=True, env=UNMEASURED, check=True)
    assert (ran.stdout, ran.stderr) == ("nginx:1\n", "\n")
