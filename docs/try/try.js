// The form of docs/try.md, and the worker that runs the program with Pyodide. The page starts this file as a worker
// too, so that the form can be used while Python runs. Input reaches the page only as text, never as HTML.

const PYTHON = `
import contextlib, io, json, os, sys

sys.path.append("/packages")
os.mkdir("/work")
os.chdir("/work")
from krm_image_setter.__main__ import main


def command(*arguments):
    output, messages = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(messages):
        status = main(arguments)
    output.flush()
    return status, output.buffer.getvalue().decode(), messages.getvalue()


def run(**files):
    for name, text in files.items():
        with open(f"{name}.yaml", "wb") as file:
            file.write(text.encode("utf-8", "surrogatepass"))
    status, diff, messages = command("set", "manifests.yaml", "--diff")
    explanation = "" if status == 2 else command("explain", "manifests.yaml")[1]
    summary = ("No image changes.", "Images change.", "The program reports an error.")[status]
    return json.dumps({"diff": diff, "messages": messages, "explanation": explanation, "summary": summary})


lambda files: run(**json.loads(files))
`;

// A browser needs minutes to show the 140,000 lines that explain 20,000 Pods.
const MOST_LINES = 2000;

async function startProgram() {
  const { loadPyodide } = await import("./pyodide.mjs");
  const response = await fetch(new URL("packages.zip", import.meta.url));
  if (!response.ok) throw new Error(`packages.zip: ${response.status} ${response.statusText}`);
  const [pyodide, packages] = await Promise.all([loadPyodide(), response.arrayBuffer()]);
  pyodide.unpackArchive(packages, "zip", { extractDir: "/packages" });
  return pyodide.runPython(PYTHON);
}

function serve() {
  const program = startProgram();
  self.onmessage = async ({ data }) => {
    try {
      self.postMessage(JSON.parse((await program)(JSON.stringify(data))));
    } catch (error) {
      const lines = String(error.message).split("\n"); // often a traceback of Python
      self.postMessage({ fault: lines.findLast((line) => /^[\w.]*Error\b/.test(line)) ?? lines[0] });
    }
  };
}

const through = (parts, transform) => new Response(new Blob(parts).stream().pipeThrough(transform));

async function toFragment(files) {
  const packed = await through([JSON.stringify(files)], new CompressionStream("deflate-raw")).arrayBuffer();
  return `#try=${btoa(Array.from(new Uint8Array(packed), (byte) => String.fromCharCode(byte)).join(""))}`;
}

async function fromFragment(fragment) {
  const packed = Uint8Array.from(atob(fragment.slice("#try=".length)), (letter) => letter.charCodeAt(0));
  return through([packed], new DecompressionStream("deflate-raw")).json();
}

// An example is the two YAML blocks after a heading of the third level.
function readExample(heading) {
  const blocks = [];
  for (let next = heading.nextElementSibling; next && !/^H[123]$/.test(next.tagName); next = next.nextElementSibling)
    blocks.push(...next.querySelectorAll("pre > code"));
  const [manifests, functions] = blocks.map((block) => block.textContent);
  return { title: heading.firstChild.textContent, files: { manifests, functions } };
}

async function showForm() {
  const part = (name) => document.getElementById(`try-${name}`);
  const examples = [...document.querySelectorAll(".md-content h3")].map(readExample);
  let worker = null;
  let asked = 0; // The runs since the last run ended.
  let waiting = 0;

  const read = () => ({ manifests: part("manifests").value, functions: part("functions").value });

  const say = (text) => {
    part("status").textContent = text;
  };

  function fill(files) {
    part("manifests").value = files.manifests ?? "";
    part("functions").value = files.functions ?? "";
    update();
  }

  // Show that the input has changed. After the program is loaded, run it; with `load`, load it too.
  async function update({ load } = {}) {
    clearTimeout(waiting);
    const index = examples.findIndex(({ files }) => JSON.stringify(files) === JSON.stringify(read()));
    part("example").value = index < 0 ? "" : index;
    if (load || worker) run();
    part("link").href = await toFragment(read());
  }

  function show(name, text) {
    part(name).parentElement.hidden = !text;
    const lines = text.split(/(?<=\n)/);
    const rest = lines.splice(MOST_LINES).length;
    if (rest) lines.push(`… and ${rest} more lines\n`);
    const shown = lines.map((line) => {
      const span = document.createElement("span");
      span.className = name === "diff" ? ({ "+": "gi", "-": "gd", "@": "gu" }[line[0]] ?? "") : "";
      span.textContent = line;
      return span;
    });
    part(name).querySelector("code").replaceChildren(...shown);
  }

  function run() {
    asked += 1;
    if (asked > 1) return; // `finish` starts the next run.
    if (!worker) {
      say("Loading Python and the program…");
      worker = new Worker(import.meta.url, { type: "module" });
      worker.onmessage = ({ data }) => finish(data);
      worker.onerror = ({ message }) => finish({ fault: message ?? "cannot start a worker" });
    }
    part("results").ariaBusy = "true";
    worker.postMessage(read());
  }

  function finish({ fault, diff = "", messages = "", explanation = "", summary }) {
    const again = asked > 1;
    asked = 0;
    if (fault) {
      worker.terminate(); // The next run loads the program again.
      worker = null;
    } else if (again) {
      run();
      return;
    }
    show("diff", diff);
    show("messages", messages);
    show("explanation", explanation);
    part("run").textContent = fault ? "Load and run" : "Run";
    say(fault ? `The program stopped: ${fault}` : summary);
    part("results").ariaBusy = "false";
  }

  async function restore() {
    if (!location.hash.startsWith("#try=")) return false;
    try {
      fill(await fromFragment(location.hash));
      return true;
    } catch {
      say("The link is damaged, so its input is not shown.");
      return false;
    }
  }

  examples.forEach(({ title }, index) => part("example").add(new Option(title, index)));
  part("example").onchange = ({ target }) => target.value && fill(examples[target.value].files);
  part("manifests").oninput = part("functions").oninput = () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 300);
  };
  part("form").onsubmit = (event) => {
    event.preventDefault();
    update({ load: true });
  };
  addEventListener("hashchange", restore);
  part("status").textContent = "";
  part("form").hidden = false;
  if (!(await restore())) fill(examples[0].files);
  const there = await fetch(new URL("pyodide.mjs", import.meta.url), { method: "HEAD" }).catch(() => ({}));
  if (!there.ok) {
    part("run").disabled = true;
    say("This build of the documentation does not contain the program, because npm was missing or the page was opened as a file.");
  }
}

if (globalThis.document) showForm();
else serve();
