// Copies what a button names; without this script the text is still there to be marked and copied by hand.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copies]");
  const source = button && document.getElementById(button.dataset.copies);
  if (!source) return;
  source.select();
  try {
    await navigator.clipboard.writeText(source.value);
  } catch {
    document.execCommand("copy"); // a page without HTTPS may not use the clipboard
  }
  document.getElementById(button.dataset.says).textContent = button.dataset.done;
});
