// Copy the new key. Without this the text can be selected as a whole.
const button = document.getElementById("copy");
const text = document.getElementById("fresh");

if (button && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
  });
}
