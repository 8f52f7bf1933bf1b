// How a row looks. What a model or a person wrote reaches the page as textContent, never as markup.

function el(tag, name = "", text = null, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== null) made.textContent = text;
  made.append(...children);
  return made;
}

function faceOf(row, data) {
  const face = el("div", "face");
  if (data.question) face.append(el("p", "question", data.question));
  for (const badge of row.badges ?? []) face.append(el("span", "badge", badge));
  face.append(turnsOf(row.turns));
  const boxes = el("div", row.boxes.length > 1 ? "boxes two" : "boxes");
  boxes.append(...row.boxes.map(boxOf));
  face.append(boxes);
  if (row.note) face.append(el("p", "quiet", row.note));
  for (const fact of row.facts ?? []) face.append(factOf(fact));
  return face;
}

function turnsOf(turns) {
  const list = el("div", "turns");
  list.tabIndex = 0;
  list.ariaLabel = "The conversation";
  for (const turn of turns) list.append(el("div", `turn ${turn.role}`, null, el("span", "who", turn.role), el("div", "text", turn.text)));
  return list;
}

function boxOf(box, place) {
  const text = el("div", "text");
  text.tabIndex = 0;
  text.ariaLabel = box.title;
  if (box.parts.some((part) => part.text.trim())) text.append(...box.parts.map((part, at) => partOf(part, at)));
  else text.append(el("span", "quiet", "It is empty."));
  const made = el("div", "box", null, el("h4", "", box.title), text);
  if (box.note) made.append(el("p", "quiet", box.note));
  made.dataset.box = String(place);
  return made;
}

// A stretch that both have and that is long is shown by its ends; a click unfolds it in all boxes.
function partOf(part) {
  if (part.kind === "own") return el("mark", "", part.text);
  if (part.kind !== "fold") return document.createTextNode(part.text);
  const button = el("button", "fold", `… ${part.words} same words …`);
  button.type = "button";
  button.title = "Show them";
  button.dataset.fold = String(part.number);
  button.onclick = () => {
    const face = button.closest(".face");
    for (const one of face.querySelectorAll(`[data-fold="${part.number}"]`)) one.replaceWith(one.ratifyText);
  };
  button.ratifyText = part.text;
  return button;
}

function factOf(fact) {
  const made = el("div", "fact", null, el("h4", "", fact.title));
  if (fact.rows?.length) {
    const table = el("table");
    for (const [name, value] of fact.rows) table.append(el("tr", "", null, el("th", "", name), el("td", "", value)));
    made.append(table);
  }
  for (const [name, p] of fact.bars ?? []) made.append(barOf(name, p));
  if (fact.text) made.append(el("div", "text", fact.text));
  return made;
}

function barOf(name, p) {
  const fill = el("span", "fill");
  fill.style.width = `${Math.round(100 * p)}%`;
  return el("div", "vote", null, el("span", "name", name), el("span", "track", null, fill), el("span", "p", p.toFixed(2)));
}

function sideOf(side) {
  const made = el("aside", "side");
  if (!side) return made;
  made.append(el("h4", "", side.title));
  for (const rule of side.rules) made.append(el("div", "rule", null, el("span", "key", rule.key), el("div", "text", rule.text)));
  if (side.empty) made.append(el("p", "quiet", side.empty));
  if (side.guidelines) made.append(el("h4", "", "Guidelines"), el("div", "text guidelines", side.guidelines));
  return made;
}

function buttonOf(button, press) {
  const made = el("button", `key ${button.tone ?? ""}`, null, el("span", "", button.words), el("kbd", "", button.key.toUpperCase()));
  made.type = "button";
  made.dataset.act = button.act;
  made.dataset.says = button.says ?? "";
  made.title = button.help ?? "";
  made.onclick = (event) => press(button, { clear: event.shiftKey, at: event.timeStamp });
  return made;
}

function reasonOf(reason, at, toggle) {
  const made = el("button", "reason", null, el("kbd", "", String(at + 1)), el("span", "", reason));
  made.type = "button";
  made.ariaPressed = "false";
  made.dataset.reason = reason;
  made.onclick = () => toggle(reason);
  return made;
}

function helpOf(data) {
  const table = el("table");
  for (const button of data.buttons) {
    const keys = button.clear ? `${button.key.toUpperCase()}, with shift: clearly` : button.key.toUpperCase();
    table.append(el("tr", "", null, el("th", "", keys), el("td", "", button.help || button.words)));
  }
  if (data.reasons.length) table.append(el("tr", "", null, el("th", "", `1 to ${data.reasons.length}`), el("td", "", "A reason, before the verdict; the same key takes it off")));
  const made = el("div", "", null, table);
  made.append(el("p", "quiet", "A key counts for what is on the screen when it is pressed. Held keys and keys in a text field judge nothing. What could not be sent yet is kept in this browser and sent later."));
  return made;
}
