// A forecast behind its history, with the widest interval that there is.

import { count, draw, make, number } from "./dom.js";
import { numeric } from "./table.js";

const HEIGHT = 256;
const LEFT = 64;
const BOTTOM = 40;
const SHOWN = 200; // rows of the history
const TIME = /^\d{4}-\d\d-\d\dT/;

export function charts(history, rows) {
  if (!rows.length) return [];
  const names = Object.keys(rows[0]);
  const targets = names.filter(
    (name) => typeof rows[0][name] === "number" && !/_(lo|hi)_\d+$/.test(name),
  );
  const text = names.filter((name) => typeof rows[0][name] === "string");
  const time = text.find((name) => TIME.test(rows[0][name]));
  const series = text.find((name) => name !== time);
  const first = series ? rows[0][series] : null;
  const of = (all) => (series ? all.filter((row) => String(row[series]) === String(first)) : all);
  const title = series ? ` of ${first}` : "";
  const past = withoutFuture(of(history), targets).slice(-SHOWN);
  return targets.map((name) => chart(name, title, past, of(rows), time));
}

// Rows at the end without any target hold what is known ahead of the rows that are predicted.
function withoutFuture(history, targets) {
  const last = history.findLastIndex((row) =>
    targets.some((name) => Number.isFinite(numeric(row[name]))),
  );
  return history.slice(0, last + 1);
}

function chart(name, title, history, rows, time) {
  const width = Math.max(280, Math.min(640, window.innerWidth - 70)); // so that letters keep their size
  const levels = Object.keys(rows[0])
    .map((key) => /^(.*)_lo_(\d+)$/.exec(key))
    .filter((match) => match && match[1] === name)
    .map((match) => Number(match[2]));
  const level = levels.length ? Math.max(...levels) : null;
  const past = history.map((row) => numeric(row[name]));
  const next = rows.map((row) => row[name]);
  const low = level ? rows.map((row) => row[`${name}_lo_${level}`]) : [];
  const high = level ? rows.map((row) => row[`${name}_hi_${level}`]) : [];
  const known = [...past, ...next, ...low, ...high].filter(Number.isFinite);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const steps = past.length + next.length;
  const x = (i) => LEFT + ((width - LEFT - 8) * i) / Math.max(steps - 1, 1);
  const y = (v) => 8 + (HEIGHT - BOTTOM - 8) * (1 - (v - least) / (most - least || 1));
  const line = (values, from) => {
    let path = "";
    values.forEach((v, i) => {
      if (Number.isFinite(v)) {
        const moves = i === 0 || !Number.isFinite(values[i - 1]);
        path += `${moves ? "M" : "L"}${x(from + i).toFixed(1)},${y(v).toFixed(1)}`;
      }
    });
    return path;
  };
  const caption = told(name, title, level, history, rows, time);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": caption });
  for (const value of [least, (least + most) / 2, most]) {
    svg.append(
      draw("line", { class: "axis", x1: LEFT, x2: width - 8, y1: y(value), y2: y(value) }),
      draw("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, number(value)),
    );
  }
  if (level) {
    const there = [...low.keys()].filter((i) => Number.isFinite(low[i]));
    const back = there.map((i) => `L${x(past.length + i)},${y(low[i])}`).reverse().join("");
    svg.append(draw("path", { class: "band", d: `${line(high, past.length)}${back}Z` }));
  }
  const joined = Number.isFinite(past.at(-1)) ? [past.at(-1), ...next] : next;
  const from = joined === next ? past.length : past.length - 1;
  svg.append(
    draw("path", { class: "past", d: line(past, 0) }),
    draw("path", { class: "next", d: line(joined, from) }),
    ...below(["history", "forecast"], HEIGHT - 22, width),
    ...below([clock(history[0]?.[time]), clock(rows.at(-1)[time])], HEIGHT - 6, width),
  );
  return make("figure", {}, svg, make("figcaption", {}, caption));
}

function below([first, last], y, width) {
  return [
    draw("text", { x: LEFT, y }, first),
    draw("text", { x: width - 8, y, "text-anchor": "end" }, last),
  ];
}

function told(name, title, level, history, rows, time) {
  const drawn = history.some((row) => Number.isFinite(numeric(row[name])));
  return [
    `${name}${title}: ${count(rows.length, "step")} ahead${span(rows, time)}`,
    level ? `, with the interval of ${level} %` : "",
    drawn ? "" : "; the history could not be drawn",
    drawn && span(history, time) ? `; history${span(history, time)}` : "",
  ].join("");
}

function span(rows, time) {
  const [first, last] = [rows[0], rows.at(-1)].map((row) => clock(row?.[time]));
  return first ? ` from ${first} to ${last}` : "";
}

// As people write times: without seconds and midnights.
function clock(value) {
  return String(value ?? "").replace(/T(\d\d:\d\d)(:00(?!\.))?/, " $1").replace(/ 00:00$/, "");
}
