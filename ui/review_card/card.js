// The card itself: which row is on the screen, which keys count, and the small windows over it.

const RENEW_MS = 300000; // leases are renewed this often while the page is in sight
const TICK_MS = 1000;
const INPUTS = "textarea, select, input:not([type=checkbox]):not([type=radio]):not([type=button])";
const OVER = '[data-testid="stDialog"], [data-testid="stPopoverBody"], [role="listbox"]';

export default function (component) {
  const root = component.parentElement.querySelector(".card");
  const view = (root.ratifyView ??= begin(root));
  const turn = (view.turn = (view.turn ?? 0) + 1);
  view.data = component.data;
  view.setStateValue = component.setStateValue;
  acknowledge(view);
  for (const row of view.data.cards) view.known.set(row.id, row);
  if (view.queue !== view.data.queue) arrive(view);
  if (view.data.told && view.echo !== view.data.echo) tellPerson(view, view.data.told, true);
  view.echo = view.data.echo;
  draw(view);
  send(view);
  // Streamlit also ends a call that a newer one overtook; the card lives on then.
  return () => turn === view.turn && end(view);
}

function begin(root) {
  const view = { root, known: new Map(), row: null, shownAt: Infinity, reasons: new Set(), note: "", over: "", queue: null, pressedAt: null };
  view.onKey = (event) => onKey(view, event);
  window.addEventListener("keydown", view.onKey, true);
  view.renewed = performance.now();
  view.timer = setInterval(() => tick(view), TICK_MS);
  return view;
}

function end(view) {
  window.removeEventListener("keydown", view.onKey, true);
  clearInterval(view.timer);
  TAB.flying = null;
  delete view.root.ratifyView;
}

function tick(view) {
  const renew = !document.hidden && performance.now() - view.renewed > RENEW_MS;
  if (renew) view.renewed = performance.now();
  send(view, { renew });
  showUnsent(view);
}

// Another queue was chosen: the box it was chosen in keeps the focus, and would swallow the keys.
function arrive(view) {
  view.queue = view.data.queue;
  const box = document.activeElement;
  if (box?.closest?.('[data-testid="stSelectbox"]') && box.ariaExpanded !== "true") box.blur();
}

// -- keys

function onKey(view, event) {
  if (view.over) return keyOver(view, event);
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !view.root.isConnected) return;
  const target = event.composedPath()[0];
  if (target.isContentEditable || target.matches?.(INPUTS) || document.querySelector(OVER)) return;
  const reason = /^[1-9]$/.test(event.key) ? view.data.reasons[event.key - 1] : undefined;
  const button = view.data.buttons.find((one) => one.key === event.key.toLowerCase());
  if (!button && !reason) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (event.repeat) return;
  if (reason) toggle(view, reason);
  else press(view, button, { clear: event.shiftKey, at: event.timeStamp });
}

// A window is open: its keys are its own, and none of them judges.
function keyOver(view, event) {
  if (!event.composedPath().includes(view.root)) return;
  event.stopImmediatePropagation();
  if (event.isComposing) return;
  if (event.key === "Escape" || (view.over === "help" && event.key === "?")) {
    event.preventDefault();
    close(view);
  }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) view.root.querySelector(".over .save")?.click();
}

function press(view, button, { clear, at }) {
  if (button.act === "help") return open(view, "help", button);
  if (button.act === "undo") return give(view, { act: "undo", card: "", says: "" });
  if (!view.row) return refuse(view, view.waiting ? "Not counted: the next one is on its way." : "Not counted: nothing is on the screen.");
  if (at < view.shownAt) return refuse(view, "Not counted: the screen had just changed.");
  if (button.act === "say") return give(view, { act: "say", card: view.row.id, says: button.says, clear: Boolean(clear && button.clear) }, at);
  return open(view, button.act, button);
}

function give(view, press, at = performance.now()) {
  const said = push({
    kind: view.data.kind,
    person: view.data.person,
    shown: view.row?.shown ?? "",
    clear: false,
    reasons: press.act === "say" ? [...view.reasons] : [],
    note: press.act === "say" ? view.note : "",
    text: "",
    ms: view.row ? Math.max(0, Math.round(at - view.shownAt)) : 0,
    ...press,
  });
  tell(view, "ratify-press", { ...said, key: at });
  tellPerson(view, said.act === "undo" ? "Taken back." : said.act === "edit" ? "Your answer is kept." : "", false);
  view.pressedAt = at;
  draw(view);
  send(view);
}

function refuse(view, why) {
  tellPerson(view, why, true);
  tell(view, "ratify-refused", { why });
}

function toggle(view, reason) {
  if (!view.row) return refuse(view, "Not counted: nothing is on the screen.");
  if (!view.reasons.delete(reason)) view.reasons.add(reason);
  showMarks(view);
}

function tell(view, name, detail) {
  view.root.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
}

function tellPerson(view, words, refused) {
  const place = view.root.querySelector(".told");
  place.textContent = words;
  place.classList.toggle("refused", refused);
}

// -- the screen

function draw(view) {
  const { rows, waiting, last, back } = rowsToCome(view);
  const row = rows[0] ?? null;
  view.waiting = waiting ? "Taking it back …" : !row && unsentOf(view).length ? "The next ones are on their way …" : "";
  const face = JSON.stringify([row, view.data.question, view.waiting]);
  if (face !== view.face) show(view, row, face, back);
  showFrame(view, last);
}

function show(view, row, face, back) {
  const same = row && view.row && row.id === view.row.id;
  view.face = face;
  view.row = row;
  view.root.dataset.row = row?.id ?? "";
  view.root.dataset.shown = row?.shown ?? "";
  const place = view.root.querySelector(".row");
  if (row) {
    place.replaceChildren(faceOf(row, view.data));
    const turns = place.querySelector(".turns");
    turns.scrollTop = turns.scrollHeight;
  } else {
    const { title, says } = view.waiting ? { title: view.waiting, says: "" } : view.data.nothing;
    place.replaceChildren(el("p", "question", title), el("p", "quiet", says));
  }
  if (same) return;
  const again = row && back?.card === row.id ? back : null; // its reasons and note come back with it
  view.reasons = new Set(again?.reasons);
  view.note = again?.note ?? "";
  view.shownAt = Infinity;
  if (view.over && view.over !== "help") close(view);
  whenPainted(() => {
    if (view.face !== face) return;
    view.shownAt = performance.now();
    view.root.dataset.painted = row?.id ?? "";
    tell(view, "ratify-painted", { row: row?.id ?? "", at: view.shownAt, since: view.pressedAt });
    if (row) view.pressedAt = null;
  });
}

function whenPainted(then) {
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = then;
    port2.postMessage(null);
  });
}

function showFrame(view, last) {
  const { data, root } = view;
  const frame = JSON.stringify([data.buttons, data.reasons, data.side]);
  if (frame !== view.frame) {
    view.frame = frame;
    root.querySelector(".keys").replaceChildren(...data.buttons.map((one) => buttonOf(one, (button, how) => press(view, button, how))));
    root.querySelector(".reasons").replaceChildren(...data.reasons.slice(0, 9).map((one, at) => reasonOf(one, at, (reason) => toggle(view, reason))));
    root.querySelector(".beside").replaceChildren(sideOf(data.side));
  }
  showMarks(view);
  showBefore(view, last);
  showUnsent(view);
}

function showMarks(view) {
  for (const one of view.root.querySelectorAll(".reason")) one.ariaPressed = String(view.reasons.has(one.dataset.reason));
  for (const one of view.root.querySelectorAll(".key")) one.disabled = !view.row && !["undo", "help"].includes(one.dataset.act);
  view.root.querySelector(".noted").textContent = view.note ? `Note: ${view.note}` : "";
}

// What was said of the row before; what a judge said of it comes when the server has the verdict.
function showBefore(view, last) {
  const { before } = view.data;
  const place = view.root.querySelector(".before");
  const id = last?.card ?? before?.card;
  if (!id) return place.replaceChildren();
  const words = last ? wordsOf(view, last) : before.you;
  const judge = before?.card === id && !TAB.unsent.some((one) => one.card === id && ours(one, view)) ? before.judge : "";
  place.replaceChildren(el("span", "", `${view.data.beforeTitle ?? "Before"}: ${words}`), el("span", "judge", judge));
}

function wordsOf(view, said) {
  const button = view.data.buttons.find((one) => one.act === "say" && one.says === said.says);
  return `you said “${button?.words ?? said.says}”${said.clear ? ", clearly" : ""}`;
}

function showUnsent(view) {
  const n = unsentOf(view).length;
  view.root.dataset.unsent = String(n);
  const late = TAB.flying && performance.now() - TAB.flying.since > RESEND_MS / 2;
  view.root.querySelector(".unsent").textContent = n && (n > 3 || late) ? `${n} not stored yet; kept in this browser` : "";
}

// -- the windows over the card: help, note, edit

function open(view, over, button) {
  view.over = over;
  const place = view.root.querySelector(".over");
  const inside = over === "help" ? helpOf(view.data) : fieldOf(view, over, button);
  const shut = el("button", "key", "Close");
  shut.type = "button";
  shut.onclick = () => close(view);
  const title = over === "help" ? "Keys" : button.help || button.words;
  place.replaceChildren(el("div", "window", null, el("h4", "", title), inside, shut));
  place.hidden = false;
  (place.querySelector("textarea") ?? shut).focus();
}

function close(view) {
  view.over = "";
  view.root.querySelector(".over").hidden = true;
  view.root.focus({ preventScroll: true });
}

function fieldOf(view, over, button) {
  const { row } = view;
  const box = el("textarea");
  box.value = over === "note" ? view.note : "";
  box.rows = over === "note" ? 3 : 8;
  box.ariaLabel = button.help || button.words;
  const save = el("button", "key primary save", null, el("span", "", "Save"), el("kbd", "", "Ctrl Enter"));
  save.type = "button";
  save.onclick = () => saved(view, over, box.value, row);
  const starts = el("div", "starts");
  for (const [words, text] of over === "edit" ? row.starts ?? [] : []) {
    const start = el("button", "key", words);
    start.type = "button";
    start.onclick = () => {
      box.value = text;
      box.focus();
    };
    starts.append(start);
  }
  return el("div", "", null, starts, box, save);
}

function saved(view, over, text, row) {
  if (over === "note") view.note = text.trim();
  close(view);
  if (over === "note") return showMarks(view);
  if (!text.trim()) return refuse(view, "Not kept: there is no text.");
  const button = view.data.buttons.find((one) => one.act === over);
  give(view, { act: button.decides ? "say" : "edit", says: button.says ?? "", card: row.id, shown: row.shown ?? "", text });
}
