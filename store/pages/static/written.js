// Numbers as the pages write them, for what scripts show: exact, never more than is known.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A value with its unit: usd (a decimal string, shown whole), credits, ms or count. */
export function written(value, unit) {
  if (value === null || value === undefined) return "unknown";
  if (unit === "usd") return `$${grouped(trimmed(value))}`;
  if (unit === "credits") return grouped(trimmed(value));
  if (unit === "ms") return duration(Number(value));
  return grouped(String(value));
}

export function duration(ms) {
  if (ms < 1000) return `${Number(ms.toPrecision(3))} ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toPrecision(3))} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/** "2026-11" as Nov 2026; hours and minutes with a blank instead of the T. */
export function bucketName(bucket) {
  if (bucket.length === 7) return `${MONTHS[Number(bucket.slice(5)) - 1]} ${bucket.slice(0, 4)}`;
  return bucket.replace("T", " ").slice(0, 16);
}

function trimmed(decimal) {
  const text = String(decimal);
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

function grouped(text) {
  const [whole, part] = text.split(".");
  const shown = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return part ? `${shown}.${part}` : shown;
}
