// An answer of a model, with the model's name and the evidence for it.

import { charts } from "./chart.js";
import { count, make, number, percent } from "./dom.js";

const SCORE_DIGITS = 4; // as in the terminal

export function answerFor(model) {
  const output = make("div", { class: "output", "aria-live": "polite" });
  const facts = make("dl");
  const title = make("h3", {}, model.name);
  const element = make("article", { class: "answer", "data-model": model.name }, title, output, facts);
  show(facts, evidence(model));
  return {
    element,
    wait() {
      element.setAttribute("aria-busy", "true");
      output.replaceChildren(make("p", { class: "quiet" }, "Waiting…"));
    },
    write(text) {
      element.removeAttribute("aria-busy");
      const area = make("pre", { class: "writing" }, text);
      output.replaceChildren(area);
      return {
        add: (piece) => area.append(piece),
        end: (told) => {
          area.classList.remove("writing");
          const speed = told ? `${number(told.pieces / Math.max(told.seconds, 1e-6))} tokens/s` : null;
          show(facts, [...who(told), ...evidence(model), ...(speed ? [["speed", speed]] : [])]);
        },
      };
    },
    tell(answer, question) {
      element.removeAttribute("aria-busy");
      output.replaceChildren(...shown(model, answer, question));
      const time = answer.milliseconds ?? answer.roundTrip;
      show(facts, [
        ...who(answer),
        ...evidence(model),
        ["latency", `${number(time)} ms in the server, ${number(answer.roundTrip)} ms in all`],
      ]);
    },
    fail(error) {
      element.removeAttribute("aria-busy");
      output.querySelector(".writing")?.classList.remove("writing");
      const area = output.querySelector("pre");
      const reason = make("p", { class: "wrong", role: "alert" }, error.message);
      output.replaceChildren(...(area ? [area, reason] : [reason]));
    },
  };
}

function show(list, pairs) {
  const unique = new Map(pairs.filter(([, value]) => value));
  list.replaceChildren(
    ...[...unique].flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]),
  );
}

function who(told) {
  if (!told) return [];
  return [
    ["cell", told.cell],
    ["version", `${told.version} (${told.digest.slice(0, 12)})`],
  ];
}

function evidence(model) {
  const tags = model.evidence ?? {};
  const found = [...who(model)];
  if (tags.hidden_size) {
    found.push(["size", `${count(tags.hidden_size, "unit")}, ${count(tags.num_layers, "layer")}`]);
  }
  if (tags.answer) found.push(["evidence", tags.answer]);
  // Beside the score of this very model there is the mean over the random seeds of its cell.
  const own = Object.keys(tags).find((name) => name.startsWith("test_") && `${name}_mean` in tags);
  if (own) found.push(["own test score", number(Number(tags[own]), SCORE_DIGITS)]);
  return found;
}

function shown(model, answer, question) {
  if (model.task === "forecasting") {
    return [...charts(question.history ?? [], answer.rows), listing(answer.rows)];
  }
  const likely = answer.rows.every((row) => Object.keys(row).some((k) => k.startsWith("probability_")));
  if (likely) return answer.rows.flatMap((row, i) => bars(row, question.rows?.[i]));
  const columns = Object.keys(answer.rows[0] ?? {});
  if (columns.length === 1) return answer.rows.map((row) => make("pre", {}, row[columns[0]]));
  return [listing(answer.rows)];
}

function bars(row, asked) {
  const [name] = Object.keys(row);
  const given = asked && Object.values(asked).find((value) => typeof value === "string");
  const short = given && given.length < 200 ? `${given}: ` : "";
  const classes = Object.entries(row)
    .map(([key, value]) => [/^probability_(?!\d+$)(.+)$/.exec(key)?.[1], value])
    .filter(([key]) => key !== undefined)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 12);
  return [
    make("p", {}, short, make("strong", {}, String(row[name]))),
    ...classes.map(([key, value]) =>
      make("div", { class: "bar" }, make("span", {}, key),
        make("meter", { min: 0, max: 1, value, "aria-label": key }), make("span", {}, percent(value)))),
  ];
}

function listing(rows) {
  const columns = Object.keys(rows[0] ?? {});
  const cells = (row) => columns.map((name) => make("td", {}, number(row[name])));
  const head = make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)));
  const body = rows.slice(0, 500).map((row) => make("tr", {}, ...cells(row)));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The answer's rows" },
    make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}
