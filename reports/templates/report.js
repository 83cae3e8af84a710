// The ledger by script: filters, order, pages, and the waterfall of a request. Without it the page shows the first requests as a table.
(() => {
  "use strict";
  const PAGE = 25, MOST_TWINS = 3;
  const byId = id => document.getElementById(id);
  const told = JSON.parse(byId("ledger-data").textContent);
  const requests = told.requests.map(unpacked);
  const twins = Map.groupBy ? Map.groupBy(requests, one => one.id) : grouped(requests);
  const form = byId("ledger-filters"), body = byId("ledger-rows"), count = byId("ledger-count");
  const table = body.closest("table"), region = table.closest(".scroll");
  const [previous, next] = document.querySelectorAll("#ledger-pages button");
  const rowOf = new Map();
  let shown = [], page = 0, order = null, open = null;

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

  // ---- words

  function seconds(ms) {
    return ms >= 999.5 ? `${(ms / 1000).toFixed(2)} s` : `${Math.round(ms)} ms`;
  }

  function whole(number) {
    return number === null ? "–" : number.toLocaleString("en");
  }

  function counted(number, what) {
    return `${whole(number)} ${what}${number === 1 ? "" : "s"}`;
  }

  // ---- elements

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

  // ---- the table

  const ORDERS = [
    one => one.id, one => one.arm, one => one.faults.join(), one => one.tries.length, one => one.served_by, one => one.saw,
    one => one.finished, one => one.spent ?? -1, one => one.wasted ?? -1,
  ];

  function row(one) {
    const button = element("button", { type: "button", class: "request", "aria-expanded": String(one === open) }, one.id);
    button.addEventListener("click", () => { open = one === open ? null : one; show(); rowOf.get(one)?.focus({ preventScroll: true }); });
    button.addEventListener("keydown", walk);
    rowOf.set(one, button);
    const cells = [
      [arm(one)], [[one.faults.join(", ") || "none"]], [[one.tries.length ? String(one.tries.length) : "–"], "n"],
      [[one.served_by]], [[one.saw], one.fine ? "" : "worse"], [[seconds(one.finished)], "n"], [[whole(one.spent)], "n"], [[whole(one.wasted)], "n"],
    ];
    const made = element("tr", {}, element("th", { scope: "row" }, button));
    for (const [words, kind] of cells) made.append(element("td", kind ? { class: kind } : {}, ...words));
    return made;
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
    body.replaceChildren(...listed.flatMap(one => one === open ? [row(one), detail(one)] : [row(one)]));
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
      order = { column, falling: order?.column === column ? !order.falling : column > 5 };
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order.falling ? "descending" : "ascending");
      filter();
    });
  }

  // ---- the waterfall

  const TONES = { ok: "right", degraded: "right", rejected: "rejected", cut: "incomplete", truncated: "incomplete",
    http_error: "http-error", timeout: "timeout" };

  function detail(one) {
    const others = twins.get(one.id).filter(of => of !== one).sort((a, b) => a.where - b.where).slice(0, MOST_TWINS);
    const all = [one, ...others], width = Math.max(280, Math.min(region.clientWidth || 640, 960)), until = end(all);
    const drawn = all.map(of => element("figure", {}, element("figcaption", {}, ...arm(of), ` · ${summary(of)}`), waterfall(of, width, until)));
    const lists = all.map(of => element("div", {}, element("h4", {}, ...arm(of)), steps(of)));
    const note = element("p", { class: "note" }, `${one.task}, prompt ${one.prompt_key}.` + (others.length
      ? " Below it, the same request in the other arms: the same prompt, at the same time, in the same weather." : ""));
    const content = element("div", { class: "waterfall" }, element("h3", {}, `Request ${one.id}`), note, ...drawn,
      element("div", { class: "steps" }, ...lists));
    return element("tr", { class: "detail" }, element("td", { colspan: String(ORDERS.length) }, content));
  }

  function end(all) {
    const times = all.flatMap(one => [one.finished, ...one.tries.map(of => of.ended || 0), ...one.struck.map(of => of.at || 0)]);
    const last = Math.max(1, ...times);
    return 1.02 * (last > told.deadline / 2 ? Math.max(last, told.deadline) : last);
  }

  function summary(one) {
    const served = one.served_by ? `, served by ${one.served_by}` : "";
    return `${one.saw} after ${seconds(one.finished)}${served}; ${counted(one.tries.length, "attempt")}, `
      + `${counted(one.tokens, "token")} to the user, ${whole(one.spent)} spent, ${whole(one.wasted)} wasted`;
  }

  function waterfall(one, width, until) {
    const left = width < 560 ? 78 : 148, at = ms => left + (width - left - 10) * ms / until, parts = [];
    let top = 6;
    const lane = (label, height, draw) => {
      parts.push(shape("text", { x: 0, y: top + height - 4, class: "name" }, label));
      draw(top + height - 8);
      top += height + 6;
    };
    lane("user", 16, y => parts.push(...userLane(one, at, y)));
    top += 8;
    for (const of of one.tries) {
      const faults = one.struck.filter(struck => struck.attempt === of.attempt);
      lane(label(of, width < 560), faults.length ? 32 : 16, y => parts.push(...tryLane(of, faults, at, y, width - 10)));
    }
    return shape("svg", { viewBox: `0 0 ${width} ${top + 22}`, role: "img", "aria-label": `${one.arm}: ${summary(one)}. The steps are listed below.` },
      ...axis(at, until, top + 2), ...parts);
  }

  function label(of, isShort) {
    const reason = of.reason || "attempt", state = of.status && of.status !== 200 ? ` · ${of.status}` : "";
    return isShort ? `${of.attempt} ${reason}` : clipped(`${of.attempt} ${reason}${state}`, 140);
  }

  function clipped(text, width) {
    const most = Math.floor(width / 6.4);
    return text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text;
  }

  function userLane(one, at, y) {
    const began = one.first ?? one.finished, tone = one.saw === "late" ? "timeout" : TONES[one.outcome] || "wrong";
    const parts = [line(at(0), at(began), y, "waiting")];
    for (const [from, to, isSilent] of stretches(one))
      parts.push(isSilent ? line(at(from), at(to), y, "waiting") : bar(at(from), at(to), y, `tone-${tone}`));
    let ms = 0;
    for (const gap of one.ticks) parts.push(shape("line", { x1: at(ms += gap), x2: at(ms), y1: y + 7, y2: y + 13, class: "token" }));
    if (tone !== "right" && tone !== "rejected") parts.push(cross(at(one.finished), y));
    return parts;
  }

  // Where the answer flowed, and where it stood still.
  function stretches(one) {
    if (one.first === null) return [];
    const found = [];
    let from = one.first, ms = 0;
    for (const gap of one.ticks) {
      if (ms && gap >= told.silence) { found.push([from, ms, false], [ms, ms + gap, true]); from = ms + gap; }
      ms += gap;
    }
    return [...found, [from, Math.max(from, one.finished), false]];
  }

  function tryLane(of, faults, at, y, right) {
    const parts = [];
    if (of.began !== null && of.ended !== null) {
      parts.push(line(at(of.began), at(of.first ?? of.ended), y, "waiting"));
      if (of.first !== null) parts.push(bar(at(of.first), at(of.ended), y, "attempt"));
      if (of.outcome && of.outcome !== "ok") parts.push(cross(at(of.ended), y));
    }
    for (const fault of faults) parts.push(...mark(fault, at(fault.at ?? of.began ?? 0), y, right));
    return parts;
  }

  function mark(fault, x, y, right) {
    const room = Math.max(right - x, x - 90), text = clipped(fault.fault, room - 8), ends = right - x < 6.4 * text.length + 8;
    return [
      shape("path", { d: `M${x - 4.5} ${y - 14}h9l-4.5 8z`, class: "fault" }),
      shape("text", { x: x + (ends ? -8 : 8), y: y - 8, class: "fault", "text-anchor": ends ? "end" : "start" }, text),
    ];
  }

  function line(from, to, y, kind) {
    return shape("line", { x1: from, x2: Math.max(from + 1, to), y1: y, y2: y, class: kind });
  }

  function bar(from, to, y, kind) {
    return shape("rect", { x: from, y: y - 4.5, width: Math.max(1.5, to - from), height: 9, class: kind });
  }

  function cross(x, y) {
    return shape("path", { d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`, class: "cross" });
  }

  function axis(at, until, bottom) {
    const step = [1, 2, 5].flatMap(of => [1, 10, 100, 1000, 10000].map(ten => of * ten)).sort((a, b) => a - b)
      .find(of => until / of <= (at(until) < 560 ? 4 : 8)) || 100000;
    const parts = [];
    for (let ms = 0; ms <= until; ms += step) {
      parts.push(shape("line", { x1: at(ms), x2: at(ms), y1: 0, y2: bottom, class: "grid" }));
      parts.push(shape("text", { x: at(ms), y: bottom + 14, class: "tick", "text-anchor": ms ? "middle" : "start" }, until >= 2000 ? `${ms / 1000} s` : `${ms} ms`));
    }
    if (until > told.deadline) parts.push(shape("line", { x1: at(told.deadline), x2: at(told.deadline), y1: 0, y2: bottom, class: "deadline" }));
    return parts;
  }

  // The same in words, in the order of time: for those who do not see the drawing, and for what it has no room for.
  function steps(one) {
    const list = element("ol", {});
    for (const [ms, text] of happenings(one).sort((a, b) => a[0] - b[0]))
      list.append(element("li", {}, element("span", { class: "at" }, Number.isFinite(ms) ? seconds(ms) : "?"), ` ${text}`));
    return list;
  }

  function happenings(one) {
    const unknown = Infinity, found = [[0, one.sent > 1 ? `was due; sent ${seconds(one.sent)} later` : "was due, and sent"]];
    for (const of of one.tries) {
      const name = `attempt ${of.attempt}`, ended = [of.status, of.outcome].filter(Boolean).join(", ");
      found.push([of.began ?? unknown, `${name}${of.reason ? ` (${of.reason})` : ""} began${of.model ? `, ${of.model}` : ""}`]);
      if (of.first !== null) found.push([of.first, `${name} had its first token`]);
      found.push([of.ended ?? unknown, `${name} ended${ended ? `: ${ended}` : ""}` + (of.tokensOut === null ? "" : `; ${of.tokensIn ?? "?"} tokens in, ${of.tokensOut} out`)]);
    }
    for (const of of one.struck)
      found.push([of.at ?? unknown, `fault "${of.fault}" (${of.kind}) struck attempt ${of.attempt}` + (of.message === null ? "" : ` at message ${of.message}`)]);
    if (one.first !== null) found.push([one.first, "the user had the first token"]);
    if (one.silence) found.push([one.silence[0], `a silence of ${seconds(one.silence[1])} began, the longest`]);
    found.push([one.finished, [`over: ${one.saw}`, one.proof && `proof: ${one.proof}`, one.error].filter(Boolean).join("; ")]);
    return found;
  }

  // ---- start

  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("input", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  turn(previous, -1, next);
  turn(next, 1, previous);
  [...table.tHead.rows[0].cells].forEach(sortable);
  form.hidden = byId("ledger-pages").hidden = false;
  let wide = region.clientWidth;
  addEventListener("resize", () => { if (open && wide !== (wide = region.clientWidth)) show(); });
  const asked = decodeURIComponent(location.hash).match(/^#request=(.+)/);
  if (asked) { form.elements.of.value = "all"; form.elements.id.value = asked[1]; }
  filter();
  // To begin with, one that shows the most: it failed here, and met a fault and was recovered in another arm.
  open = shown.slice(0, PAGE).find(one => !one.fine && twins.get(one.id).some(of => of.fine && of.struck.length)) || shown[0] || null;
  show();
  if (asked) byId("ledger").scrollIntoView();
})();
