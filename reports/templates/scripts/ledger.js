// The ledger as a table: filters, order, pages, and the request that is looked at.

const PAGE = 25;
const ORDERS = [
  one => one.id, one => one.arm, one => one.faults.join(), one => one.tries.length, one => one.served_by, one => one.saw,
  one => one.finished, one => one.spent ?? -1, one => one.wasted ?? -1,
];
const COLUMNS = ORDERS.length, FIRST_NUMBER = 6;
const form = document.getElementById("ledger-filters"), pages = document.getElementById("ledger-pages");
const body = document.getElementById("ledger-rows"), count = document.getElementById("ledger-count");
const table = body.closest("table"), region = table.closest(".scroll");
const [previous, next] = pages.querySelectorAll("button");
const rowOf = new Map();
let shown = [], page = 0, order = null, open = null;

function row(one) {
  const button = element("button", { type: "button", class: "request", "aria-expanded": String(one === open) }, one.id);
  button.addEventListener("click", () => choose(one));
  button.addEventListener("keydown", walk);
  rowOf.set(one, button);
  const cells = [
    [arm(one)], [[one.faults.join(", ") || "none"]], [[one.tries.length ? String(one.tries.length) : "–"], "n"],
    [[one.served_by]], [[one.saw], one.fine ? "" : "worse"], [[seconds(one.finished)], "n"], [[whole(one.spent)], "n"],
    [[whole(one.wasted)], "n"],
  ];
  const made = element("tr", {}, element("th", { scope: "row" }, button));
  for (const [words, kind] of cells) made.append(element("td", kind ? { class: kind } : {}, ...words));
  return made;
}

function choose(one) {
  open = one === open ? null : one;
  show();
  rowOf.get(one).focus({ preventScroll: true });
}

// Up and down lead from one request to the next, beside the Tab key.
function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const all = [...body.querySelectorAll("button.request")];
  const to = all[all.indexOf(event.target) + step];
  if (to) { event.preventDefault(); to.focus(); }
}

function show() {
  const from = page * PAGE, listed = shown.slice(from, from + PAGE);
  rowOf.clear();
  const below = one => one === open ? [detail(one, region.clientWidth, COLUMNS)] : [];
  body.replaceChildren(...listed.flatMap(one => [row(one), ...below(one)]));
  previous.disabled = page === 0;
  next.disabled = from + PAGE >= shown.length;
  const which = shown.length > PAGE ? `, ${from + 1} to ${from + listed.length} shown` : "";
  count.textContent = shown.length ? `${counted(shown.length, "request")} found${which}.` : "No request is like that.";
}

function filter() {
  const asked = Object.fromEntries(new FormData(form)), id = asked.id.trim().toLowerCase();
  shown = requests.filter(one => (asked.of === "all" || one.listed === asked.of)
    && (!asked.arm || one.arm === asked.arm) && (!asked.fault || one.faults.includes(asked.fault))
    && (!asked.mechanism || one.mechanisms.includes(asked.mechanism)) && (!asked.saw || one.saw === asked.saw)
    && one.id.toLowerCase().includes(id));
  sort();
}

function sort() {
  if (order) {
    const of = ORDERS[order.column], sign = order.falling ? -1 : 1;
    shown.sort((one, other) => sign * (of(one) < of(other) ? -1 : of(one) > of(other) ? 1 : 0));
  }
  page = 0;
  show();
}

// A button that has nothing left to turn hands the focus on.
function turn(button, by, other) {
  button.addEventListener("click", () => { page += by; show(); if (button.disabled) other.focus(); });
}

function sortable(head, column) {
  const button = element("button", { type: "button", class: "order" }, ...head.childNodes);
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    order = { column, falling: order?.column === column ? !order.falling : column >= FIRST_NUMBER };
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order.falling ? "descending" : "ascending");
    filter();
  });
}

form.addEventListener("submit", event => event.preventDefault());
form.addEventListener("input", filter);
form.addEventListener("reset", () => setTimeout(filter));
turn(previous, -1, next);
turn(next, 1, previous);
[...table.tHead.rows[0].cells].forEach(sortable);
form.hidden = pages.hidden = false;
let wide = region.clientWidth;
addEventListener("resize", () => { if (open && wide !== (wide = region.clientWidth)) show(); });
// A link such as report.html#request=p01-000417 leads to that request.
const asked = new URLSearchParams(location.hash.slice(1)).get("request");
if (asked) { form.elements.of.value = "all"; form.elements.id.value = asked; }
filter();
// To begin with, one that shows the most: it failed here, and met a fault and was recovered in another arm.
const tells = one => !one.fine && twins.get(one.id).some(of => of.fine && of.struck.length);
open = shown.slice(0, PAGE).find(tells) || shown[0] || null;
show();
if (asked) document.getElementById("ledger").scrollIntoView();
