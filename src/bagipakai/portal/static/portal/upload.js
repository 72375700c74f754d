// Uploads a file in pieces, so that a broken line costs one piece. A form marked data-upload names the address that
// tells where the pieces go and which are missing; without this script the form sends the file whole.
(() => {
  "use strict";

  const PAUSES = [1, 2, 5, 10, 20, 30];  // seconds between tries

  const hex = buffer => Array.from(new Uint8Array(buffer), byte => byte.toString(16).padStart(2, "0")).join("");

  class Refused extends Error {}

  for (const form of document.querySelectorAll("form[data-upload]")) {
    if (!window.crypto || !crypto.subtle || !window.fetch) continue;
    const words = form.querySelector("[data-upload-words]").dataset;
    const box = form.querySelector("[data-upload-progress]");
    const told = form.querySelector("[data-upload-told]");
    const bar = form.querySelector("progress");
    const button = form.querySelector("button");
    const input = form.elements.berkas;
    const wrong = form.querySelector("[data-upload-wrong]");
    const title = document.title;
    let percent = 0;

    // A refusal is shown at the field, as a page of the server would show it; nothing to read takes it away again.
    const complain = text => {
      wrong.textContent = text;
      wrong.parentElement.hidden = !text;
      input.closest(".field").classList.toggle("field--wrong", Boolean(text));
      if (text) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
      input.setAttribute("aria-describedby", text ? "batas-berkas berkas-salah" : "batas-berkas");
      document.title = text ? words.error + title : title;
      if (text) { box.hidden = true; input.focus(); }
    };

    const say = text => { box.hidden = false; told.textContent = text.replace("{n}", percent); };

    const post = async (href, body, headers) => {
      for (let tried = 0; ; tried += 1) {
        try {
          const answer = await fetch(href, {
            method: "POST", body, redirect: "error",
            headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value, ...headers },
          });
          if (answer.ok) return answer.json();
          if (answer.status < 500) throw new Refused((await answer.json().catch(() => ({}))).sentence || words.refused);
        } catch (error) {
          if (error instanceof Refused) throw error;
        }
        say(words.waiting);
        await new Promise(done => setTimeout(done, 1000 * PAUSES[Math.min(tried, PAUSES.length - 1)]));
      }
    };

    const upload = async file => {
      const said = JSON.stringify({ name: file.name, size: file.size, changed: file.lastModified });
      const { href, piece, missing } = await post(form.dataset.upload, said, { "Content-Type": "application/json" });
      const every = Math.ceil(file.size / piece);
      let come = every - missing.length;
      for (const number of missing) {
        const content = await file.slice((number - 1) * piece, number * piece).arrayBuffer();
        const digest = hex(await crypto.subtle.digest("SHA-256", content));
        await post(`${href}${number}/`, content, { "Content-Type": "application/octet-stream", "X-Sha256": digest });
        come += 1;
        percent = Math.floor(100 * come / every);
        bar.value = percent;
        say(words.going);
      }
    };

    form.addEventListener("submit", async event => {
      event.preventDefault();
      const file = input.files[0];
      complain(file ? "" : words.choose);
      if (!file) return;
      button.disabled = true;
      percent = bar.value = 0;
      try {
        say(words.going);
        await upload(file);
        location.reload();
      } catch (error) {
        complain(error instanceof Refused ? error.message : words.refused);
        button.disabled = false;
      }
    });
  }
})();
