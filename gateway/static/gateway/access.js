// "Request access": the way from a refusal to somebody who may say yes.

import { requestAccess } from "./asking.js";
import { el } from "./dom.js";

// What was asked for on this page: a panel that is drawn anew still says so.
const asked = new Map();

/** A button that opens a small form; sent, it says what happens next. */
export function accessForm(server, tool) {
  const key = JSON.stringify([server, tool]);
  const said = el("p", { role: "status" }, asked.get(key) ?? "");
  const open = el("button", { type: "button", class: "button", "aria-expanded": "false", click: show }, "Request access");
  const why = el("textarea", { name: "reason", rows: "2", maxlength: "2000", required: true });
  const send = el("button", { type: "submit", class: "button main" }, "Send request");
  const form = el("form", { hidden: true, submit },
    el("label", {}, `Why do you need ${tool}?`, why),
    el("div", { class: "row" }, send, el("button", { type: "button", class: "button", click: hide }, "Not now")));
  open.hidden = asked.has(key);

  function show() {
    form.hidden = false;
    open.hidden = true;
    open.setAttribute("aria-expanded", "true");
    say("");
    why.focus();
  }

  function hide() {
    form.hidden = true;
    open.hidden = false;
    open.setAttribute("aria-expanded", "false");
    open.focus();
  }

  function say(text, bad = false) {
    said.textContent = text;
    said.className = bad ? "bad" : "";
  }

  async function submit(event) {
    event.preventDefault();
    send.disabled = true;
    try {
      const made = await requestAccess({ server, tools: [tool], reason: why.value });
      asked.set(key, `Requested (number ${made.id}). Somebody who may decide will; until then nothing changes.`);
      form.hidden = true;
      say(asked.get(key));
    } catch (trouble) {
      say(trouble.message, true);
    }
    send.disabled = false;
  }

  return el("div", { class: "access" }, open, form, said);
}
