// What pages do beyond HTML: times in the reader's zone, following the stream, charts, the theme. Everything works without
// it but what is live. It never makes HTML of what it did not get from this server as HTML.
"use strict";

const zoned = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const clockOnly = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

function localTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.dataset.local = "";
    time.title = time.textContent;
    const isToday = at.toDateString() === new Date().toDateString();
    time.textContent = (isToday ? clockOnly : zoned).format(at);
  }
}

// The list of messages: new rows at the top while the reader follows.
const ROWS_MAX = 200;

function follow(box) {
  const button = box.querySelector("button");
  const said = box.querySelector("[role=status]");
  const into = document.getElementById(box.dataset.into);
  let source = null;
  let leftOut = 0;
  const say = (text) => { said.textContent = text; };
  const stop = (why) => {
    if (source) source.close();
    source = null;
    button.setAttribute("aria-pressed", "false");
    say(why);
  };
  const add = (html) => {
    into.insertAdjacentHTML("afterbegin", html);
    const row = into.firstElementChild;
    row.classList.add("new");
    localTimes(row);
    while (into.children.length > ROWS_MAX) into.lastElementChild.remove();
    const empty = document.querySelector(".empty");
    if (empty) empty.remove();
  };
  const start = () => {
    leftOut = 0;
    button.setAttribute("aria-pressed", "true");
    say("Connecting …");
    source = new EventSource(box.dataset.follow);
    source.onopen = () => say("Following: new messages appear at the top.");
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) {
        stop("The stream ended. Sign in again, or see whether the server keeps events.");
      } else {
        say("Connecting again …");
      }
    };
    source.addEventListener("row", (event) => add(event.data));
    source.addEventListener("state", (event) => {
      const { id, html } = JSON.parse(event.data);
      const cell = document.getElementById("m-" + id)?.querySelector(".state");
      if (cell) cell.innerHTML = html;
    });
    source.addEventListener("left-out", (event) => {
      leftOut += Number(event.data);
      say(`Following a sample: messages come faster than anybody reads, ${leftOut} were not shown.`);
    });
    source.addEventListener("gap", () => say("Some messages came while this page was away; search to see them."));
  };
  button.addEventListener("click", () => { if (source) stop("Stopped."); else start(); });
  box.hidden = false;
}

// A part of a page that is asked for again when something happened, once a second at most.
let watched = null;

function refreshOn(part) {
  if (watched && watched.url === part.dataset.refreshOn) return;
  if (watched) watched.source.close();
  const source = new EventSource(part.dataset.refreshOn);
  let waits = false;
  const refresh = () => {
    if (waits) return;
    waits = true;
    setTimeout(() => {
      waits = false;
      const now = document.querySelector("[data-refresh-on]");
      if (now) htmx.trigger(now, "refresh");
    }, 700);
  };
  for (const kind of ["row", "state", "left-out"]) source.addEventListener(kind, refresh);
  watched = { url: part.dataset.refreshOn, source };
}

// A component goes up as it is, with its progress; the server's answer is HTML of its own.
function upload(form) {
  const file = form.querySelector("input[type=file]");
  const said = document.getElementById("uploaded");
  const fields = form.elements;
  file.addEventListener("change", () => {
    const known = (file.files[0]?.name || "").replace(/\.wasm$/, "").replace(/_/g, "-");
    if (known && !fields.name.value) fields.name.value = known;
  });
  for (const kind of ["dragover", "drop"]) {
    form.addEventListener(kind, (event) => {
      event.preventDefault();
      if (kind !== "drop" || !event.dataTransfer.files.length) return;
      file.files = event.dataTransfer.files;
      file.dispatchEvent(new Event("change"));
    });
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    const named = new URLSearchParams({ name: fields.name.value, version: fields.version.value });
    button.disabled = true;
    said.textContent = "Uploading, checking, compiling …";
    try {
      const headers = { "Content-Type": "application/wasm", "HX-Request": "true" };
      const answer = await fetch(`${form.dataset.upload}?${named}`, { method: "POST", headers, body: file.files[0] });
      if (answer.headers.has("hx-redirect")) location.assign(answer.headers.get("hx-redirect"));
      said.innerHTML = await answer.text();
    } catch {
      said.textContent = "The connection broke off; nothing was taken. Try again.";
    }
    button.disabled = false;
  });
}

// As the style sheet has it in the present theme: a canvas knows no variables.
function color(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function chart(box) {
  const series = JSON.parse(box.dataset.chart);
  const from = Date.parse(series.from) / 1000;
  const at = series.mo.map((_, step) => from + step * series.step_secs);
  const line = (label, name) => ({ label, stroke: color(name), width: 1.5, points: { show: false } });
  const axis = { stroke: color("--faint"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line") } };
  const hours = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const days = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
  const ticks = (_, all) => all.map((tick) => (series.step_secs > 3600 ? days : hours).format(new Date(tick * 1000)));
  const when = (_, tick) => (tick == null ? "–" : zoned.format(new Date(tick * 1000)));
  const size = () => ({ width: Math.max(box.clientWidth, 240), height: 220 });
  box.replaceChildren();
  const plot = new uPlot({
    ...size(),
    series: [{ label: "From", value: when }, line("MO", "--mo"), line("MT", "--mt"), line("Delivered", "--good"), line("Failed", "--bad"), line("Refused", "--busy")],
    axes: [{ ...axis, values: ticks }, { ...axis, size: 48, values: (_, all) => all.map((tick) => (Number.isInteger(tick) ? tick : "")) }],
    scales: { y: { range: (_, __, max) => [0, Math.max(max || 0, 4)] } },
  }, [at, series.mo, series.mt, series.delivered, series.failed, series.refused], box);
  new ResizeObserver(() => plot.setSize(size())).observe(box.parentElement);
}

// What a slider stands at.
function slider(input) {
  const said = input.parentElement.querySelector("output");
  const show = () => { said.value = `${input.value} %`; };
  input.addEventListener("input", show);
  show();
}

function theme() {
  const button = document.getElementById("theme");
  if (!button) return;
  const root = document.documentElement;
  const names = { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" };
  const show = () => { button.textContent = names[root.dataset.theme] || names.auto; };
  button.addEventListener("click", () => {
    const order = Object.keys(names);
    root.dataset.theme = order[(order.indexOf(root.dataset.theme) + 1) % order.length];
    document.cookie = `wasmsc_theme=${root.dataset.theme}; path=/console; max-age=31536000; samesite=strict`;
    show();
    document.querySelectorAll("[data-chart]").forEach(chart);
  });
  show();
  button.hidden = false;
}

// What is wider than its place can be moved with the keyboard, too.
function scrollers() {
  for (const box of document.querySelectorAll(".scroll, pre")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; else box.removeAttribute("tabindex");
  }
}

// On a narrow page a table's rows are set one below the other, each cell with the head of its column before it (console.css).
function labels() {
  for (const table of document.querySelectorAll(".scroll > table:not(.messages)")) {
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
    for (const row of table.querySelectorAll("tbody tr")) {
      if (row.cells.length !== heads.length) continue;
      [...row.cells].forEach((cell, column) => { if (cell.tagName === "TD") cell.dataset.label = heads[column]; });
    }
    table.classList.add("labelled");
  }
}

function begin(within) {
  localTimes(within);
  labels();
  scrollers();
  within.querySelectorAll("[data-follow]").forEach(follow);
  within.querySelectorAll("[data-chart]").forEach(chart);
  within.querySelectorAll("[data-upload]").forEach(upload);
  within.querySelectorAll("input[type=range]").forEach(slider);
  const part = document.querySelector("[data-refresh-on]");
  if (part) refreshOn(part);
}

theme();
begin(document);
document.addEventListener("htmx:afterSwap", () => { localTimes(document); labels(); scrollers(); });
window.addEventListener("resize", scrollers);
