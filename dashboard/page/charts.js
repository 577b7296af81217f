/** Charts by Plotly, which is loaded when the first one is drawn. */

import { h, replace, table } from "./dom.js";

let loading = null;
const drawn = new Map(); // element -> [traces, options], to draw anew in another theme

const probe = h("span", { hidden: true });
document.body.append(probe);

/** A colour of style.css as the theme has it, as rgb(…): colour("good"), colour("series-1"). */
export function colour(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
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
 * Draw a chart, or draw it anew where there is one; resolves when it stands.
 *
 * traces: Plotly's, or a function that makes them (called again in another theme, so that it may ask for colours).
 * options: description (what a screen reader says instead of the picture), layout (Plotly's, or a function), height
 * in pixels, onclick(point), words (of `figure`) and rows [[…], …] with columns [title, …]: the same as a table.
 */
export async function draw(element, traces, options = {}) {
  drawn.set(element, [traces, options]);
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", options.description ?? "");
  if (options.words) tell(options.words, options);
  const plotly = await load(element);
  const known = drawn.get(element);
  if (!plotly || known?.[0] !== traces || !element.isConnected) return; // something newer is drawn, or nobody looks
  const layout = layoutOf(element, typeof options.layout === "function" ? options.layout() : options.layout ?? {}, options);
  const config = { displayModeBar: false, responsive: true, doubleClick: "reset", locale: "en", showTips: false };
  await plotly.react(element, typeof traces === "function" ? traces() : traces, layout, config);
  if (options.onclick && !element.dataset.clicks) {
    element.dataset.clicks = "yes";
    element.on("plotly_click", (event) => drawn.get(element)?.[1].onclick(event.points[0]));
  }
}

/** Let go of a chart that is taken out of the page. */
export function forget(root) {
  for (const element of [...drawn.keys()]) {
    if (root.contains(element)) {
      drawn.delete(element);
      globalThis.Plotly?.purge(element);
    }
  }
}

/** Draw all charts anew, in the colours of the theme. */
export function redraw() {
  for (const [element, [traces, options]] of [...drawn]) draw(element, traces, options);
}

async function load(element) {
  loading ??= new Promise((done, failed) => {
    const script = h("script", { src: new URL("plotly.js", import.meta.url).href, onload: done, onerror: failed });
    document.head.append(script);
  });
  try {
    await loading;
  } catch {
    loading = null;
    replace(element, h("p", { class: "problem" }, "The chart library could not be loaded; reload the page to try again."));
    return null;
  }
  return globalThis.Plotly;
}

function layoutOf(element, layout, options) {
  const touch = matchMedia("(pointer: coarse)").matches;
  const axis = { gridcolor: colour("grid"), zerolinecolor: colour("grid"), linecolor: colour("line"),
    automargin: true, fixedrange: touch, tickfont: { size: 11 } };
  const { xaxis, yaxis, ...rest } = layout;
  return {
    height: options.height ?? 240,
    margin: { l: 8, r: 12, t: 8, b: 8 },
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
    xaxis: { ...axis, ...xaxis },
    yaxis: { ...axis, ...yaxis },
  };
}

function tell(words, { description, columns, rows }) {
  words.hidden = !rows?.length;
  if (words.hidden) return;
  const show = () => replace(words, words.firstChild, table(description,
    columns.map((title, i) => ({ title, cell: (row) => row[i], number: i > 0, header: i === 0 })), rows));
  if (words.open) show();
  words.ontoggle = () => words.open && show();
}
