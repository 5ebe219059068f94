// The bars above the table: fetched once the page is seen, and again when the filters change. Dragging over them chooses
// that stretch of time; a double click goes back to the time before.

import { fetchPiece, go } from "./swap.js";

const MOVED_PX = 5;
const before = []; // [from, to] of the zooms made on this page

let shown = null;
let fetching = null;

async function show() {
  const place = document.getElementById("histogram");
  if (!place) return;
  const address = place.dataset.src;
  if (address === shown) return;
  shown = address;
  fetching?.abort();
  const mine = fetching = new AbortController();
  try {
    const nodes = await fetchPiece(address, mine.signal);
    place.replaceChildren(...nodes);
    const hint = place.querySelector(".hint");
    if (hint) hint.hidden = false;
  } catch (trouble) {
    if (trouble.name !== "AbortError") place.textContent = "The bars could not be drawn in time.";
  }
}

/** Draw them anew although the filters are the same: new calls have come. */
export function redraw() {
  shown = null;
  return show();
}

let drag = null; // {svg, pointer, start, end} in shares of the width

function shareAt(svg, event) {
  const box = svg.getBoundingClientRect();
  return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
}

function paint() {
  const [low, high] = [Math.min(drag.start, drag.end), Math.max(drag.start, drag.end)];
  const band = drag.svg.querySelector(".drag");
  band.setAttribute("x", `${low * 100}%`);
  band.setAttribute("width", `${(high - low) * 100}%`);
}

document.addEventListener("pointerdown", (event) => {
  const svg = event.target.closest?.("#histogram svg.bars");
  if (!svg || event.button) return;
  const share = shareAt(svg, event);
  drag = { svg, x: event.clientX, start: share, end: share };
  svg.setPointerCapture(event.pointerId);
  event.preventDefault();
});

document.addEventListener("pointermove", (event) => {
  if (!drag) return;
  drag.end = shareAt(drag.svg, event);
  paint();
});

document.addEventListener("pointerup", (event) => {
  if (!drag) return;
  const { svg, x, start, end } = drag;
  drag = null;
  svg.querySelector(".drag").setAttribute("width", "0");
  if (Math.abs(event.clientX - x) >= MOVED_PX) zoom(svg, Math.min(start, end), Math.max(start, end));
});

document.addEventListener("pointercancel", () => { drag = null; });

// Whole bars: those that the stretch touches.
function zoom(svg, low, high) {
  const bars = [...svg.querySelectorAll(".bar")];
  const first = Date.parse(svg.dataset.from);
  const whole = Date.parse(svg.dataset.to) - first;
  const touched = bars.filter((bar) =>
    Date.parse(bar.dataset.to) > first + low * whole && Date.parse(bar.dataset.from) < first + high * whole);
  if (!touched.length) return;
  const params = new URLSearchParams(location.search);
  before.push([params.get("from"), params.get("to")]);
  choose(touched[0].dataset.from, touched.at(-1).dataset.to);
}

function choose(from, to) {
  const url = new URL(location.href);
  for (const [name, value] of [["from", from], ["to", to], ["cursor", null], ["back", null], ["open", null]]) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  go(url);
}

document.addEventListener("dblclick", (event) => {
  if (!event.target.closest?.("#histogram svg.bars")) return;
  const params = new URLSearchParams(location.search);
  if (!params.has("from") && !params.has("to")) return;
  choose(...(before.pop() ?? [null, null]));
});

document.addEventListener("contentchange", show);
show();
