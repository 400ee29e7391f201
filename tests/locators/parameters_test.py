"""Placeholders that stand for an image: the default or value of a parameter in the same resource is set."""

from __future__ import annotations

import pytest

from krm_image_setter import read_config, set_images
from krm_image_setter.documents import Stream
from krm_image_setter.rules import rules_for
from krm_image_setter.scan import images_in, scan

CONFIG = read_config(
    "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {q.io/a: 'q.io/a:NEW'}\n"
)
TASK = "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\nspec:\n"
PIPELINE = "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
RUN = "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {name: r}\nspec:\n"
WORKFLOW = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n"
TEMPLATE = "apiVersion: template.openshift.io/v1\nkind: Template\nmetadata: {name: t}\n"
POD = "objects:\n- {apiVersion: v1, kind: Pod, metadata: {}, spec: {containers: [{name: a, image: %s}]}}\n"

# `q.io/a:1` is set, and `q.io/a:OLD` is not an image.
CASES = [
    ("default of a task", TASK + "  params: [{name: x, default: 'q.io/a:1'}]\n  steps: [{image: $(params.x)}]\n"),
    ("default before a comment", TASK + "  params:\n  - name: x\n    default: q.io/a:1 # é\n  steps: [{image: $(params.x)}]"),
    ("name in brackets", TASK + "  params: [{name: a.b, default: 'q.io/a:1'}]\n  steps: [{image: '$(params[\"a.b\"])'}]"),
    ("old notation", TASK + "  params: [{name: x, default: 'q.io/a:1'}]\n  steps: [{image: $(inputs.params.x)}]\n"),
    ("white space around a placeholder", TASK + "  params: [{name: x, default: ' q.io/a:1 '}]\n  steps: [{image: ' $(params.x) '}]\n"),
    ("two steps with one parameter", TASK + "  params: [{name: x, default: 'q.io/a:1'}]\n  steps: [{image: $(params.x)}, {image: $(params.x)}]\n"),
    ("value of a pipeline task wins over outer default", PIPELINE +
     "  params: [{name: x, default: 'q.io/a:OLD'}]\n  tasks:\n  - params: [{name: x, value: 'q.io/a:1'}]\n"
     "    taskSpec: {steps: [{image: $(params.x)}], params: [{name: x, default: 'q.io/a:1'}]}\n"),
    ("inner default wins over outer default", PIPELINE +
     "  params: [{name: x, default: 'q.io/a:OLD'}]\n"
     "  tasks: [{taskSpec: {steps: [{image: $(params.x)}], params: [{name: x, default: 'q.io/a:1'}]}}]\n"),
    ("parameter passed with the same name", PIPELINE +
     "  params: [{name: x, default: 'q.io/a:1'}]\n"
     "  tasks: [{params: [{name: x, value: $(params.x)}], taskSpec: {steps: [{image: $(params.x)}]}}]\n"),
    ("value of a run wins over inner default", RUN +
     "  params: [{name: x, value: 'q.io/a:1'}]\n  pipelineSpec:\n    params: [{name: x, default: 'q.io/a:1'}]\n"
     "    tasks: [{taskSpec: {steps: [{image: $(params.x)}]}}]\n"),
    ("alias of a default", TASK + "  params: [{name: x, default: &i 'q.io/a:1'}]\n  description: k\n"
     "  steps: [{image: *i}, {image: $(params.x)}]\n"),
    ("parameter of a TriggerTemplate", "apiVersion: triggers.tekton.dev/v1beta1\nkind: TriggerTemplate\nspec:\n"
     "  params: [{name: x, default: 'q.io/a:1'}]\n  resourcetemplates:\n"
     "  - apiVersion: tekton.dev/v1\n    kind: TaskRun\n    metadata: {generateName: r-}\n    spec:\n"
     "      params: [{name: z, value: $(tt.params.x)}]\n      taskSpec: {steps: [{image: $(params.z)}]}\n"),
    ("parameter of Shipwright", "apiVersion: shipwright.io/v1beta1\nkind: BuildStrategy\nmetadata: {name: b}\nspec:\n"
     "  parameters: [{name: x, default: 'q.io/a:1'}]\n  steps: [{image: $(params.x)}]\n"),
    ("input of a template", WORKFLOW + "  templates:\n  - name: t\n"
     "    inputs: {parameters: [{name: x, default: 'q.io/a:1'}]}\n    container: {image: '{{inputs.parameters.x}}'}\n"),
    ("spaces and expression tag", WORKFLOW + "  templates:\n  - inputs: {parameters: [{name: x, value: 'q.io/a:1'}]}\n"
     "    container: {image: \"{{= inputs.parameters['x'] }}\"}\n"),
    ("argument of a workflow", WORKFLOW + "  arguments: {parameters: [{name: x, value: 'q.io/a:1'}]}\n"
     "  templates: [{name: t, container: {image: '{{workflow.parameters.x}}'}}]\n"),
    ("argument of steps and tasks", WORKFLOW + "  templates:\n"
     "  - name: t\n    inputs: {parameters: [{name: x}]}\n    script: {image: '{{inputs.parameters.x}}'}\n"
     "  - name: s\n    steps: [[{template: t, arguments: {parameters: [{name: x, value: 'q.io/a:1'}]}}]]\n"
     "  - name: d\n    dag: {tasks: [{template: t, arguments: {parameters: [{name: x, value: 'q.io/a:1'}]}}]}\n"
     "  - name: o\n    steps: [[{template: d, arguments: {parameters: [{name: x, value: 'q.io/a:OLD'}]}}]]\n"),
    ("argument of the entrypoint", WORKFLOW + "  entrypoint: t\n"
     "  arguments: {parameters: [{name: x, value: 'q.io/a:1'}]}\n  templates:\n"
     "  - name: t\n    inputs: {parameters: [{name: x}]}\n    container: {image: '{{inputs.parameters.x}}'}\n"),
    ("argument that is a parameter of the workflow", WORKFLOW +
     "  arguments: {parameters: [{name: z, value: 'q.io/a:1'}]}\n  templates:\n"
     "  - name: t\n    inputs: {parameters: [{name: x}]}\n    container: {image: '{{inputs.parameters.x}}'}\n"
     "  - name: s\n    steps: [[{template: t, arguments: {parameters: [{name: x, value: '{{workflow.parameters.z}}'}]}}]]\n"),
    ("parameter of a Template", TEMPLATE + POD % "'${X}'" + "parameters: [{name: X, value: 'q.io/a:1'}]\n"),
    ("placeholder that is also in a label", TEMPLATE + (POD % "'${X}'").replace("{},", "{labels: {i: '${X}'}},") +
     "parameters: [{name: X, value: 'q.io/a:1'}]\n"),
    ("CRLF line endings", (TEMPLATE + POD % "'${X}'" + "parameters:\n- name: X\n  value: q.io/a:1\n").replace("\n", "\r\n")),
    ("JSON", '{"apiVersion": "tekton.dev/v1", "kind": "Task", "spec": {"steps": [{"image": "$(params.x)"}], '
     '"params": [{"default": "q.io/a:1", "name": "x"}]}}'),
]  # fmt: skip
UNRESOLVED = [
    ("parameter without default", TASK + "  params: [{name: x}]\n  steps: [{image: $(params.x)}]\n"),
    ("empty default", TASK + "  params: [{name: x, default: ''}]\n  steps: [{image: $(params.x)}]\n"),
    ("default that is a list", TASK + "  params: [{name: x, default: ['q.io/a:1']}]\n  steps: [{image: $(params.x)}]\n"),
    ("placeholder with a tag", TASK + "  params: [{name: x, default: q.io/a}]\n  steps: [{image: '$(params.x):1'}]\n"),
    ("default with a placeholder", TASK + "  params: [{name: x, default: 'q.io/a:$(params.z)'}]\n  steps: [{image: $(params.x)}]\n"),
    ("parameters that refer to each other", PIPELINE +
     "  tasks: [{params: [{name: x, value: $(params.x)}], taskSpec: {steps: [{image: $(params.x)}]}}]\n"),
    ("parameter of another resource", TEMPLATE + "parameters: [{name: x, value: 'q.io/a:1'}]\nobjects:\n- "
     "{apiVersion: tekton.dev/v1, kind: Task, metadata: {}, spec: {steps: [{image: $(params.x)}]}}\n"),
    ("name of an object", TEMPLATE + (POD % "'${X}'").replace("{},", "{name: '${X}'},") +
     "parameters: [{name: X, value: a}]\n"),
    ("part of a selector", TEMPLATE + (POD % "'${X}'").replace("{containers", "{selector: {app: 'my-${X}'}, containers") +
     "parameters: [{name: X, value: a}]\n"),
    ("name of a run", "apiVersion: triggers.tekton.dev/v1beta1\nkind: TriggerTemplate\nspec:\n"
     "  params: [{name: x, default: a}]\n  resourcetemplates:\n"
     "  - apiVersion: tekton.dev/v1\n    kind: TaskRun\n    metadata: {generateName: '$(tt.params.x)-'}\n"
     "    spec: {taskSpec: {steps: [{image: $(tt.params.x)}]}}\n"),
    ("variable of a Pod", "apiVersion: v1\nkind: Pod\nparameters: [{name: X, value: 'q.io/a:1'}]\n"
     "spec: {containers: [{image: '${X}'}]}\n"),
]  # fmt: skip


@pytest.mark.parametrize("text", [text for _, text in CASES], ids=[name for name, _ in CASES])
def test_default_or_value_of_placeholder_is_set(text: str) -> None:
    assert set_images(text, CONFIG).text == text.replace("q.io/a:1", "q.io/a:NEW")


@pytest.mark.parametrize("text", [text for _, text in UNRESOLVED], ids=[name for name, _ in UNRESOLVED])
def test_placeholder_without_default_is_counted(text: str) -> None:
    found = scan(Stream(text), rules_for(CONFIG, {}))
    assert (found.edits, found.placeholders) == ([], 1)


def test_long_chain_of_parameters_is_not_followed_to_its_end() -> None:
    parameters = "".join(
        f"{{name: p{number}, default: '{{{{inputs.parameters.p{number + 1}}}}}'}}, " for number in range(5_000)
    )
    text = (
        WORKFLOW + "  templates:\n  - container: {image: '{{inputs.parameters.p0}}'}\n"
        f"    inputs: {{parameters: [{parameters}{{name: p5000, default: 'q.io/a:1'}}]}}\n"
    )
    found = scan(Stream(text), rules_for(CONFIG, {}))
    assert (found.edits, found.placeholders) == ([], 1)


def test_list_shows_default_and_not_placeholder() -> None:
    _, text = CASES[0]
    (image,) = images_in(Stream(text), rules_for(CONFIG, {}))
    assert (image.image, image.path) == ("q.io/a:1", "spec.params[0].default")


def test_pull_policy_of_container_with_placeholder_is_changed() -> None:
    text = TEMPLATE + POD % "'${X}', imagePullPolicy: Never" + "parameters: [{name: X, value: 'q.io/a:1'}]\n"
    config = CONFIG._replace(image_pull_policy="Always")
    assert set_images(text, config).text == text.replace("Never", "Always").replace("a:1", "a:NEW")


def test_containers_of_entry_apply_to_container_with_placeholder() -> None:
    text = TEMPLATE + POD % "'${X}'" + "parameters: [{name: X, value: 'q.io/a:1'}]\n"
    scope = CONFIG.images[0].scopes[0]._replace(containers=("other",))
    config = CONFIG._replace(images=(CONFIG.images[0]._replace(scopes=(scope,)),), on_unused="ignore")
    assert set_images(text, config).text == text
