// The page that shows a secret once: copies it, and forgets it when the page is left, also for the way back.

const secret = document.getElementById("secret");
const button = document.querySelector("[data-copies]");
const told = document.getElementById("copied");

async function copy() {
  secret.select();
  try {
    await navigator.clipboard.writeText(secret.value);
  } catch {
    document.execCommand("copy"); // without TLS there is no clipboard but by this
  }
  told.textContent = "Copied.";
}

function forget() {
  secret.value = "";
  secret.removeAttribute("value");
}

button.addEventListener("click", copy);
button.hidden = false;
secret.addEventListener("focus", () => secret.select());
addEventListener("pagehide", forget);
