// What was pressed and is not acknowledged yet: numbered, in order, and kept in the browser until the
// server has stored it. One of these serves a browser tab; a reload begins a new one, which takes over
// what the old one could not send.

const PREFIX = "ratify_review_unsent/";
const AT_ONCE = 100; // presses in one message
const RESEND_MS = 4000; // without an answer for this long, all is sent again
const KEPT_CARDS = 200; // rows that U can bring back without asking the server

const TAB = (globalThis.ratifyReviewTab ??= {
  client: Array.from(crypto.getRandomValues(new Uint8Array(8)), (x) => x.toString(16).padStart(2, "0")).join(""),
  numbers: {},
  nonce: 0,
  unsent: unsentOfOthers(),
  history: [],
  flying: null,
});

function stored(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "[]");
  } catch {
    return []; // no storage here, or what stands in it is not ours
  }
}

function unsentOfOthers() {
  let keys = [];
  try {
    keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
  } catch {
    return []; // no storage here
  }
  return keys.flatMap(stored).sort((one, other) => one.at - other.at || one.number - other.number);
}

function keepIn(client, presses) {
  try {
    if (presses.length) localStorage.setItem(PREFIX + client, JSON.stringify(presses));
    else localStorage.removeItem(PREFIX + client);
  } catch {
    // no storage, or it is full: what is unsent stays in this page
  }
}

// Numbers run by tab, kind of row and person, since what is sent at once is of one kind and person.
function push(press) {
  const client = `${TAB.client}/${press.kind}/${press.person}`;
  TAB.numbers[client] = (TAB.numbers[client] ?? 0) + 1;
  const numbered = { ...press, client, number: TAB.numbers[client], at: Date.now() };
  TAB.unsent.push(numbered);
  keepIn(client, TAB.unsent.filter((one) => one.client === client));
  return numbered;
}

function ours(press, view) {
  return press.kind === view.data.kind && press.person === view.data.person;
}

function unsentOf(view) {
  return TAB.unsent.filter((press) => ours(press, view));
}

// Forget what the server has, and remember the rows of it, so that U can show them at once.
function acknowledge(view) {
  const acks = view.data.acks ?? {};
  const has = (press) => press.number <= (acks[press.client] ?? 0);
  for (const press of unsentOf(view).filter(has)) {
    if (press.act !== "undo") TAB.history.push({ ...press, row: view.known.get(press.card) });
    const undone = press.act === "undo" ? TAB.history.findLastIndex((one) => ours(one, view)) : -1;
    if (undone >= 0) TAB.history.splice(undone, 1);
  }
  TAB.history = TAB.history.slice(-KEPT_CARDS);
  TAB.unsent = TAB.unsent.filter((press) => !has(press));
  for (const client of Object.keys(acks)) {
    const here = client in TAB.numbers ? TAB.unsent.filter((one) => one.client === client) : stored(PREFIX + client);
    keepIn(client, here.filter((one) => !has(one)));
  }
  if (TAB.flying && TAB.flying.nonce === view.data.echo) TAB.flying = null;
}

// Hand over everything that is unsent, one message at a time: a newer one would only stop the run that
// reads this one. `renew` sends even nothing, so that the leases are renewed.
function send(view, { renew = false } = {}) {
  const presses = unsentOf(view).slice(0, AT_ONCE);
  if (!presses.length && !renew) return;
  if (TAB.flying && performance.now() - TAB.flying.since < RESEND_MS) return;
  TAB.flying = { nonce: `${TAB.client}/${++TAB.nonce}`, since: performance.now() };
  view.setStateValue("presses", { nonce: TAB.flying.nonce, list: presses });
}

// The rows still to come, when what is unsent is counted as done: {rows, waiting, last, back}. `waiting`: an
// undo asks for a row that only the server knows. `last`: what was said last. `back`: what was taken back last.
function rowsToCome(view) {
  let rows = [...view.data.cards];
  const done = TAB.history.filter((one) => ours(one, view));
  let waiting = false;
  let back = null;
  for (const press of unsentOf(view)) {
    if (press.act !== "undo") {
      if (press.act === "say") rows = rows.filter((row) => row.id !== press.card);
      done.push({ ...press, row: view.known.get(press.card) });
      waiting = false;
    } else {
      back = done.pop();
      waiting = !back?.row;
      if (back?.row) rows = [back.row, ...rows.filter((row) => row.id !== back.row.id)];
    }
  }
  return { rows: waiting ? [] : rows, waiting, last: done.findLast((one) => one.act === "say"), back };
}
