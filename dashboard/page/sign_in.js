/** Asks for the bearer token; a browser asks for a name and password by itself. */

import { h, replace } from "./dom.js";

/** done(): called once the API takes the token. */
export function signIn(root, api, done) {
  const field = h("input", { id: "token", type: "password", autocomplete: "current-password", required: true });
  const said = h("p", { role: "alert", class: "problem" });
  const send = async (event) => {
    event.preventDefault();
    api.signIn(field.value.trim());
    try {
      await api.get("/status");
    } catch (error) {
      replace(said, error.status === 401 ? "This token is not the right one." : error.message);
      return;
    }
    done();
  };
  replace(root, h("form", { class: "empty", onsubmit: send },
    h("h2", {}, "Sign in"),
    h("p", {}, "This page asks for a token (web.auth.bearer_file). It is kept until you close the tab."),
    h("label", { for: "token" }, "Token"), field, h("button", { type: "submit" }, "Show the page"), said));
  field.focus();
}
