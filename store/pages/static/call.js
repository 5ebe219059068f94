// The details of a call, on their own page or inserted beneath a row: buttons that copy. Text is copied as it is shown.

const SAID_MS = 1500;

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);  // not a secure origin, or not allowed
  }
}

function copyBySelection(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  area.setAttribute("readonly", "");
  document.body.append(area);
  const before = document.activeElement;
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  return done;
}

// What a person would select: folded previews repeat what is beneath them and are left out.
function textOf(element) {
  const clone = element.cloneNode(true);
  for (const extra of clone.querySelectorAll("summary, .missing, .role, .label")) extra.remove();
  if (!clone.children.length) return clone.textContent;
  const pieces = [...clone.querySelectorAll(".said, .code")].map((piece) => piece.textContent);
  return pieces.length ? pieces.join("\n\n") : clone.textContent.trim();
}

function wanted(button) {
  if (button.dataset.copy !== undefined) return button.dataset.copy;
  const element = document.getElementById(button.dataset.copyOf);
  return element ? textOf(element) : "";
}

async function onClick(event) {
  const button = event.target.closest?.("[data-copy], [data-copy-of]");
  const call = button?.closest("article.call");
  if (!call) return;
  event.preventDefault();
  const done = await copy(wanted(button));
  const note = call.querySelector(".copied");
  note.textContent = done ? "Copied" : "This browser does not allow copying";
  setTimeout(() => { note.textContent = ""; }, SAID_MS);
}

// Without scripts these buttons could do nothing, so they come hidden.
function showButtons(root) {
  for (const button of root.querySelectorAll("article.call [data-copy], article.call [data-copy-of]")) button.hidden = false;
}

document.addEventListener("click", onClick);
showButtons(document);
// Beneath a row it comes later than this.
new MutationObserver((changes) => {
  if (changes.some((change) => change.addedNodes.length)) showButtons(document);
}).observe(document.body, { childList: true, subtree: true });
