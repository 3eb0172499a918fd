// What this person may use and what not, with why: beside the page, and as counts on it.

import { accessForm } from "./access.js";
import { read } from "./asking.js";
import { byId, el, plural, sentence } from "./dom.js";

const LIST = "/api/mcp/tools/list?withheld=true";

let listed = null;

/** Wire the panel up, and put the number of tools and servers on the page. */
export async function setUpTools() {
  const drawer = byId("tools");
  byId("open-tools").addEventListener("click", () => open());
  byId("close-tools").addEventListener("click", () => drawer.close());
  byId("tools-filter").addEventListener("input", render);
  drawer.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });
  try {
    await load();
  } catch (trouble) {
    byId("reach").textContent = trouble.message;
    return;
  }
  const servers = byServer(listed.tools);
  byId("tools-count").textContent = listed.tools.length;
  if (!listed.tools.length) {
    byId("reach").textContent = "No tool is open to you yet. “Your tools” says why, and what would help.";
  }
  byId("servers").replaceChildren(...[...servers].map(([name, tools]) =>
    el("li", {}, el("button", { type: "button", click: () => open(name) }, name, el("span", {}, plural(tools.length, "tool"))))));
}

async function load() {
  listed = await read(LIST);
}

async function open(filter = "") {
  byId("tools-filter").value = filter;
  if (listed) render();
  byId("tools").showModal();
  try {
    await load();
    render();
  } catch (trouble) {
    byId("tools-body").replaceChildren(el("p", { class: "fault" }, trouble.message));
  }
}

function render() {
  const wanted = byId("tools-filter").value.trim().toLowerCase();
  const fits = (tool) => `${tool.server} ${tool.tool} ${tool.description ?? ""}`.toLowerCase().includes(wanted);
  const offered = listed.tools.filter(fits);
  const withheld = listed.withheld.filter(fits);
  byId("tools-body").replaceChildren(
    ...groups(offered, offeredTool),
    offered.length ? "" : el("p", { class: "server" }, wanted ? "None of your tools fits." : "No tool is open to you yet."),
    withheld.length ? withheldGroup(withheld, !offered.length) : "");
}

function withheldGroup(withheld, open) {
  return el("details", { class: "withheld", open },
    el("summary", {}, `Not open to you: ${plural(withheld.length, "tool")}`), groups(withheld, withheldTool));
}

function groups(tools, show) {
  return [...byServer(tools)].map(([server, own]) =>
    el("section", { class: "server" }, el("h3", {}, server, el("span", {}, own.length)), el("ul", {}, own.map(show))));
}

function offeredTool(tool) {
  const said = tool.read_only_by === "policy" ? "only reads, says the policy" : "only reads";
  const tag = tool.read_only ? el("span", { class: "tag" }, said) : null;
  return el("li", {}, el("strong", {}, tool.tool), tag, el("p", {}, firstLines(tool.description)));
}

function withheldTool(tool) {
  return el("li", {}, el("strong", {}, tool.tool), el("p", {}, tool.reason), tool.fix ? el("p", { class: "fix" }, sentence(tool.fix)) : null,
    tool.grant_helps ? accessForm(tool.server, tool.tool) : null);
}

function firstLines(text) {
  const start = (text ?? "").trim().split(/\n\s*\n/)[0].replace(/\s+/g, " ");
  return start.length > 220 ? `${start.slice(0, 219)}…` : start;
}

function byServer(tools) {
  const servers = new Map();
  for (const tool of tools) servers.set(tool.server, [...(servers.get(tool.server) ?? []), tool]);
  return servers;
}
