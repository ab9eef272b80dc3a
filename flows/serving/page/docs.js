// The addresses of /openapi.json for people, each with a command that asks it.

import { make } from "./dom.js";

async function begin() {
  const token = sessionStorage.getItem("token");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch("/openapi.json", { headers });
  const content = await response.json();
  if (!response.ok) throw new Error(`${content.error}; give the token on the page to try the models`);
  document.getElementById("paths").replaceChildren(
    ...Object.entries(content.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, told]) => section(path, method, told, content)),
    ),
  );
}

function section(path, method, told, content) {
  const types = told.requestBody?.content ?? {};
  const parts = [make("h2", {}, `${method.toUpperCase()} ${path}`), make("p", {}, told.summary)];
  if (method === "post") parts.push(make("div", { class: "answer" }, make("pre", {}, command(path, types))));
  const asked = types["application/json"]?.schema.$ref;
  if (asked) parts.push(details("Request", schemaOf(asked, content)));
  const answered = told.responses["200"]?.content?.["application/json"]?.schema?.$ref;
  if (answered) parts.push(details("Answer", schemaOf(answered, content)));
  const others = Object.keys(types).filter((type) => type !== "application/json");
  if (others.length) parts.push(make("p", { class: "quiet" }, `Or a file as it is: ${others.join(", ")}`));
  return make("section", {}, ...parts);
}

function command(path, types) {
  const example = JSON.stringify(types["application/json"]?.example ?? { rows: [] });
  const short = example.length > 400 ? '{"rows": [...]}' : example.replaceAll("'", "'\\''");
  return `curl ${location.origin}${path} --json '${short}'`;
}

function schemaOf(reference, content) {
  return content.components.schemas[reference.split("/").pop()];
}

function details(title, schema) {
  return make("details", {}, make("summary", {}, title),
    make("div", { class: "answer" }, make("pre", {}, JSON.stringify(schema, null, 2))));
}

begin().catch((error) => {
  const trouble = document.getElementById("trouble");
  trouble.textContent = error.message;
  trouble.hidden = false;
});
