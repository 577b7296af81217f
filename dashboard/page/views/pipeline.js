/** How Hindcast itself is doing: lag, watermarks, fates, workers and partitions, dead letters. */

import { empty, h, replace, table } from "../dom.js";
import { ago, count, isNumber, percent, time } from "../format.js";
import { throttled } from "../throttle.js";

export const view = { name: "pipeline", title: "Pipeline", path: "/pipeline" };

const AGAIN_MS = 5_000;
const REDRAW_MS = 1_000;
const LETTERS = 50;
const FATES = { joined: "with a label that counts", pending: "waits for its counterpart", duplicate: "known already",
  corrected: "changed a label that had counted", withdrawn: "took a label back", out_of_horizon: "its time fits no prediction of its id",
  late: "its window is final", expired: "never met its counterpart", dead_lettered: "could not be read", failed: "no prediction was made" };

export async function show(root, context) {
  const places = { numbers: h("div", {}), fates: h("div", {}), progress: h("div", {}), lag: h("div", {}),
    workers: h("div", {}), letters: h("div", {}) };
  const state = {};
  const load = async () => {
    const [told, counts, letters, status] = await Promise.all([
      context.api.get("/pipeline", context.signal),
      context.api.list("dead-letters/counts", {}, context.signal),
      context.api.list("dead-letters", { limit: LETTERS }, context.signal),
      context.api.get("/status", context.signal),
    ]);
    Object.assign(state, { told, counts: counts.items, letters: letters.items, shows: status.shows_content });
  };
  await load();
  const draw = () => render(places, state, context);
  replace(root, h("h1", {}, "Pipeline"), places.numbers,
    h("div", { class: "grid" }, places.fates, places.lag), places.progress, places.workers, places.letters);
  draw();
  const again = throttled(async () => {
    try {
      await load();
    } catch (error) {
      if (error.name !== "AbortError") console.warn(error.message); // the status line says that nobody answers
      return;
    }
    draw();
  }, REDRAW_MS);
  const timer = setInterval(again, AGAIN_MS); // lag is asked of the broker: no record tells it
  return {
    record(kind) {
      if (kind === "pipeline" || kind === "dead_letter") again();
    },
    close() {
      clearInterval(timer);
    },
  };
}

function render(places, { told, counts, letters, shows }, context) {
  const { partitions, fates, models, consumers } = told;
  replace(places.numbers, numbers(told, counts));
  replace(places.fates, Object.keys(fates).length ? panel(fateTable(fates)) : empty("No worker has told what became of records",
    "Workers tell it on the topic hindcast-pipeline: does one run, and does the topic exist (hindcast topics create)?"));
  replace(places.progress, models.length ? panel(progress(models, partitions, context)) : null);
  replace(places.lag, panel(lag(consumers)));
  replace(places.workers, partitions.length ? panel(workers(partitions, consumers, context)) : null);
  replaceKeepingOpen(places.letters, panel(deadLetters(counts, letters, shows, context)));
}

function panel(...children) {
  return h("div", { class: "panel" }, children);
}

/** What a reader has unfolded stays so. */
function replaceKeepingOpen(place, made) {
  const open = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.key));
  for (const one of made.querySelectorAll("details")) one.open = open.has(one.dataset.key);
  const scroll = place.querySelector(".scroll")?.scrollLeft ?? 0;
  replace(place, made);
  if (scroll) place.querySelector(".scroll").scrollLeft = scroll;
}

function numbers({ partitions, consumers }, counts) {
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const known = consumers.lag.filter((one) => isNumber(one.records));
  const told = [
    ["Records consumed", partitions.length ? count(sum(partitions.map((one) => one.consumed))) : "–", "since the state began"],
    ["Not acknowledged yet", consumers.problem ? "–" : count(sum(known.map((one) => one.records))), "records, of all topics that are read"],
    ["Workers", partitions.length ? count(new Set(partitions.map((one) => one.worker)).size) : "–", `${partitions.length} state partitions`],
    ["Remembered", partitions.length ? count(sum(partitions.map((one) => one.rows))) : "–", "predictions and labels"],
    ["Dead letters", count(sum(counts.map((one) => one.count))), "within a day"],
  ];
  return h("dl", { class: "numbers" }, told.map(([name, value, more]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value, h("small", {}, more)))));
}

function fateTable(fates) {
  const kinds = Object.keys(fates);
  const names = Object.keys(FATES).filter((name) => kinds.some((kind) => fates[kind][name]));
  const all = (kind) => Object.values(fates[kind]).reduce((a, b) => a + b, 0);
  const cell = (kind) => (name) => [count(fates[kind][name] ?? 0), h("small", {}, all(kind) ? percent((fates[kind][name] ?? 0) / all(kind)) : "")];
  return table("What became of every record", [
    { title: "Fate", header: true, cell: (name) => [name.replaceAll("_", " "), h("small", {}, FATES[name])] },
    ...kinds.map((kind) => ({ title: kind === "predictions" ? "Predictions" : "Labels", number: true, cell: cell(kind) })),
  ], names);
}

function progress(models, partitions, context) {
  const now_ms = context.now_ms();
  const watermark = (model) => partitions.flatMap((one) => one.watermarks[model] ?? one.watermarks["*"] ?? []).sort()[0];
  const behind = (iso) => (iso ? [time(iso, now_ms), h("small", {}, ago(iso, now_ms))] : "–");
  return table("How far event time is, by model", [
    { title: "Model", header: true, cell: (one) => h("a", { href: context.link(`/models/${encodeURIComponent(one.model)}`) }, one.model) },
    { title: "Watermark", number: true, cell: (one) => behind(watermark(one.model)) },
    { title: "Windows closed until", number: true, cell: (one) => behind(one.closed_until) },
    { title: "Final until", number: true, cell: (one) => behind(one.final_until) },
  ], models);
}

function lag({ problem, groups, lag: lags }) {
  if (problem) return [h("h2", {}, "Lag"), h("p", { class: "quiet" }, `Lag is not known: ${problem}.`)];
  if (!groups.length) return [h("h2", {}, "Lag"), h("p", { class: "quiet" }, "The broker knows no consumer group of Hindcast: no worker has read yet.")];
  const topics = new Map();
  for (const one of lags) topics.set(`${one.group} ${one.topic}`, [...(topics.get(`${one.group} ${one.topic}`) ?? []), one]);
  const rows = [...topics.values()].map((of) => ({ ...of[0], partitions: of.length,
    records: of.every((one) => one.records === null) ? null : of.reduce((total, one) => total + (one.records ?? 0), 0),
    most: Math.max(...of.map((one) => one.records ?? 0)) })).sort((a, b) => (b.records ?? -1) - (a.records ?? -1));
  return table("Lag: records that are on a topic and not acknowledged", [
    { title: "Topic", header: true, cell: (one) => [one.topic, h("small", {}, `group ${one.group}`)] },
    { title: "Partitions", number: true, cell: (one) => count(one.partitions) },
    { title: "Records", number: true, cell: (one) => count(one.records) },
    { title: "Most in one", number: true, cell: (one) => count(one.records === null ? null : one.most) },
  ], rows);
}

function workers(partitions, { groups }, context) {
  const mine = new Map();
  for (const one of partitions) mine.set(one.worker, [...(mine.get(one.worker) ?? []), one]);
  const sum = (of, name) => of.reduce((total, one) => total + one[name], 0);
  return [table("Workers and their state partitions", [
    { title: "Worker", header: true, cell: ([name]) => name },
    { title: "Partitions", cell: ([, of]) => of.map((one) => one.partition).join(", ") },
    { title: "Consumed", number: true, cell: ([, of]) => count(sum(of, "consumed")) },
    { title: "Remembered", number: true, cell: ([, of]) => count(sum(of, "rows")) },
    { title: "Last told", number: true, cell: ([, of]) => ago(of.map((one) => one.told_at).sort().at(-1), context.now_ms()) },
  ], [...mine]), groups.map((one) => h("p", { class: "quiet small" },
    `Group ${one.group}: ${one.state.replaceAll("_", " ")}, ${one.members.length} member${one.members.length === 1 ? "" : "s"}`
    + (one.members.length ? ` (${one.members.join(", ")})` : "")))];
}

function deadLetters(counts, letters, shows, context) {
  if (counts.length === 0) return [h("h2", {}, "Dead letters"), h("p", { class: "quiet" }, "None within a day: every record could be read.")];
  const now_ms = context.now_ms();
  return [table("Dead letters of a day, by reason", [
    { title: "Code", header: true, cell: (one) => h("code", {}, one.code) },
    { title: "Topic", cell: (one) => one.topic },
    { title: "Records", number: true, cell: (one) => count(one.count) },
  ], counts),
  h("h3", {}, `The newest ${letters.length}`),
  shows ? null : h("p", { class: "quiet small" }, "What stands in them is shown where web.auth is set; hindcast dead-letters list --show shows it, too."),
  h("ul", { class: "letters" }, letters.map((one) => h("li", {}, h("details", { "data-key": key(one) },
    h("summary", {}, h("code", {}, one.code), ` ${one.message} `, h("span", { class: "quiet small" }, `${key(one)}, ${ago(one.at, now_ms)}`)),
    h("p", { class: "quiet small" }, `${one.meaning} ${count(one.size_bytes)} bytes`, one.source.time ? `, written ${time(one.source.time, now_ms)}` : "",
      one.model ? `, model ${one.model}` : ""),
    one.redacted ? h("p", { class: "quiet" }, "Redacted: nothing of its content was kept (privacy.dead_letters).")
      : one.content === null ? null : h("pre", { tabindex: "0" }, one.content || "(empty)")))))];
}

function key({ source }) {
  return `${source.topic} ${source.partition}@${source.offset}`;
}
