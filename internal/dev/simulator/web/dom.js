// Building the page out of nodes. Text only ever becomes text nodes, so nothing
// that a person or the model writes can become markup.

export const byId = (id) => document.getElementById(id);

/** A new element with attributes (false and undefined leave one out) and children. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== ""));
  return node;
}

const svgNamespace = "http://www.w3.org/2000/svg";

/** A drawing made of strokes. */
export function icon(width, ...paths) {
  const svg = document.createElementNS(svgNamespace, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} 16`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", 16);
  svg.setAttribute("aria-hidden", "true");
  for (const d of paths) {
    const path = document.createElementNS(svgNamespace, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const preciseClock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export const timeOf = (iso) => clock.format(new Date(iso));
export const preciseTimeOf = (iso) => preciseClock.format(new Date(iso));

/** Sends JSON to the simulator; throws its words when it says no. */
export async function post(path, body) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error("The simulator cannot be reached.");
  }
  if (!response.ok) throw new Error((await response.text()).trim());
  return response.json();
}
