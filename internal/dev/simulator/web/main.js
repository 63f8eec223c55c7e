// Reads the simulator's events and redraws what changed.
import { byId, post } from "./dom.js";
import { openChat, showBubble, showStatusLine } from "./chat.js";
import { drawPeople } from "./people.js";
import { showFaults } from "./faults.js";
import { openTraffic, showExchange } from "./traffic.js";

const people = new Map(); // id → person
const bubbles = new Map(); // person's id → Map of id → bubble, in order
const seen = new Map(Object.entries(remembered("seen", {}))); // person's id → seq of the last bubble seen
let selected = remembered("selected", "");
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
  people.clear();
  bubbles.clear();
  for (const person of state.people) people.set(person.id, person);
  for (const bubble of state.messages) storeBubble(bubble);
  const newest = Math.max(0, ...state.messages.map((bubble) => bubble.seq));
  for (const [id, seq] of seen) if (seq > newest) seen.delete(id); // the simulator was restarted
  if (!people.has(selected)) selected = state.people[0]?.id ?? "";
  openTraffic(state.traffic);
  showService(state.service);
  showFaults(state.faults);
  choose(selected);
}

const storeBubble = (bubble) => {
  if (!bubbles.has(bubble.person)) bubbles.set(bubble.person, new Map());
  bubbles.get(bubble.person).set(bubble.id, bubble);
};

const conversation = (id) => [...(bubbles.get(id)?.values() ?? [])];

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
    if (bubble.person === selected) showBubble(bubble);
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
  const person = people.get(selected);
  if (!person) return;
  showStatusLine(person, isTyping(person));
  markSeen();
  const rows = [...people.values()].map((each) => {
    const all = conversation(each.id);
    const unread = all.filter((b) => b.direction === "in" && b.seq > (seen.get(each.id) ?? 0)).length;
    return { person: each, last: all.at(-1), unread, typing: isTyping(each) };
  });
  drawPeople(rows, selected, choose);

  const ends = [...people.values()].filter(isTyping).map((each) => new Date(each.typing_until));
  clearTimeout(typingTimer);
  if (ends.length > 0) typingTimer = setTimeout(refresh, Math.min(...ends) - Date.now() + 50);
}

function markSeen() {
  const last = conversation(selected).at(-1);
  if (!last || document.hidden || (seen.get(selected) ?? 0) >= last.seq) return;
  seen.set(selected, last.seq);
  remember("seen", Object.fromEntries(seen));
}

function choose(id) {
  if (!people.has(id)) return;
  selected = id;
  remember("selected", id);
  openChat(people.get(id), conversation(id));
  refresh();
}

const serviceTexts = {
  unknown: "Service not called yet",
  ok: "Service connected",
  refusing: "Service rejects webhooks",
  unreachable: "Service unreachable, retrying",
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

const message = byId("message");

function fitMessage() {
  message.style.height = "auto";
  message.style.height = Math.min(message.scrollHeight, 160) + "px";
  byId("send").disabled = message.value.trim() === "";
}

async function send() {
  const text = message.value;
  if (text.trim() === "") return;
  byId("composer-error").textContent = "";
  message.value = "";
  fitMessage();
  try {
    await post("/api/messages", { person: selected, text });
  } catch (error) {
    byId("composer-error").textContent = "The message was not sent. " + error.message;
    if (message.value === "") message.value = text;
    fitMessage();
  }
}

message.addEventListener("input", fitMessage);
message.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
  message.focus();
});
for (const idea of document.querySelectorAll("[data-idea]")) {
  idea.addEventListener("click", () => {
    message.value = idea.dataset.idea;
    fitMessage();
    message.focus();
  });
}

byId("messages").addEventListener("click", async (event) => {
  const button = event.target.closest("[data-button]");
  if (!button) return;
  byId("composer-error").textContent = "";
  try {
    await post("/api/presses", { person: selected, message: button.dataset.message, button: button.dataset.button });
  } catch (error) {
    byId("composer-error").textContent = "The button was not pressed. " + error.message;
  }
});

byId("meet").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("meet-error").textContent = "";
  try {
    const { id } = await post("/api/people", { phone: byId("number").value });
    byId("number").value = "";
    if (!people.has(id)) people.set(id, { id, phone: "", seq: 0 }); // the person event may arrive later
    choose(id);
    message.focus();
  } catch (error) {
    byId("meet-error").textContent = error.message;
  }
});

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
    if (button.dataset.show === "faults") byId("faults-panel").open = true;
    for (const other of button.parentElement.children) other.setAttribute("aria-pressed", String(other === button));
  });
}
document.addEventListener("visibilitychange", refresh);

fitMessage();
listen();
