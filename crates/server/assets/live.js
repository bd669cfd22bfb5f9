// Keeps an open page current. Everything that it shows was rendered by the server: rows arrive as they
// stand in the list, and the other parts marked data-live are taken from a fresh copy of the same page.

const connection = document.getElementById("connection");
const list = document.getElementById("monitors");
const summary = document.getElementById("summary");
const isFiltered = list?.hasAttribute("data-filtered");
const monitor = document.getElementById("main")?.dataset.monitor;
const parts = () => document.querySelectorAll("[data-live]");

let refreshing = false;
let again = false;

// Puts the fresh content of a part in place, and leaves alone what is the same: an opened table stays open.
function renew(part, fresh) {
  part.className = fresh.className;
  if (part.innerHTML === fresh.innerHTML) return;
  const open = [...part.querySelectorAll("details")].map((details) => details.open);
  part.innerHTML = fresh.innerHTML;
  part.querySelectorAll("details").forEach((details, index) => { details.open = open[index] ?? details.open; });
}

async function refresh() {
  if (refreshing) { again = true; return; }
  refreshing = true;
  try {
    const answer = { headers: { accept: "text/html" }, signal: AbortSignal.timeout(15000) };
    const response = await fetch(location.href, answer);
    if (response.redirected) { location.reload(); return; }
    if (response.status === 404) { location.assign("/"); return; }
    if (response.ok) {
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const part of parts()) {
        const fresh = page.getElementById(part.id);
        if (fresh) renew(part, fresh);
      }
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
  if (ranks !== 0) return ranks < 0;
  return one.dataset.sort === other.dataset.sort ? one.id < other.id : one.dataset.sort < other.dataset.sort;
}

function place(row) {
  const next = [...list.children].find((other) => other !== row && isBefore(row, other));
  if (next ? row.nextElementSibling !== next : list.lastElementChild !== row) list.insertBefore(row, next ?? null);
}

function update({ id, html }) {
  const present = document.getElementById(id);
  if (!present && list.children.length === 0) { location.reload(); return; }
  const holder = document.createElement("template");
  holder.innerHTML = html.trim();
  const row = holder.content.firstElementChild;
  if (!row) return;
  // Where not all rows are shown, what would stand behind the last one stays hidden, and another makes room.
  const isPartial = list.hasAttribute("data-partial");
  if (!present && isPartial && !isBefore(row, list.lastElementChild)) return;
  if (present) {
    const focused = present.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    present.replaceWith(row);
    if (focused) [...row.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  }
  place(row);
  if (!present && isPartial) list.lastElementChild.remove();
}

let source;

function listen() {
  source?.close();
  source = new EventSource("/live");
  // What changed before the stream stood is in a fresh copy.
  source.addEventListener("open", () => {
    connection.hidden = true;
    refresh();
  });
  source.addEventListener("error", () => {
    connection.hidden = false;
    // After some answers, a restart behind a proxy for instance, a browser gives up for good.
    if (source.readyState === EventSource.CLOSED) {
      setTimeout(listen, 5000);
      refresh();
    }
  });
  source.addEventListener("resync", refresh);
  source.addEventListener("summary", (event) => {
    // A filtered page has choices of its own in it.
    if (summary && !isFiltered) summary.innerHTML = JSON.parse(event.data).html;
  });
  source.addEventListener("monitor", (event) => {
    const change = JSON.parse(event.data);
    if (monitor) { if (monitor === change.id) refresh(); return; }
    if (list && (!isFiltered || document.getElementById(change.id))) update(change);
    // Which monitors a filter takes is for the server to say.
    if (change.changed && (!list || isFiltered)) refresh();
  });
  source.addEventListener("gone", (event) => {
    const { id } = JSON.parse(event.data);
    if (monitor === id) location.assign("/");
    document.getElementById(id)?.remove();
  });
}

addEventListener("pagehide", () => source?.close());
// A page that comes out of the browser's memory is as old as it was.
addEventListener("pageshow", (event) => { if (event.persisted && source) listen(); });

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
