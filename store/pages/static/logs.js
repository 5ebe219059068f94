// Usage Logs: what is specific to its table. Rows open in place, ids are copied, late totals are fetched.

import { fetchPiece } from "./swap.js";
import "./keyboard.js";
import "./live.js";
import "./histogram.js";
import { restore } from "./opening.js";

async function fetchTotals() {
  const place = document.getElementById("totals");
  const address = place?.dataset.src;
  if (!address) return;
  try {
    const nodes = await fetchPiece(address);
    if (place.dataset.src === address) {
      place.replaceChildren(...nodes);
      delete place.dataset.src;
    }
  } catch {
    place.querySelector(".waiting")?.replaceChildren("These sums could not be read in time.");
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.classList.add("done");
  setTimeout(() => button.classList.remove("done"), 1200);
});

function ready() {
  for (const button of document.querySelectorAll("[data-copy], [data-action=help]")) button.hidden = false;
  fetchTotals();
  restore();
}

document.addEventListener("contentchange", ready);
ready();
