// A row opens in place: the piece /logs/{id}/details is put beneath it, and the address remembers which (`open`).

import { fetchPiece } from "./swap.js";

export function toggle(row) {
  if (row.classList.contains("opened")) close(row);
  else open(row);
}

export function close(row) {
  inside(row)?.remove();
  mark(row, false);
  remember(null);
}

/** After a change of the page: what the address says is open is open, whatever else was is not. */
export function restore() {
  const id = new URL(location.href).searchParams.get("open");
  for (const row of document.querySelectorAll("tr.call")) {
    if (row.dataset.id === id) open(row);
    else if (inside(row)) inside(row).remove();
  }
}

async function open(row) {
  for (const other of document.querySelectorAll("tr.call.opened")) {
    if (other !== row) close(other);
  }
  mark(row, true);
  remember(row.dataset.id);
  if (inside(row)) return;
  const place = document.createElement("tr");
  place.className = "inside";
  place.dataset.client = row.dataset.id;
  const cell = place.insertCell();
  cell.colSpan = row.cells.length;
  cell.textContent = "Reading…";
  row.after(place);
  try {
    const query = new URLSearchParams(location.search).get("tz");
    const nodes = await fetchPiece(`/logs/${encodeURIComponent(row.dataset.id)}/details${query ? `?tz=${encodeURIComponent(query)}` : ""}`);
    cell.replaceChildren(...nodes);
    document.dispatchEvent(new CustomEvent("callshown", { detail: cell }));
  } catch {
    cell.textContent = "This call could not be read just now.";
  }
}

function mark(row, opened) {
  row.classList.toggle("opened", opened);
  row.querySelector(".opens")?.setAttribute("aria-expanded", String(opened));
}

function inside(row) {
  const next = row.nextElementSibling;
  return next?.classList.contains("inside") ? next : null;
}

function remember(id) {
  const url = new URL(location.href);
  if (url.searchParams.get("open") === id) return;
  if (id) url.searchParams.set("open", id);
  else url.searchParams.delete("open");
  history.replaceState(null, "", url);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a.opens");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  toggle(link.closest("tr"));
});
