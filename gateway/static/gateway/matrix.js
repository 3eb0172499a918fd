// The access matrix of the admin: reads the whole of it once, draws only what is open and fits.

import { byId, el, plural } from "./dom.js";
import { clearPanel, leave, setUpPanel, showCell } from "./matrix-panel.js";

const WORDS = { allow: ["yes", "allow"], "depends on arguments": ["args", "depends"], ask: ["ask", "ask"], deny: ["no", "deny"] };
const OPEN_FOUND = 200;

const root = byId("matrix");
const choice = byId("matrix-choice");
const search = byId("matrix-search");
const differences = byId("matrix-differences");
const [head, body] = [byId("matrix-table").tHead, byId("matrix-table").tBodies[0]];
let matrix = null;
const open = new Set();

// --- Reading --------------------------------------------------------------------------------------
function parameters() {
  const form = new FormData(choice);
  const of = form.get("of");
  const who = of === "roles" ? form.getAll("role").join(",") : form.get("people");
  const wanted = { of, who, server: form.get("server"), version: form.get("version"), against: form.get("against") };
  return new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
}

async function load() {
  say("Reckoning…");
  clearPanel();
  const address = parameters();
  try {
    const response = await fetch(`${root.dataset.source}?${address}`, { headers: { Accept: "application/json" } });
    const data = await response.json();
    if (!response.ok) throw new Error(data.error?.message ?? `The server answered ${response.status}.`);
    matrix = data;
  } catch (trouble) {
    say(trouble.message);
    return;
  }
  open.clear();
  if (matrix.servers.length === 1) open.add(matrix.servers[0].server);
  differences.checked = Boolean(matrix.against);
  drawHead();
  draw();
  history.replaceState(null, "", `?${address}`);
}

function say(text) {
  byId("matrix-said").textContent = text;
}

// --- Which rows -----------------------------------------------------------------------------------
const verdict = (place) => matrix.cells[place].verdict;

function differs(tool) {
  const now = tool.cells.map(verdict);
  if (tool.before) return tool.before.some((place, at) => verdict(place) !== now[at]);
  return now.some((one) => one !== now[0]);
}

function fitting() {
  const wanted = search.value.trim().toLowerCase();
  return matrix.servers.map(({ server, tools }) => {
    const found = tools.filter((tool) =>
      `${server}/${tool.tool}`.toLowerCase().includes(wanted) && (!differences.checked || differs(tool)));
    return { server, tools: found };
  }).filter(({ tools }) => tools.length);
}

// --- Drawing --------------------------------------------------------------------------------------
function drawHead() {
  head.replaceChildren(el("tr", { role: "row" }, el("th", { scope: "col", role: "columnheader" }, "Tool"),
    matrix.columns.map((column) => el("th", { scope: "col", role: "columnheader", title: column.name }, column.label))));
  byId("matrix-table").hidden = false;
}

function draw() {
  if (!matrix) return;
  const found = fitting();
  const count = found.reduce((sum, { tools }) => sum + tools.length, 0);
  const all = (search.value.trim() || differences.checked) && count <= OPEN_FOUND;
  body.replaceChildren(...found.flatMap(({ server, tools }) => {
    const isOpen = all || open.has(server);
    return [serverRow(server, tools, isOpen), ...(isOpen ? tools.map((tool) => toolRow(server, tool)) : [])];
  }));
  body.querySelector("td[tabindex]")?.setAttribute("tabindex", "0");
  const version = `policy ${matrix.policy_version.slice(0, 12)}`;
  const against = matrix.against ? ` against ${matrix.against.slice(0, 12)}` : "";
  say(`${plural(count, "tool")} on ${plural(found.length, "server")}, ${plural(matrix.columns.length, "column")}, ${version}${against}.`);
  link();
}

function link() {
  const address = parameters();
  if (search.value.trim()) address.set("search", search.value.trim());
  if (differences.checked) address.set("differences", "true");
  byId("matrix-file").href = `${root.dataset.file}?${address}`;
}

function serverRow(server, tools, isOpen) {
  const button = el("button", { type: "button", "aria-expanded": String(isOpen), "data-server": server },
    `${server}`, el("span", {}, `(${tools.length})`));
  return el("tr", { role: "row", class: "omx-server" }, el("th", { scope: "row", role: "rowheader" }, button),
    matrix.columns.map((_, at) => countCell(tools, at)));
}

/** How many of a server's rows are open, and of a comparison, how many were won and lost. */
function countCell(tools, at) {
  const yes = (places) => places && verdict(places[at]) !== "deny";
  if (matrix.against) {
    const won = tools.filter((tool) => yes(tool.cells) && !yes(tool.before)).length;
    const lost = tools.filter((tool) => !yes(tool.cells) && yes(tool.before)).length;
    return el("td", { role: "gridcell" }, won || lost ? `+${won} −${lost}` : "=");
  }
  const sums = {};
  for (const tool of tools) sums[verdict(tool.cells[at])] = (sums[verdict(tool.cells[at])] ?? 0) + 1;
  const told = Object.entries(sums).map(([name, sum]) => `${sum} ${name}`).join(", ");
  return el("td", { role: "gridcell", title: told }, `${tools.filter((tool) => yes(tool.cells)).length}/${tools.length}`);
}

function toolRow(server, tool) {
  return el("tr", { role: "row", class: "omx-tool" }, el("th", { scope: "row", role: "rowheader", title: `${server}/${tool.tool}` }, tool.tool),
    tool.cells.map((place, at) => cell(server, tool, at)));
}

/** The word and the colour of a cell; a bypass is never a plain yes. */
function said(place) {
  const [word, kind] = WORDS[verdict(place)];
  return [matrix.cells[place].bypassed ? `${word}, bypasses` : word, kind];
}

function cell(server, tool, at) {
  const [word, kind] = said(tool.cells[at]);
  const before = tool.before ? said(tool.before[at])[0] : word;
  const node = el("td", { role: "gridcell", tabindex: "-1", class: `omx-${kind} ${before === word ? "" : "omx-changed"}` },
    before === word ? word : `${before} → ${word}`);
  node.shown = {
    column: matrix.columns[at], server, tool: tool.tool, cell: matrix.cells[tool.cells[at]],
    before: tool.before ? matrix.cells[tool.before[at]] : null, explainable: !choice.version.value,
  };
  return node;
}

// --- Moving about ---------------------------------------------------------------------------------
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function move(event) {
  const from = event.target.closest("td[tabindex]");
  if (!from || !STEPS[event.key]) return;
  event.preventDefault();
  const [down, right] = STEPS[event.key];
  let row = from.parentElement;
  if (down) do row = down > 0 ? row.nextElementSibling : row.previousElementSibling; while (row && !row.matches(".omx-tool"));
  const to = row?.cells[from.cellIndex + right];
  if (!to?.shown) return;
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

function look(event) {
  const node = event.target.closest?.("td[tabindex]");
  const hovers = event.type === "pointerover";
  // A finger does not hover: its tap is a click.
  if (node && !(hovers && event.pointerType !== "mouse")) showCell(node, { stays: !hovers });
}

function toggle(server) {
  if (!open.delete(server)) open.add(server);
  draw();
  body.querySelector(`button[data-server="${CSS.escape(server)}"]`)?.focus();
}

function all(isOpen) {
  open.clear();
  if (isOpen) for (const { server } of matrix?.servers ?? []) open.add(server);
  draw();
}

function chooseKind() {
  for (const part of choice.querySelectorAll("[data-of]")) part.hidden = part.dataset.of !== choice.of.value;
  countChosen();
}

function countChosen() {
  const chosen = choice.querySelectorAll("[name=role]:checked").length;
  byId("matrix-chosen").textContent = chosen ? `: ${chosen}` : ": all";
}

/** The choice as the address of the page says it, so that a matrix can be sent to somebody. */
function recall() {
  const address = new URLSearchParams(location.search);
  const who = (address.get("who") ?? "").split(",").filter(Boolean);
  for (const name of ["of", "server", "version", "against"]) if (address.has(name)) choice[name].value = address.get(name);
  if (choice.of.value === "people") choice.people.value = who.join(", ");
  else for (const box of choice.querySelectorAll("[name=role]")) box.checked = who.includes(box.value);
}

choice.addEventListener("submit", (event) => { event.preventDefault(); choice.querySelector(".omx-who").open = false; load(); });
choice.addEventListener("change", () => chooseKind());
search.addEventListener("input", draw);
differences.addEventListener("change", draw);
body.addEventListener("keydown", move);
for (const kind of ["pointerover", "focusin", "click"]) body.addEventListener(kind, look);
body.addEventListener("click", (event) => { const button = event.target.closest("button[data-server]"); if (button) toggle(button.dataset.server); });
byId("matrix-expand").addEventListener("click", () => all(true));
byId("matrix-collapse").addEventListener("click", () => all(false));
body.addEventListener("mouseleave", leave);
setUpPanel(root.dataset.explain);
recall();
chooseKind();
load();
