// The keyboard on Usage Logs: j k move, Enter opens, / searches, Escape closes, ? tells all of them.

import { close, toggle } from "./opening.js";

const rows = () => [...document.querySelectorAll("tr.call")];
const current = () => document.activeElement?.closest?.("tr.call") ?? null;

function move(by) {
  const all = rows();
  if (!all.length) return;
  const at = current() ? all.indexOf(current()) + by : 0;
  const row = all[Math.min(Math.max(at, 0), all.length - 1)];
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function search() {
  const more = document.getElementById("filter-more");
  if (more) more.open = true;
  document.getElementById("search")?.focus();
}

function help() {
  const dialog = document.getElementById("shortcuts");
  if (dialog?.open) dialog.close();
  else dialog?.showModal();
}

function escape() {
  const opened = current()?.classList.contains("opened") ? current() : document.querySelector("tr.call.opened");
  if (opened) {
    close(opened);
    opened.focus({ preventScroll: true });
  } else {
    document.activeElement?.blur();
  }
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  "/": search,
  "?": help,
  c: () => current()?.querySelector("[data-copy]")?.click(),
  l: () => document.getElementById("live")?.click(),
  n: () => document.getElementById("older")?.click(),
  p: () => document.getElementById("newer")?.click(),
  Enter: () => { if (current() === document.activeElement) toggle(current()); },
  Escape: escape,
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches?.("input:not([type=checkbox]), select, textarea, [contenteditable]");
  if (typing) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]") && event.key !== "?") return;
  if (event.key === " " && event.target.matches?.("a[role=button]")) {
    event.preventDefault();
    event.target.click();
    return;
  }
  if (event.key === "Enter" && document.activeElement?.tagName !== "TR") return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-action=help]")) help();
});
