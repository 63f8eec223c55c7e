// Renders WhatsApp's formatting as a phone does: *bold*, _italic_, ~strike~,
// `code`, ```blocks```, lists and quotes.
import { el } from "./dom.js";

/** Returns the nodes for the text of a message. */
export function formatted(text) {
  const fragment = document.createDocumentFragment();
  // Text between two fences is shown unchanged; the rest is formatted by line.
  text.split(/```([\s\S]+?)```/).forEach((piece, i) => {
    if (i % 2 === 1) fragment.append(el("pre", {}, el("code", {}, piece.replace(/^\n|\n$/g, ""))));
    else fragment.append(...blocks(piece.replace(/^\n+|\n+$/g, "")));
  });
  return fragment;
}

const lineKinds = [
  { tag: "ul", pattern: /^[*-] +(.*)$/ },
  { tag: "ol", pattern: /^(\d{1,3})\. +(.*)$/ },
  { tag: "blockquote", pattern: /^> ?(.*)$/ },
];

function blocks(text) {
  const made = [];
  let open; // the block that the next line may belong to
  if (text === "") return made;
  for (const line of text.split("\n")) {
    const kind = lineKinds.find(({ pattern }) => pattern.test(line));
    const tag = kind ? kind.tag : "p";
    if (!open || open.localName !== tag) {
      open = el(tag);
      if (tag === "ol") open.start = Number(line.match(kind.pattern)[1]);
      made.push(open);
    }
    addLine(open, kind ? line.match(kind.pattern).at(-1) : line);
  }
  return made;
}

function addLine(block, line) {
  if (block.localName === "ul" || block.localName === "ol") {
    block.append(el("li", {}, ...inline(line)));
    return;
  }
  if (block.hasChildNodes()) block.append(el("br"));
  block.append(...inline(line));
}

// A mark opens after a space or punctuation and directly before a character. It
// closes directly after a character. So 2*3*4 is not formatted.
const marks = /(?<![\p{L}\p{N}])(?:`([^`]+)`|([*_~])(?=\S)((?:(?!\2).)*?\S)\2)(?![\p{L}\p{N}])|(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]*_~])/u;
const markTags = { "*": "strong", "_": "em", "~": "s" };

/** Returns the nodes of one line. */
export function inline(text) {
  const nodes = [];
  while (text !== "") {
    const found = text.match(marks);
    if (!found) {
      nodes.push(text);
      break;
    }
    if (found.index > 0) nodes.push(text.slice(0, found.index));
    const [whole, code, mark, inner, link] = found;
    if (code) nodes.push(el("code", {}, code));
    else if (mark) nodes.push(el(markTags[mark], {}, ...inline(inner)));
    else nodes.push(el("a", { href: link, target: "_blank", rel: "noreferrer noopener" }, link));
    text = text.slice(found.index + whole.length);
  }
  return nodes;
}
