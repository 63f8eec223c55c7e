"use strict";

// textsAfterRoutes shows the tags that have no routes, which hold the long texts
// of the description. Swagger UI itself would squeeze a text into one column
// beside the tag's name.
const isText = (tag) => tag.get("x-traitTag") === true;

const textsAfterRoutes = () => ({
  wrapComponents: {
    OperationTag: (OperationTag, { React }) => (props) =>
      (isText(props.tagObj.get("tagDetails")) ? null : React.createElement(OperationTag, props)),

    operations: (Operations, { React, specSelectors, getComponent }) => (props) => {
      const Markdown = getComponent("Markdown", true);
      const texts = specSelectors.tags().toArray().filter(isText);
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
