// What the page knows of the simulator, shared by its modules.

export const people = new Map(); // id → person
const bubbles = new Map(); // person's id → Map of id → bubble
export const selection = { person: "" };

export function clearState() {
  people.clear();
  bubbles.clear();
}

export function storeBubble(bubble) {
  if (!bubbles.has(bubble.person)) bubbles.set(bubble.person, new Map());
  bubbles.get(bubble.person).set(bubble.id, bubble);
}

/** Returns the messages of a person, oldest first. */
export const conversation = (id) => [...(bubbles.get(id)?.values() ?? [])];

export const bubbleOf = (person, id) => bubbles.get(person)?.get(id);
