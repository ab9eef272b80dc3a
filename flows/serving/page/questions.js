// Forms for questions, by the kind of input of a model.

import { count, make } from "./dom.js";
import { record } from "./sound.js";
import { parse } from "./table.js";

const RECORDED_SECONDS = 20;

const WORDS = {
  text_generation: ["Beginning of the text", "Write"],
  sentiment: ["Sentence to judge, one a line", "Judge"],
  translation: ["Sentences to translate, one a line", "Translate"],
  copy_memory: ["Symbols to recall, a line each", "Recall"],
};

export const OPTIONS = {
  all: "the probability of every class",
  beam: "beginnings of texts to keep (1: the likeliest path)",
  beam_size: "translations to keep in the search (0: as in the test)",
  horizon: "rows to predict (0: as trained)",
  num_tokens: "how many to write",
  repetition_penalty: "for tokens that are there (1: none)",
  seed: "the same writes the same text",
  stop: "write until this comes",
  temperature: "higher is more random (0: the likeliest token)",
  times: "the time of each word",
  top: "how many words to give",
  top_k: "likeliest tokens to draw from (0: all)",
  top_p: "share of the probability to draw from (1: all)",
  unknown_below: "a less probable class is unknown",
};

const TYPES = {
  wav: "audio/wav",
  flac: "audio/flac",
  mp3: "audio/mpeg",
  ogg: "audio/ogg",
  opus: "audio/ogg",
  csv: "text/csv",
  tsv: "text/tab-separated-values",
};

// A question has `parts` for the form, `label` for its button, and `read`, which returns what is
// asked or throws what is missing.
export function questionFor(model) {
  const asked = parametersOf(model);
  const inner = kindOf(model)(model);
  return {
    label: inner.label,
    parts: [...inner.parts, asked.element],
    read: () => ({ ...inner.read(), parameters: asked.read() }),
  };
}

function kindOf(model) {
  if (model.takes.includes("audio/wav")) return sound;
  if (model.columns.length === 1) return text;
  if (model.takes.includes("text/csv")) return table;
  return text;
}

function text(model) {
  const [words, label] = WORDS[model.task] ?? ["Text", "Ask"];
  const column = model.columns[0];
  const examples = model.examples?.given ?? [];
  const area = make("textarea", { id: "text", name: "text", maxlength: 20000 });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) area.form.requestSubmit();
  });
  const one = model.streams;
  return {
    label,
    parts: [
      make("label", { for: "text" }, words),
      area,
      make("p", { class: "quiet" }, "Ctrl+Enter asks."),
      exampleButton(examples.length, () => {
        area.value = examples.map((row) => row[column]).join("\n");
      }),
    ],
    read() {
      const lines = one ? [area.value] : area.value.split("\n").filter((line) => line.trim());
      if (!lines.length) throw new Error("Write something first.");
      return { rows: lines.map((line) => ({ [column]: line })) };
    },
  };
}

function sound(model) {
  let file = null;
  let rows = null;
  let stop = null;
  const player = make("audio", { controls: true, hidden: true });
  const said = make("p", { class: "quiet", role: "status" }, "No recording yet.");
  const use = (blob, name) => {
    [file, rows] = [blob, null];
    player.src = URL.createObjectURL(blob);
    player.hidden = false;
    said.textContent = name;
  };
  const button = make("button", { type: "button" }, "Record");
  button.addEventListener("click", async () => {
    if (stop) {
      stop();
      return;
    }
    try {
      stop = await record(RECORDED_SECONDS, (blob) => {
        [stop, button.textContent] = [null, "Record"];
        if (blob) use(blob, "Recorded here.");
        else said.textContent = "Nothing was recorded; try again.";
      });
      button.textContent = "Stop";
      said.textContent = `Recording, ${RECORDED_SECONDS} s at most…`;
    } catch (error) {
      said.textContent = error.message;
    }
  });
  const examples = model.examples?.given ?? [];
  const chooser = fileChooser("Recording (wav, flac, mp3, ogg)", ".wav,.flac,.mp3,.ogg,.opus", (f) =>
    use(f, f.name),
  );
  return {
    label: "Recognise",
    parts: [
      chooser,
      make("div", { class: "row" }, button, exampleButton(examples.length, () => {
        const bytes = Uint8Array.from(atob(examples[0].wav), (letter) => letter.charCodeAt(0));
        use(new Blob([bytes], { type: "audio/wav" }), "The example.");
        rows = examples;
      })),
      said,
      player,
    ],
    read() {
      if (rows) return { rows };
      if (!file) throw new Error("Record or choose a recording first.");
      return { file, type: typeOf(file, "audio/wav") };
    },
  };
}

function table(model) {
  let file = null;
  let rows = null;
  let history = [];
  const said = make("p", { class: "quiet", role: "status" }, "No table yet.");
  const use = async (chosen) => {
    [file, rows] = [chosen, null];
    history = parse(await chosen.text());
    said.textContent = `${chosen.name}: ${count(history.length, "row")}.`;
  };
  const examples = model.examples?.given ?? [];
  return {
    label: "Forecast",
    parts: [
      make("p", {}, `The table has the columns ${model.columns.join(", ")}.`),
      fileChooser("Table (csv, tsv)", ".csv,.tsv,.txt", use),
      make("div", { class: "row" }, exampleButton(examples.length, () => {
        [file, rows, history] = [null, examples, examples];
        said.textContent = `The example: ${count(examples.length, "row")}.`;
      })),
      said,
    ],
    read() {
      if (rows) return { rows, history };
      if (!file) throw new Error("Choose a table first.");
      return { file, type: typeOf(file, "text/csv"), history };
    },
  };
}

function exampleButton(count, onclick) {
  return count ? make("button", { type: "button", class: "example", onclick }, "Use the example") : null;
}

function fileChooser(words, accept, use) {
  const input = make("input", { type: "file", id: "file", accept });
  input.addEventListener("change", () => input.files[0] && use(input.files[0]));
  const area = make("div", { class: "drop" }, make("label", { for: "file" }, words), input);
  area.addEventListener("dragover", (event) => {
    event.preventDefault();
    area.classList.add("over");
  });
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    if (event.dataTransfer.files[0]) use(event.dataTransfer.files[0]);
  });
  return area;
}

function typeOf(file, otherwise) {
  const ending = (file.name ?? "").split(".").pop().toLowerCase();
  return TYPES[ending] ?? otherwise;
}

function parametersOf(model) {
  const inputs = Object.entries(model.parameters).map(([name, schema]) => {
    const isNumber = schema.type === "integer" || schema.type === "number";
    const isFlag = schema.type === "boolean";
    const start = name === "all" ? true : schema.default;
    const input = make("input", {
      name,
      type: isFlag ? "checkbox" : isNumber ? "number" : "text",
      step: schema.type === "number" ? "any" : null,
      max: schema.maximum ?? null,
      checked: isFlag && start,
      value: isFlag ? null : (schema.default ?? ""),
    });
    return [name, schema, input];
  });
  const words = (name) => [name.replaceAll("_", " "), OPTIONS[name]].filter(Boolean).join(": ");
  const element = inputs.length
    ? make("fieldset", {}, make("legend", {}, "How to answer"),
        make("div", {}, ...inputs.map(([name, , input]) => make("label", {}, `${words(name)} `, input))))
    : null;
  return {
    element,
    read: () =>
      Object.fromEntries(
        inputs
          .map(([name, schema, input]) => [name, valueOf(schema, input)])
          .filter(([name, value]) => value !== null && value !== model.parameters[name].default),
      ),
  };
}

function valueOf(schema, input) {
  if (schema.type === "boolean") return input.checked;
  if (schema.type === "integer" || schema.type === "number") {
    return input.value === "" ? null : Number(input.value);
  }
  return input.value;
}
