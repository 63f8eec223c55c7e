// Draws one message.
import { el, icon, sizeOf, timeOf } from "./dom.js";
import { formatted } from "./format.js";
import { authorOf, preview } from "./preview.js";
import { bubbleOf } from "./state.js";

const clockFace = () => icon(16, "M8 2.8a5.2 5.2 0 1 0 0 10.4A5.2 5.2 0 0 0 8 2.8Z", "M8 5.2V8l1.9 1.3");
const oneTick = () => icon(16, "m3.2 8.6 3 3 6.4-7");
const twoTicks = () => icon(20, "m1.8 8.6 3 3 6.4-7", "m9 11.2.4.4 6.4-7");

// The icon and the description of each state. Only the person's own messages
// have ticks, as on a phone.
const states = {
  out: {
    sent: [oneTick, "sent"],
    retrying: [clockFace, "not acknowledged by the service, retrying"],
    delivered: [twoTicks, "delivered to the service"],
    read: [twoTicks, "read by the service"],
  },
  in: {
    failed: [undefined, "failed: the person has not written for 24 hours"],
    lost: [undefined, "never delivered: the service sent a user id as the phone number"],
  },
};

/** Returns the list item of a message. */
export function drawBubble(bubble) {
  const deleted = bubble.change === "deleted";
  return el("li", {
    class: "bubble",
    "data-id": bubble.id,
    "data-seq": bubble.seq,
    "data-direction": bubble.direction,
    "data-kind": bubble.kind,
    "data-state": bubble.state,
    "data-reacted": Boolean(bubble.reaction),
  },
  el("span", { class: "unseen" }, authorOf(bubble) + ": "),
  bubble.from_business_phone ? el("p", { class: "author" }, "From the business phone") : "",
  quoted(bubble),
  deleted ? "" : media(bubble),
  el("div", { class: "text" }, ...text(bubble)),
  foot(bubble),
  ...(bubble.buttons ?? []).map((button) => el("button", {
    class: "reply", type: "button", "data-message": bubble.id, "data-button": button.id,
  }, button.title)),
  bubble.reaction ? el("span", { class: "reaction" }, el("span", { class: "unseen" }, "Reaction: "), bubble.reaction) : "",
  deleted ? "" : el("button", {
    class: "actions", type: "button", popovertarget: "bubble-menu", "aria-label": "Actions for this message", "aria-haspopup": "menu", "aria-expanded": "false",
  }, icon(16, "m4 6.5 4 4 4-4")));
}

function text(bubble) {
  if (bubble.change === "deleted") return [el("em", { class: "note" }, "You deleted this message")];
  if (bubble.kind === "location") return [];
  if (bubble.text) return [formatted(bubble.text)];
  return bubble.file || bubble.kind === "text" ? [] : [el("em", { class: "note" }, bubble.kind)];
}

function foot(bubble) {
  const [tick, description] = states[bubble.direction][bubble.state] ?? [];
  const isShown = bubble.state === "failed" || bubble.state === "lost" || bubble.state === "retrying";
  return el("p", { class: "foot" },
    description ? el("span", { class: isShown ? "said" : "unseen" }, description) : "",
    bubble.change === "edited" ? el("span", {}, "Edited") : "",
    el("time", { datetime: bubble.at }, timeOf(bubble.at)),
    tick ? tick() : "");
}

function quoted(bubble) {
  if (!bubble.quotes) return "";
  const original = bubbleOf(bubble.person, bubble.quotes);
  return el("blockquote", { class: "quoted" },
    el("span", { class: "by" }, original ? authorOf(original) : "A message that this page does not have"),
    original ? el("span", { class: "words" }, ...preview(original)) : "");
}

/** Returns the file or the place of a message. */
function media(bubble) {
  if (bubble.location) return place(bubble.location);
  if (!bubble.file) return "";
  const url = `/api/files/${bubble.file.id}`;
  const attributes = { class: "media", "data-file": bubble.file.id, src: url };
  switch (bubble.kind) {
    case "image":
    case "sticker":
      return el("img", { ...attributes, alt: bubble.kind === "image" ? "Photo" : "Sticker" });
    case "video":
      return el("video", { ...attributes, controls: true, preload: "metadata" });
    case "audio":
      return el("audio", { ...attributes, controls: true, preload: "metadata" });
    default:
      return el("a", { class: "media document", "data-file": bubble.file.id, href: url, download: bubble.file.name || "file" },
        el("strong", {}, bubble.file.name || "Document"),
        el("span", {}, `${bubble.file.mime_type.split(";")[0]} · ${sizeOf(bubble.file.size)}`));
  }
}

function place({ name, address, latitude, longitude }) {
  return el("p", { class: "place" },
    el("strong", {}, "📍 " + (name || "Location")),
    address ? el("span", {}, address) : "",
    el("span", {}, `${latitude}, ${longitude}`));
}
