"use strict";

// textsAfterRoutes shows the tags that have no routes, which hold the long texts
// of the description. Swagger UI itself leaves them out.
const textsAfterRoutes = () => ({
  wrapComponents: {
    operations: (Operations, { React, specSelectors, getComponent }) => (props) => {
      const Markdown = getComponent("Markdown", true);
      const texts = specSelectors.tags().toArray().filter((tag) => tag.get("x-traitTag"));
      return React.createElement("div", null,
        React.createElement(Operations, props),
        texts.map((tag) => React.createElement("section", { className: "text", key: tag.get("name") },
          React.createElement("h3", null, tag.get("name")),
          React.createElement(Markdown, { source: tag.get("description") }))));
    },
  },
});

SwaggerUIBundle({
  url: "openapi.yaml", // and not the JSON form, whose paths are in no order
  dom_id: "#swagger-ui",
  plugins: [textsAfterRoutes],
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null, // the default is another host
});
