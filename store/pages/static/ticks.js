// Where a logarithmic axis has its labels: at 1, 2, 5, 10, ... where few powers of ten are shown, else at these alone.

const MANY_DECADES = 2.5;

export function logarithmicTicks(values, label) {
  if (!values.length) return {};
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.ceil(Math.log10(Math.max(...values)));
  const steps = Math.log10(Math.max(...values) / Math.min(...values)) > MANY_DECADES ? [1] : [1, 2, 5];
  const ticks = [];
  for (let power = first; power <= last; power++) ticks.push(...steps.map((step) => Number(`${step}e${power}`)));
  return { tickmode: "array", tickvals: ticks, ticktext: ticks.map(label) };
}
