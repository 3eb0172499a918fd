// One question on the page: its live steps, then the answer and what it rests on.

import { accessForm } from "./access.js";
import { duration, el, money, plural, sentence } from "./dom.js";
import { figuresNote, markFigures } from "./figures.js";

const WARNINGS = {
  answer_cut: "The answer was cut: it reached the model's length limit.",
  context_full: "The answer may be incomplete: there was more to read than the model can hold.",
  model_declined: "The model declined to answer.",
  max_iterations_reached: "The work was stopped after its highest number of turns.",
};
const ENDINGS = {
  refused: "This question was refused.",
  failed: "This question could not be answered.",
  cancelled: "You stopped this question.",
  expired: "This question took too long and was stopped.",
};
const CALL_STATES = {
  done: ["good", "done"],
  failed: ["bad", "failed"],
  refused: ["bad", "not allowed"],
  unknown: ["warn", "outcome unknown"],
  started: ["busy", "running"],
};

export class QuestionView {
  constructor(text) {
    this.steps = el("ol", { class: "steps", "aria-label": "Steps" });
    this.draft = el("div", { class: "draft" });
    this.body = el("div", { class: "result" });
    this.running = new Map();
    this.element = el("article", { class: "question" }, el("h2", { class: "asked" }, text), this.steps, this.draft, this.body);
    this.waiting = null;
    this.think("Reading the question");
  }

  /** Show one step; returns what a screen reader should hear of it, if anything. */
  step(kind, data) {
    const shown = this[`on_${kind}`];
    return shown ? shown.call(this, data) : "";
  }

  on_turn() {
    this.keepDraft();
    this.think("Thinking");
  }

  on_restart() {
    this.draft.textContent = "";
  }

  on_delta({ text }) {
    this.settleWaiting();
    this.draft.append(text);
  }

  on_calling({ call, server, tool }) {
    this.keepDraft();
    this.settleWaiting();
    const mark = el("span", { class: "mark busy", "aria-hidden": "true" });
    const took = el("span", { class: "took" });
    const line = el("li", {}, mark, el("span", {}, "Asking ", el("span", { class: "name" }, label(server, tool))), took);
    this.running.set(call, { mark, took });
    this.steps.append(line);
    return `Asking ${label(server, tool)}`;
  }

  on_called({ call, state, milliseconds }) {
    const line = this.running.get(call);
    const [mark, word] = CALL_STATES[state] ?? ["warn", state];
    if (line) {
      line.mark.className = `mark ${mark}`;
      line.took.textContent = mark === "good" ? duration(milliseconds) : word;
    }
    return mark === "good" ? "" : `Call ${word}`;
  }

  on_refused({ server, tool, reason }) {
    this.keepDraft();
    this.settleWaiting();
    const mark = el("span", { class: "mark bad", "aria-hidden": "true" });
    const text = el("span", { class: "said" }, el("span", { class: "name" }, label(server, tool)), ` is not allowed: ${reason}`);
    this.steps.append(el("li", {}, mark, text));
    return `${label(server, tool)} is not allowed`;
  }

  on_waiting({ approvals }) {
    this.keepDraft();
    this.settleWaiting();
    for (const approval of approvals) this.steps.append(waits(approval));
    const decided = approvals.every(({ state }) => state === "approved");
    return decided ? "This question waits for room at a server's limit." : "This question waits for somebody's approval.";
  }

  on_decided({ server, tool, state, decided_by, reason }) {
    const mark = el("span", { class: `mark ${state === "approved" ? "good" : "bad"}`, "aria-hidden": "true" });
    const text = `${label(server, tool)} was ${state}${decided_by ? ` by ${decided_by}` : ""}${reason ? `: ${reason}` : ""}`;
    this.steps.append(el("li", {}, mark, el("span", { class: "said" }, text)));
    return text;
  }

  on_done(question) {
    this.show(question);
    return question.state === "answered" ? "The answer is here." : (ENDINGS[question.state] ?? "");
  }

  on_lost(trouble) {
    this.clear();
    this.body.replaceChildren(el("p", { class: "note bad" }, trouble.message));
    return trouble.message;
  }

  /** The ended question, whole. */
  show(question) {
    this.clear();
    this.body.replaceChildren(
      ...[...answer(question), figuresNote(question), note(question), calls(question.calls), facts(question)].filter(Boolean),
    );
    this.body.className = "question";
  }

  clear() {
    this.steps.replaceChildren();
    this.draft.textContent = "";
  }

  think(text) {
    this.settleWaiting();
    this.waiting = el("li", {}, el("span", { class: "mark busy", "aria-hidden": "true" }), el("span", {}, text));
    this.steps.append(this.waiting);
  }

  settleWaiting() {
    this.waiting?.remove();
    this.waiting = null;
  }

  /** What the model said before it used a tool becomes a step of its own. */
  keepDraft() {
    const said = this.draft.textContent.trim();
    this.draft.textContent = "";
    if (said) this.steps.append(el("li", {}, el("span", { class: "mark", "aria-hidden": "true" }), el("span", { class: "said" }, said)));
  }
}

/** What needs whose yes, and until when. */
function waits({ id, server, tool, rule, state, expires_at }) {
  const until = new Date(expires_at).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
  const text = state === "approved"
    ? ` is approved, and made once its server's limit has room, until ${until}.`
    : ` needs somebody's approval first (${rule}), until ${until}. Approval ${id}`;
  return el("li", {}, el("span", { class: "mark warn", "aria-hidden": "true" }),
    el("span", { class: "said" }, el("span", { class: "name" }, label(server, tool)), text));
}

const label = (server, tool) => (server ? `${server} · ${tool}` : tool);

function answer(question) {
  if (!question.answer) return [];
  const box = el("div", { class: "answer" });
  // Made by the server from Markdown without HTML or images, and sanitised there (gateway.markdown).
  box.innerHTML = question.answer_html;
  const part = el("div", { class: "answer-part" }, box);
  markFigures(box, question);
  for (const link of box.querySelectorAll("a[href]")) showHost(link);
  return [part];
}

/** Nobody is sent where they do not see: a link says its host, and opens beside this page. */
function showHost(link) {
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  const host = link.host || link.href.replace(/^mailto:/, "");
  if (link.textContent.trim() !== link.href) link.after(el("span", { class: "host" }, `(${host})`));
}

function note(question) {
  if (question.state !== "answered") {
    const message = question.error?.message ?? "";
    const id = question.error?.error_id;
    const heading = ENDINGS[question.state] ?? question.state;
    return el("p", { class: `note ${question.state === "cancelled" ? "" : "bad"}` },
      question.state === "cancelled" ? heading : `${heading} ${message}`,
      id ? el("small", {}, `Error id ${id}`) : null);
  }
  if (!question.warning) return null;
  return el("p", { class: "note" }, WARNINGS[question.warning] ?? question.warning.replaceAll("_", " "));
}

function calls(made) {
  if (!made.length) return null;
  return el("section", { class: "calls" }, el("h3", {}, callsTitle(made)), el("ul", {}, made.map((call) => el("li", {}, callDetails(call)))));
}

/** An answer rests on the calls that were done, and on no other. */
function callsTitle(made) {
  const done = made.filter((call) => call.state === "done").length;
  if (!done) return `${plural(made.length, "call")}, none done`;
  const rest = made.length - done;
  return `Rests on ${plural(done, "call")}${rest ? `; ${plural(rest, "other")} not done` : ""}`;
}

function callDetails(call) {
  const [mark, word] = CALL_STATES[call.state] ?? ["warn", call.state];
  const good = mark === "good";
  const summary = el("summary", {},
    el("span", { class: `mark ${mark}`, "aria-hidden": "true" }),
    el("span", { class: "name" }, label(call.server, call.tool)),
    el("span", { class: "given" }, compact(call.arguments)),
    el("span", { class: `took ${good ? "" : "bad"}` }, good ? duration(call.milliseconds) : word));
  return el("details", { class: "call" }, summary, el("div", { class: "inside" },
    call.refusal ? why(call.refusal) : null,
    call.instead_of ? el("p", { class: "note" }, "The server that was asked could not be reached; this one stood in for it.") : null,
    call.settled ? el("p", { class: "note" }, `${call.settled.by} found out: it was ${call.settled.carried_out ? "" : "not "}carried out. ${call.settled.note}`) : null,
    call.refusal?.grant_helps ? accessForm(call.server, call.tool) : null,
    call.connect_url ? el("p", {}, el("a", { class: "button main", href: call.connect_url }, `Connect your account at ${call.server}`)) : null,
    el("h4", {}, "Arguments"), el("pre", {}, JSON.stringify(call.arguments, null, 2)),
    call.refusal ? null : [el("h4", {}, good ? "Result" : "What came back"), el("pre", {}, call.preview || "Nothing.")]));
}

function why({ layer, rule, reason, fix }) {
  const rows = [["Why", reason], ["Rule", rule], ["Layer", layer], ["What would help", sentence(fix)]];
  return el("dl", { class: "why" }, rows.filter(([, text]) => text).map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
}

function compact(values) {
  return Object.entries(values ?? {})
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

function facts(question) {
  const { input, output } = question.tokens;
  const told = [
    question.model,
    duration(question.milliseconds),
    input || output ? `${input.toLocaleString("en")} tokens in, ${output.toLocaleString("en")} out` : "",
    question.started_at ? money(question.cost_usd) : "",
  ].filter(Boolean);
  return el("footer", { class: "facts" }, told.map((text) => el("span", {}, text)),
    el("span", { class: "deeds" },
      el("a", { href: `/history/questions/${question.id}`, title: "This question as the record tells it" }, "Step by step"),
      question.answer ? copyButton(question.answer) : null));
}

function copyButton(text) {
  if (!navigator.clipboard) return null;
  const button = el("button", { type: "button", click: copy }, "Copy");
  async function copy() {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }
  return button;
}
