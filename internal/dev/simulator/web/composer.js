// The message that is being written. Each person has a draft of their own.
import { byId, post, sizeOf, upload } from "./dom.js";
import { setUpMenu } from "./menu.js";
import { authorOf, preview } from "./preview.js";
import { selection } from "./state.js";

const message = byId("message");
const fileInput = byId("file");
const attachMenu = byId("attach-menu");
const drafts = new Map(); // person's id → { text, replyTo, edited, file, kind, problem }

const draftOf = (person) => drafts.get(person) ?? { text: "" };

/** Changes the draft of a person. */
function change(person, changes) {
  drafts.set(person, { ...draftOf(person), ...changes });
  if (person === selection.person) drawDraft();
}

/** Draws the draft of the selected person. */
export function drawDraft() {
  const draft = draftOf(selection.person);
  if (message.value !== draft.text) message.value = draft.text;
  drawContext(draft);
  message.placeholder = draft.file ? "Caption" : "Message";
  byId("send").disabled = !draft.file && draft.text.trim() === "";
  byId("composer-error").textContent = draft.problem ?? "";
  message.style.height = "auto";
  message.style.height = Math.min(message.scrollHeight, 160) + "px";
}

// Shows what the draft replies to or edits, and its file.
function drawContext({ replyTo, edited, file }) {
  byId("context").hidden = !replyTo && !edited && !file;
  byId("context-title").textContent = file ? file.name : edited ? "Edit" : replyTo ? `Reply to ${authorOf(replyTo)}` : "";
  const about = replyTo ?? edited;
  byId("context-text").replaceChildren(...(file ? [sizeOf(file.size)] : about ? preview(about) : []));
}

/** Shows an error below a person's draft. An empty text removes it. */
export const showProblem = (person, problem) => change(person, { problem });

export function startReply(bubble) {
  change(bubble.person, { replyTo: bubble, edited: undefined });
  message.focus();
}

export function startEdit(bubble) {
  change(bubble.person, { edited: bubble, replyTo: undefined, file: undefined, text: bubble.text });
  message.focus();
}

function cancelContext() {
  const { edited, text } = draftOf(selection.person);
  change(selection.person, { replyTo: undefined, edited: undefined, file: undefined, problem: "", text: edited ? "" : text });
  message.focus();
}

/** Writes a text into the draft of the selected person. */
export function suggest(text) {
  change(selection.person, { text });
  message.focus();
}

/** Returns the id of the message that the selected person's draft replies to, and ends the reply. */
export function takeReply() {
  const { replyTo } = draftOf(selection.person);
  change(selection.person, { replyTo: undefined });
  return replyTo?.id;
}

async function send() {
  const person = selection.person;
  const draft = draftOf(person);
  if (!draft.file && draft.text.trim() === "") return;
  drafts.delete(person);
  drawDraft();
  try {
    await deliver(person, draft);
  } catch (error) {
    const problem = "Not sent: " + error.message;
    change(person, draftOf(person).text === "" ? { ...draft, problem } : { problem });
  }
}

function deliver(person, { text, replyTo, edited, file, kind }) {
  if (edited) return post("/api/edits", { person, message: edited.id, text });
  if (file) return upload(file, { person, kind, name: file.name, caption: text.trim(), quotes: replyTo?.id ?? "" });
  return post("/api/messages", { person, text, quotes: replyTo?.id });
}

// ——— attachments ———

const accepted = {
  media: "image/jpeg,image/png,video/mp4,video/3gpp",
  audio: "audio/*,.ogg,.opus,.m4a",
  sticker: "image/webp",
  document: "",
};
let picked = "document"; // what the open file dialog is for

function pick(what) {
  picked = what;
  fileInput.accept = accepted[what];
  fileInput.value = "";
  fileInput.click();
}

function attach(file) {
  const kind = picked !== "media" ? picked : file.type.startsWith("video/") ? "video" : "image";
  message.focus();
  if (kind === "audio" || kind === "sticker") sendWithoutCaption(file, kind);
  else change(selection.person, { file, kind, edited: undefined, problem: "" });
}

async function sendWithoutCaption(file, kind) {
  const person = selection.person;
  try {
    await upload(file, { person, kind, quotes: takeReply() ?? "" });
    showProblem(person, "");
  } catch (error) {
    showProblem(person, "Not sent: " + error.message);
  }
}

fileInput.addEventListener("change", () => { if (fileInput.files[0]) attach(fileInput.files[0]); });
setUpMenu(attachMenu);
attachMenu.addEventListener("click", (event) => {
  const item = event.target.closest("[role=menuitem]");
  if (!item) return;
  attachMenu.hidePopover();
  if (item.dataset.pick) pick(item.dataset.pick);
});

// ——— the text ———

message.addEventListener("input", () => change(selection.person, { text: message.value, problem: "" }));
message.addEventListener("keydown", (event) => {
  if (event.key === "Escape") cancelContext();
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
byId("context-cancel").addEventListener("click", cancelContext);
byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
  message.focus();
});
