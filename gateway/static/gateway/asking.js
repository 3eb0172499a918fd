// The way to the server: ask, follow the steps, cancel. Same origin, session cookie, CSRF token.

const KINDS = ["accepted", "started", "turn", "restart", "delta", "calling", "called", "refused", "waiting", "decided", "done"];
const REQUESTS = "/api/access/requests";
const LOOK_EVERY = 2000;

/** What the server says is wrong; `code` and `message` are made to be shown. */
export class Trouble extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.code = error.code;
  }
}

/** Ask; resolves to {id, state, conversation, urls}, or to the whole question when it has ended. */
export function ask(url, question, conversation) {
  const body = conversation ? { question, conversation } : { question };
  return send(url, { method: "POST", body: JSON.stringify(body), headers: { "Idempotency-Key": token() } });
}

/** Ask for a grant; resolves to the request. */
export const requestAccess = (wanted) => send(REQUESTS, { method: "POST", body: JSON.stringify(wanted) });

export const cancel = (url) => send(url, { method: "POST" });
export const read = (url) => send(url, {});

/** Follow a question's steps. `onStep(kind, data)`; ends with "done". The stream resumes by itself. */
export function follow(urls, onStep) {
  const source = new EventSource(urls.events);
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      if (kind === "done") source.close();
      onStep(kind, JSON.parse(event.data));
    });
  }
  source.addEventListener("error", () => {
    // The browser reconnects after a broken stream, but not after a refused one.
    if (source.readyState === EventSource.CLOSED) look(urls, onStep);
  });
}

async function look(urls, onStep) {
  try {
    const question = await read(urls.self);
    if (question.finished_at) return onStep("done", question);
  } catch (trouble) {
    if (trouble.status && trouble.status < 500) return onStep("lost", trouble);
  }
  setTimeout(() => look(urls, onStep), LOOK_EVERY);
}

async function send(url, options) {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrf() };
  let response;
  try {
    response = await fetch(url, { ...options, headers: { ...headers, ...options.headers } });
  } catch {
    throw new Trouble(0, { code: "offline", message: "OMNI2 cannot be reached. Your question is still in the box." });
  }
  const data = await response.json().catch(() => ({}));
  if (response.ok) return data;
  if (response.status === 401) {
    throw new Trouble(401, { code: "logged_out", message: "You are no longer logged in. Load the page again." });
  }
  throw new Trouble(response.status, data.error ?? { code: "unknown", message: `The server answered ${response.status}.` });
}

function csrf() {
  return document.querySelector("[name=csrfmiddlewaretoken]").value;
}

function token() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
