// Live: while it is on (`live=1`), new calls of the filter appear at the top as they enter the book. /api/tail says that
// there are some; the page then brings itself up to date, so that a row looks the same however it came.
// Whoever reads further down, points at a row or has one open is not disturbed: a button says how many there are.

import { redraw } from "./histogram.js";
import { go, refresh } from "./swap.js";

const PAUSE_MS = 1000;
const BARS_MS = 15_000;

let stream = null;
let address = null;
let arrived = 0;
let timer = null;
let barsDrawn = 0;
let barsTimer = null;

function follow() {
  const button = document.getElementById("live");
  const wanted = button?.getAttribute("aria-pressed") === "true" ? button.dataset.tail : null;
  if (wanted === address) return;
  stream?.close();
  stream = null;
  address = wanted;
  arrived = 0;
  badge();
  if (!wanted) return;
  stream = new EventSource(wanted);
  stream.addEventListener("open", () => bringUp()); // what came since the page was made
  stream.addEventListener("message", () => {
    arrived += 1;
    badge();
    timer ??= setTimeout(() => { timer = null; bringUp(); }, PAUSE_MS);
  });
}

function disturbing() {
  const params = new URLSearchParams(location.search);
  const elsewhere = params.has("cursor") || (params.get("sort") ?? "time") !== "time" || params.get("order") === "asc";
  const table = document.getElementById("rows");
  const past = table && table.getBoundingClientRect().top < -80;
  const busy = document.querySelector("details.menu[open], dialog[open], tr.opened") !== null;
  return elsewhere || past || busy || table?.matches(":hover") || document.hidden;
}

async function bringUp() {
  if (!address || disturbing()) return;
  const known = new Set([...document.querySelectorAll("tr.call")].map((row) => row.dataset.id));
  const seen = arrived;
  if (!await refresh()) {
    timer ??= setTimeout(() => { timer = null; bringUp(); }, PAUSE_MS);
    return;
  }
  arrived -= seen;
  badge();
  for (const row of document.querySelectorAll("tr.call")) row.classList.toggle("fresh", !known.has(row.dataset.id));
  barsTimer ??= setTimeout(drawBars, Math.max(0, barsDrawn + BARS_MS - Date.now()));
}

function drawBars() {
  barsTimer = null;
  barsDrawn = Date.now();
  redraw();
}

function badge() {
  const button = document.getElementById("arrived");
  if (!button) return;
  button.hidden = !arrived;
  button.textContent = arrived === 1 ? "1 new call" : `${arrived} new calls`;
}

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#arrived")) return;
  const url = new URL(location.href);
  for (const name of ["cursor", "back", "open", "sort", "order"]) url.searchParams.delete(name);
  arrived = 0;
  go(url, { top: true });
});

setInterval(() => { if (arrived) bringUp(); }, PAUSE_MS);
document.addEventListener("contentchange", () => { follow(); badge(); });
addEventListener("pagehide", () => stream?.close());
addEventListener("pageshow", (event) => { if (event.persisted) { address = null; follow(); } });
follow();
