// This moment, looked at again every ten seconds while the page is seen.
import { byId, el } from "./dom.js";

const EVERY = 10_000;
const box = byId("live");

function trouble(one) {
  const what = one.closed_until ? `left alone after ${one.failures} failures` : "down";
  return el("li", {}, el("strong", {}, one.server), ` ${what}`);
}

async function look() {
  if (document.hidden) return;
  let live;
  try {
    const answer = await fetch(box.dataset.source, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    live = await answer.json();
  } catch {
    return; // The next look may find it; what is shown stays.
  }
  for (const node of box.querySelectorAll("[data-live]")) {
    const name = node.dataset.live;
    if (name === "trouble") node.replaceChildren(...live.trouble.map(trouble));
    else node.textContent = live[name].toLocaleString("en");
  }
}

if (box) {
  setInterval(look, EVERY);
  document.addEventListener("visibilitychange", look);
}
