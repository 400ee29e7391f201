// Reads YAML with npm `yaml` and `js-yaml`: a JSON list of texts per line comes in, and a JSON list of
// {yaml: DOCUMENTS or null, "js-yaml": DOCUMENTS or null} goes out. In a document, {"m": [[key, value]...]} is a
// mapping, {"o": text} a scalar that is not a string.
"use strict";
const yaml = require("yaml");
const jsYaml = require("js-yaml");
const schema = jsYaml.CORE_SCHEMA.withTags(jsYaml.mergeTag, jsYaml.realMapTag);

function plain(value, depth) {
  if (depth > 200) throw new Error("too deep");
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  if (value instanceof Map) return { m: [...value].map(([key, item]) => [plain(key, depth + 1), plain(item, depth + 1)]) };
  if (value === null || value === undefined) return { o: "null" };
  return { o: value instanceof Date ? value.toISOString() : Object.is(value, -0) ? "-0" : String(value) };
}

const readers = {
  yaml(text) {
    const documents = yaml.parseAllDocuments(text, { merge: true, logLevel: "silent" });
    return documents.map((document) => {
      // It reports what it still reads, such as a flow collection that is not indented enough: here that is refused.
      if (document.errors.length + document.warnings.length) throw (document.errors[0] || document.warnings[0]);
      return document.toJS({ maxAliasCount: -1, mapAsMap: true });
    });
  },
  "js-yaml"(text) {
    return jsYaml.loadAll(text, { schema });
  },
};

function read(text) {
  const result = {};
  for (const [name, reader] of Object.entries(readers)) {
    try {
      result[name] = plain(reader(text), 0);
    } catch (error) {
      result[name] = null;
      result[name + " error"] = String(error && error.message).split("\n")[0];
    }
  }
  return result;
}

require("readline")
  .createInterface({ input: process.stdin, terminal: false })
  .on("line", (line) => process.stdout.write(JSON.stringify(JSON.parse(line).map(read)) + "\n"));
