"""What a careful person would check of a page, as questions to a real browser; each answers with what is wrong."""

CONTRAST = """
(() => {
  const parts = c => { const v = c.match(/[\\d.]+/g).map(Number); return [v[0], v[1], v[2], v[3] ?? 1] };
  const over = (top, under) => [0, 1, 2].map(n => top[n] * top[3] + under[n] * (1 - top[3]));
  const linear = x => (x /= 255) <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4;
  const lit = v => .2126 * linear(v[0]) + .7152 * linear(v[1]) + .0722 * linear(v[2]);
  const faded = e => { let all = 1; for (; e; e = e.parentElement) all *= getComputedStyle(e).opacity; return all };
  // The paper below an element: every background from the root down, one over the other.
  const paper = e => {
    const layers = [];
    for (; e; e = e.parentElement) layers.push(parts(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  // Below a text in a drawing: whatever was drawn before it and covers its middle.
  const drawn = text => {
    const svg = text.closest('svg'), box = text.getBoundingClientRect();
    const x = box.x + box.width / 2, y = box.y + box.height / 2;
    let under = paper(svg);
    for (const e of svg.querySelectorAll('path, rect')) {
      if (text.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING || e.closest('clipPath, defs')) continue;
      const style = getComputedStyle(e), of = e.getBoundingClientRect();
      if (style.fill === 'none' || x < of.left || x > of.right || y < of.top || y > of.bottom) continue;
      const fill = parts(style.fill);
      fill[3] *= style.fillOpacity * faded(e);
      under = over(fill, under);
    }
    return under;
  };
  const low = [];
  for (const e of document.querySelectorAll('body *:not(svg):not(svg *):not(script):not(style), svg text')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length) continue;
    const style = getComputedStyle(e), inDrawing = e.closest('svg'), under = inDrawing ? drawn(e) : paper(e);
    const ink = parts(inDrawing ? style.fill : style.color);
    ink[3] *= faded(e);
    const a = lit(over(ink, under)), b = lit(under), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const size = parseFloat(style.fontSize), isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) low.push(`${ratio.toFixed(2)} ${e.tagName} ${e.textContent.trim().slice(0, 40)}`);
  }
  return low;
})()
"""
"""Every text whose contrast with what is below it is less than WCAG AA asks for: 4.5, or 3 for large text."""

TOO_WIDE = """
(() => {
  const wide = [], most = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > most) wide.push(`the page: ${document.documentElement.scrollWidth} of ${most}`);
  for (const e of document.querySelectorAll('body *')) {
    if (e.closest('.scroll') && !e.matches('.scroll') || e.closest('.sr, .skip, svg')) continue;
    const box = e.getBoundingClientRect();
    if (!box.width || (box.right <= most + 1 && box.left >= -1)) continue;
    wide.push(`${e.tagName}.${e.className}: ${box.left} to ${box.right}`);
  }
  return wide;
})()
"""
"""Whatever sticks out of the window, but for what scrolls in a region of its own."""

HEADINGS = """
(() => {
  const wrong = [], all = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].filter(e => e.getClientRects().length);
  const level = e => Number(e.tagName[1]);
  if (all.filter(e => level(e) === 1).length !== 1 || level(all[0]) !== 1) wrong.push('one h1 must come first');
  for (const [at, e] of all.entries())
    if (at && level(e) > level(all[at - 1]) + 1) wrong.push(`${e.tagName} ${e.textContent} after ${all[at - 1].tagName}`);
  return wrong;
})()
"""
"""Headings that skip a level."""

UNREACHABLE = """
[...document.querySelectorAll('*')].filter(e => {
  const style = getComputedStyle(e);
  return /auto|scroll/.test(style.overflowX + style.overflowY) && (e.scrollWidth > e.clientWidth + 1) && e.tabIndex < 0;
}).map(e => `${e.tagName}.${e.className}`)
"""
"""What scrolls, and no key can scroll."""

LEFT_OUT = """
[...document.querySelectorAll('body *')].filter(e => !e.getClientRects().length && e.textContent.trim()
  && !e.closest('script, noscript, style, defs, title, desc, head, [hidden], .contents, .skip, .filters, .pages, .sr'))
  .map(e => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 40)}`)
"""
"""Words that are not shown, and that no script, filter or list of contents is made of."""

CUT_OFF = """
[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > (e.matches('.across') ? ACROSS : e.clientWidth) + 1)
  .map(e => `${e.getAttribute('aria-label')}: ${e.scrollWidth} of ${e.clientWidth}`)
"""
"""Regions of which paper would show a part only; ACROSS: the width of a page across."""

WRONG_WITH = {"contrast": CONTRAST, "too wide": TOO_WIDE, "headings": HEADINGS, "unreachable": UNREACHABLE}
NAMED = frozenset({"button", "combobox", "searchbox", "textbox", "link", "img", "image", "region", "navigation", "search"})
"""Roles that say nothing without a name."""
