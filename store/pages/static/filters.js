// The filter bar, quicker: what is ticked applies at once, typing narrows a menu, Enter adds what was typed.
// Without this module the bar is a form with Apply buttons, and as complete.

import { fetchPiece, go } from "./swap.js";

const FORMS = "form#filters, form[data-columns]";
document.documentElement.classList.add("scripted");

function addressOf(form, submitter) {
  const params = new URLSearchParams();
  for (const field of form.elements) {
    if (!field.name || field.disabled || "typed" in field.dataset || field.type === "submit") continue;
    if (field.type === "checkbox" && !field.checked) continue;
    if (field.value.trim()) params.append(field.name, field.value.trim());
  }
  if (submitter?.name) params.append(submitter.name, submitter.value.trim());
  const query = params.toString();
  return form.getAttribute("action") + (query ? `?${query}` : "");
}

function apply(form, submitter) {
  const clash = submitter?.value?.startsWith("!") ? submitter.value.slice(1) : null;
  if (clash !== null) {
    for (const box of form.querySelectorAll(`input[type=checkbox][name="${CSS.escape(submitter.name)}"]`)) {
      if (box.value === clash) box.checked = false;
    }
  }
  return go(addressOf(form, submitter));
}

document.addEventListener("change", (event) => {
  const field = event.target;
  const form = field.form;
  if (!form?.matches(FORMS)) return;
  if (field.dataset.picks) {
    form.elements[field.dataset.picks].value = field.value.replace("T", " ");
    return;
  }
  const ends = field.closest(".ends") !== null; // both ends and the zone are chosen together
  if ("typed" in field.dataset || ends) return;
  if (field.name === "tag" && field.value && !/[=:]/.test(field.value)) return;
  apply(form);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches(FORMS)) return;
  event.preventDefault();
  const typed = event.submitter?.closest("details.menu")?.querySelector("input[data-typed]") ?? document.activeElement;
  if (typed?.form === form && "typed" in typed.dataset && typed.value.trim() && !event.submitter?.name) {
    add(form, typed);
    return;
  }
  apply(form, event.submitter);
  if (event.submitter?.closest(".time")) event.submitter.closest("details").open = false;
});

// Enter in a box: the one value that is left is ticked, anything else is added as it was typed.
function add(form, typed) {
  const shown = [...typed.closest(".panel").querySelectorAll(".option:not([hidden]) input[type=checkbox]")];
  const text = typed.value.trim();
  const exact = shown.find((box) => box.value === text) ?? (shown.length === 1 && !/[*!]/.test(text) ? shown[0] : null);
  if (exact) {
    exact.checked = true;
    typed.value = "";
    narrow(typed);
    apply(form);
    return;
  }
  const address = addressOf(form, typed);
  typed.value = "";
  narrow(typed);
  go(address);
}

function narrow(typed) {
  const menu = typed.closest("details");
  show(menu, typed);
  const text = typed.value.trim();
  // A box that was emptied needs the values back that a search left out.
  if ("fetch" in menu.dataset || ("more" in menu.dataset && !/[*!]/.test(text))) fetchValues(menu, text);
}

// What fits, and what Enter would do.
function show(menu, typed) {
  const text = typed.value.trim();
  const wanted = text.toLowerCase();
  const special = /[*!]/.test(text);
  let left = 0;
  for (const option of menu.querySelectorAll(".option")) {
    const fits = !wanted || special || option.dataset.value.toLowerCase().includes(wanted);
    option.hidden = !fits;
    if (fits) left += 1;
  }
  const hint = menu.querySelector(".hint");
  hint.hidden = !text;
  hint.textContent = special || !left ? `Enter adds ${text}` : left === 1 ? "Enter ticks it" : "Enter adds what you typed; * matches anything";
}

const looking = new WeakMap();

async function fetchValues(menu, text) {
  looking.get(menu)?.abort();
  const mine = new AbortController();
  looking.set(menu, mine);
  const params = new URLSearchParams(location.search);
  params.set("of", menu.dataset.param);
  if (text) params.set("typed", text);
  try {
    const nodes = await fetchPiece(`/logs/values?${params}`, mine.signal);
    menu.querySelector(".options").replaceChildren(...nodes);
    delete menu.dataset.fetch;
    if (menu.querySelector(".unlisted")) menu.dataset.more = "";
    show(menu, menu.querySelector("input[data-typed]"));
  } catch (trouble) {
    if (trouble.name !== "AbortError") menu.querySelector(".hint").textContent = "The values could not be read just now.";
  }
}

// A menu that stayed open over a change of the page may be without its values; what was on its way is of the page before.
document.addEventListener("contentchange", () => {
  for (const menu of document.querySelectorAll("details.menu")) {
    looking.get(menu)?.abort();
    const typed = menu.querySelector("input[data-typed]");
    if (menu.open && typed && ("fetch" in menu.dataset || typed.value.trim())) narrow(typed);
  }
});

document.addEventListener("input", (event) => {
  if (event.target.dataset?.typed !== undefined) narrow(event.target);
});

// One menu at a time; it closes by Escape and by a click elsewhere.
document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.("details.menu") || !menu.open) return;
  for (const other of document.querySelectorAll("details.menu[open]")) {
    if (other !== menu) other.open = false;
  }
  const typed = menu.querySelector("input[data-typed]");
  if (typed) {
    if (!matchMedia("(hover: none)").matches) typed.focus();
    if ("fetch" in menu.dataset) fetchValues(menu, "");
  }
  if (menu.id === "filter-time") readyTime(menu);
}, true);

function readyTime(menu) {
  for (const picker of menu.querySelectorAll("input[data-picks]")) picker.hidden = false;
  const zones = menu.querySelector("#zones");
  if (!zones.firstChild) {
    zones.append(...["UTC", ...Intl.supportedValuesOf("timeZone")].map((name) => new Option(name, name)));
  }
}

// Not "click": Enter in a field clicks the form's first button.
let closing = false; // the click that closes a menu opens no call
document.addEventListener("pointerdown", (event) => {
  closing = false;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu.contains(event.target)) continue;
    menu.open = false;
    closing = true;
  }
});
document.addEventListener("click", (event) => {
  if (closing && event.target.closest?.("tr.call") && !event.target.closest("a, button")) event.stopPropagation();
  closing = false;
}, true);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu) return;
  if (event.key === "Escape") {
    event.preventDefault();
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const stops = [...menu.querySelectorAll("input[data-typed], .option:not([hidden]) input, .presets a")];
    const at = stops.indexOf(document.activeElement);
    const next = stops[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  }
});
