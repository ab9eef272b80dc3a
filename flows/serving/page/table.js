// A table of text, for the picture of its history; the server reads the file by itself.

export function parse(text) {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/).filter((line) => line.trim());
  if (lines.length < 2) return [];
  const separator = [",", ";", "\t", "|"]
    .map((mark) => [lines[0].split(mark).length, mark])
    .sort((a, b) => b[0] - a[0])[0][1];
  const names = fields(lines[0], separator);
  return lines.slice(1).map((line) => {
    const values = fields(line, separator);
    return Object.fromEntries(names.map((name, i) => [name, values[i] ?? ""]));
  });
}

function fields(line, separator) {
  const found = [];
  let field = "";
  let quoted = false;
  for (let i = 0; i < line.length; i += 1) {
    const letter = line[i];
    if (letter === '"' && quoted && line[i + 1] === '"') {
      field += '"';
      i += 1;
    } else if (letter === '"') quoted = !quoted;
    else if (letter === separator && !quoted) {
      found.push(field.trim());
      field = "";
    } else field += letter;
  }
  return [...found, field.trim()];
}

export function numeric(value) {
  if (typeof value === "number") return value;
  const text = String(value ?? "").trim();
  if (!text) return NaN;
  return Number(/^[-+]?\d+,\d+$/.test(text) ? text.replace(",", ".") : text);
}
