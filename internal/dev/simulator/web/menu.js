// Menus that open beside a button with the attribute popovertarget.

/** Places a menu when it opens, and makes the arrow keys move through it. */
export function setUpMenu(menu) {
  let button; // that opened the menu
  document.addEventListener("click", (event) => {
    button = event.target.closest(`[popovertarget="${menu.id}"]`) ?? button;
  }, true);
  menu.addEventListener("beforetoggle", () => { menu.style.visibility = "hidden"; }); // until it is placed
  menu.addEventListener("toggle", (event) => {
    const isOpen = event.newState === "open";
    button.setAttribute("aria-expanded", String(isOpen));
    menu.style.visibility = "";
    if (!isOpen) return;
    placeBeside(menu, button.getBoundingClientRect());
    items(menu)[0].focus();
  });
  menu.addEventListener("keydown", (event) => moveFocus(menu, event));
}

function moveFocus(menu, event) {
  const all = items(menu);
  const at = all.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  all.at(next % all.length).focus();
}

const items = (menu) => [...menu.querySelectorAll("[role=menuitem]")];

function placeBeside(menu, anchor) {
  const margin = 8;
  const { width, height } = menu.getBoundingClientRect();
  const fitsRight = anchor.left + width + margin < innerWidth;
  const fitsBelow = anchor.bottom + height + margin < innerHeight;
  menu.style.left = Math.max(margin, fitsRight ? anchor.left : anchor.right - width) + "px";
  menu.style.top = Math.max(margin, fitsBelow ? anchor.bottom + 4 : anchor.top - height - 4) + "px";
}
