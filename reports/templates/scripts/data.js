// What the page holds of its requests, and how figures are told.

const told = JSON.parse(document.getElementById("ledger-data").textContent);
const requests = told.requests.map(unpacked);
const twins = grouped(requests);

// Numbers that stand for words become words again; times stay milliseconds since the request was due.
function unpacked(values) {
  const one = Object.fromEntries(told.columns.map((name, at) => [name, values[at]]));
  for (const name of told.worded) one[name] = told.words[one[name]];
  one.tries = one.tries.map(([attempt, reason, model, began, first, ended, status, outcome, tokensIn, tokensOut]) => ({
    attempt, reason: told.words[reason], model: told.words[model], began, first, ended, status, outcome: told.words[outcome],
    tokensIn, tokensOut }));
  one.struck = one.struck.map(([fault, kind, attempt, at, message]) => ({
    fault: told.words[fault], kind: told.words[kind], attempt, at, message }));
  one.faults = [...new Set(one.struck.map(of => of.fault))];
  one.mechanisms = one.mechanisms.map(at => told.words[at]);
  one.where = told.arms.indexOf(one.arm);
  return one;
}

function grouped(all) {
  const found = new Map();
  for (const one of all) found.set(one.id, [...(found.get(one.id) || []), one]);
  return found;
}

function seconds(ms) {
  return ms >= 999.5 ? `${(ms / 1000).toFixed(2)} s` : `${Math.round(ms)} ms`;
}

function whole(number) {
  return number === null ? "–" : number.toLocaleString("en");
}

function counted(number, what) {
  return `${whole(number)} ${what}${number === 1 ? "" : "s"}`;
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function shape(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function arm(one) {
  return [element("span", { class: `swatch a${told.colours[one.where]}` }), one.arm];
}
