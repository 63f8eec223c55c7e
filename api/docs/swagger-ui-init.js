"use strict";

SwaggerUIBundle({
  url: "openapi.yaml", // and not the JSON form, whose paths are in no order
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null, // the default is another host
});
