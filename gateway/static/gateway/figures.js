// The figures, dates and names of an answer: each one shows where it is from, or that it is nowhere.

import { el, plural } from "./dom.js";

const ORIGINS = { earlier: "an earlier question of this conversation", question: "what you asked", arguments: "what the tool was asked with" };
const STATUSES = { found: "Stands in the result of", rounded: "Rounded from the result of", computed: "Worked out from the result of", asked: "From" };
// Marks of Markdown, which are not on the page; an underscore within a name is.
const MARKS = /[*`]|\b_|_\b/g;
let made = 0;

/** Mark the claims in an answer that is on the page already. Text stays text: no HTML is made of it. */
export function markFigures(box, question) {
  const claims = [...question.citations, ...question.unsupported].sort((a, b) => a.start - b.start);
  const nodes = textNodes(box);
  const text = nodes.map(({ data }) => data).join("");
  const tip = new Tip(box);
  const places = [];
  let from = 0;
  for (const claim of claims) {
    const shown = bare(claim.text);
    const at = find(text, shown, from);
    if (at < 0) continue;
    from = at + shown.length;
    places.push({ at, length: shown.length, claim });
  }
  // From the end, so that the places before stay where they are.
  for (const place of places.reverse()) wrap(nodes, place, tip);
}

function bare(text) {
  return text.replace(MARKS, "");
}

function textNodes(box) {
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  return nodes;
}

/** Where `wanted` stands by itself, not as a part of a longer figure or word. */
function find(text, wanted, from) {
  for (let at = text.indexOf(wanted, from); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const before = text[at - 1] ?? " ", after = text[at + wanted.length] ?? " ";
    if (!(/\w/.test(before) && /\w/.test(wanted[0])) && !(/\w/.test(after) && /\w/.test(wanted.at(-1)))) return at;
  }
  return -1;
}

function wrap(nodes, { at, length, claim }, tip) {
  const first = point(nodes, at), last = point(nodes, at + length - 1);
  if (!first || !last || block(first.node) !== block(last.node)) return;
  if ([first, last].some(({ node }) => node.parentElement.closest("a"))) return;
  const range = document.createRange();
  range.setStart(first.node, first.offset);
  range.setEnd(last.node, last.offset + 1);
  // A figure may be bold in part: what it is made of goes into the mark as it is.
  const mark = figure(range.extractContents(), claim, tip);
  range.insertNode(mark);
}

/** The text node that holds the character at this place, and where in it. */
function point(nodes, at) {
  for (const node of nodes) {
    if (at < node.data.length) return { node, offset: at };
    at -= node.data.length;
  }
  return null;
}

const block = (node) => node.parentElement.closest("p, li, td, th, pre, blockquote, h1, h2, h3, h4, h5, h6");

function figure(content, claim, tip) {
  const status = claim.status ?? "unsupported";
  const mark = el("button", { type: "button", class: `figure ${status}` }, content,
    status === "unsupported" ? [el("sup", { "aria-hidden": "true" }, "?"), el("span", { class: "sr" }, " (in no result)")] : null);
  tip.serve(mark, claim);
  return mark;
}

/** One box for all figures of an answer, shown at the one that is pointed at, focused or tapped. */
class Tip {
  constructor(box) {
    this.box = box;
    this.element = el("div", { class: "tip", role: "tooltip", id: `tip-${++made}`, hidden: true });
    box.classList.add("has-figures");
    box.after(this.element);
  }

  serve(mark, claim) {
    const show = () => this.show(mark, claim);
    const hide = () => this.hide(mark);
    mark.addEventListener("mouseenter", show);
    mark.addEventListener("focus", show);
    mark.addEventListener("click", show);
    mark.addEventListener("mouseleave", () => { if (document.activeElement !== mark) hide(); });
    mark.addEventListener("blur", hide);
    mark.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); hide(); } });
  }

  show(mark, claim) {
    this.element.replaceChildren(...source(claim));
    this.element.hidden = false;
    mark.setAttribute("aria-describedby", this.element.id);
    const place = mark.getBoundingClientRect(), frame = this.element.offsetParent.getBoundingClientRect();
    const most = Math.max(0, frame.width - this.element.offsetWidth);
    this.element.style.left = `${Math.min(Math.max(0, place.left - frame.left), most)}px`;
    this.element.style.top = `${place.bottom - frame.top + 6}px`;
  }

  hide(mark) {
    mark.removeAttribute("aria-describedby");
    this.element.hidden = true;
  }
}

function source(claim) {
  if (!claim.status) return [el("p", {}, el("strong", {}, claim.text), " stands in no result of this conversation, nor in what you asked.")];
  return [
    el("p", {}, where(claim)),
    claim.how ? el("p", { class: "how" }, `${claim.status === "computed" ? "" : "There: "}${claim.how}`) : null,
    claim.excerpt ? el("pre", {}, claim.excerpt) : null,
    claim.call ? el("p", { class: "id" }, `Call ${claim.call}`) : null,
  ].filter(Boolean);
}

function where({ status, origin, server, tool }) {
  if (origin === "question") return "From what you asked.";
  const name = el("span", { class: "name" }, `${server} · ${tool}`);
  return [`${STATUSES[status]} `, name, ORIGINS[origin] ? ` (${ORIGINS[origin]}).` : "."];
}

/** Under the answer, in words: what stands in no result, and a list of where the rest is from. */
export function figuresNote(question) {
  const { citations, unsupported, checked } = question;
  if (!question.answer || question.state !== "answered") return null;
  if (!checked) return el("p", { class: "note" }, "The figures of this answer were not checked against the results.");
  if (!citations.length && !unsupported.length) return null;
  return el("section", { class: "origins" },
    unsupported.length ? el("p", { class: "note" }, el("strong", {}, "In no result: "), listed(unsupported), checked === "part" ? " The results were too long to be read whole." : null) : null,
    citations.length ? el("details", {}, el("summary", {}, title(citations, unsupported)), el("ul", {}, citations.map(origin))) : null);
}

function title(citations, unsupported) {
  const all = citations.length + unsupported.length;
  if (!unsupported.length) return `${plural(all, "figure, date or name", "figures, dates and names")}, each with where it is from`;
  return `Where ${citations.length} of ${all} figures, dates and names are from`;
}

function listed(claims) {
  const texts = [...new Set(claims.map(({ text }) => bare(text)))];
  const shown = texts.slice(0, 12).join(", ");
  return `${shown}${texts.length > 12 ? ` and ${texts.length - 12} more` : ""}.`;
}

function origin(claim) {
  return el("li", {}, el("strong", {}, bare(claim.text)), " ", el("span", {}, where(claim)),
    claim.how ? el("span", { class: "how" }, ` ${claim.how}`) : null,
    claim.excerpt ? el("code", {}, claim.excerpt) : null);
}
