// Elements are made with text, never with markup: what people and models write is no markup.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function number(value, digits = 5) {
  if (typeof value !== "number") return String(value ?? "");
  return Number(value.toPrecision(digits)).toString();
}

export function count(value, noun) {
  return `${value} ${noun}${Number(value) === 1 ? "" : "s"}`;
}

export function percent(value) {
  return `${(100 * value).toFixed(1)} %`;
}
