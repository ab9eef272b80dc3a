// Requests to the server, and texts that arrive piece by piece.

const JSON_TYPE = "application/json";

export class Wrong extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export function useToken(token) {
  sessionStorage.setItem("token", token);
}

function headers(more = {}) {
  const token = sessionStorage.getItem("token");
  return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

async function send(address, options) {
  let response;
  try {
    response = await fetch(address, { ...options, headers: headers(options.headers) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Wrong("The server does not answer. Is it still running?", 0);
  }
  if (response.ok) return response;
  let reason = `the server answers with ${response.status}`;
  try {
    reason = (await response.json()).error ?? reason;
  } catch {
    // a body that is not JSON has no message for the user
  }
  throw new Wrong(reason, response.status);
}

export async function models() {
  const response = await send("/models", {});
  return (await response.json()).models;
}

// `body` is {rows, parameters}, or a file with its type.
export async function predict(model, question, signal) {
  const begun = performance.now();
  let address = `/models/${encodeURIComponent(model)}/predict`;
  const options = { method: "POST", signal };
  if (question.file) {
    const query = new URLSearchParams(question.parameters);
    if ([...query].length) address += `?${query}`;
    options.body = question.file;
    options.headers = { "Content-Type": question.type };
  } else {
    options.body = JSON.stringify({ rows: question.rows, parameters: question.parameters });
    options.headers = { "Content-Type": JSON_TYPE };
  }
  const response = await send(address, options);
  const answer = await response.json();
  const timing = /dur=([\d.]+)/.exec(response.headers.get("Server-Timing") ?? "");
  return {
    ...answer,
    milliseconds: timing ? Number(timing[1]) : null,
    roundTrip: performance.now() - begun,
  };
}

export async function stream(model, question, signal, onPiece) {
  const response = await send(`/models/${encodeURIComponent(model)}/stream`, {
    method: "POST",
    signal,
    body: JSON.stringify({ rows: question.rows, parameters: question.parameters }),
    headers: { "Content-Type": JSON_TYPE },
  });
  let end = null;
  for await (const [kind, content] of events(response.body)) {
    if (kind === "piece") onPiece(content.text);
    if (kind === "error") throw new Wrong(content.error, 200);
    if (kind === "end") end = content;
  }
  if (!end) throw new Wrong("The text broke off: the server ended.", 0);
  return end;
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    held += value;
    const whole = held.split("\n\n");
    held = whole.pop();
    for (const event of whole) {
      const [, kind, data] = /^event: (.*)\ndata: (.*)$/.exec(event);
      yield [kind, JSON.parse(data)];
    }
  }
}
