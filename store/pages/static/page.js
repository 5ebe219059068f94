// On every page: the browser's time zone and the theme, told to the server in two cookies.

const YEAR_S = 31536000;

function remember(name, value) {
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${YEAR_S}; samesite=strict`;
}

function tellZone() {
  const root = document.documentElement;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const told = document.cookie.split("; ").find((cookie) => cookie.startsWith("tollbook_zone="));
  if (!zone || told === `tollbook_zone=${encodeURIComponent(zone)}`) return;
  remember("tollbook_zone", zone);
  // Times were drawn in another zone: draw them again, once. Where cookies are refused it stays as it is.
  if (zone !== root.dataset.zone && document.cookie.includes("tollbook_zone=")) location.reload();
}

function showThemeButton() {
  const button = document.querySelector("[data-action=theme]");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const current = () => document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");
  const label = () => { button.textContent = current() === "dark" ? "Light" : "Dark"; };
  button.addEventListener("click", () => {
    const next = current() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    remember("tollbook_theme", next);
    label();
    document.dispatchEvent(new CustomEvent("themechange"));
  });
  button.hidden = false;
  label();
}

tellZone();
showThemeButton();
