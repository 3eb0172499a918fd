// Buttons that copy what stands elsewhere. Without this the text can be selected as a whole.
for (const button of document.querySelectorAll("button[data-copies]")) {
  const text = document.getElementById(button.dataset.copies);
  if (!text || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.value ?? text.textContent);
    button.firstChild.textContent = "Copied";
  });
}
// Buttons that copy the address of the page, which is all of its state.
for (const button of document.querySelectorAll("button[data-copies-address]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(location.href);
    button.firstChild.textContent = "Copied";
  });
}
