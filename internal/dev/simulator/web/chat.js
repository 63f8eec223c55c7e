// The open conversation: its messages and the typing indicator.
import { byId, el, icon, timeOf } from "./dom.js";
import { formatted } from "./format.js";
import { drawAvatar, nameOf, numberOf } from "./people.js";

const list = byId("messages");
const scroll = byId("scroll");
let shown = new Map(); // id of a bubble → its element

const clockFace = () => icon(16, "M8 2.8a5.2 5.2 0 1 0 0 10.4A5.2 5.2 0 0 0 8 2.8Z", "M8 5.2V8l1.9 1.3");
const oneTick = () => icon(16, "m3.2 8.6 3 3 6.4-7");
const twoTicks = () => icon(20, "m1.8 8.6 3 3 6.4-7", "m9 11.2.4.4 6.4-7");

// The icon and the description of each state.
const states = {
  out: {
    pending: [clockFace, "waiting for the service"],
    retrying: [clockFace, "not acknowledged by the service, retrying"],
    sent: [oneTick, "sent"],
    read: [twoTicks, "read"],
  },
  in: {
    accepted: [clockFace, "accepted"],
    sent: [oneTick, "sent"],
    delivered: [twoTicks, "delivered"],
    read: [twoTicks, "read"],
    failed: [undefined, "failed: the person has not written for 24 hours"],
    lost: [undefined, "never delivered: the service sent a user id as the phone number"],
  },
};

/** Opens a conversation with all its messages. */
export function openChat(person, bubbles) {
  drawAvatar(byId("chat-avatar"), person);
  byId("chat-name").textContent = nameOf(person);
  byId("empty-name").textContent = nameOf(person);
  shown = new Map();
  list.setAttribute("aria-busy", "true"); // keeps screen readers from reading the old messages
  list.replaceChildren();
  for (const bubble of bubbles) place(bubble);
  list.removeAttribute("aria-busy");
  updateEmptyHint();
  toEnd();
}

/** Adds a message, or redraws one that changed. */
export function showBubble(bubble) {
  const follow = bubble.direction === "out" || nearEnd();
  place(bubble);
  updateEmptyHint();
  if (follow) toEnd();
}

/** Shows the phone number of the person, or that Aisha is typing. */
export function showStatusLine(person, typing) {
  const line = byId("chat-line");
  line.textContent = typing ? "Aisha is typing…" : person.name ? numberOf(person) : "";
  line.classList.toggle("busy", typing);
  const follow = typing && byId("typing").hidden && nearEnd();
  byId("typing").hidden = !typing;
  if (follow) toEnd();
}

const nearEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;
const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };

function updateEmptyHint() {
  byId("empty").hidden = shown.size > 0;
}

function place(bubble) {
  const node = drawn(bubble);
  const old = shown.get(bubble.id);
  shown.set(bubble.id, node);
  if (old) {
    old.replaceWith(node);
    return;
  }
  let before = list.lastElementChild;
  while (before && Number(before.dataset.seq) > bubble.seq) before = before.previousElementSibling;
  if (before) before.after(node);
  else list.prepend(node);
}

function drawn(bubble) {
  const [tick, said] = states[bubble.direction][bubble.state] ?? [undefined, bubble.state];
  const spoken = bubble.state === "failed" || bubble.state === "lost" || bubble.state === "retrying";
  return el("li", {
    class: "bubble",
    "data-id": bubble.id,
    "data-seq": bubble.seq,
    "data-direction": bubble.direction,
    "data-state": bubble.state,
  },
  quoted(bubble),
  el("div", { class: "text" }, bubble.kind === "text" || bubble.text ? formatted(bubble.text) : el("em", {}, bubble.kind)),
  el("p", { class: "foot" },
    el("span", { class: spoken ? "said" : "unseen" }, said),
    el("time", { datetime: bubble.at }, timeOf(bubble.at)),
    tick ? tick() : ""),
  ...(bubble.buttons ?? []).map((button) => el("button", {
    class: "reply", type: "button", "data-message": bubble.id, "data-button": button.id,
  }, button.title)));
}

function quoted(bubble) {
  if (!bubble.quotes) return "";
  const original = shown.get(bubble.quotes)?.querySelector(".text")?.textContent;
  return el("blockquote", { class: "quoted" },
    el("span", { class: "by" }, original === undefined ? "A message that is no longer stored" : "You"),
    el("span", { class: "words" }, (original ?? "").slice(0, 240)));
}
