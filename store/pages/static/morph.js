// Turns a part of the page into its newer self, touching only what differs: focus, scrolling, selections, open menus and
// what is being typed stay. Children are told apart by their id; without one, by their place.
//
//     morph(here, there)          // both elements of the same kind; `there` is used up
//
// data-keep:       what scripts put inside stays
// data-keep-open:  open or closed is the reader's choice
// data-client:     scripts put this element here; it stays behind the element it stands behind

export function morph(here, there) {
  if (here.isEqualNode(there)) return syncInputs(here, there);
  syncAttributes(here, there);
  syncValue(here, there);
  if (!here.hasAttribute("data-keep")) syncChildren(here, there);
}

function syncAttributes(here, there) {
  const keepsOpen = here.hasAttribute("data-keep-open");
  for (const { name } of [...here.attributes]) {
    if (!there.hasAttribute(name) && !(keepsOpen && name === "open")) here.removeAttribute(name);
  }
  for (const { name, value } of [...there.attributes]) {
    if (here.getAttribute(name) !== value && !(keepsOpen && name === "open")) here.setAttribute(name, value);
  }
}

function syncValue(here, there) {
  if (here instanceof HTMLInputElement) {
    if (here.type === "checkbox" || here.type === "radio") here.checked = there.hasAttribute("checked");
    else if (here !== document.activeElement && here.name && !("typed" in here.dataset)) here.value = there.getAttribute("value") ?? "";
  } else if (here instanceof HTMLSelectElement && here !== document.activeElement) {
    const chosen = there.querySelector("option[selected]");
    here.value = chosen ? chosen.value : (there.options[0]?.value ?? "");
  }
}

// Equal as written, yet somebody may have ticked or typed something since.
function syncInputs(here, there) {
  syncValue(here, there);
  const theirs = there.querySelectorAll("input, select");
  here.querySelectorAll("input, select").forEach((input, at) => syncValue(input, theirs[at]));
}

function syncChildren(here, there) {
  const ours = [...here.childNodes].filter((node) => node.dataset?.client === undefined);
  const guests = [...here.children].filter((node) => node.dataset.client !== undefined)
    .map((guest) => [guest, guest.previousElementSibling]);
  const byId = new Map(ours.filter((node) => node.id).map((node) => [node.id, node]));
  const unnamed = ours.filter((node) => !node.id);
  const wanted = [];
  for (const node of [...there.childNodes]) {
    const same = node.id ? byId.get(node.id) : takeAlike(unnamed, node);
    if (same && same.nodeName === node.nodeName) {
      byId.delete(node.id);
      if (same.nodeType === Node.ELEMENT_NODE) morph(same, node);
      else if (same.nodeValue !== node.nodeValue) same.nodeValue = node.nodeValue;
      wanted.push(same);
    } else {
      wanted.push(document.adoptNode(node));
    }
  }
  const kept = new Set(wanted);
  for (const node of ours) if (!kept.has(node)) node.remove();
  let place = here.firstChild;
  for (const node of wanted) {
    while (place?.dataset?.client !== undefined) place = place.nextSibling;
    if (node === place) place = place.nextSibling;
    else here.insertBefore(node, place);
  }
  for (const [guest, before] of guests) {
    if (before && !before.isConnected) guest.remove();
    else if (guest.previousElementSibling !== before) before ? before.after(guest) : here.prepend(guest);
  }
}

function takeAlike(nodes, like) {
  const at = nodes.findIndex((node) => node.nodeName === like.nodeName);
  return at < 0 ? undefined : nodes.splice(at, 1)[0];
}
