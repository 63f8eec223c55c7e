// Reads the simulator's events and redraws what changed.
import "./actions.js";
import { openChat, showBubble, showTyping } from "./chat.js";
import { drawDraft, suggest } from "./composer.js";
import { onMeet } from "./dialogs.js";
import { byId, post } from "./dom.js";
import { openFaults, showFaults } from "./faults.js";
import { drawPeople, showSelected } from "./people.js";
import { clearState, conversation, people, selection, storeBubble } from "./state.js";
import { openTraffic, showExchange } from "./traffic.js";

const seen = new Map(Object.entries(remembered("seen", {}))); // person's id → seq of the last bubble seen
selection.person = remembered("selected", "");
let typingTimer;

function remembered(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem("simulator." + key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem("simulator." + key, JSON.stringify(value));
  } catch { /* without local storage, all messages count as unread */ }
}

// ——— events of the simulator ———

function loadState(state) {
  clearState();
  for (const person of state.people) people.set(person.id, person);
  for (const bubble of state.messages) storeBubble(bubble);
  const newest = Math.max(0, ...state.messages.map((bubble) => bubble.seq));
  for (const [id, seq] of seen) if (seq > newest) seen.delete(id); // the simulator was restarted
  if (!people.has(selection.person)) selection.person = state.people[0]?.id ?? "";
  openTraffic(state.traffic);
  showService(state.service);
  showFaults(state.faults);
  choose(selection.person);
}

function listen() {
  const events = new EventSource("/api/events");
  const on = (name, handle) => events.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  on("state", (state) => {
    showNotice("");
    loadState(state);
  });
  on("person", (person) => {
    people.set(person.id, person);
    refresh();
  });
  on("message", (bubble) => {
    storeBubble(bubble);
    if (bubble.person === selection.person) showBubble(bubble);
    refresh();
  });
  on("traffic", showExchange);
  on("service", showService);
  on("faults", showFaults);
  events.addEventListener("error", () => {
    showNotice("The simulator does not respond. This page reconnects automatically.");
    if (events.readyState !== EventSource.CLOSED) return;
    setTimeout(listen, 1000); // the browser does not retry in this case
  });
}

// ——— drawing ———

const isTyping = (person) => Boolean(person?.typing_until) && new Date(person.typing_until) > new Date();

function refresh() {
  const person = people.get(selection.person);
  if (!person) return;
  showTyping(isTyping(person));
  markSeen();
  const rows = [...people.values()].map((each) => {
    const all = conversation(each.id);
    const unread = all.filter((b) => b.direction === "in" && b.seq > (seen.get(each.id) ?? 0)).length;
    return { person: each, last: all.at(-1), unread, typing: isTyping(each) };
  });
  drawPeople(rows, selection.person, choose);

  const ends = [...people.values()].filter(isTyping).map((each) => new Date(each.typing_until));
  clearTimeout(typingTimer);
  if (ends.length > 0) typingTimer = setTimeout(refresh, Math.min(...ends) - Date.now() + 50);
}

function markSeen() {
  const last = conversation(selection.person).at(-1);
  if (!last || document.hidden || (seen.get(selection.person) ?? 0) >= last.seq) return;
  seen.set(selection.person, last.seq);
  remember("seen", Object.fromEntries(seen));
}

function choose(id) {
  if (!people.has(id)) return;
  selection.person = id;
  remember("selected", id);
  openChat(people.get(id), conversation(id));
  drawDraft();
  refresh();
  showSelected();
}

const serviceTexts = {
  unknown: "not called yet",
  ok: "connected",
  refusing: "rejects webhooks",
  unreachable: "unreachable, retrying",
};

function showService(service) {
  byId("service").dataset.state = service.state;
  byId("service").title = [service.url, service.error].filter(Boolean).join(" · ");
  byId("service-text").textContent = serviceTexts[service.state];
}

/** Shows a notice above the page. An empty text hides it. */
function showNotice(text, good = false) {
  byId("notice").textContent = text;
  byId("notice").hidden = text === "";
  byId("notice").classList.toggle("good", good);
}

// ——— actions of the user ———

for (const idea of document.querySelectorAll("[data-idea]")) {
  idea.addEventListener("click", () => suggest(idea.dataset.idea));
}

byId("verify").addEventListener("click", async () => {
  byId("verify").disabled = true;
  try {
    const result = await post("/api/verify", {});
    showNotice(result.verified ? "The service verified its webhook." : result.error, result.verified);
    if (result.verified) setTimeout(() => showNotice(""), 4000);
  } catch (error) {
    showNotice(error.message);
  } finally {
    byId("verify").disabled = false;
  }
});

for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => {
    document.body.dataset.view = button.dataset.show;
    if (button.dataset.show === "faults") openFaults();
    for (const other of button.parentElement.children) other.setAttribute("aria-pressed", String(other === button));
  });
}
document.addEventListener("visibilitychange", refresh);

onMeet(choose);
listen();
