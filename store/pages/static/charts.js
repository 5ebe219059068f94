// Charts, drawn by plotly in this page's colours. What is drawn keeps to the theme, and is drawn again when it changes.
//
//     draw(element, traces, layout, { onZoom(from, to), onReset(), onClick(point) })
//
// `element` carries the address of plotly in data-plotly; it is loaded when the first chart of a page is drawn, after
// everything else was painted. A string "var(--chart-1)" anywhere in traces or layout becomes that colour. `from` and
// `to` are local times of the axis as the query parameters take them. Text of strangers goes through plain() first:
// plotly reads tags in text. What is drawn stands in a child of its own, so that `element` stays as the server made it;
// with data-keep it survives a change of the page around it.

const CONFIG = { displayModeBar: false, displaylogo: false, responsive: true, doubleClick: false };
const drawn = new Map(); // element: what to draw there again

// Plotly brings a library of maps, which adds a style sheet of its own unless an element has this id. The policy of our
// pages forbids such a sheet, and there are no maps here.
const SHEET_OF_MAPS = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";

let loading = null;

export async function draw(element, traces, layout = {}, options = {}) {
  drawn.set(element, { traces, layout, options });
  const plotly = await loaded(element.dataset.plotly);
  if (drawn.get(element)?.traces !== traces || !element.isConnected) return; // something newer is drawn here, or nothing
  await paint(plotly, element);
}

export function erase(element) {
  drawn.delete(element);
  const plot = element.querySelector(":scope > .plot");
  if (plot) window.Plotly?.purge(plot);
  plot?.remove();
}

/** Text of strangers as plotly shows it: no tags, no entities, no control or bidi characters. */
export function plain(text, most = 80) {
  let short = Array.from(String(text)).slice(0, most + 1);
  if (short.length > most) short = [...short.slice(0, most - 1), "…"];
  return short.join("")
    .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g, "\ufffd")
    .replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** The colour a CSS value stands for in this theme. */
export function colour(value) {
  const probe = document.createElement("span");
  probe.hidden = true;
  probe.style.color = value;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function loaded(address) {
  loading ??= afterPaint().then(() => new Promise((resolve, reject) => {
    const taken = document.createElement("template");
    taken.id = SHEET_OF_MAPS;
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => { loading = null; reject(new Error("the charts could not be loaded")); });
    document.head.append(taken, script);
  }));
  return loading;
}

function afterPaint() {
  return new Promise((resolve) => { requestAnimationFrame(() => setTimeout(resolve)); });
}

async function paint(plotly, element) {
  const { traces, layout, options } = drawn.get(element);
  const plot = plotOf(element);
  plot.removeAllListeners?.("plotly_relayout");
  plot.removeAllListeners?.("plotly_click");
  plot.removeAllListeners?.("plotly_doubleclick");
  await plotly.react(plot, coloured(traces), coloured(merged(house(), layout)), { ...CONFIG });
  plot.dataset.drawn = "";
  plot.on("plotly_relayout", (change) => {
    const [from, to] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (from !== undefined && to !== undefined) options.onZoom?.(moment(from), moment(to));
  });
  plot.on("plotly_click", (event) => { if (event.points[0]) options.onClick?.(event.points[0]); });
  plot.on("plotly_doubleclick", () => options.onReset?.());
}

function plotOf(element) {
  const there = element.querySelector(":scope > .plot");
  if (there) return there;
  const plot = document.createElement("div");
  plot.className = "plot";
  element.replaceChildren(plot);
  return plot;
}

/** What all charts here have in common. */
function house() {
  const axis = {
    color: "var(--muted)", gridcolor: "var(--line)", linecolor: "var(--line)", zerolinecolor: "var(--line)",
    automargin: true, tickfont: { size: 12 },
  };
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: "var(--ink)" },
    margin: { l: 8, r: 8, t: 8, b: 8, pad: 4 },
    xaxis: { ...axis, showgrid: false },
    yaxis: { ...axis, rangemode: "tozero", fixedrange: true },
    hoverlabel: { bgcolor: "var(--raised)", bordercolor: "var(--line)", font: { color: "var(--ink)", size: 13 }, align: "left" },
    showlegend: false, dragmode: "zoom", bargap: 0.12, autosize: true,
  };
}

function merged(below, above) {
  const result = { ...below };
  for (const [name, value] of Object.entries(above)) {
    const both = isPlainObject(value) && isPlainObject(below[name]);
    result[name] = both ? merged(below[name], value) : value;
  }
  return result;
}

/** A copy of it in which the names of colours are colours. Data beside it stays what it is. */
function coloured(value) {
  if (typeof value === "string") return value.startsWith("var(--") ? colour(value) : value;
  if (Array.isArray(value)) return value.map(coloured);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, DATA.has(name) ? part : coloured(part)]));
}

const DATA = new Set(["x", "y", "text", "customdata", "hovertext", "name", "ids", "width", "offset"]);

function isPlainObject(value) {
  return value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;
}

/** "2026-11-22 14:03:22.1234" of an axis as 2026-11-22T14:03:22; what is no date stays as it is. */
function moment(value) {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d)?)?/.exec(String(value));
  return parts ? `${parts[1]}T${parts[2] ?? "00:00"}${parts[3] ?? ":00"}` : value;
}

function paintAll() {
  for (const element of [...drawn.keys()]) {
    if (!element.isConnected) erase(element);
    else if (window.Plotly) paint(window.Plotly, element);
  }
}

document.addEventListener("themechange", paintAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintAll);
