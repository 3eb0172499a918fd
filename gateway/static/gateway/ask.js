// The page to ask on: the box, the thread, the list of recent questions.

import { ask, cancel, follow } from "./asking.js";
import { ago, byId, el } from "./dom.js";
import { QuestionView } from "./question.js";
import { setUpTools } from "./tools.js";

const composer = byId("composer");
const box = byId("text");
const stage = byId("stage");
let running = null;

function announce(text) {
  if (text) byId("status").textContent = text;
}

function trouble(message) {
  byId("trouble").textContent = message;
  byId("trouble").hidden = !message;
}

function busy(urls) {
  running = urls;
  byId("send").hidden = Boolean(urls);
  byId("stop").hidden = !urls;
  byId("stop").disabled = false;
}

function add(view) {
  byId("hello").hidden = true;
  byId("thread").append(view.element);
}

function remove(view) {
  view.element.remove();
  byId("hello").hidden = byId("thread").childElementCount > 0;
}

function fill(text) {
  box.value = text;
  fit();
}

/** Show a question's steps until it has ended. */
function watch(view, urls) {
  busy(urls);
  follow(urls, (kind, data) => {
    const atEnd = stage.scrollHeight - stage.scrollTop - stage.clientHeight < 120;
    announce(view.step(kind, data));
    // What waits for somebody's yes may wait long, and keeps nobody from asking on.
    if (["done", "lost", "waiting"].includes(kind) && running === urls) busy(null);
    if (kind === "done" || kind === "lost") {
      if (atEnd) view.element.scrollIntoView({ block: "start", behavior: "smooth" });
    } else if (atEnd) {
      stage.scrollTop = stage.scrollHeight;
    }
  });
}

async function submit(event) {
  event.preventDefault();
  const text = box.value.trim();
  if (!text || running) return;
  trouble("");
  busy({});
  const view = new QuestionView(text);
  add(view);
  view.element.scrollIntoView({ block: "start" });
  fill("");
  try {
    const accepted = await ask(composer.action, text, composer.dataset.conversation);
    remember(text, accepted.conversation);
    box.placeholder = "Ask a follow-up";
    announce("Your question is being worked on.");
    if (accepted.answer_html !== undefined) {
      busy(null);
      announce(view.step("done", accepted));
    } else {
      watch(view, accepted.urls);
    }
  } catch (problem) {
    // Nothing typed is lost: the question goes back into the box.
    remove(view);
    fill(text);
    busy(null);
    trouble(problem.message);
  }
  box.focus();
}

async function stop() {
  if (!running?.cancel) return;
  byId("stop").disabled = true;
  try {
    await cancel(running.cancel);
  } catch (problem) {
    trouble(problem.message);
    byId("stop").disabled = false;
  }
}

/** A new conversation gets its address and its line in the list. */
function remember(text, conversation) {
  if (composer.dataset.conversation === conversation) return;
  composer.dataset.conversation = conversation;
  const address = `/conversation/${conversation}`;
  history.replaceState(null, "", address);
  byId("recent-list").querySelector(".nothing")?.remove();
  byId("recent-list").prepend(el("li", {}, el("a", { href: address, "aria-current": "page" },
    el("span", { class: "text" }, text), el("span", { class: "when" }, "just now"))));
}

function fit() {
  if (CSS.supports("field-sizing", "content")) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

function keys(event) {
  const plain = !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
  if (event.key === "Enter" && plain && event.target === box) {
    event.preventDefault();
    composer.requestSubmit();
  } else if (event.key === "Escape" && !byId("tools").open) {
    closeBoxes();
    stop();
  } else if (event.key === "/" && plain && !event.target.closest("input, textarea")) {
    event.preventDefault();
    box.focus();
  }
}

function closeBoxes() {
  showRecent(false);
  document.querySelector(".person").open = false;
}

function showRecent(open) {
  byId("recent").classList.toggle("open", open);
  byId("open-recent").setAttribute("aria-expanded", String(open));
}

function showEarlier() {
  for (const question of JSON.parse(byId("questions").textContent)) {
    const view = new QuestionView(question.question);
    add(view);
    if (question.finished_at) view.show(question);
    else watch(view, question.urls);
  }
  byId("thread").lastElementChild?.scrollIntoView({ block: "start" });
}

composer.addEventListener("submit", submit);
box.addEventListener("input", fit);
document.addEventListener("keydown", keys);
document.addEventListener("click", (event) => {
  if (!event.target.closest(".person")) document.querySelector(".person").open = false;
  if (!event.target.closest("#recent, #open-recent")) showRecent(false);
});
byId("stop").addEventListener("click", stop);
byId("open-recent").addEventListener("click", () => showRecent(!byId("recent").classList.contains("open")));
for (const time of byId("recent-list").querySelectorAll("time")) time.textContent = ago(time.dateTime);
showEarlier();
setUpTools();
