// A sheet of pairs: makes a key that never leaves this browser, asks for the pairs sealed to it, opens them here, shows
// one after the other with what differs, and sends back numbers and verdicts, no value. Scheme: registry/sheets.py.
(() => {
  "use strict";

  const root = document.querySelector("[data-sheet]");
  if (!root || !window.crypto || !crypto.subtle || !window.fetch) return;

  const part = name => root.querySelector(`[data-sheet-${name}]`);
  const words = part("words").dataset;
  const rows = Array.from(root.querySelectorAll("[data-field]"));
  const called = { YES: words.yes, NO: words.no, UNSURE: words.unsure };
  const keys = { y: "YES", t: "NO", r: "UNSURE" };
  const store = `telaah-${root.dataset.sheet}`;
  const SCHEME = "bagipakai sheet 1", POINT = 65, NONCE = 12, ALIKE = 0.6;
  const text = new TextEncoder();

  let pairs = [], verdicts = {}, at = 0;

  class Refused extends Error {}

  const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
  const bytes = base64 => Uint8Array.from(atob(base64), sign => sign.charCodeAt(0));
  const pause = seconds => new Promise(done => setTimeout(done, 1000 * seconds));
  const keep = (place, name, value) => {
    try { window[place].setItem(name, value); } catch { /* then it lives as long as the page */ }
  };
  const tell = words => { const box = part("told"); box.hidden = !words; box.textContent = words; };

  const why = words => { part("why").textContent = words; };  // beside the arrows, where one looks

  const ask = async (href, body) => {
    const token = document.querySelector("[data-sheet-return] [name=csrfmiddlewaretoken]").value;
    const answer = await fetch(href, body === undefined ? { redirect: "error" } : {
      method: "POST", redirect: "error", body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    });
    if (answer.ok) return answer.json();
    throw new Refused((await answer.json().catch(() => ({}))).sentence || words.refused);
  };

  // --- opening

  const opened = async (sealed, secret, mine, order) => {
    const theirs = sealed.slice(0, POINT), nonce = sealed.slice(POINT, POINT + NONCE);
    const point = await crypto.subtle.importKey("raw", theirs, { name: "ECDH", namedCurve: "P-256" }, false, []);
    const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: point }, secret, 256);
    const info = new Uint8Array([...text.encode(SCHEME), ...theirs, ...mine]);
    const key = await crypto.subtle.deriveKey(
      { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info },
      await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]),
      { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
    const about = { name: "AES-GCM", iv: nonce, additionalData: text.encode(order) };
    return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(about, key, sealed.slice(POINT + NONCE))));
  };

  const fetched = async () => {
    const own = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]);
    const mine = new Uint8Array(await crypto.subtle.exportKey("raw", own.publicKey));
    const { order } = await ask(root.dataset.unlock, { key: hex(mine) });
    for (let tried = 0; ; tried += 1) {
      const { sheet } = await ask(root.dataset.content + order);
      if (sheet) return opened(bytes(sheet), own.privateKey, mine, order);
      if (tried > 15) tell(words.slow);
      await pause(tried > 15 ? 5 : 1);
    }
  };

  // --- showing

  const all = letters => new Set(letters.keys());

  // Two numbers of one length are read digit by digit: one that was written wrong is marked where it stands.
  const digits = (left, right) => {
    const alone = new Set([...left.keys()].filter(at => left[at] !== right[at]));
    return [alone, alone];
  };

  // Which letters of two texts have no like one in the other: the longest common subsequence leaves them over. Where
  // two of five letters differ, all: to pick out letters that happen to be alike would help nobody. But where one is
  // part of the other, what is missing is all there is to see.
  const apart = (left, right) => {
    const long = Array.from({ length: left.length + 1 }, () => new Array(right.length + 1).fill(0));
    for (let i = left.length - 1; i >= 0; i -= 1)
      for (let j = right.length - 1; j >= 0; j -= 1)
        long[i][j] = left[i] === right[j] ? long[i + 1][j + 1] + 1 : Math.max(long[i + 1][j], long[i][j + 1]);
    const [whole, piece] = [left, right].map(one => one.join("")).sort((one, other) => other.length - one.length);
    if (2 * long[0][0] < ALIKE * (left.length + right.length) && !whole.includes(piece)) return [all(left), all(right)];
    const alone = [new Set(), new Set()];
    let i = 0, j = 0;
    while (i < left.length || j < right.length) {
      if (i < left.length && j < right.length && left[i] === right[j]) { i += 1; j += 1; }
      else if (j >= right.length || (i < left.length && long[i + 1][j] >= long[i][j + 1])) alone[0].add(i++);
      else alone[1].add(j++);
    }
    return alone;
  };

  const write = (cell, letters, marked) => {
    cell.replaceChildren();
    if (!letters.length) {
      const none = cell.appendChild(document.createElement("span"));
      none.className = "summary__missing";
      none.textContent = words.empty;
    }
    for (let from = 0; from < letters.length;) {
      let to = from;
      while (to < letters.length && marked.has(to) === marked.has(from)) to += 1;
      const run = letters.slice(from, to).join("");
      if (marked.has(from)) cell.appendChild(document.createElement("mark")).textContent = run;
      else cell.append(run);
      from = to;
    }
  };

  const spoken = (field, value) =>
    field === "jenis_kelamin" ? { L: words.man, P: words.woman }[value] || value || "" : value || "";

  const compare = (row, pair) => {
    const name = row.dataset.field;
    const [left, right] = [pair.list[name], pair.person[name]].map(one => Array.from(spoken(name, one)));
    const alike = one => one.map(letter => letter.toUpperCase());
    const both = left.length && right.length;
    const number = row.cells[1].classList.contains("digits") && left.length === right.length;
    const marked = both ? (number ? digits : apart)(alike(left), alike(right)) : [new Set(), new Set()];
    const same = both && !marked[0].size && !marked[1].size;
    write(row.cells[1], left, marked[0]);
    write(row.cells[2], right, marked[1]);
    const alone = left.length || right.length ? words.missing : words.empty;
    row.cells[3].textContent = same ? words.same : both ? words.differs : alone;
    row.classList.toggle("pair__differs", Boolean(both) && !same);
  };

  const draw = () => {
    const done = at >= pairs.length;
    part("pair").hidden = done;
    part("check").hidden = !done;
    if (done) return check();
    const pair = pairs[at];
    rows.forEach(row => compare(row, pair));
    part("place").textContent = words.place.replace("{n}", at + 1).replace("{all}", pairs.length);
    root.querySelectorAll("[data-verdict]").forEach(button =>
      button.setAttribute("aria-pressed", String(verdicts[pair.pair] === button.dataset.verdict)));
    why("");
    part("back").setAttribute("aria-disabled", String(at === 0));
    part("on").setAttribute("aria-disabled", String(!verdicts[pair.pair]));
    part("place").focus();
  };

  const check = () => {
    const list = part("answers");
    list.replaceChildren();
    pairs.forEach((pair, place) => {
      const line = list.appendChild(document.createElement("div"));
      const named = words.place.replace("{n}", place + 1).replace("{all}", pairs.length);
      const term = line.appendChild(document.createElement("dt"));
      term.textContent = named;
      const whose = term.appendChild(document.createElement("span"));
      whose.className = "remark";
      whose.textContent = ` ${pair.list.nama || pair.list.nik || ""}`;
      line.appendChild(document.createElement("dd")).textContent = called[verdicts[pair.pair]];
      const change = line.appendChild(document.createElement("dd"));
      change.className = "summary__change";
      const button = change.appendChild(document.createElement("button"));
      button.type = "button";
      button.className = "button button--quiet";
      button.textContent = words.change;
      const unseen = button.appendChild(document.createElement("span"));
      unseen.className = "unseen";
      unseen.textContent = ` ${named}`;
      button.addEventListener("click", () => { at = place; draw(); });
    });
    root.querySelector("#periksa").focus();
  };

  // --- answering

  const next = () => {
    const open = pairs.findIndex(pair => !verdicts[pair.pair]);
    at = open < 0 ? pairs.length : at + 1 < pairs.length ? at + 1 : open;
  };

  const judge = verdict => {
    verdicts[pairs[at].pair] = verdict;
    keep("sessionStorage", store, JSON.stringify(verdicts));
    next();
    draw();
  };

  const step = by => {
    if (by < 0 && at === 0) return why(words.first);
    if (by > 0 && at >= pairs.length) return;
    if (by > 0 && !verdicts[pairs[at].pair]) return why(words.open);
    at = Math.min(Math.max(at + by, 0), pairs.length);
    draw();
  };

  const send = async () => {
    part("send").disabled = true;
    try {
      const told = pairs.map(({ pair }) => ({ pair, verdict: verdicts[pair] }));
      const { href } = await ask(root.dataset.answer, { verdicts: told });
      keep("sessionStorage", store, "{}");
      location.assign(href);
    } catch (error) {
      tell(error instanceof Refused ? error.message : words.unsent);
      part("send").disabled = false;
      part("send").focus();
    }
  };

  const wanted = root.querySelector("#pintasan");

  document.addEventListener("keydown", event => {
    if (!pairs.length || !wanted.checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const verdict = keys[event.key.toLowerCase()];
    if (verdict && at < pairs.length) judge(verdict);
    else if (event.key === "ArrowLeft" || event.key === "Backspace") step(-1);
    else if (event.key === "ArrowRight") step(1);
    else return;
    event.preventDefault();
  });

  root.querySelectorAll("[data-verdict]").forEach(button =>
    button.addEventListener("click", () => judge(button.dataset.verdict)));
  part("back").addEventListener("click", () => step(-1));
  part("on").addEventListener("click", () => step(1));
  part("send").addEventListener("click", send);
  wanted.addEventListener("change", () => keep("localStorage", "telaah-pintasan", wanted.checked ? "1" : "0"));

  // Whoever comes back to this page by the browser's own memory finds no values in it.
  addEventListener("pagehide", () => {
    pairs = [];
    part("answers").replaceChildren();
    rows.forEach(row => [1, 2].forEach(cell => row.cells[cell].replaceChildren()));
  });
  addEventListener("pageshow", event => { if (event.persisted) location.reload(); });

  (async () => {
    part("needs").hidden = true;
    tell(words.sealing);
    try {
      wanted.checked = localStorage.getItem("telaah-pintasan") !== "0";
      verdicts = JSON.parse(sessionStorage.getItem(store) || "{}");
    } catch { verdicts = {}; }
    try {
      ({ pairs } = await fetched());
      verdicts = Object.fromEntries(pairs.filter(({ pair }) => called[verdicts[pair]])
        .map(({ pair }) => [pair, verdicts[pair]]));
      const open = pairs.findIndex(pair => !verdicts[pair.pair]);
      at = open < 0 ? pairs.length : open;
      tell("");
      part("keys").hidden = false;
      draw();
    } catch (error) {
      tell(error instanceof Refused ? error.message : words.refused);
    }
  })();
})();
