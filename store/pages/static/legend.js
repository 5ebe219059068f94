// The legend of a chart as buttons: each shows or hides one group. Works by keyboard, and is read aloud as what it is.

export function makeLegend(legend, groups, hidden, redraw) {
  legend.replaceChildren(...groups.map((group) => {
    const item = document.createElement("li");
    item.append(buttonOf(group, hidden, redraw));
    return item;
  }));
}

function buttonOf(group, hidden, redraw) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-pressed", "true");
  const swatch = document.createElement("span");
  swatch.className = `swatch ${group.number ? `series-${group.number}` : group.all ? "series-all" : ""}`;
  const name = document.createElement("bdi");
  name.textContent = group.name;
  button.append(swatch, name);
  button.addEventListener("click", () => {
    const show = hidden.delete(group.name);
    if (!show) hidden.add(group.name);
    button.setAttribute("aria-pressed", String(show));
    redraw();
  });
  return button;
}
