// The waterfall of a request: drawn, and told step by step.

const TONES = { ok: "right", degraded: "right", rejected: "rejected", cut: "incomplete", truncated: "incomplete",
  http_error: "http-error", timeout: "timeout" };
const MOST_TWINS = 3;

function detail(one, room, columns) {
  const others = twins.get(one.id).filter(of => of !== one).sort((a, b) => a.where - b.where).slice(0, MOST_TWINS);
  const all = [one, ...others], width = Math.max(280, Math.min(room || 640, 960)), until = end(all);
  const caption = of => element("figcaption", {}, ...arm(of), ` · ${summary(of)}`);
  const drawn = all.map(of => element("figure", {}, caption(of), waterfall(of, width, until)));
  const lists = all.map(of => element("div", {}, element("h4", {}, ...arm(of)), steps(of)));
  const note = element("p", { class: "note" }, `${one.task}, prompt ${one.prompt_key}.` + (others.length
    ? " Below it, the same request in the other arms: the same prompt, at the same time, in the same weather." : ""));
  const content = element("div", { class: "waterfall" }, element("h3", {}, `Request ${one.id}`), note, ...drawn,
    element("div", { class: "steps" }, ...lists));
  return element("tr", { class: "detail" }, element("td", { colspan: String(columns) }, content));
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
  const words = `${one.arm}: ${summary(one)}. The steps are listed below.`;
  const named = { viewBox: `0 0 ${width} ${top + 22}`, role: "img", "aria-label": words };
  return shape("svg", named, ...axis(at, until, top + 2), ...parts);
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
  for (const gap of one.ticks) parts.push(upright(at(ms += gap), y + 7, y + 13, "token"));
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

function upright(x, from, to, kind) {
  return shape("line", { x1: x, x2: x, y1: from, y2: to, class: kind });
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
    const words = until >= 2000 ? `${ms / 1000} s` : `${ms} ms`, anchor = ms ? "middle" : "start";
    parts.push(upright(at(ms), 0, bottom, "grid"));
    parts.push(shape("text", { x: at(ms), y: bottom + 14, class: "tick", "text-anchor": anchor }, words));
  }
  if (until > told.deadline) parts.push(upright(at(told.deadline), 0, bottom, "deadline"));
  return parts;
}

// The same in words, in the order of time: for those who do not see the drawing, and for what it has no room for.
function steps(one) {
  const list = element("ol", {});
  for (const [ms, text] of happenings(one).sort(([a], [b]) => (a > b) - (a < b)))
    list.append(element("li", {}, element("span", { class: "at" }, Number.isFinite(ms) ? seconds(ms) : "?"), ` ${text}`));
  return list;
}

function happenings(one) {
  const unknown = Infinity, found = [[0, one.sent > 1 ? `was due; sent ${seconds(one.sent)} later` : "was due, and sent"]];
  for (const of of one.tries) {
    const name = `attempt ${of.attempt}`, ended = [of.status, of.outcome].filter(Boolean).join(", ");
    found.push([of.began ?? unknown, `${name}${of.reason ? ` (${of.reason})` : ""} began${of.model ? `, ${of.model}` : ""}`]);
    if (of.first !== null) found.push([of.first, `${name} had its first token`]);
    const tokens = of.tokensOut === null ? "" : `; ${of.tokensIn ?? "?"} tokens in, ${of.tokensOut} out`;
    found.push([of.ended ?? unknown, `${name} ended${ended ? `: ${ended}` : ""}${tokens}`]);
  }
  for (const of of one.struck) {
    const where = of.message === null ? "" : ` at message ${of.message}`;
    found.push([of.at ?? unknown, `fault "${of.fault}" (${of.kind}) struck attempt ${of.attempt}${where}`]);
  }
  if (one.first !== null) found.push([one.first, "the user had the first token"]);
  if (one.silence) found.push([one.silence[0], `a silence of ${seconds(one.silence[1])} began, the longest`]);
  found.push([one.finished, [`over: ${one.saw}`, one.proof && `proof: ${one.proof}`, one.error].filter(Boolean).join("; ")]);
  return found;
}
