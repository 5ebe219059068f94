// The chart of /stats: stacked bars over time, or lines for latency; its legend as buttons, its figures as a table.

import { draw, plain } from "./charts.js";
import { makeLegend } from "./legend.js";
import { fetchPiece, go } from "./swap.js";
import { logarithmicTicks } from "./ticks.js";
import { bucketName, duration, written } from "./written.js";
import "./scatter.js";

let shown = null; // what is drawn now, as it was told

async function fetchMovers() {
  const place = document.getElementById("moved");
  const address = place?.dataset.src;
  if (!address) return;
  try {
    const nodes = await fetchPiece(address);
    if (place.dataset.src !== address) return; // something else is asked for by now
    place.replaceChildren(...nodes);
    delete place.dataset.src;
  } catch {
    place.querySelector(".waiting")?.replaceChildren("This could not be read in time.");
  }
}

function ready() {
  fetchMovers();
  const chart = document.getElementById("chart");
  if (!chart) { shown = null; return; }
  document.querySelector(".chart-help").hidden = false;
  if (chart.dataset.chart === shown) return;
  shown = chart.dataset.chart;
  start(chart);
}

function start(chart) {
  const told = JSON.parse(chart.dataset.chart);
  const groups = told.latencies ?? told.series;
  const hidden = new Set();
  const redraw = () => draw(chart, tracesOf(told, groups, hidden), layoutOf(told), { onZoom: zoom });
  makeLegend(document.getElementById("legend"), groups, hidden, redraw);
  fillTable(told, groups);
  redraw().catch((problem) => { chart.textContent = `${problem.message}; the figures are below.`; });
}

function tracesOf(told, groups, hidden) {
  const shown = groups.filter((group) => !hidden.has(group.name));
  return told.latencies
    ? shown.flatMap((group) => [line(told, group, "p50", "solid"), line(told, group, "p95", "dot")])
    : shown.map((group) => bars(told, group));
}

function bars(told, group) {
  const widths = told.width_ms ?? told.buckets.map(monthWidth);
  return {
    type: "bar", name: plain(group.name), x: told.buckets, y: group.values.map(number),
    customdata: group.values.map((value) => plain(written(value, told.unit))),
    offset: 0, width: scaled(widths), marker: { color: colourOf(group), line: { width: 0 } },
    hovertemplate: "%{customdata}<extra>%{fullData.name}</extra>",
  };
}

function line(told, group, share, dash) {
  const values = group[share];
  return {
    type: "scatter", mode: "lines+markers", name: `${plain(group.name)}, ${share}`, x: told.buckets, y: values.map((value) => (value === null ? null : value / 1000)),
    customdata: values.map((value) => plain(written(value, "ms"))),
    line: { color: group.number ? colourOf(group) : "var(--ink)", width: group.number ? 1.5 : 2.5, dash },
    marker: { size: told.buckets.length > 60 ? 3 : 5, color: group.number ? colourOf(group) : "var(--ink)" },
    hovertemplate: "%{customdata}<extra>%{fullData.name}</extra>",
  };
}

function layoutOf(told) {
  const prefix = told.unit === "usd" ? "$" : "";
  return {
    barmode: "stack", hovermode: told.latencies ? "x unified" : "x", height: innerWidth < 640 ? 280 : 360,
    xaxis: { type: "date", range: told.range, hoverformat: { month: "%B %Y", day: "%a %d %b %Y" }[told.per] ?? "%d %b %H:%M" },
    yaxis: told.latencies
      ? { type: "log", rangemode: "normal", ...logarithmicTicks(groupsOf(told), (value) => duration(value * 1000)) }
      : { tickprefix: prefix, tickformat: told.unit === "count" ? "~s" : undefined },
  };
}

function groupsOf(told) {
  return told.latencies.flatMap((group) => [...group.p50, ...group.p95]).filter((value) => value > 0).map((value) => value / 1000);
}

function zoom(from, to) {
  const address = new URL(location.href);
  address.searchParams.set("from", from);
  address.searchParams.set("to", to);
  address.searchParams.delete("per");
  address.searchParams.delete("cursor");
  go(address);
}

function fillTable(told, groups) {
  const columns = told.latencies
    ? groups.flatMap((group) => [[`${group.name}, p50`, group.p50], [`${group.name}, p95`, group.p95]])
    : groups.map((group) => [group.name, group.values]);
  const table = document.getElementById("chart-figures");
  table.tHead.replaceChildren(row([["th", told.per], ...columns.map(([name]) => ["th", name, "col"])]));
  table.tBodies[0].replaceChildren(...told.buckets.map((bucket, place) => row([
    ["th", bucketName(bucket), "row"],
    ...columns.map(([, values]) => ["td", values[place] === null ? "-" : written(values[place], told.unit)]),
  ])));
}

function row(cells) {
  const made = document.createElement("tr");
  made.append(...cells.map(([kind, text, scope]) => {
    const cell = document.createElement(kind);
    if (kind === "th") cell.scope = scope ?? "col";
    if (kind === "td" || scope === "col") cell.className = "number";
    cell.textContent = text;
    return cell;
  }));
  return made;
}

function colourOf(group) {
  return group.number ? `var(--chart-${group.number})` : "var(--chart-other)";
}

function number(value) {
  return value === null ? null : Number(value);
}

function monthWidth(month) {
  const [year, number] = month.split("-").map(Number);
  return Date.UTC(year, number, 1) - Date.UTC(year, number - 1, 1);
}

function scaled(widths) {
  return Array.isArray(widths) ? widths.map((width) => width * 0.94) : widths * 0.94;
}

document.addEventListener("contentchange", ready);
ready();
