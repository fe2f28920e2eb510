"use strict";
// "Try it out" goes out with the session's cookie. A token that is entered stays in this page.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
