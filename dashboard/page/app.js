/** The frame: which view is shown, the navigation, and news from the stream. */

import { Api, ApiError } from "./api.js";
import { forget } from "./charts.js";
import { empty, h, replace } from "./dom.js";
import { VIEWS, match, pathOf } from "./routes.js";
import { signIn } from "./sign_in.js";
import { Status } from "./status.js";
import { themeSwitch } from "./theme_switch.js";

const base = new URL(document.baseURI).pathname.replace(/\/$/, "");
const api = new Api(base);
const main = document.querySelector("main");
const status = new Status(document.querySelector("#status"), document.querySelector("#banner"), api);
let shown = null; // {module, model, abort, handle, query}
let following = null; // {key, abort}
let waiting = []; // news that no view has been told of yet

/** Show the view of the address. */
async function show() {
  const found = match(location.pathname.slice(base.length) || "/");
  leave();
  if (found === null) return void replace(main, empty("There is no such page", h("a", { href: base || "/" }, "Overview")));
  const abort = new AbortController();
  shown = { ...found, abort, handle: null };
  const mine = shown;
  navigation(found);
  follow(found);
  const root = h("div", { class: "view" }, h("p", { class: "loading", role: "status" }, "Loading…"));
  replace(main, root);
  try {
    const handle = await found.module.show(root, contextOf(found, abort.signal));
    if (mine !== shown) return void handle?.close?.();
    shown.handle = handle ?? {};
    if (waiting.length) requestAnimationFrame(tell);
  } catch (error) {
    if (mine === shown && error.name !== "AbortError") await failed(root, error);
  }
}

function leave() {
  shown?.abort.abort();
  shown?.handle?.close?.();
  forget(main);
  waiting = [];
  shown = null;
}

function contextOf({ model }, signal) {
  const query = new URLSearchParams(location.search);
  return {
    api,
    model,
    signal,
    query,
    now_ms: () => Date.now(),
    link: (path) => base + path,
    navigate,
    setQuery: (values) => navigate(location.pathname.slice(base.length) + searchOf(query, values), { replace: true }),
  };
}

function searchOf(query, values) {
  const wanted = new URLSearchParams(query);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === "") wanted.delete(name);
    else wanted.set(name, value);
  }
  return wanted.size ? `?${wanted}` : "";
}

/** Go to a path below the base. */
function navigate(path, { replace: instead = false } = {}) {
  history[instead ? "replaceState" : "pushState"](null, "", base + path);
  if (!instead) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
  return show();
}

async function failed(root, error) {
  if (error instanceof ApiError && error.status === 401) return signIn(root, api, show);
  const known = error instanceof ApiError;
  if (!known) console.error(error);
  const again = h("button", { type: "button", onclick: show }, "Try again");
  const what = known ? error.message : "This view has failed; the browser's console says more.";
  const title = known && error.status === 404 ? "Nothing is held of it" : "This could not be loaded";
  replace(root, h("div", { role: "alert" }, empty(title, what)), again);
  if (known && error.status === 0) setTimeout(() => root.isConnected && show(), 5_000);
}

function navigation({ module, model }) {
  const mine = VIEWS.filter((one) => one.view.path.includes("{model}") && model !== null);
  const others = VIEWS.filter((one) => !one.view.path.includes("{model}"));
  replace(document.querySelector("#views"), others.map((one) => item(one, module, null)));
  const tabs = document.querySelector("#tabs");
  tabs.hidden = model === null;
  replace(tabs, h("p", { class: "of-model" }, model ?? ""), h("ul", {}, mine.map((one) => item(one, module, model))));
  document.title = [module.view.title, model, "Hindcast"].filter(Boolean).join(" · ");
}

function item(one, module, model) {
  const kept = model === null ? "" : location.search; // version, segment and span go along
  const current = one === module ? "page" : null;
  return h("li", {}, h("a", { href: base + pathOf(one.view, model) + kept, "aria-current": current }, one.view.title));
}

/** One stream at a time; of one model where the view is about one, with segments where it shows them. */
function follow({ module, model }) {
  const whole = module.view.segments ? null : "true";
  const key = JSON.stringify([model, whole]);
  if (following?.key === key) return;
  following?.abort.abort();
  following = { key, abort: new AbortController() };
  api.follow({ model, whole }, { event: queue, reset: show, live: (live) => status.live(live) }, following.abort.signal);
}

/** All that came since the last frame at once: hundreds of records may come within one. */
function queue(kind, record) {
  if (waiting.push([kind, record]) === 1) requestAnimationFrame(tell);
}

/** While a view loads its lists, news wait: they may be newer than what it is given. */
function tell() {
  if (!shown?.handle) return;
  const events = waiting;
  waiting = [];
  for (const [kind, record] of events) shown.handle.record?.(kind, record);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !`${url.pathname}/`.startsWith(`${base}/`) || url.hash) return;
  if (match(url.pathname.slice(base.length) || "/") === null) return; // the API's own documents
  event.preventDefault();
  navigate(url.pathname.slice(base.length) + url.search);
});
addEventListener("popstate", show);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    following?.abort.abort(); // a browser keeps six connections to a host: none for a page that nobody sees
    following = null;
  } else show();
});
document.querySelector("#theme").append(themeSwitch());
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
await show();
status.watch();
