// A forecast behind its history, with the widest interval that there is.

import { draw, make, number } from "./dom.js";
import { numeric } from "./table.js";

const HEIGHT = 240;
const LEFT = 64;
const BOTTOM = 24;
const SHOWN = 200; // rows of the history

export function charts(history, rows) {
  if (!rows.length) return [];
  const targets = Object.keys(rows[0]).filter(
    (name) => typeof rows[0][name] === "number" && !/_(lo|hi)_\d+$/.test(name),
  );
  const names = Object.keys(rows[0]);
  const text = names.filter((name) => typeof rows[0][name] === "string");
  const series = text.find((name) => new Set(rows.map((row) => row[name])).size < rows.length);
  const first = series ? rows[0][series] : null;
  const of = (all) => (series ? all.filter((row) => String(row[series]) === String(first)) : all);
  const title = series ? ` of ${first}` : "";
  return targets.map((name) => chart(name, title, of(history), of(rows)));
}

function chart(name, title, history, rows) {
  const width = Math.max(280, Math.min(640, window.innerWidth - 70)); // so that letters keep their size
  const levels = Object.keys(rows[0])
    .map((key) => /^(.*)_lo_(\d+)$/.exec(key))
    .filter((match) => match && match[1] === name)
    .map((match) => Number(match[2]));
  const level = levels.length ? Math.max(...levels) : null;
  const past = history.slice(-SHOWN).map((row) => numeric(row[name]));
  const next = rows.map((row) => row[name]);
  const low = level ? rows.map((row) => row[`${name}_lo_${level}`]) : [];
  const high = level ? rows.map((row) => row[`${name}_hi_${level}`]) : [];
  const known = [...past, ...next, ...low, ...high].filter(Number.isFinite);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const count = past.length + next.length;
  const x = (i) => LEFT + ((width - LEFT - 8) * i) / Math.max(count - 1, 1);
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
  const interval = level ? `, with the interval of ${level} %` : "";
  const none = past.some(Number.isFinite) ? "" : "; the history could not be drawn";
  const caption = `${name}${title}: ${next.length} steps ahead${interval}${none}`;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": caption });
  for (const value of [least, (least + most) / 2, most]) {
    svg.append(
      draw("line", { class: "axis", x1: LEFT, x2: width - 8, y1: y(value), y2: y(value) }),
      draw("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, number(value)),
    );
  }
  if (level) {
    const back = low.map((v, i) => `L${x(past.length + i)},${y(v)}`).reverse().join("");
    svg.append(draw("path", { class: "band", d: `${line(high, past.length)}${back}Z` }));
  }
  const joined = Number.isFinite(past.at(-1)) ? [past.at(-1), ...next] : next;
  const from = joined === next ? past.length : past.length - 1;
  svg.append(
    draw("path", { class: "past", d: line(past, 0) }),
    draw("path", { class: "next", d: line(joined, from) }),
    draw("text", { x: LEFT, y: HEIGHT - 6 }, "history"),
    draw("text", { x: width - 8, y: HEIGHT - 6, "text-anchor": "end" }, "forecast"),
  );
  return make("figure", {}, svg, make("figcaption", {}, caption));
}
