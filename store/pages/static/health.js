// Keeps /health fresh: the page is asked for again every few seconds, and what changed in it is put in place.

const EVERY_MS = 5000;

const pause = document.getElementById("pause");
const unreachable = document.getElementById("unreachable");
let paused = false;

async function refresh() {
  let fresh;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(answer.statusText);
    fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    unreachable.hidden = false;
    return;
  }
  unreachable.hidden = true;
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    // Whoever is in the middle of it, by keyboard or with a list unfolded, is not disturbed.
    const busy = part.contains(document.activeElement) || part.querySelector("details[open]");
    if (now && !busy && !part.isEqualNode(now)) part.replaceWith(document.importNode(now, true));
  }
}

async function keepFresh() {
  for (;;) {
    await new Promise((resolve) => { setTimeout(resolve, EVERY_MS); });
    if (!paused && !document.hidden) await refresh();
  }
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Go on" : "Pause";
  if (!paused) refresh();
});
pause.hidden = false;
document.addEventListener("visibilitychange", () => { if (!document.hidden && !paused) refresh(); });
keepFresh();
