// The list of people to write as.
import { byId, el, timeOf } from "./dom.js";
import { preview } from "./preview.js";

const tones = 6;

/** Draws a person's avatar. Its color depends on the user id only. */
export function drawAvatar(node, person) {
  let sum = 0;
  for (const c of person.id) sum = (sum * 31 + c.charCodeAt(0)) % 9973;
  node.dataset.tone = sum % tones;
  node.textContent = initials(person);
}

function initials(person) {
  if (!person.name) return "#";
  const words = person.name.split(/\s+/);
  return (words[0][0] + (words.length > 1 ? words.at(-1)[0] : "")).toUpperCase();
}

/** Formats a phone number. Falls back to the user id. */
export function numberOf(person) {
  const match = (person.phone || "").match(/^(254)(\d{3})(\d{3})(\d+)$/);
  if (match) return "+" + match.slice(1).join(" ");
  return person.phone ? "+" + person.phone : person.id;
}

export const nameOf = (person) => person.name || numberOf(person);

// A narrow page hides all names but the first.
function nameParts(person) {
  if (!person.name) return [shortNumber(person)];
  const [first, ...others] = person.name.split(" ");
  if (others.length === 0) return [first];
  return [first, el("span", { class: "others" }, " " + others.join(" "))];
}

const lastDigits = /(\d{3} ?\d{3})$/;

/** Draws a phone number of which only the last digits are shown where the space is too short. */
export function shortNumber(person) {
  const [start, end = ""] = numberOf(person).split(lastDigits);
  return el("span", { class: "number", title: numberOf(person) }, el("span", { class: "start" }, start), el("span", { class: "end" }, end));
}

/** Draws the list. A row has a person, their last message and the unread count. */
export function drawPeople(rows, selected, choose) {
  const list = byId("people");
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.person : undefined;
  list.replaceChildren(...rows.map((row) => personItem(row, row.person.id === selected, choose)));
  if (focused) list.querySelector(`[data-person="${CSS.escape(focused)}"]`)?.focus();
}

/** Scrolls the list to the selected person. */
export function showSelected() {
  byId("people").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function personItem({ person, last, unread, typing }, selected, choose) {
  const avatar = el("span", { class: "avatar", "aria-hidden": "true" });
  drawAvatar(avatar, person);
  const line = typing ? ["typing…"] : last ? [last.direction === "out" ? "You: " : "", ...preview(last)] : [person.name ? numberOf(person) : "no messages yet"];
  const button = el("button", { type: "button", "data-person": person.id, "aria-current": selected ? "true" : false },
    avatar,
    el("span", { class: "who" },
      el("span", { class: "name" }, ...nameParts(person)),
      el("span", { class: typing ? "preview busy" : "preview" }, ...line)),
    el("span", { class: "meta" },
      last ? el("time", { datetime: last.at }, timeOf(last.at)) : "",
      unread > 0 ? el("span", { class: "badge" }, String(unread), el("span", { class: "unseen" }, " unread")) : ""));
  button.addEventListener("click", () => choose(person.id));
  return el("li", {}, button);
}
