// The form that sets the injected faults.
import { byId, post } from "./dom.js";

const form = byId("faults");
const ms = 1_000_000; // the simulator expects nanoseconds
const years = 365 * 24 * 3600 * 1000 * ms;

/** Reads the form. A value such as "refuse 131056" contains Meta's error code. */
function chosen() {
  const value = (name) => form.elements[name].value;
  const checked = (name) => form.elements[name].checked;
  const [kind, code] = value("graph").split(" ");
  return {
    graph: { kind, code: Number(code ?? 0), share: Number(value("graph-share")), slow: { min: 0, max: checked("slow") ? 3000 * ms : 0 } },
    gemini: { kind: value("gemini"), share: Number(value("gemini-share")) },
    webhooks: {
      copies: checked("copies") ? 5 : 0,
      shuffle: checked("shuffle") ? 1000 * ms : 0,
      status_first: checked("status-first"),
      status_delay: checked("status-late") ? { min: 2000 * ms, max: 8000 * ms } : { min: 0, max: 0 },
      no_callback: checked("no-callback"),
      clock: checked("clock") ? -10 * years : 0,
    },
  };
}

/** Shows the current faults, which a test or another page may have set. */
export function showFaults({ graph, gemini, webhooks }) {
  const choose = (name, value) => {
    const options = [...form.elements[name].options].map((option) => option.value);
    form.elements[name].value = options.includes(value) ? value : options[0];
  };
  const check = (name, on) => { form.elements[name].checked = Boolean(on); };
  choose("graph", graph.kind === "refuse" ? `refuse ${graph.code}` : graph.kind);
  choose("gemini", gemini.kind);
  if (graph.kind) choose("graph-share", String(graph.share));
  if (gemini.kind) choose("gemini-share", String(gemini.share));
  check("slow", graph.slow.max);
  check("copies", webhooks.copies > 1);
  check("shuffle", webhooks.shuffle);
  check("status-first", webhooks.status_first);
  check("status-late", webhooks.status_delay.max);
  check("no-callback", webhooks.no_callback);
  check("clock", webhooks.clock);
  const on = [graph.kind, gemini.kind, graph.slow.max, webhooks.copies > 1, webhooks.shuffle, webhooks.status_first,
    webhooks.status_delay.max, webhooks.no_callback, webhooks.clock].filter(Boolean).length;
  for (const count of document.querySelectorAll("[data-faults-count]")) {
    count.textContent = on > 0 ? `${on} on` : "none";
    count.toggleAttribute("data-on", on > 0);
  }
  for (const name of ["graph", "gemini"]) form.elements[name].toggleAttribute("data-on", form.elements[name].value !== "");
}

/** Opens the panel. */
export const openFaults = () => setOpen(true);

function setOpen(open) {
  byId("faults-panel").hidden = !open;
  byId("faults-toggle").setAttribute("aria-expanded", String(open));
}

byId("faults-toggle").addEventListener("click", () => setOpen(byId("faults-panel").hidden));

async function set(faults) {
  byId("faults-error").textContent = "";
  try {
    await post("/api/faults", faults);
  } catch (error) {
    byId("faults-error").textContent = error.message;
  }
}

form.addEventListener("change", () => set(chosen()));
form.addEventListener("reset", (event) => {
  event.preventDefault();
  set({});
});
