"use strict";

const sans = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const mono = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";

const darkTheme = {
  colors: {
    primary: { main: "#b3aaff" },
    text: { primary: "#e4e6e6", secondary: "#b7bcbf" },
    border: { dark: "#3d4346", light: "#2b3033" },
    gray: { 50: "#24292b", 100: "#2b3033" },
    success: { main: "#6fd3a2" },
    error: { main: "#ff9a92" },
    responses: {
      success: { color: "#6fd3a2", backgroundColor: "#173327", tabTextColor: "#6fd3a2" },
      error: { color: "#ff9a92", backgroundColor: "#3a1a18", tabTextColor: "#ff9a92" },
      redirect: { color: "#f0b65c", backgroundColor: "#382a13", tabTextColor: "#f0b65c" },
    },
    http: { get: "#3f8f5f", post: "#2f6fb5" },
  },
  schema: { nestedBackground: "#24292b", linesColor: "#5b6266", typeNameColor: "#b7bcbf", typeTitleColor: "#b7bcbf", requireLabelColor: "#ff9a92" },
  sidebar: { backgroundColor: "#16191b", textColor: "#e4e6e6" },
  rightPanel: { backgroundColor: "#16191b" },
  codeBlock: { backgroundColor: "#0f1113" },
  fab: { backgroundColor: "#3d4346", color: "#b3aaff" }, // the round menu button of a narrow page
};

const darkCode = { color: "#ffb4ad", backgroundColor: "#2b3033" };

Redoc.init("openapi.yaml", {
  expandResponses: "200",
  hideDownloadButtons: false,
  sortRequiredPropsFirst: true,
  theme: {
    typography: {
      fontFamily: sans,
      headings: { fontFamily: sans },
      code: { fontFamily: mono, ...(darkMode.matches ? darkCode : {}) },
    },
    ...(darkMode.matches ? darkTheme : {}),
  },
}, document.getElementById("redoc"));

darkMode.addEventListener("change", () => location.reload());
