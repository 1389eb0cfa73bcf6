// All calls, the running ones first.

import { calls, follow } from "./api.js";
import { make } from "./dom.js";
import { RATE, clock, millis } from "./time.js";
import { ending } from "./wording.js";

const GATHER_MS = 400; // several facts of one moment cost one request
const COLUMNS = ["Call", "Length", "Far end", "Engine", "Ended", "Response gap"];

/** Mounts the list on `root`; `failed(error)` is told what kept it from being shown. */
export function listView(root, { failed }) {
  const body = make("tbody", { role: "rowgroup" });
  const more = make("button", { type: "button", class: "plain", hidden: true }, "Older calls");
  const note = make("p", { class: "empty", role: "status" }, "Fetching the calls…");
  const heads = COLUMNS.map((name) => make("th", { scope: "col", role: "columnheader" }, name));
  // The roles are the elements' own, which lose them when narrow screens show them as blocks.
  const head = make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...heads));
  const table = make("table", { role: "table", class: "calls", hidden: true }, head, body);
  root.append(make("h1", { tabindex: "-1" }, "Calls"), note, table, more);
  let older = []; // pages fetched by hand, which do not change
  let next = null;
  let timer = null;

  const draw = (all) => {
    const live = all.filter((call) => call.live);
    const rows = [...live, ...all.filter((call) => !call.live)].map(row);
    const focus = document.activeElement?.getAttribute("href");
    body.replaceChildren(...rows);
    if (focus?.startsWith("#/calls/")) body.querySelector(`a[href="${CSS.escape(focus)}"]`)?.focus();
    table.hidden = rows.length === 0;
    more.hidden = !next;
    note.hidden = rows.length > 0;
    note.textContent = "No calls yet. Make one on the page “Call”, or from a telephone.";
  };
  const refresh = async () => {
    try {
      const page = await calls();
      if (!older.length) next = page.next;
      const known = new Set(page.calls.map((call) => call.call_id));
      draw([...page.calls, ...older.filter((call) => !known.has(call.call_id))]);
    } catch (error) {
      note.hidden = false;
      note.textContent = error.message;
      failed(error);
    }
  };
  more.onclick = async () => {
    try {
      const page = await calls(next);
      older = [...older, ...page.calls];
      next = page.next;
      await refresh();
    } catch (error) {
      failed(error);
    }
  };
  const soon = () => (timer ??= setTimeout(() => {
    timer = null;
    refresh();
  }, GATHER_MS));
  const take = (fact) => {
    if (["offer", "answer", "outcome"].includes(fact.type)) soon();
  };
  const stop = follow({ take, again: soon });
  const ticking = setInterval(() => age(body), 1000);
  refresh();
  return () => {
    stop();
    clearTimeout(timer);
    clearInterval(ticking);
  };
}

// The label of each cell is for narrow screens, where the head of the table is not shown.
function row(call) {
  const href = `#/calls/${encodeURIComponent(call.call_id)}`;
  const gap = call.turn_taking?.response_gap_ms?.p50;
  const length = call.live
    ? make("span", { class: "age", "data-since": call.started ?? "" }, "")
    : clock(call.duration ?? 0);
  const fault = call.live || call.outcome?.fault === "none" ? "" : "fault";
  const cells = [
    make("a", { href }, when(call)),
    length,
    farEnd(call),
    `${call.engine ?? ""}, ${call.persona ?? ""}`,
    call.live ? make("span", { class: "live" }, "Live") : make("span", { class: fault }, ending(call.outcome)),
    millis(gap),
  ];
  const shown = cells.map((cell, index) => (index
    ? make("td", { role: "cell", "data-label": COLUMNS[index] }, cell)
    : make("th", { role: "rowheader", scope: "row" }, cell)));
  const line = make("tr", { role: "row" }, ...shown);
  age(line);
  return line;
}

function when(call) {
  if (!call.started) return call.call_id;
  return new Date(call.started).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

function farEnd(call) {
  const named = call.facts?.caller ?? call.facts?.source;
  const kind = { webrtc: "Browser", sip: "Telephone", replay: "Recording" }[call.leg] ?? call.leg ?? "";
  return named ? `${kind}, ${named}` : kind;
}

function age(within) {
  for (const element of within.querySelectorAll("[data-since]")) {
    const since = Date.parse(element.dataset.since);
    if (since) element.textContent = clock(((Date.now() - since) / 1000) * RATE);
  }
}
