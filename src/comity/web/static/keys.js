// Keyboard shortcuts: each leads where a link of the page leads, and `?` lists them. Without this script nothing is missing.
const { title, about, close, change, links } = JSON.parse(document.currentScript.dataset.shown);
let begun = "";
let until = 0;

function made(name, text, inside = []) {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  element.append(...inside);
  return element;
}

function link(address, text) {
  const element = made("a", text);
  element.href = address;
  return element;
}

function show() {
  const old = document.getElementById("keys");
  if (old) return old.remove();
  const rows = links.map(([keys, address, text]) => {
    const row = made("li", "", [...keys].flatMap((key) => [made("kbd", key), " "]));
    row.append(address ? link(address, text) : text);
    return row;
  });
  const button = made("button", close);
  const dialog = made("dialog", "", [
    made("h2", title), made("ul", "", rows), made("p", `${about} `, [link(...change)]), button,
  ]);
  dialog.id = "keys";
  dialog.setAttribute("aria-label", title);
  button.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function typing(target) {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing || typing(event.target)) return;
  const keys = event.timeStamp < until ? begun + event.key : event.key;
  const found = links.find(([name]) => name === keys);
  begun = keys;
  until = !found && links.some(([name]) => name.startsWith(keys)) ? event.timeStamp + 1500 : 0;
  if (!found) return;
  event.preventDefault();
  if (found[1]) location.assign(found[1]);
  else show();
});
