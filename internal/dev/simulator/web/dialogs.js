// The dialogs: another number, a location, an answer from the business phone.
import { showProblem, takeReply } from "./composer.js";
import { byId, post } from "./dom.js";
import { people, selection } from "./state.js";

for (const opener of document.querySelectorAll("[data-dialog]")) {
  opener.addEventListener("click", () => byId(opener.dataset.dialog).showModal());
}
for (const closer of document.querySelectorAll("[data-close]")) {
  closer.addEventListener("click", () => closer.closest("dialog").close());
}

/** Sends the fields of a dialog's form. Shows an error, or closes the dialog. */
function onSubmit(dialog, submit) {
  const form = dialog.querySelector("form");
  const problem = dialog.querySelector(".error");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      await submit(Object.fromEntries(new FormData(form)));
      dialog.close();
    } catch (error) {
      problem.textContent = error.message;
      form.elements[0].focus();
    }
  });
  dialog.addEventListener("close", () => { problem.textContent = ""; });
}

/** Calls choose with the id of a person who was added. */
export function onMeet(choose) {
  const dialog = byId("meet-dialog");
  byId("meet-open").addEventListener("click", () => dialog.showModal());
  onSubmit(dialog, async (fields) => {
    const { id } = await post("/api/people", fields);
    if (!people.has(id)) people.set(id, { id, phone: "", seq: 0 }); // the person event may arrive later
    dialog.querySelector("form").reset();
    dialog.addEventListener("close", () => {
      choose(id);
      byId("message").focus();
    }, { once: true });
  });
}

onSubmit(byId("location-dialog"), async ({ latitude, longitude, ...names }) => {
  const { person } = selection;
  await post("/api/locations", { person, latitude: Number(latitude), longitude: Number(longitude), ...names, quotes: takeReply() });
  showProblem(person, "");
});

onSubmit(byId("echo-dialog"), async ({ text }) => {
  const { person } = selection;
  await post("/api/echoes", { person, text });
  showProblem(person, "");
  byId("echo").value = "";
});
