// The deciding rule of one cell: on hover, focus and tap; all layers on demand.

import { byId, el } from "./dom.js";

const panel = byId("matrix-panel");
let explain = "";
let kept = null;

export function setUpPanel(address) {
  explain = address;
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") clearPanel(); });
}

export function clearPanel() {
  kept = null;
  panel.hidden = true;
}

/** Show a cell's rule. What was focused or tapped stays while others are only hovered over. */
export function showCell(node, { stays }) {
  if (kept && !stays) return;
  if (stays) kept = node;
  const { column, server, tool, cell, before } = node.shown;
  panel.replaceChildren(
    el("h3", {}, `${column.label}: ${server}/${tool}`),
    el("button", { type: "button", class: "omx-close", click: () => close(node) }, "Close"),
    facts(cell, before),
    node.shown.explainable ? el("button", { type: "button", class: "omx-more", click: () => more(node.shown) }, "All layers") : "");
  // Never over the cell it is about: it would take the pointer from it.
  const { top, bottom } = node.getBoundingClientRect();
  panel.classList.toggle("omx-up", top + bottom > innerHeight);
  panel.hidden = false;
}

/** Back to the cell; its focus would open the panel again. */
function close(node) {
  node.focus();
  clearPanel();
}

/** What was only hovered over goes with the pointer. */
export function leave() {
  if (!kept) clearPanel();
}

function facts(cell, before) {
  const rows = [["Verdict", cell.verdict], ["Layer", cell.layer], ["Rule", cell.rule]];
  if (cell.bypassed) rows.push(["Bypasses", cell.bypassed]);
  if (before && before.verdict !== cell.verdict) rows.push(["Before", `${before.verdict}: ${before.rule} (${before.layer})`]);
  return el("dl", {}, rows.map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
}

async function more({ column, server, tool }) {
  const address = new URLSearchParams({ [column.kind]: column.name, server, tool });
  panel.querySelector(".omx-more")?.remove();
  try {
    const response = await fetch(`${explain}?${address}`, { headers: { Accept: "application/json" } });
    const told = await response.json();
    if (!response.ok) throw new Error(told.error?.message ?? `The server answered ${response.status}.`);
    panel.append(el("ol", {}, told.trace.map((step) =>
      el("li", {}, `${step.layer}: ${step.verdict}. ${step.reason}${step.rule ? ` (${step.rule})` : ""}`))),
      told.fix ? el("p", {}, `To change it: ${told.fix}.`) : "");
  } catch (trouble) {
    panel.append(el("p", {}, trouble.message));
  }
}
