// The page: it listens to the simulator's events and draws what changed.
import { byId, post } from "./dom.js";
import { openChat, showBubble, showLine } from "./chat.js";
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
  } catch { /* a browser that keeps nothing shows everything as new, no more */ }
}

// ——— what the simulator tells ———

function begin(state) {
  people.clear();
  bubbles.clear();
  for (const person of state.people) people.set(person.id, person);
  for (const bubble of state.messages) keep(bubble);
  const newest = Math.max(0, ...state.messages.map((bubble) => bubble.seq));
  for (const [id, seq] of seen) if (seq > newest) seen.delete(id); // the simulator began anew
  if (!people.has(selected)) selected = state.people[0]?.id ?? "";
  openTraffic(state.traffic);
  showService(state.service);
  showFaults(state.faults);
  choose(selected);
}

const keep = (bubble) => {
  if (!bubbles.has(bubble.person)) bubbles.set(bubble.person, new Map());
  bubbles.get(bubble.person).set(bubble.id, bubble);
};

const conversation = (id) => [...(bubbles.get(id)?.values() ?? [])];

function listen() {
  const events = new EventSource("/api/events");
  const on = (name, handle) => events.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  on("state", (state) => {
    tell("");
    begin(state);
  });
  on("person", (person) => {
    people.set(person.id, person);
    refresh();
  });
  on("message", (bubble) => {
    keep(bubble);
    if (bubble.person === selected) showBubble(bubble);
    refresh();
  });
  on("traffic", showExchange);
  on("service", showService);
  on("faults", showFaults);
  events.addEventListener("error", () => {
    tell("The simulator does not answer. This page connects again by itself.");
    if (events.readyState !== EventSource.CLOSED) return;
    setTimeout(listen, 1000); // the browser gave up; we do not
  });
}

// ——— what is shown ———

const isTyping = (person) => Boolean(person?.typing_until) && new Date(person.typing_until) > new Date();

function refresh() {
  const person = people.get(selected);
  if (!person) return;
  showLine(person, isTyping(person));
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
  refusing: "Service refuses webhooks",
  unreachable: "Service unreachable, retrying",
};

function showService(service) {
  byId("service").dataset.state = service.state;
  byId("service").title = [service.url, service.error].filter(Boolean).join(" · ");
  byId("service-text").textContent = serviceTexts[service.state];
}

/** Shows a notice over the page; an empty one goes away. */
function tell(text, good = false) {
  byId("notice").textContent = text;
  byId("notice").hidden = text === "";
  byId("notice").classList.toggle("good", good);
}

// ——— what the person does ———

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
    byId("composer-error").textContent = "Not sent. " + error.message;
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
    byId("composer-error").textContent = "Not pressed. " + error.message;
  }
});

byId("meet").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("meet-error").textContent = "";
  try {
    const { id } = await post("/api/people", { phone: byId("number").value });
    byId("number").value = "";
    if (!people.has(id)) people.set(id, { id, phone: "", seq: 0 }); // the event may still be on its way
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
    tell(result.verified ? "The service proved that the webhook is its own." : result.error, result.verified);
    if (result.verified) setTimeout(() => tell(""), 4000);
  } catch (error) {
    tell(error.message);
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
