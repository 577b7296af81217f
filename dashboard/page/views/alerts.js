/** What fires, what fired of late, what is silenced, and what is proposed to be done. */

import { empty, h, replace, table } from "../dom.js";
import { ago, duration, interval, isNumber, metricTitle, number, time } from "../format.js";
import { Silences, matches } from "./silences.js";
import { throttled } from "../throttle.js";

export const view = { name: "alerts", title: "Alerts", path: "/alerts" };

const SEVERITIES = ["critical", "warning", "info"];
const RECENT = 100;
const REDRAW_MS = 250;

export async function show(root, context) {
  const model = context.query.get("model");
  const state = { alerts: new Map(), decisions: new Map() };
  const load = async () => {
    const [alerts, decisions, silences, status] = await Promise.all([
      context.api.all("alerts", { model, since: "24h" }, 2_000, context.signal),
      context.api.all("decisions", { model }, 500, context.signal),
      context.api.list("silences", {}, context.signal),
      context.api.get("/status", context.signal),
    ]);
    for (const one of alerts) state.alerts.set(incident(one), one);
    for (const one of decisions) state.decisions.set(one.decision_id, one);
    state.silences = silences.items;
    state.maySilence = status.may_silence;
  };
  await load();
  const places = { firing: h("section", { "aria-label": "Firing" }), recent: h("div", { class: "panel" }), decisions: h("div", {}) };
  const silences = new Silences(context, state, () => render(places, state, silences, context));
  replace(root, h("div", { class: "heading" }, h("h1", {}, model ? `Alerts of ${model}` : "Alerts"),
    model ? h("a", { class: "choices", href: context.link("/alerts") }, "Of all models") : null),
    places.firing, silences.root, places.decisions, places.recent);
  const draw = () => render(places, state, silences, context);
  draw();
  const again = throttled(draw, REDRAW_MS);
  return {
    record(kind, record) {
      if (kind === "silence") silences.heard(record);
      else if (model !== null && record.model !== model) return;
      else if (kind === "alert") state.alerts.set(incident(record), record);
      else if (kind === "decision") state.decisions.set(record.decision_id, record);
      else return;
      again();
    },
  };
}

function incident(alert) {
  return `${alert.fingerprint} ${alert.starts_at}`;
}

function render(places, state, silences, context) {
  const all = [...state.alerts.values()];
  const newest = new Map(); // only the last incident of an alert can fire
  for (const one of all) {
    const other = newest.get(one.fingerprint);
    if (!other || other.starts_at <= one.starts_at) newest.set(one.fingerprint, one);
  }
  const fires = (one) => one.status === "firing" && newest.get(one.fingerprint) === one;
  const rank = (one) => SEVERITIES.indexOf(one.severity);
  const firing = all.filter(fires).sort((a, b) => rank(a) - rank(b) || b.starts_at.localeCompare(a.starts_at));
  const recent = all.filter((one) => !fires(one)).sort((a, b) => b.starts_at.localeCompare(a.starts_at)).slice(0, RECENT);
  replace(places.firing, h("h2", {}, `Firing (${firing.length})`), firing.length
    ? h("ul", { class: "incidents" }, firing.map((one) => card(one, state, silences, context)))
    : h("p", { class: "quiet" }, "No alert fires. Rules are told by hindcast check."));
  replace(places.recent, recent.length ? history(recent, context)
    : empty("No alert of the last day is over", "What fires and is resolved stands here for a day."));
  silences.draw();
  replace(places.decisions, decisions([...state.decisions.values()], context));
}

function card(alert, state, silences, context) {
  const silenced = (state.silences ?? []).filter((one) => matches(one.match, alert) && active(one, context));
  return h("li", { class: `panel incident ${known(alert.severity)}` },
    h("div", { class: "incident-head" }, severity(alert), h("strong", {}, alert.rule), where(alert, context),
      alert.historic ? h("span", { class: "quiet" }, "historic: nobody was told") : null,
      silenced.length ? h("span", { class: "quiet" }, `silenced until ${time(silenced[0].ends_at, context.now_ms())}`) : null),
    h("p", {}, alert.summary),
    h("p", { class: "quiet small" }, judged(alert), `since ${time(alert.starts_at, context.now_ms())} (${ago(alert.starts_at, context.now_ms())})`),
    h("div", { class: "choices" }, runbook(alert),
      state.maySilence ? h("button", { type: "button", onclick: () => silences.ask(alert) }, "Silence…") : null));
}

function active(silence, context) {
  return Date.parse(silence.starts_at) <= context.now_ms() && context.now_ms() < Date.parse(silence.ends_at);
}

function history(alerts, context) {
  return table("Over within the last day, the newest first", [
    { title: "Rule", header: true, cell: (one) => one.rule },
    { title: "Severity", cell: severity },
    { title: "Where", cell: (one) => where(one, context) },
    { title: "Why", cell: (one) => [one.summary, h("small", {}, judged(one).replace(/, $/, ""))] },
    { title: "From", cell: (one) => time(one.starts_at, context.now_ms()) },
    { title: "Lasted", number: true, cell: (one) => (one.ends_at ? duration((Date.parse(one.ends_at) - Date.parse(one.starts_at)) / 1000) : "not ended") },
    { title: "Runbook", cell: runbook },
  ], alerts, { class: "scroll cards" });
}

function decisions(all, context) {
  if (all.length === 0) return null;
  const newestFirst = all.sort((a, b) => b.decided_at.localeCompare(a.decided_at));
  return h("div", { class: "panel" }, table("Decisions", [
    { title: "What", header: true, cell: (one) => one.kind },
    { title: "State", cell: (one) => one.state },
    { title: "Where", cell: (one) => where(one, context) },
    { title: "Because of", cell: (one) => one.cause },
    { title: "When", cell: (one) => time(one.decided_at, context.now_ms()) },
  ], newestFirst, { class: "scroll cards" }));
}

function where({ model, model_version: version, segment }, context) {
  const path = `/models/${encodeURIComponent(model)}${segment ? "/segments" : ""}`;
  const query = version ? `?${new URLSearchParams({ version })}` : "";
  return [h("a", { href: context.link(path + query) }, [model, version].filter(Boolean).join(" ")), segment ? ` ${segment}` : ""];
}

function judged(alert) {
  if (!isNumber(alert.value)) return "";
  const limit = isNumber(alert.threshold) ? `, threshold ${number(alert.threshold)}` : "";
  return `${metricTitle(alert.metric)} ${interval(alert.value, alert.interval)}${limit}, `;
}

function severity(alert) {
  return h("span", { class: `state ${{ critical: "degraded", warning: "no_labels" }[alert.severity] ?? "no_traffic"}` },
    `${alert.priority} ${alert.severity}`);
}

function known(name) {
  return SEVERITIES.includes(name) ? name : "info";
}

/** A link only where it leads to a web page: a rule may say anything. */
function runbook({ runbook: address }) {
  if (!address) return null;
  return /^https?:\/\//i.test(address)
    ? h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, "Runbook")
    : h("span", { class: "quiet small" }, "Runbook: ", h("code", {}, address));
}
