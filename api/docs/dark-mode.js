"use strict";

// Swagger UI is dark if the root element has this class. ReDoc takes its colours
// when it starts, so redoc-init.js reloads the page after a change.
const darkMode = matchMedia("(prefers-color-scheme: dark)");

function applyDarkMode() {
  document.documentElement.classList.toggle("dark-mode", darkMode.matches);
}

applyDarkMode();
darkMode.addEventListener("change", applyDarkMode);
