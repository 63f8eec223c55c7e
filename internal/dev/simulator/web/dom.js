// Helpers that build DOM nodes. Text always becomes a text node, so text of a
// person or of the model cannot become markup.

export const byId = (id) => document.getElementById(id);

/** Creates an element. Attributes that are false or undefined are left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== ""));
  return node;
}

const svgNamespace = "http://www.w3.org/2000/svg";

/** Creates an SVG icon of stroked paths. */
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

export function sizeOf(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Posts JSON to the simulator. Throws the text of an error response. */
export const post = (path, body) => call(path, "application/json", JSON.stringify(body));

/** Posts a file to the simulator. Throws the text of an error response. */
export const upload = (file, query) => call("/api/files?" + new URLSearchParams(query), file.type || "application/octet-stream", file);

async function call(path, type, body) {
  let response;
  try {
    response = await fetch(path, { method: "POST", headers: { "Content-Type": type }, body });
  } catch {
    throw new Error("The simulator is not reachable.");
  }
  if (!response.ok) throw new Error((await response.text()).trim());
  return response.json();
}
