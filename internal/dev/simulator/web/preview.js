// One line about a message, for the list of people, a quotation and the composer.
import { el } from "./dom.js";
import { inline } from "./format.js";

const kinds = {
  image: "📷 Photo",
  video: "🎬 Video",
  audio: "🎤 Voice note",
  document: "📄 Document",
  sticker: "Sticker",
  location: "📍 Location",
};

const longest = 300; // the line itself is cut by its style

/** Returns the nodes of the line. */
export function preview(bubble) {
  if (bubble.change === "deleted") return [el("em", {}, "Message deleted")];
  const name = bubble.file?.name || bubble.location?.name;
  const kind = name && kinds[bubble.kind] ? kinds[bubble.kind].replace(/ .*/, " " + name) : kinds[bubble.kind];
  if (bubble.kind === "location") return [kind];
  const text = inline(oneLine(bubble.text));
  if (!kind) return text.length > 0 ? text : [bubble.kind];
  return text.length > 0 ? [kind + " · ", ...text] : [kind];
}

// Removes what only makes sense on several lines: fences, bullets and quote marks.
function oneLine(text) {
  return text.replaceAll("```", "").replace(/^(?:[*-] +|> ?)/gm, "").replace(/\s+/g, " ").trim().slice(0, longest);
}

/** Returns who wrote a message, as its reader names them. */
export function authorOf(bubble) {
  if (bubble.direction === "out") return "You";
  return bubble.from_business_phone ? "Business phone" : "Aisha";
}
