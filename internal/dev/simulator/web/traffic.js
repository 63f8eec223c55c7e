// The list of requests and responses, newest first.
import { byId, el, post, preciseTimeOf } from "./dom.js";
import { nameOf, numberOf, shortNumber } from "./people.js";
import { people } from "./state.js";

const list = byId("traffic");
const search = byId("traffic-search");
const most = 500;
const shown = new Map(); // id of an exchange → { exchange, item, details }
let kind = "all";

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
  if (known) update(known, exchange);
  else add(exchange);
  updateEmptyHint();
}

function update(row, exchange) {
  if (row.exchange.revision > exchange.revision) return;
  row.exchange = exchange;
  row.details.dataset.outcome = outcome(exchange);
  row.details.firstElementChild.replaceChildren(...summaryOf(exchange));
  if (row.details.open) fill(row.details, exchange.id);
  filter(row);
}

function add(exchange) {
  const details = el("details", { "data-kind": exchange.kind, "data-outcome": outcome(exchange) },
    el("summary", {}, ...summaryOf(exchange)), el("div", { class: "bodies" }));
  details.addEventListener("toggle", () => details.open && fill(details, exchange.id));
  const item = el("li", { "data-kind": exchange.kind, "data-exchange": exchange.id }, details);
  const row = { exchange, item, details };
  shown.set(exchange.id, row);
  filter(row);
  list.prepend(item);
  while (list.childElementCount > most) {
    shown.delete(Number(list.lastElementChild.dataset.exchange));
    list.lastElementChild.remove();
  }
}

function outcome(x) {
  if (x.status >= 200 && x.status < 300 && !x.error) return "ok";
  if (x.error || x.status) return "bad";
  return "open";
}

const personOf = (x) => people.get(x.person);

function summaryOf(x) {
  const [arrow, direction] = directions[x.kind];
  const person = personOf(x);
  const attempts = x.kind === "webhook" && x.attempts > 1 ? `attempt ${x.attempts}` : "";
  return [
    el("time", { datetime: x.at }, preciseTimeOf(x.at)),
    el("span", { class: "kind" }, el("span", { "aria-hidden": "true" }, arrow + " "), x.kind, el("span", { class: "unseen" }, " " + direction)),
    el("span", { class: "person" }, person ? person.name || shortNumber(person) : ""),
    el("span", { class: "status" }, x.status ? String(x.status) : x.error ? "no response" : "…"),
    el("span", { class: "second" },
      el("span", { class: "what" }, x.summary || x.url, x.excerpt ? el("q", {}, x.excerpt) : ""),
      el("span", { class: "retried" }, attempts),
      el("span", { class: "took" }, x.done ? durationOf(x.took_ms) : "")),
  ];
}

const durationOf = (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

// ——— filter and search ———

function filter(row) {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = searchedText(row.exchange);
  row.item.hidden = kind !== "all" && row.exchange.kind !== kind || !words.every((word) => text.includes(word));
}

function searchedText(x) {
  const person = personOf(x);
  const names = person ? [nameOf(person), person.phone, numberOf(person)] : [];
  return [x.kind, x.summary, x.excerpt, x.method, x.url, x.status, x.error, ...names].join(" ").toLowerCase();
}

function filterAll() {
  for (const row of shown.values()) filter(row);
  updateEmptyHint();
}

function updateEmptyHint() {
  const hint = byId("traffic-empty");
  hint.hidden = [...shown.values()].some((row) => !row.item.hidden);
  hint.textContent = shown.size > 0 ? "No request matches." : "Nothing yet. Requests between the service, Meta and Gemini appear here.";
}

search.addEventListener("input", filterAll);
for (const button of document.querySelectorAll("[data-filter]")) {
  button.addEventListener("click", () => {
    kind = button.dataset.filter;
    filterAll();
    for (const other of button.parentElement.children) other.setAttribute("aria-pressed", String(other === button));
  });
}

// ——— the open exchange ———

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
  const person = personOf(x);
  const facts = [
    ["Person", person && [nameOf(person), person.name && numberOf(person)].filter(Boolean).join(" · ")],
    ["Request", `${x.method} ${x.url}`],
    ["X-Hub-Signature-256", x.signature],
    ["Took", x.done || x.attempts > 0 ? `${x.took_ms} ms` : ""],
    ["Attempts", x.attempts > 1 ? String(x.attempts) : ""],
    ["Error", x.error],
  ].filter(([, value]) => value);
  bodies.replaceChildren(
    el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    tools(x),
    ...body("Request body", x.request),
    ...body(x.status ? `Response ${x.status}` : "Response", x.response));
}

function tools(x) {
  if (!x.curl) return x.truncated ? el("p", { class: "hint" }, "The request is too large to be sent again.") : "";
  const copy = el("button", { type: "button", class: "quiet" }, "Copy as curl");
  const again = el("button", { type: "button", class: "quiet" }, "Send again");
  const result = el("span", { role: "status" });
  copy.addEventListener("click", () => copyCurl(x.curl, result));
  again.addEventListener("click", async () => {
    try {
      await post(`/api/traffic/${x.id}/repeat`, {});
      result.textContent = "Sent. It is a new line of the traffic.";
    } catch (error) {
      result.textContent = error.message;
    }
  });
  return el("p", { class: "tools" }, copy, again, result);
}

// A browser may refuse the clipboard. The command is then shown.
async function copyCurl(curl, result) {
  try {
    await navigator.clipboard.writeText(curl);
    result.textContent = "Copied.";
  } catch {
    result.replaceChildren(el("code", {}, curl));
  }
}

function body(title, text) {
  if (!text) return [];
  return [el("h3", {}, title), el("pre", { tabindex: "0" }, text)];
}
