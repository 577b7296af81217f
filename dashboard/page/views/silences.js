/** Silences: those that last, and a form to begin one where the server allows it. */

import { h, replace, table } from "../dom.js";
import { time } from "../format.js";

const LASTS = [["3600", "1 hour"], ["14400", "4 hours"], ["86400", "1 day"], ["604800", "1 week"]];
const LABELS = ["rule", "model", "model_version", "segment", "severity"];

/** As models/silence.py says: every label that is named has one of its values; `*` at an end stands for anything. */
export function matches(match, alert) {
  const fits = (value, label) => (value.endsWith("*") ? label.startsWith(value.slice(0, -1)) : label === value);
  return Object.entries(match).every(([label, values]) => values.some((value) => fits(value, String(alert[label] ?? ""))));
}

export class Silences {
  /** state: {silences, maySilence}, of which the list is changed here; redraw(): after it was. */
  constructor(context, state, redraw) {
    Object.assign(this, { context, state, redraw });
    this.list = h("div", {});
    this.dialog = h("dialog", { "aria-label": "Begin a silence" });
    this.root = h("section", { "aria-label": "Silences" }, this.list, this.dialog);
  }

  /** News of the stream: a silence, or no more than the id of one that was ended. */
  heard(record) {
    const others = this.state.silences.filter((one) => one.silence_id !== record.silence_id);
    this.state.silences = record.match ? [...others, record] : others;
  }

  draw() {
    const lasting = this.state.silences.filter((one) => Date.parse(one.ends_at) > this.context.now_ms());
    if (lasting.length === 0) return void replace(this.list, this.state.maySilence ? null : h("p", { class: "quiet small" },
      "Silences may be begun here where web.auth is set; hindcast alerts silence begins them anywhere."));
    replace(this.list, h("div", { class: "panel" }, table("Silences: nobody is told of alerts with these labels", [
      { title: "Alerts", header: true, cell: (one) => Object.entries(one.match).map(([label, values]) => `${label} ${values.join(" or ")}`).join(", ") },
      { title: "Until", cell: (one) => time(one.ends_at, this.context.now_ms()) },
      { title: "By", cell: (one) => (one.configured ? "the configuration" : one.created_by) },
      { title: "Why", cell: (one) => one.reason },
      { title: "", cell: (one) => (this.state.maySilence && !one.configured
        ? h("button", { type: "button", onclick: (event) => this.end(one, event.target) }, "End") : null) },
    ], lasting, { class: "scroll cards" })));
  }

  /** Ask how long and why an alert shall be silent. */
  ask(alert) {
    const chosen = LABELS.filter((label) => alert[label]);
    const boxes = chosen.map((label) => h("label", {}, h("input", { type: "checkbox", name: "label", value: label,
      checked: label === "rule" || label === "model" }), ` ${label} ${alert[label]}`));
    const lasts = h("select", { name: "lasts" }, LASTS.map(([value, text]) => h("option", { value }, text)));
    const reason = h("input", { name: "reason", maxlength: 1000, placeholder: "deploying v3" });
    const said = h("p", { role: "alert", class: "problem" });
    const send = async (event) => {
      event.preventDefault();
      const labels = chosen.filter((_, i) => boxes[i].firstChild.checked);
      if (labels.length === 0) return void replace(said, "Choose at least one label.");
      const match = Object.fromEntries(labels.map((label) => [label, [alert[label]]]));
      try {
        this.heard(await this.context.api.post("/silences", { match, lasts_seconds: Number(lasts.value), reason: reason.value }));
      } catch (error) {
        return void replace(said, error.message);
      }
      this.dialog.close();
      this.redraw();
    };
    replace(this.dialog, h("form", { onsubmit: send },
      h("h2", {}, "Silence alerts with"), h("fieldset", {}, h("legend", { class: "unseen" }, "Labels"), boxes),
      h("label", {}, "For ", lasts), h("label", {}, "Why ", reason), said,
      h("div", { class: "choices" }, h("button", { type: "submit" }, "Silence"),
        h("button", { type: "button", onclick: () => this.dialog.close() }, "Cancel"))));
    this.dialog.showModal();
  }

  async end(silence, button) {
    button.disabled = true;
    try {
      await this.context.api.request(`/silences/${encodeURIComponent(silence.silence_id)}`, { method: "DELETE" });
    } catch (error) {
      button.disabled = false;
      return void button.after(h("small", { class: "problem", role: "alert" }, error.message));
    }
    this.heard({ silence_id: silence.silence_id });
    this.redraw();
  }
}
