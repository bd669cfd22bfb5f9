// Keeps an open page current. Everything that it shows was rendered by the server: rows arrive as they
// stand in the list, and the other parts marked data-live are taken from a fresh copy of the same page.

const connection = document.getElementById("connection");
const list = document.getElementById("monitors");
const summary = document.querySelector("#summary[data-live]");
const monitor = document.getElementById("main")?.dataset.monitor;
const parts = () => document.querySelectorAll("[data-live]");

let refreshing = false;
let again = false;

async function refresh() {
  if (refreshing) { again = true; return; }
  refreshing = true;
  try {
    const response = await fetch(location.href, { headers: { accept: "text/html" } });
    if (response.redirected) { location.reload(); return; }
    if (response.status === 404) { location.assign("/"); return; }
    if (response.ok) {
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const part of parts()) {
        const fresh = page.getElementById(part.id);
        if (fresh) part.innerHTML = fresh.innerHTML, part.className = fresh.className;
      }
      const rows = page.getElementById("monitors");
      if (list && rows) list.innerHTML = rows.innerHTML;
    }
  } catch {
    // The stream tells when the server is back; then this is done again.
  } finally {
    setTimeout(() => {
      refreshing = false;
      if (again) { again = false; refresh(); }
    }, 1000);
  }
}

// Rows stand worst first, then by name, as on the server.
function isBefore(one, other) {
  const ranks = Number(one.dataset.rank) - Number(other.dataset.rank);
  return ranks !== 0 ? ranks < 0 : one.dataset.sort < other.dataset.sort;
}

function place(row) {
  const next = [...list.children].find((other) => other !== row && isBefore(row, other));
  if (next ? row.nextElementSibling !== next : list.lastElementChild !== row) list.insertBefore(row, next ?? null);
}

function update({ id, html }) {
  const present = document.getElementById(id);
  // A filtered list keeps to what was asked for.
  if (!present && list.hasAttribute("data-filtered")) return;
  if (!present && list.children.length === 0) { location.reload(); return; }
  const holder = document.createElement("template");
  holder.innerHTML = html.trim();
  const row = holder.content.firstElementChild;
  if (!row) return;
  if (present) {
    const focused = present.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    present.replaceWith(row);
    if (focused) [...row.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  }
  place(row);
}

function listen() {
  const source = new EventSource("/live");
  let lost = false;
  source.addEventListener("open", () => {
    connection.hidden = true;
    if (lost) refresh();
    lost = false;
  });
  source.addEventListener("error", () => {
    lost = true;
    connection.hidden = false;
  });
  source.addEventListener("resync", refresh);
  source.addEventListener("summary", (event) => {
    if (summary) summary.innerHTML = JSON.parse(event.data).html;
  });
  source.addEventListener("monitor", (event) => {
    const change = JSON.parse(event.data);
    if (list) update(change);
    else if (monitor ? monitor === change.id : change.changed) refresh();
  });
  source.addEventListener("gone", (event) => {
    const { id } = JSON.parse(event.data);
    if (monitor === id) location.assign("/");
    document.getElementById(id)?.remove();
  });
  addEventListener("pagehide", () => source.close());
}

// Relative times grow older while a page stays open.
function words(seconds) {
  if (seconds < 1) return "";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

function age() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const passed = words(Math.floor((Date.now() - at.getTime()) / 1000));
    const text = time.dataset.form === "length" ? passed : passed ? `${passed} ago` : "just now";
    if (text && time.textContent !== text) time.textContent = text;
    if (!time.dataset.local) {
      time.dataset.local = "yes";
      time.title = `${at.toLocaleString()} (${time.title})`;
    }
  }
}

// "/" goes to the search, as in other lists.
addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select");
  const search = document.getElementById("q");
  if (event.key === "/" && !typing && search) {
    event.preventDefault();
    search.focus();
  }
});

if (list || document.querySelector("[data-live]")) {
  listen();
  setInterval(age, 1000);
}
age();
