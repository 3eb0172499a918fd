// Elements from plain values. Text always goes in as text: nothing here parses HTML.

/** An element with attributes (functions become listeners) and children (strings become text). */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** 950 → "950 ms", 1234 → "1.2 s". */
export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "";
  return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Dollars with as many digits as they need; an unknown cost is never shown as none. */
export function money(amount) {
  if (amount === null || amount === undefined) return "cost unknown";
  const value = Number(amount);
  if (value === 0) return "no cost";
  return `$${value < 0.01 ? value.toPrecision(2).replace(/0+$/, "") : value.toFixed(2)}`;
}

export function plural(number, word, several = `${word}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? word : several}`;
}

/** "ask an administrator" → "Ask an administrator." */
export function sentence(text) {
  const trimmed = (text ?? "").trim();
  if (!trimmed) return "";
  return trimmed[0].toUpperCase() + trimmed.slice(1) + (/[.!?…]$/.test(trimmed) ? "" : ".");
}

const STEPS = [["day", 86400], ["hour", 3600], ["minute", 60]];

/** How long ago an ISO time was, in words: "3 hours ago". */
export function ago(time) {
  const seconds = (Date.now() - Date.parse(time)) / 1000;
  const step = STEPS.find(([, length]) => seconds >= length);
  if (!step) return "just now";
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(-Math.floor(seconds / step[1]), step[0]);
}
