// What a person does with a message: press its button, react, reply, edit, delete.
import { startEdit, startReply, showProblem } from "./composer.js";
import { byId, el, post } from "./dom.js";
import { setUpMenu } from "./menu.js";
import { bubbleOf, selection } from "./state.js";

const menu = byId("bubble-menu");
const reactions = { "👍": "thumbs up", "❤️": "heart", "😂": "laughing", "😮": "surprised", "😢": "crying", "🙏": "thanks" };
const editable = new Set(["text", "image", "video", "document"]);

byId("messages").addEventListener("click", (event) => {
  const reply = event.target.closest("[data-button]");
  if (reply) act("/api/presses", { message: reply.dataset.message, button: reply.dataset.button });
  const button = event.target.closest(".actions");
  if (button) fillMenu(button);
});
setUpMenu(menu);

// Runs before the browser opens the menu.
function fillMenu(button) {
  const bubble = bubbleOf(selection.person, button.closest(".bubble").dataset.id);
  const own = bubble.direction === "out";
  menu.replaceChildren(
    el("div", { class: "reactions" }, ...Object.entries(reactions).map(([emoji, name]) => reactionItem(bubble, emoji, name))),
    item("Reply", () => startReply(bubble)),
    own && editable.has(bubble.kind) ? item("Edit", () => startEdit(bubble)) : "",
    own ? item("Delete for everyone", () => act("/api/deletions", { message: bubble.id })) : "");
}

// Choosing the current reaction removes it.
function reactionItem(bubble, emoji, name) {
  const current = bubble.reaction === emoji;
  const button = item(emoji, () => act("/api/reactions", { message: bubble.id, text: current ? "" : emoji }));
  button.setAttribute("aria-label", current ? `Remove the reaction ${name}` : `React with ${name}`);
  button.toggleAttribute("data-current", current);
  return button;
}

function item(label, action) {
  const button = el("button", { type: "button", role: "menuitem" }, label);
  button.addEventListener("click", () => {
    menu.hidePopover();
    action();
  });
  return button;
}

async function act(path, body) {
  const person = selection.person;
  try {
    await post(path, { person, ...body });
    showProblem(person, "");
  } catch (error) {
    showProblem(person, error.message);
  }
}
