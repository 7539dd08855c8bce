/* ------------------------------------------------------------------------------- the trace on ECG paper
   Pieces of the trace come from the page itself, or from scripts beside it, when they are looked at. */
const TR = D.trace, MM = 96 / 25.4;              // CSS pixels a millimetre
const store = new Map(), asked = new Set();      // number of a piece -> Int16Array, one lead after the other
const awaiting = [];                             // what is drawn anew when a piece has come
const hasTrace = Boolean(TR.pieces || TR.folder);
const KEPT = 8;                                  // pieces: four hours
const PER_PIECE = TR.seconds * TR.hz;
let pointed = null;                              // tells the moment under the mouse, where that is on the strip
let lost = "";                                   // why there is no trace here

/* What trace.py packed: low bytes, high bytes; together, differences of samples that wrap around. */
async function unpack(packed, leads = TR.leads.length) {
  const stream = new Blob([bytes(packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer()), n = planes.length / 2, values = new Int16Array(n);
  for (let i = 0; i < n; i++) values[i] = planes[i] | planes[n + i] << 8;
  for (let i = 0; i < n; i++) if (i % (n / leads)) values[i] += values[i - 1];
  return values;
}
async function piece(number, packed) {
  store.set(number, await unpack(packed));
  if (store.size > KEPT) { const oldest = store.keys().next().value; store.delete(oldest); asked.delete(oldest); }
  for (const draw of awaiting.splice(0)) draw();
  drawTrace();
}
function ask(number) {
  if (asked.has(number)) return;
  asked.add(number);
  if (TR.pieces) { piece(number, TR.pieces[number]); return; }
  const script = document.createElement("script");
  script.onload = () => script.remove();
  script.onerror = () => { lost = "The trace is not here: the folder " + TR.folder + " must lie beside this page."; drawTrace(); };
  script.setAttribute("src", encodeURIComponent(TR.folder) + "/" + number + ".js");
  document.head.append(script);
}
/* Samples a to b of a lead in mV, NaN where there are none, or none yet. */
function samples(lead, a, b) {
  const found = new Float32Array(b - a).fill(NaN);
  for (let k = Math.floor(a / PER_PIECE); k <= Math.floor((b - 1) / PER_PIECE) && k * PER_PIECE < D.duration * TR.hz - 1; k++) {
    const values = store.get(k);
    if (!values) { ask(k); continue; }
    store.delete(k); store.set(k, values);       // looked at last, dropped last
    const n = values.length / TR.leads.length, from = Math.max(a, k * PER_PIECE), to = Math.min(b, k * PER_PIECE + n);
    for (let i = from; i < to; i++) { const v = values[lead * n + i - k * PER_PIECE]; if (v !== -32768) found[i - a] = v * TR.step; }
  }
  return found;
}

/* ECG paper in a box: lines every 1 mm and 5 mm. mm: pixels a millimetre. */
function grid(c, x0, y0, w, h, mm, colours) {
  for (const [every, colour] of [[1, colours.grid], [5, colours.grid5]]) {
    c.strokeStyle = colour; c.lineWidth = every === 1 ? 0.5 : 0.8; c.beginPath();
    for (let k = 0; k * every * mm <= w + 0.5; k++) { c.moveTo(x0 + k * every * mm, y0); c.lineTo(x0 + k * every * mm, y0 + h); }
    for (let k = 0; k * every * mm <= h + 0.5; k++) { c.moveTo(x0, y0 + k * every * mm); c.lineTo(x0 + w, y0 + k * every * mm); }
    c.stroke();
  }
}
const KIND_COLOURS = { N: "soft", V: "v", S: "s", F: "alarm", Q: "alarm" };
/* A strip: traces (one a lead, mV from t0 on) below each other in a canvas of w x h pixels, with lead names,
   the mark of 1 mV, speed and gain, beats with their kind, flagged ones in colour, bands, hatches. */
function strip(c, w, h, traces, hz, t0, { mmS = 25, mmMv = 10, colours = C, beats = true, pulse = true, text = 11, rrs = false } = {}) {
  const px = MM * mmS, left = pulse ? 8 * MM : 0, x = t => left + (t - t0) * px, t1 = t0 + (w - left) / px, top = 5 * MM, high = (h - top) / traces.length;
  grid(c, 0, 0, w, h, MM, colours);
  c.font = text + "px system-ui, sans-serif"; c.textBaseline = "top";
  for (const [s, e, why] of D.bad) if (e > t0 && s < t1) {
    const l = Math.max(x(s), left), r = Math.min(x(e), w); hatch(c, l, 0, r - l, h);
    label(c, why, l + 4, h - text * 2.7, colours.ink, colours); }
  let row = 0;
  for (const [s, e, colour, meaning] of D.bands) if (e > t0 && s < t1) {
    const l = Math.max(x(s) - 6, left), r = Math.min(x(e) + 6, w); c.fillStyle = colours[colour]; c.fillRect(l, row * 5, r - l, 4);
    const said = meaning.split(":")[0]; label(c, said, Math.min(l + 2, w - 130 - c.measureText(said).width), h - text * (1.4 + 1.2 * row), colours[colour], colours); row = (row + 1) % 3; }
  const letters = [];                            // over the trace, as tall peaks reach them
  if (beats) for (let i = first(t0); i < sample.length && time(i) < t1; i++) {
    const k = kindOf(i), at = x(time(i)), on = k !== "N"; if (at < left || isOut(i)) continue;
    if (on) { c.globalAlpha = 0.16; c.fillStyle = colours[KIND_COLOURS[k]]; c.fillRect(at - 0.12 * px, 0, 0.3 * px, h); c.globalAlpha = 1; }
    if (i === chosen) { c.strokeStyle = colours.focus; c.lineWidth = 1.5; c.strokeRect(at - 0.14 * px, 1, 0.34 * px, h - 2); }
    c.textAlign = "center"; letters.push([k, at, on]);
    const before = x(time(i) - rr[i] / 1000);
    if (rrs && rr[i] && at - before > 34) { c.font = text + "px system-ui, sans-serif"; c.fillStyle = colours.soft; c.fillText(rr[i], (at + before) / 2, 10); } }
  c.textAlign = "left"; c.font = text + "px system-ui, sans-serif";
  if (picked && colours === C) { c.strokeStyle = colours.focus; c.lineWidth = 2; c.strokeRect(x(picked.from), 1, x(picked.to) - x(picked.from), h - 2); }
  traces.forEach((v, lead) => {
    const zero = top + high * (lead + 0.6), y = mv => zero - mv * mmMv * MM; c.strokeStyle = colours.ink; c.lineWidth = 1.1; c.lineJoin = "round";
    if (pulse) { c.beginPath(); c.moveTo(MM, y(0)); c.lineTo(2 * MM, y(0)); c.lineTo(2 * MM, y(1)); c.lineTo(2 * MM + 0.2 * px, y(1)); c.lineTo(2 * MM + 0.2 * px, y(0)); c.lineTo(3 * MM + 0.2 * px, y(0)); c.stroke(); }
    c.save(); c.beginPath(); c.rect(left, 0, w, h); c.clip(); line(c, v, x, y, t0, 1 / hz); c.restore();
    label(c, TR.leads[lead], 2, zero + 4, colours.ink, colours); });
  c.textAlign = "center"; for (const [k, at, on] of letters) { c.font = (on ? "bold " : "") + text + "px system-ui, sans-serif"; label(c, k, at, 10, colours[KIND_COLOURS[k]], colours); }
  c.font = text + "px system-ui, sans-serif"; c.textAlign = "right"; label(c, mmS + " mm/s, " + mmMv + " mm/mV", w - 4, h - text * 1.3, colours.soft, colours); c.textAlign = "left";
}
function label(c, text, x, y, colour, colours) {
  c.lineWidth = 3; c.strokeStyle = colours.paper; c.strokeText(text, x, y); c.fillStyle = colour; c.fillText(text, x, y); }

/* -------------------------------------------------------------- the strip and the minutes of the timeline
   The strip is around the moment `at`; the minutes are those around it, one a line. */
const LINES = 15, LINE_PX = 34;
const speed = () => +$("speed").value, gain = () => +$("gain").value;
const stripSpan = () => ($("strip").clientWidth - 8 * MM) / MM / speed();
const stripStart = () => Math.min(Math.max(0, at - stripSpan() / 2), Math.max(0, D.duration - stripSpan()));
let firstLine = 0;
let traceDue = 0;
function drawTrace() { traceDue ||= requestAnimationFrame(() => { traceDue = 0; paintTrace(); }); }
/* Pieces may come while the page is printed, or the report is shown: then there is no room to draw in. */
function paintTrace() { if (hasTrace && $("strip").clientWidth) { drawPaper(); drawMinutes(); } }
function drawPaper() {
  const [c, w, h] = fit($("strip")), t0 = stripStart(), a = Math.floor(t0 * TR.hz), b = Math.ceil((t0 + Math.min(stripSpan(), D.duration)) * TR.hz);
  strip(c, w, h, TR.leads.map((_, lead) => samples(lead, a, b)), TR.hz, a / TR.hz, { mmS: speed(), mmMv: gain(), rrs: true });
  $("strip-where").textContent = lost || when(at) + ", filtered " + TR.band;
}
function drawMinutes() {
  const minute = Math.floor(at / 60), lines = Math.min(LINES, Math.ceil(D.duration / 60)), lead = +$("lead").value;
  if (minute < firstLine || minute >= firstLine + lines) firstLine = minute - Math.floor(lines / 3);
  firstLine = Math.max(0, Math.min(firstLine, Math.ceil(D.duration / 60) - lines));
  $("minutes").style.height = lines * LINE_PX + "px";
  const [c, w, h] = fit($("minutes")), wide = w - LEFT - 8, x = s => LEFT + s / 60 * wide;
  const rowsMv = Array.from({ length: lines }, (_, k) => samples(lead, (firstLine + k) * 60 * TR.hz, Math.min((firstLine + k + 1) * 60, Math.floor(D.duration)) * TR.hz));
  const some = []; for (const v of rowsMv) for (let i = 0; i < v.length; i += 31) if (v[i] === v[i]) some.push(v[i]);
  some.sort((p, q) => p - q);                    // heights fit a line, but for the highest
  const range = Math.max(0.8, (some[Math.floor(some.length * 0.998)] - some[Math.floor(some.length * 0.002)]) || 1), perMv = LINE_PX * 0.85 / range;
  c.font = "11px system-ui, sans-serif"; c.textBaseline = "middle";
  rowsMv.forEach((v, k) => {
    const t0 = (firstLine + k) * 60, middle = (k + 0.62) * LINE_PX, y = mv => middle - mv * perMv;
    for (const [s, e, colour] of D.bands) if (e > t0 && s < t0 + 60) { c.fillStyle = C[colour]; c.fillRect(x(Math.max(0, s - t0)), k * LINE_PX + 1, Math.max(2, x(Math.min(60, e - t0)) - x(Math.max(0, s - t0))), 3); }
    for (const [s, e] of D.bad) if (e > t0 && s < t0 + 60) hatch(c, x(Math.max(0, s - t0)), k * LINE_PX + 4, x(Math.min(60, e - t0)) - x(Math.max(0, s - t0)), LINE_PX - 5);
    c.fillStyle = C.soft; c.textAlign = "right"; c.fillText(clock(t0), LEFT - 6, middle);
    /* one stroke a pixel from its lowest to its highest sample, beats that are not N in their colour */
    const colour = new Array(Math.ceil(wide) + 1).fill("ink");
    for (let i = first(t0); i < sample.length && time(i) < t0 + 60; i++) { const of = kindOf(i);
      if (of !== "N" && !isOut(i)) for (let q = Math.floor((time(i) - t0 - 0.1) / 60 * wide); q <= (time(i) - t0 + 0.16) / 60 * wide; q++) colour[Math.max(0, q)] = KIND_COLOURS[of]; }
    const per = v.length ? 60 * TR.hz / wide : 1;
    for (const name of new Set(colour)) { c.strokeStyle = C[name]; c.lineWidth = name === "ink" ? 0.9 : 1.4; c.beginPath(); let last = NaN;
      for (let q = 0; q < wide; q++) { let low = Infinity, top = -Infinity; for (let i = Math.floor(q * per); i < (q + 1) * per && i < v.length; i++) if (v[i] === v[i]) { low = Math.min(low, v[i]); top = Math.max(top, v[i]); }
        if (low > top || colour[q] !== name) { last = NaN; continue; }
        if (last === last) c.lineTo(LEFT + q, y(low)); else c.moveTo(LEFT + q, y(low)); c.lineTo(LEFT + q, y(top) - 0.5); last = low; } c.stroke(); } });
  /* where the strip is */
  for (let k = 0; k < lines; k++) { const a = Math.max(0, stripStart() - (firstLine + k) * 60), b = Math.min(60, stripStart() + stripSpan() - (firstLine + k) * 60);
    if (b > a) { c.strokeStyle = C.focus; c.lineWidth = 1.5; c.strokeRect(x(a), k * LINE_PX + 1, x(b) - x(a), LINE_PX - 2); } }
}
/* Goes to a moment: the strip there, and the view of the timeline around it if it is elsewhere. */
function go(t) { at = Math.min(Math.max(0, t), D.duration);
  const span = view[1] - view[0]; if (at < view[0] || at > view[1]) show(at - span / 2, at + span / 2); else drawTimeline(); }
if (hasTrace) {
  const S = $("strip"), M = $("minutes");
  S.style.height = 40 * MM * Math.max(1, TR.leads.length * 0.8) + "px";
  $("lead").hidden = TR.leads.length < 2; TR.leads.forEach((name, k) => $("lead").append(new Option(name, k)));
  for (const id of ["speed", "gain", "lead"]) $(id).onchange = drawTrace;
  const stripTime = e => stripStart() + (e.offsetX - 8 * MM) / MM / speed();
  let held = null;
  S.addEventListener("mousemove", ({ offsetX }) => { pointed = () => stripTime({ offsetX }); }); S.addEventListener("mouseleave", () => { pointed = null; });
  S.addEventListener("dblclick", e => add(stripTime(e)));
  S.addEventListener("pointerdown", e => { held = { x: e.offsetX, t: stripTime(e), at: stripStart() + stripSpan() / 2, moved: false }; S.setPointerCapture(e.pointerId); });
  S.addEventListener("pointermove", e => { if (held && (held.moved ||= Math.abs(e.offsetX - held.x) > 4)) e.shiftKey ? stretch(held.t, stripTime(e)) : go(held.at + (held.x - e.offsetX) / MM / speed()); });
  S.addEventListener("pointerup", e => { if (held && !held.moved) { const t = stripTime(e), band = e.offsetY < 16 && best(now.episodes.filter(q => !D.noBand.includes(q.code) && q.start / D.fs - 0.2 < t && q.end / D.fs + 0.2 > t), q => -seconds(q)); picked = null;
    if (band) pick({ ...band, from: band.start / D.fs, to: band.end / D.fs }, D.rhythms[band.code][0] + ", " + lasting(seconds(band)) + ": a kind for its beats, or X where it is none"); else { const i = nearest(stripTime(e)), keep = at; chosen = sample.length && Math.abs(time(i) - stripTime(e)) < 0.3 && !isOut(i) ? i : -1; if (chosen >= 0) { choose(chosen); go(keep); } else drawTimeline(); } } held = null; });
  const stretch = (a, b) => pick({ from: Math.max(0, Math.min(a, b)), to: Math.min(D.duration, Math.max(a, b)) }, lasting(Math.abs(b - a)) + ": a kind for what is not N in it, or X where it is noise");
  S.addEventListener("wheel", e => { if (e.ctrlKey) return; e.preventDefault(); go(stripStart() + stripSpan() / 2 + (e.deltaY + e.deltaX) / 400 * stripSpan()); }, { passive: false });
  M.addEventListener("click", e => go((firstLine + Math.floor(e.offsetY / LINE_PX)) * 60 + (e.offsetX - LEFT) / (M.clientWidth - LEFT - 8) * 60));
  const move = (canvas, seconds) => canvas.addEventListener("keydown", e => { const by = { ArrowLeft: -0.25, ArrowRight: 0.25, PageUp: -1, PageDown: 1, ArrowUp: -1, ArrowDown: 1 }[e.key];
    if (by) { go(stripStart() + stripSpan() / 2 + by * seconds(e.key)); e.preventDefault(); } });
  move(S, () => stripSpan()); move(M, key => key.startsWith("Page") ? 60 * LINES : key === "ArrowUp" || key === "ArrowDown" ? 60 : 20);
} else document.querySelectorAll(".of-trace").forEach(e => { e.hidden = true; });
