// Keeps the estimate beside a question up to date while the answer is being chosen: posts what its button would post,
// and takes the estimate out of the page that comes back. Nothing is saved by it. Without this script the button does.
(() => {
  "use strict";

  const PAUSE = 400;  // milliseconds after the last change

  const shown = document.querySelector("[data-estimate]");
  const form = shown?.closest("form");
  if (!form || !window.fetch) return;
  const button = form.querySelector("button[value=perkiraan]");
  const part = shown.querySelector("[data-part]");
  let waiting, asked = 0;

  const look = async () => {
    const turn = ++asked;
    const said = new FormData(form);
    said.set(button.name, button.value);
    try {
      const answer = await fetch(form.action, { method: "POST", body: said, credentials: "same-origin", redirect: "error" });
      if (!answer.ok || turn !== asked) return;
      const told = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-part=estimate]");
      if (told && told.textContent !== part.textContent) part.textContent = told.textContent;
    } catch {
      // the button is still there
    }
  };

  form.addEventListener("input", (event) => {
    if (event.target.type === "search") return;  // looking for a region chooses nothing yet
    clearTimeout(waiting);
    waiting = setTimeout(look, PAUSE);
  });
})();
