/** Charts by Plotly, which is loaded when the first one is drawn. */

import { h, replace, table } from "./dom.js";

const MARGIN = { l: 48, r: 20, t: 8, b: 36 }; // room for numbers and times: measuring it would mean drawing twice

let loading = null;
const wanted = new Map(); // element -> what is to be seen there
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const mine = wanted.get(target);
    if (!mine) continue;
    mine.inSight = isIntersecting;
    if (isIntersecting && !mine.isDrawn) paint(target);
  }
}, { rootMargin: "200px" });

const probe = h("span", { hidden: true });
document.body.append(probe);
const colours = new Map(); // asking for a style lays out the page

/** A colour of style.css as the theme has it, as rgb(…): colour("good"), colour("series-1"). */
export function colour(name) {
  if (!colours.has(name)) {
    probe.style.color = `var(--${name})`;
    colours.set(name, getComputedStyle(probe).color);
  }
  return colours.get(name);
}

/** The same colour, nearly transparent: for bands. */
export function faint(name, opacity = 0.16) {
  return colour(name).replace("rgb(", "rgba(").replace(")", `, ${opacity})`);
}

/** A place for a chart, with its title and a line that says what it shows. */
export function figure(title, note = "") {
  const chart = h("div", { class: "chart" });
  const words = h("details", { class: "as-table", hidden: true }, h("summary", {}, "As a table"));
  const root = h("figure", { class: "panel" }, h("figcaption", {}, h("h3", {}, title), h("p", {}, note)), chart, words);
  return { root, chart, words, note: root.querySelector("figcaption p") };
}

/**
 * Draw a chart, or draw it anew where there is one: at once if it is in sight, else as soon as it is scrolled there.
 *
 * traces: Plotly's, or a function that makes them (called again in another theme, so that it may ask for colours).
 * options: description (what a screen reader says instead of the picture), layout (Plotly's, or a function), height
 * in pixels, onclick(point), words (of `figure`) with columns [title, …] and rows [[…], …], or a function that makes
 * them: the same as a table, made when it is opened.
 */
export function draw(element, traces, options = {}) {
  const inSight = wanted.get(element)?.inSight ?? false;
  wanted.set(element, { traces, options, inSight, isDrawn: false });
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", options.description ?? "");
  if (options.words) tell(options.words, options);
  watcher.observe(element);
  if (inSight) paint(element);
}

async function paint(element) {
  const mine = wanted.get(element);
  const plotly = await load(element);
  if (!plotly || mine !== wanted.get(element) || mine.isDrawn || !element.isConnected) return;
  mine.isDrawn = true;
  const { traces, options } = mine;
  const layout = layoutOf(typeof options.layout === "function" ? options.layout() : options.layout ?? {}, options);
  const config = { displayModeBar: false, responsive: true, doubleClick: "reset", showTips: false };
  await plotly.react(element, typeof traces === "function" ? traces() : traces, layout, config);
  if (options.onclick && !element.dataset.clicks) {
    element.dataset.clicks = "yes";
    element.on("plotly_click", (event) => wanted.get(element)?.options.onclick(event.points[0]));
  }
}

/** Let go of a chart that is taken out of the page. */
export function forget(root) {
  for (const element of [...wanted.keys()]) {
    if (root.contains(element)) {
      wanted.delete(element);
      watcher.unobserve(element);
      globalThis.Plotly?.purge(element);
    }
  }
}

/** Draw all charts anew, in the colours of the theme. */
export function redraw() {
  colours.clear();
  for (const [element, { traces, options }] of [...wanted]) draw(element, traces, options);
}

/** Begin to load the library: worth calling before the data for the first chart is asked for. */
export function prepare() {
  loading ??= new Promise((done, failed) => {
    const script = h("script", { src: new URL("plotly.js", import.meta.url).href, onload: done, onerror: failed });
    document.head.append(script);
  });
  loading.catch(() => { loading = null; });
}

async function load(element) {
  prepare();
  try {
    await loading;
  } catch {
    replace(element, h("p", { class: "problem" }, "The chart library could not be loaded; reload the page to try again."));
    return null;
  }
  return globalThis.Plotly;
}

function layoutOf(layout, options) {
  const touch = matchMedia("(pointer: coarse)").matches;
  const axis = { gridcolor: colour("grid"), zerolinecolor: colour("grid"), linecolor: colour("line"),
    title: { font: { size: 12 } }, fixedrange: touch, tickfont: { size: 11 },
    ticklabeloverflow: "allow" }; // what does not fit would have to be measured
  const { xaxis, yaxis, margin, ...rest } = layout;
  return {
    height: options.height ?? 240,
    margin: { ...MARGIN, ...margin },
    paper_bgcolor: "rgba(0, 0, 0, 0)",
    plot_bgcolor: "rgba(0, 0, 0, 0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("quiet") },
    colorway: [1, 2, 3, 4, 5, 6].map((number) => colour(`series-${number}`)),
    hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("line"), font: { color: colour("text") } },
    hovermode: "closest",
    dragmode: touch ? false : "zoom",
    showlegend: false,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 11 } },
    ...rest,
    xaxis: merged(axis, xaxis),
    yaxis: merged(axis, yaxis),
  };
}

/** Also the title's own options, so that a view need only name its text; room is measured where numbers alone are not all. */
function merged(axis, given = {}) {
  const automargin = "title" in given || "ticktext" in given;
  return { ...axis, automargin, ...given, title: { ...axis.title, ...given.title } };
}

function tell(words, { description, columns, rows }) {
  words.hidden = Array.isArray(rows) && !rows.length;
  const show = () => replace(words, words.firstChild, table(description,
    columns.map((title, i) => ({ title, cell: (row) => row[i], number: i > 0, header: i === 0 })),
    typeof rows === "function" ? rows() : rows));
  if (words.open) show();
  words.ontoggle = () => words.open && show();
}
