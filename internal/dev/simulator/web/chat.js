// The open conversation: its messages and the typing indicator.
import { drawBubble } from "./bubble.js";
import { byId } from "./dom.js";
import { drawAvatar, nameOf, numberOf } from "./people.js";

const list = byId("messages");
const scroll = byId("scroll");
let shown = new Map(); // id of a bubble → its element
let followsEnd = true; // the newest message is in view, and stays there

/** Opens a conversation with all its messages. */
export function openChat(person, bubbles) {
  drawAvatar(byId("you-avatar"), person);
  byId("you-name").textContent = nameOf(person);
  byId("you-number").textContent = person.name ? numberOf(person) : "";
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
  const isNew = !shown.has(bubble.id);
  place(bubble);
  updateEmptyHint();
  if (followsEnd || isNew && bubble.direction === "out") toEnd();
}

/** Shows whether Aisha is typing. */
export function showTyping(typing) {
  const line = byId("chat-line");
  line.textContent = typing ? "typing…" : "assistant";
  line.classList.toggle("busy", typing);
  byId("typing").hidden = !typing;
  if (followsEnd) toEnd();
}

function toEnd() {
  scroll.scrollTop = scroll.scrollHeight;
  followsEnd = true;
}

// Only scrolling up leaves the end. The event comes a frame later than the scroll, and
// the chat may have become smaller since: then its end is out of view although the user did
// not scroll.
let lastTop = 0;
scroll.addEventListener("scroll", () => {
  const isAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  if (isAtEnd) followsEnd = true;
  else if (scroll.scrollTop < lastTop) followsEnd = false;
  lastTop = scroll.scrollTop;
});

// A smaller window, an opened keyboard, a longer draft and a loaded picture leave
// the newest message in view. None of them is a scroll of the user.
const observer = new ResizeObserver(() => { if (followsEnd) toEnd(); });
observer.observe(scroll);
observer.observe(list);

function updateEmptyHint() {
  byId("empty").hidden = shown.size > 0;
}

function place(bubble) {
  const node = drawBubble(bubble);
  const old = shown.get(bubble.id);
  shown.set(bubble.id, node);
  if (old) {
    replace(old, node);
    return;
  }
  let before = list.lastElementChild;
  while (before && Number(before.dataset.seq) > bubble.seq) before = before.previousElementSibling;
  if (before) before.after(node);
  else list.prepend(node);
}

// Keeps the loaded file, which may be playing, and the focus.
function replace(old, node) {
  const media = old.querySelector("[data-file]");
  const focused = old.contains(document.activeElement) ? document.activeElement.className : "";
  const newMedia = node.querySelector("[data-file]");
  if (media && newMedia) newMedia.replaceWith(media);
  old.replaceWith(node);
  if (focused) node.querySelector("." + focused.split(" ")[0])?.focus();
}
