// The list of requests and responses, newest first.
import { byId, el, preciseTimeOf } from "./dom.js";

const list = byId("traffic");
const most = 500;
const shown = new Map(); // id of an exchange → { exchange, item }

const directions = {
  webhook: ["→", "to the service"],
  graph: ["←", "from the service"],
  gemini: ["←", "from the service"],
};

/** Replaces the whole list. */
export function openTraffic(exchanges) {
  shown.clear();
  list.replaceChildren();
  exchanges.forEach(showExchange);
  updateEmptyHint();
}

/** Adds an exchange, or redraws one that changed. */
export function showExchange(exchange) {
  const known = shown.get(exchange.id);
  if (known) {
    if (known.exchange.revision > exchange.revision) return;
    known.exchange = exchange;
    known.details.dataset.outcome = outcome(exchange);
    known.details.firstElementChild.replaceWith(summaryOf(exchange));
    if (known.details.open) fill(known.details, exchange.id);
    return;
  }
  const details = el("details", { "data-kind": exchange.kind, "data-outcome": outcome(exchange) }, summaryOf(exchange), el("div", { class: "bodies" }));
  details.addEventListener("toggle", () => details.open && fill(details, exchange.id));
  const item = el("li", { "data-kind": exchange.kind, "data-exchange": exchange.id }, details);
  shown.set(exchange.id, { exchange, item, details });
  list.prepend(item);
  while (list.childElementCount > most) {
    shown.delete(Number(list.lastElementChild.dataset.exchange));
    list.lastElementChild.remove();
  }
  updateEmptyHint();
}

function updateEmptyHint() {
  byId("traffic-empty").hidden = shown.size > 0;
}

function outcome(x) {
  if (x.status >= 200 && x.status < 300 && !x.error) return "ok";
  if (x.error || x.status) return "bad";
  return "open";
}

function summaryOf(x) {
  const [arrow, direction] = directions[x.kind];
  const retried = x.kind === "webhook" && x.attempts > 1 ? `attempt ${x.attempts}` : "";
  return el("summary", {},
    el("time", { datetime: x.at }, preciseTimeOf(x.at)),
    el("span", { class: "kind" }, el("span", { "aria-hidden": "true" }, arrow + " "), x.kind, el("span", { class: "unseen" }, " " + direction)),
    el("span", { class: "what" }, x.summary || x.url),
    el("span", { class: "retried" }, retried),
    el("span", { class: "status" }, x.status ? String(x.status) : x.error ? "no response" : "…"));
}

async function fill(details, id) {
  const bodies = details.querySelector(".bodies");
  let x;
  try {
    const response = await fetch(`/api/traffic/${id}`);
    if (!response.ok) throw new Error("This exchange is no longer stored.");
    x = await response.json();
  } catch (error) {
    bodies.replaceChildren(el("p", { class: "error" }, error.message));
    return;
  }
  const facts = [
    ["Request", `${x.method} ${x.url}`],
    ["X-Hub-Signature-256", x.signature],
    ["Took", x.done || x.attempts > 0 ? `${x.took_ms} ms` : ""],
    ["Attempts", x.attempts > 1 ? String(x.attempts) : ""],
    ["Error", x.error],
  ].filter(([, value]) => value);
  bodies.replaceChildren(
    el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    ...body("Request body", x.request),
    ...body(x.status ? `Response ${x.status}` : "Response", x.response));
}

function body(title, text) {
  if (!text) return [];
  return [el("h3", {}, title), el("pre", { tabindex: "0" }, text)];
}

for (const button of document.querySelectorAll("[data-filter]")) {
  if (button.localName !== "button") continue;
  button.addEventListener("click", () => {
    list.dataset.filter = button.dataset.filter;
    for (const other of button.parentElement.children) other.setAttribute("aria-pressed", String(other === button));
  });
}
