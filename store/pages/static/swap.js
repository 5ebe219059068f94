// Going from one state of a page to another without loading it anew: the same address is fetched, and #content becomes
// what it holds. Back, forward and reload work as ever, because the address is the whole state.
//
//     import { go, refresh } from "./swap.js";
//     await go("/logs?model=gpt-*");              // push: false replaces the entry in the history; top: true scrolls up
//     await refresh();                            // the same address again
//
// Links of the same page with data-go are followed this way (data-go="top": and scroll up; data-close: and close their
// menu). After each change `document` gets a "contentchange" event.

import { morph } from "./morph.js";

let fetching = null;

export async function go(address, { push = true, top = false } = {}) {
  const url = new URL(address, location.href);
  const here = location.href;
  fetching?.abort();
  const mine = fetching = new AbortController();
  const content = document.getElementById("content");
  content.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { signal: mine.signal, headers: { Accept: "text/html" } });
    if (!(answer.headers.get("Content-Type") ?? "").startsWith("text/html")) throw new Error("not a page");
    const made = new DOMParser().parseFromString(await answer.text(), "text/html");
    const there = made.getElementById("content");
    if (!there) throw new Error("not a page of ours");
    if (mine !== fetching) return false;
    const place = new URL(answer.url);
    if (push && place.href !== location.href) history.pushState(null, "", place);
    else if (!push && here === location.href) history.replaceState(null, "", place); // a row opened meanwhile stays in it
    document.title = made.title;
    morph(content, there);
    document.dispatchEvent(new CustomEvent("contentchange"));
    if (top) window.scrollTo({ top: 0 });
    return true;
  } catch (trouble) {
    if (trouble.name === "AbortError") return false;
    if (push) location.assign(url); // the browser says best what is wrong
    else console.error(`${url} could not be shown: ${trouble.message}`);
    return false;
  } finally {
    if (mine === fetching) {
      fetching = null;
      content.removeAttribute("aria-busy");
    }
  }
}

export function refresh() {
  return fetching ? Promise.resolve(false) : go(location.href, { push: false });
}

/** The elements of a piece of a page that the server made. */
export async function fetchPiece(address, signal) {
  const answer = await fetch(address, { signal, headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const made = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...made.body.childNodes].map((node) => document.adoptNode(node));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-go]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || url.pathname !== location.pathname) return;
  event.preventDefault();
  if ("close" in link.dataset) link.closest("details")?.removeAttribute("open");
  go(url, { top: link.dataset.go === "top" });
});

addEventListener("popstate", () => { go(location.href, { push: false }); });

// Whoever went back before this module was there sees an address that is not the one that was drawn.
const drawn = document.querySelector("#content [data-address]")?.dataset.address;
const stated = (url) => JSON.stringify([...new URL(url, location.href).searchParams].sort());
if (drawn !== undefined && stated(drawn) !== stated(location.href)) refresh();
