// Duration against output tokens, one point for each call; beneath it, in words, what made calls slow.

import { draw, plain } from "./charts.js";
import { makeLegend } from "./legend.js";
import { logarithmicTicks } from "./ticks.js";
import { duration, written } from "./written.js";

const REASONS = {
  long_prompt: "had a long prompt", slow_start: "were slow to start", slow_generation: "were generated slowly",
  slow_request: "were sent slowly by the client", slow_client: "were taken slowly by the client", pause: "paused amid the answer",
  long_output: "had a long output",
  own_overhead: "waited for Tollbook itself", client_retries: "came after retries of the client",
  none: "took as long as is usual", unknown: "cannot be judged: too few calls of their model, or no figures", failed: "failed",
};
const SHORT = {
  long_prompt: "long prompt", slow_start: "slow start", slow_generation: "slow generation", long_output: "long output",
  slow_request: "a request sent slowly", slow_client: "a slow client", pause: "a pause",
  own_overhead: "our own overhead", client_retries: "retries of the client",
  none: "as usual", unknown: "not known", failed: "failed",
};

let shown = null; // the address of the points that are drawn now

function ready() {
  const chart = document.getElementById("scatter");
  if (!chart) { shown = null; return; }
  document.getElementById("scatter-log").closest("label").hidden = false;
  if (chart.dataset.source === shown) return;
  shown = chart.dataset.source;
  start(chart, shown);
}

async function start(chart, address) {
  const words = document.getElementById("scatter-words");
  let told;
  try {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error((await answer.json()).error.message);
    told = await answer.json();
  } catch (problem) {
    words.replaceChildren(paragraph(`The points could not be had: ${problem.message}.`));
    return;
  }
  if (address !== shown) return; // something else is asked for by now
  const points = told.points.filter((point) => point.duration_ms > 0 && point.tokens.output > 0);
  words.replaceChildren(...inWords(told, points));
  const groups = byModel(points);
  const hidden = new Set();
  const logarithmic = document.getElementById("scatter-log");
  const redraw = () => {
    const traces = groups.filter((group) => !hidden.has(group.name)).map(trace);
    return draw(chart, traces, layout(points, logarithmic.checked), { onClick: open });
  };
  logarithmic.onchange = redraw;
  makeLegend(document.getElementById("scatter-legend"), groups, hidden, redraw);
  redraw().catch((problem) => { words.append(paragraph(problem.message)); });
}

/** The models with the most points, each in the colour it has in the chart above where that is divided by model. */
function byModel(points) {
  const models = new Map();
  for (const point of points) {
    const name = point.model ?? "no model";
    if (!models.has(name)) models.set(name, []);
    models.get(name).push(point);
  }
  const above = coloursAbove();
  const free = [1, 2, 3, 4, 5, 6, 7, 8].filter((number) => ![...above.values()].includes(number));
  const groups = [...models].sort((one, other) => other[1].length - one[1].length)
    .map(([name, its]) => ({ name, number: above.get(name) ?? free.shift() ?? 0, points: its }));
  const rest = groups.filter((group) => !group.number).flatMap((group) => group.points);
  const named = groups.filter((group) => group.number);
  return rest.length ? [...named, { name: "all others", number: 0, points: rest }] : named;
}

function coloursAbove() {
  const told = JSON.parse(document.getElementById("chart")?.dataset.chart ?? "{}");
  const groups = told.by === "model" ? (told.latencies ?? told.series ?? []) : [];
  const kinds = told.metric === "tokens" && groups.some((group) => group.name.startsWith("input, "));
  return new Map(kinds ? [] : groups.filter((group) => group.number).map((group) => [group.name, group.number]));
}

function trace(group) {
  return {
    type: "scatter", mode: "markers", name: plain(group.name),
    x: group.points.map((point) => point.tokens.output),
    y: group.points.map((point) => point.duration_ms / 1000),
    customdata: group.points.map((point) => [
      plain(point.model ?? "no model"), duration(point.duration_ms), written(point.tokens.output, "count"), written(point.tokens.input, "count"),
      point.first_token_ms === null ? "unknown" : duration(point.first_token_ms),
      point.reasons.map((reason) => SHORT[reason] ?? plain(reason)).join(", "), point.id,
    ]),
    marker: {
      size: group.points.map((point) => (stands(point) ? 9 : 7)), opacity: 0.75, color: group.number ? `var(--chart-${group.number})` : "var(--chart-other)",
      line: { width: 0.5, color: "var(--surface)" },
      symbol: group.points.map((point) => (stands(point) ? "diamond" : "circle")),
    },
    hovertemplate: "<b>%{customdata[0]}</b><br>%{customdata[1]}, first token %{customdata[4]}<br>%{customdata[2]} tokens out, %{customdata[3]} in<br>%{customdata[5]}<extra></extra>",
  };
}

function stands(point) {
  return point.reasons.some((reason) => reason !== "none" && reason !== "unknown");
}

function layout(points, logarithmic) {
  const scale = (values, label) => (logarithmic ? { type: "log", rangemode: "normal", ...logarithmicTicks(values, label) } : { type: "linear", rangemode: "tozero" });
  return {
    height: innerWidth < 640 ? 320 : 420, hovermode: "closest",
    xaxis: {
      title: { text: "output tokens", font: { size: 13 } }, showgrid: true, autorange: true,
      ...scale(points.map((point) => point.tokens.output), (value) => written(value, "count")),
    },
    yaxis: {
      title: { text: "duration", font: { size: 13 } }, autorange: true, fixedrange: false, ticksuffix: logarithmic ? "" : " s",
      ...scale(points.map((point) => point.duration_ms / 1000), (value) => duration(value * 1000)),
    },
  };
}

function open(point) {
  location.assign(`/logs/${encodeURIComponent(point.customdata[6])}`);
}

function inWords(told, points) {
  const counts = new Map();
  for (const point of points) for (const reason of point.reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const shown = `${written(points.length, "count")} calls are shown${told.more ? ", the newest of more" : ""}`;
  const left = told.points.length - points.length;
  const parts = [paragraph(`${shown}${left > 0 ? `; ${written(left, "count")} more put out no tokens that are known` : ""}. Diamonds are those that stand out; a click opens the call.`)];
  if (told.complete === false) parts.push(paragraph(`Not everything could be read in time: these go back to ${told.read_back_to} only.`));
  const list = document.createElement("ul");
  for (const [reason, text] of Object.entries(REASONS)) {
    if (!counts.get(reason)) continue;
    const item = document.createElement("li");
    const number = document.createElement("b");
    number.textContent = written(counts.get(reason), "count");
    item.append(number, ` ${text}`);
    list.append(item);
  }
  if (list.childElementCount) parts.push(list);
  return parts;
}

function paragraph(text) {
  const made = document.createElement("p");
  made.textContent = text;
  return made;
}

document.addEventListener("contentchange", ready);
ready();
