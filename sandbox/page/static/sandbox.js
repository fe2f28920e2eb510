// Redraws the page as the server draws it now, and leaves alone whoever reads or types there.
// Without this script every link and button still works: the page is then reloaded.
"use strict";

const EVERY_MS = 1000;
const PATIENCE_MS = 60000; // an answer that never comes must not end the redrawing
const begun = new WeakSet(); // forms somebody has begun to fill in
let etag = "";
let drawn = 0;
let going = Promise.resolve(); // to another place of the page, or as another person

function morph(html) {
  const next = new DOMParser().parseFromString(html, "text/html");
  Idiomorph.morph(document.body, next.body, {
    morphStyle: "innerHTML",
    // What is being typed stays. Whatever else has the focus, a button or a column that scrolls,
    // is redrawn like all.
    ignoreActiveValue: document.activeElement?.matches("input, select, textarea") ?? false,
    callbacks: {
      beforeNodeMorphed: (node) => !begun.has(node),
      // What is folded out stays so, and what is under way stays marked.
      beforeAttributeUpdated: (name, node) =>
        !(name === "aria-busy" || (name === "open" && node.tagName === "DETAILS")),
    },
  });
  showModal();
  drawn += 1;
}

// An open <dialog> becomes a modal one, which keeps the focus inside and closes by Escape.
function showModal() {
  const dialog = document.querySelector("dialog[data-modal]");
  if (!dialog || dialog.matches(":modal")) return;
  dialog.close();
  dialog.showModal();
  dialog.querySelector("textarea, select, input:not([type=hidden])")?.focus();
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    dialog.querySelector("form[id^=close]").requestSubmit();
  });
}

async function refresh() {
  const before = drawn;
  const response = await fetch(location.pathname + location.search, {
    cache: "no-cache",
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!response.ok) throw new Error("nothing to show"); // what is seen is old
  const version = response.headers.get("ETag");
  if (version === etag) return;
  const html = await response.text();
  if (drawn !== before) return; // somebody acted meanwhile, and saw what came of it
  morph(html);
  etag = version;
}

function away(is) {
  document.body.classList.toggle("away", is);
}

function go(url) {
  going = look(url).catch(() => away(true)); // the next redraw is of there
}

async function look(url) {
  const target = new URL(url, location.href);
  if (target.search !== location.search) {
    history.pushState(null, "", target.search);
    drawn += 1;
    await refresh();
  }
  const place = target.hash && document.getElementById(target.hash.slice(1));
  if (!place) return;
  if (place.tagName === "DETAILS") place.open = true;
  place.scrollIntoView({ block: "start" });
  place.classList.add("found");
  setTimeout(() => place.classList.remove("found"), 2000);
}

async function send(form, button) {
  const body = new FormData(form, button);
  form.setAttribute("aria-busy", "true");
  try {
    await going; // the form then says who acts
    if (!form.isConnected) return;
    const here = location.search;
    const response = await fetch(form.getAttribute("action"), { method: "POST", body });
    const html = await response.text();
    if (!response.ok) throw new Error("it was not done");
    begun.delete(form);
    form.querySelectorAll("input[type=file]").forEach((input) => (input.value = ""));
    if (location.search !== here) return; // they look elsewhere by now, and stay there
    const target = new URL(response.url);
    if (target.search !== here) history.pushState(null, "", target.search);
    morph(html);
    etag = response.headers.get("ETag");
  } finally {
    form.removeAttribute("aria-busy");
  }
}

document.addEventListener("input", (event) => {
  if (event.target.form?.method === "post") begun.add(event.target.form);
});

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form && "go" in form.dataset) go("/?" + new URLSearchParams(new FormData(form)));
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/?']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(link.href);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  if (form.getAttribute("aria-busy")) return;
  document.querySelectorAll(".confirm:popover-open").forEach((sheet) => sheet.hidePopover());
  send(form, event.submitter).catch(() => away(true));
});

window.addEventListener("popstate", () => {
  drawn += 1; // what was asked for before is of another place
  refresh().catch(() => away(true));
});
showModal();

(async () => {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    if (document.hidden) continue;
    try {
      await refresh();
      away(false);
    } catch {
      away(true); // the sandbox was stopped, or the emulator ended
    }
  }
})();
