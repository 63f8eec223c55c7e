"use strict";

const sans = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const mono = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";

Redoc.init("openapi.yaml", {
  expandResponses: "200",
  hideDownloadButtons: false,
  sortRequiredPropsFirst: true,
  theme: {
    typography: {
      fontFamily: sans,
      headings: { fontFamily: sans },
      code: { fontFamily: mono },
    },
  },
}, document.getElementById("redoc"));
