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
  const whole = place.insertCell();
  whole.colSpan = row.cells.length;
  const cell = document.createElement("div");
  whole.append(cell);
  cell.textContent = "Reading…";
  row.after(place);
  try {
    const page = new URL(row.querySelector("a.opens").href);
    const nodes = await fetchPiece(`${page.pathname}/details${page.search}`);
    cell.replaceChildren(...nodes);
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
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const row = event.target.closest?.("tr.call");
  if (!row) return;
  const control = event.target.closest("a, button");
  if (control ? !control.matches("a.opens") : !getSelection().isCollapsed) return; // somebody marks text
  event.preventDefault();
  toggle(row);
});
