// Keeps the part of a page that is marked data-live up to date: asks its address again every few seconds while the page
// is seen, and loads the page anew once there is nothing more to tell, but not under the hands of who is just leaving it:
// a link that was pressed goes first. Without this script the link "Perbarui" does the same.
(() => {
  "use strict";

  const EVERY = 3000;  // milliseconds
  const LONGEST = 30000;  // between two tries while nobody answers

  const live = document.querySelector("[data-live]");
  if (!live || !window.fetch) return;
  let pause = EVERY;
  let left = -Infinity;  // when somebody last went elsewhere from here (or saved a file, and stays)
  const leaving = () => { left = performance.now(); };
  addEventListener("beforeunload", leaving);
  addEventListener("submit", leaving);  // some telephones tell of these two alone
  addEventListener("click", event => { if (event.target.closest("a[href]")) leaving(); });

  const look = async () => {
    if (document.hidden) return wait();
    try {
      const answer = await fetch(live.dataset.live, { credentials: "same-origin", redirect: "error" });
      if (answer.status === 204) return anew();
      if (!answer.ok) return;  // logged out, or no longer ours to see: the link will say so
      const told = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!told.querySelector("[data-live]")) return anew();
      for (const part of live.querySelectorAll("[data-part]")) {
        const fresh = told.querySelector(`[data-part="${part.dataset.part}"]`);
        if (fresh && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
      }
      pause = EVERY;
    } catch {
      pause = Math.min(2 * pause, LONGEST);
    }
    wait();
  };

  const anew = () => performance.now() - left < LONGEST ? wait() : location.reload();
  const wait = () => setTimeout(look, pause);
  wait();
})();
