import { answerFor } from "./answers.js";
import { models, predict, stream, useToken } from "./ask.js";
import { make } from "./dom.js";
import { questionFor } from "./questions.js";

const find = (id) => document.getElementById(id);

let known = [];
let running = null;

async function begin() {
  trouble("");
  try {
    known = (await models()).filter((model) => model.version);
  } catch (error) {
    find("token").hidden = error.status !== 401;
    trouble(error.status === 401 ? "This server needs its token." : error.message);
    return;
  }
  find("token").hidden = true;
  if (!known.length) {
    trouble("No model is registered yet: `gatewise run` registers them, then load this page again.");
    return;
  }
  document.querySelector("main").hidden = false;
  find("first").replaceChildren(...known.map(option));
  choose();
}

function option(model) {
  return make("option", { value: model.name }, model.name);
}

function trouble(text) {
  find("trouble").textContent = text;
  find("trouble").hidden = !text;
}

const named = (name) => known.find((model) => model.name === name);

function choose() {
  const first = named(find("first").value);
  const like = (model) => model.task === first.task && String(model.columns) === String(first.columns);
  const others = known.filter((model) => model !== first && like(model));
  const none = others.length ? "none" : "none takes the same input";
  find("second").replaceChildren(make("option", { value: "" }, none), ...others.map(option));
  find("second").disabled = !others.length;
  ask(first);
}

function ask(model) {
  running?.abort();
  const question = questionFor(model);
  const button = make("button", { class: "main" }, question.label);
  const stop = make("button", { type: "button", hidden: true, onclick: () => running?.abort() }, "Stop");
  const reason = make("p", { class: "wrong", role: "alert", hidden: true });
  const form = find("question");
  form.replaceChildren(...question.parts.filter(Boolean), make("div", { class: "row" }, button, stop), reason);
  form.onsubmit = async (event) => {
    event.preventDefault();
    reason.hidden = true;
    try {
      const asked = question.read();
      button.disabled = true;
      stop.hidden = false;
      await answer(asked);
    } catch (error) {
      reason.textContent = error.message;
      reason.hidden = false;
    } finally {
      button.disabled = false;
      stop.hidden = true;
    }
  };
  show();
}

function asked() {
  return [find("first").value, find("second").value].filter(Boolean).map(named);
}

function show() {
  const answers = asked().map((model) => [model, answerFor(model)]);
  find("answers").replaceChildren(...answers.map(([, answer]) => answer.element));
  return answers;
}

async function answer(question) {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  await Promise.all(show().map(([model, area]) => one(model, area, question, signal)));
}

async function one(model, area, question, signal) {
  area.wait();
  try {
    if (model.streams) {
      const prompt = Object.values(question.rows[0])[0];
      const writing = area.write(prompt);
      writing.end(await stream(model.name, question, signal, writing.add));
    } else area.tell(await predict(model.name, question, signal), question);
  } catch (error) {
    area.fail(error.name === "AbortError" ? new Error("Stopped.") : error);
  }
}

find("first").addEventListener("change", choose);
find("second").addEventListener("change", show);
find("token").addEventListener("submit", (event) => {
  event.preventDefault();
  useToken(new FormData(event.target).get("token").trim());
  begin();
});
begin();
