/* ------------------------------------------------------------------------------------------ timeline */
const LEFT = 64, SPLIT = 0.6;
function hatch(c, x, y, w, h) { c.save(); c.beginPath(); c.rect(x, y, Math.max(w, 1.5), h); c.clip(); c.strokeStyle = C.bad; c.lineWidth = 2; c.beginPath();
  for (let a = x - h - (x % 8); a < x + w + 8; a += 8) { c.moveTo(a, y + h); c.lineTo(a + h, y); } c.stroke(); c.restore(); }
function drawBands(c, x, a, b, w, low) {
  c.save(); c.textAlign = "left"; c.font = "11px system-ui, sans-serif";
  for (const [s, e, colour, meaning] of D.bands) if (e > a && s < b) {
    const l = Math.max(x(s), LEFT), wide = Math.max(2, Math.min(x(e), w - 8) - l), short = meaning.split(":")[0];
    c.fillStyle = C[colour]; if (colour === "lost" || colour === "af") { c.globalAlpha = 0.12; c.fillRect(l, 6, wide, low - 6); c.globalAlpha = 1; } c.fillRect(l, 6, wide, 14);
    if (wide > c.measureText(short).width + 10) { c.fillStyle = C.paper; c.fillText(short, l + 5, 13.5); } }
  c.restore(); }
function niceStep(span, most) { for (const s of [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400]) if (span / s <= most) return s; return 172800; }
let due = 0;                                     // at most one drawing a frame, however fast things move
function drawTimeline() { due ||= requestAnimationFrame(() => { due = 0; paintTimeline(); }); }
function paintTimeline() {
  const [c, w, h] = fit($("timeline")), [a, b] = view, x = t => LEFT + (t - a) / (b - a) * (w - LEFT - 8);
  const top = D.bands.length ? 26 : 8, bottom = h * SPLIT - 6, low = h - 22, high = h * SPLIT + 12;
  const y = u => bottom - (bottom - top) * Math.min(u, D.rarest) / D.rarest;
  c.font = "12px system-ui, sans-serif"; c.textBaseline = "middle"; c.textAlign = "right";
  for (const [u, words] of [[0, "1 in 1"], [2, "1 in 100"], [4, "1 in 10\u2074"], [6, "1 in 10\u2076"], [8, "1 in 10\u2078"]].filter(r => r[0] <= D.rarest)) {
    c.strokeStyle = C.line; c.lineWidth = 0.5; c.beginPath(); c.moveTo(LEFT, y(u)); c.lineTo(w - 8, y(u)); c.stroke();
    c.fillStyle = C.soft; c.fillText(words, LEFT - 6, y(u)); }
  const step = niceStep(b - a, Math.max(3, (w - LEFT) / 110)); c.textAlign = "center";
  for (let t = Math.ceil(a / step) * step; t <= b; t += step) { c.strokeStyle = C.line; c.beginPath(); c.moveTo(x(t), top); c.lineTo(x(t), low); c.stroke();
    c.fillStyle = C.soft; c.fillText(clock(t), Math.min(Math.max(x(t), LEFT + 18), w - 26), h - 9); }
  for (const [s, e] of D.bad) if (e > a && s < b) { const l = Math.max(x(s), LEFT), r = Math.min(x(e), w - 8); hatch(c, l, top, r - l, low - top); }
  drawBands(c, x, a, b, w, low);
  const i0 = Math.max(0, first(a) - 1), i1 = Math.min(sample.length, first(b) + 1), many = i1 - i0 > 4000;
  c.save(); c.beginPath(); c.rect(LEFT, 0, w - LEFT - 6, h); c.clip();
  const dot = many ? 1.6 : i1 - i0 > 1500 ? 2 : i1 - i0 > 400 ? 3 : 5; c.globalAlpha = many ? 0.55 : 0.9; c.fillStyle = C.beat;
  const drawn = new Uint8Array(many ? Math.ceil(w) * Math.ceil(h) : 0);  // of a day's beats, two a pixel are enough to see
  const full = (px, py) => many && drawn[Math.round(py) * Math.ceil(w) + Math.round(px)]++ > 1;
  for (let i = i0; i < i1; i++) if (cluster[i] < 0 && !isOut(i)) { const px = x(time(i)), py = y(rarity[i] / 1000);
    if (!full(px, py)) c.fillRect(px - dot / 2, py - dot / 2, dot, dot); }
  c.globalAlpha = 1; const big = dot + 1.2; drawn.fill(0);
  for (const on of [false, true]) { c.fillStyle = on ? C.ink : C.alarm;
    for (let i = i0; i < i1; i++) if (cluster[i] >= 0 && !isOut(i) && (cluster[i] === lit) === on) {
      const px = x(time(i)), py = y(rarity[i] / 1000);
      if (!on && full(px, py)) continue;
      if (lit >= 0 && !on) c.globalAlpha = 0.45;
      if (on) { c.beginPath(); c.moveTo(px, py - big); c.lineTo(px + big, py); c.lineTo(px, py + big); c.lineTo(px - big, py); c.fill(); }
      else c.fillRect(px - big / 2, py - big / 2, big, big); c.globalAlpha = 1; } }
  c.strokeStyle = C.alarm; c.setLineDash([6, 4]); c.lineWidth = 1; c.beginPath(); c.moveTo(LEFT, y(D.level)); c.lineTo(w, y(D.level)); c.stroke(); c.setLineDash([]);
  drawRate(c, x, i0, i1, low, high, w);
  if (chosen >= 0) { c.strokeStyle = C.focus; c.lineWidth = 1.5; c.beginPath(); c.moveTo(x(time(chosen)), top); c.lineTo(x(time(chosen)), low); c.stroke();
    c.beginPath(); c.arc(x(time(chosen)), y(rarity[chosen] / 1000), 7, 0, 7); c.stroke(); }
  c.restore(); c.textAlign = "right"; c.fillStyle = C.soft;
  for (const r of RATES) { const py = low - (low - high) * (r - RATES[0]) / (RATES[2] - RATES[0]); c.fillText(r + (r === RATES[2] ? " /min" : ""), LEFT - 6, py); }
  $("where").textContent = when(a) + " to " + when(b);
  /* where the strip is */
  if (hasTrace) { const l = x(stripStart()), r = Math.max(l + 2, x(stripStart() + stripSpan())); c.fillStyle = C.focus; c.fillRect(l, low - 3, r - l, 3); }
  drawOverview(); paintTrace(); drawTachogram();
}
const RATES = (() => { const v = []; for (let i = 0; i < rr.length; i += Math.max(1, rr.length >> 12)) if (rr[i] > 0) v.push(60000 / rr[i]); v.sort((p, q) => p - q);
  const low = Math.max(0, Math.floor((v[Math.floor(v.length * 0.01)] || 40) / 20 - 0.5) * 20), high = Math.min(300, Math.ceil((v[Math.floor(v.length * 0.99)] || 120) / 20 + 0.5) * 20);
  return [low, Math.round((low + high) / 2), high]; })();
function drawRate(c, x, i0, i1, low, high, w) {
  const y = r => low - (low - high) * (Math.min(Math.max(r, RATES[0]), RATES[2]) - RATES[0]) / (RATES[2] - RATES[0]);
  c.fillStyle = C.rate; c.strokeStyle = C.rate; c.lineWidth = 1.2;
  if (i1 - i0 < 2000) { c.beginPath(); let was = false; for (let i = i0; i < i1; i++) { if (!rr[i]) { was = false; continue; } if (i && (time(i) - time(i - 1)) * 1000 > 1.5 * rr[i]) was = false;
    const px = x(time(i)), py = y(60000 / rr[i]); if (was) c.lineTo(px, py); else c.moveTo(px, py); was = true; } c.stroke(); return; }
  let column = [], at = NaN; const put = () => { if (!column.length) return; column.sort((p, q) => p - q); const n = column.length, q = f => y(column[Math.floor(f * (n - 1))]);
    c.globalAlpha = 0.3; c.fillRect(at, q(0.9), 1.2, Math.max(1, q(0.1) - q(0.9))); c.globalAlpha = 1; c.fillRect(at, q(0.5) - 0.8, 1.4, 1.6); };
  for (let i = i0; i < i1; i++) { const px = Math.floor(x(time(i))); if (px !== at) { put(); column = []; at = px; } if (rr[i]) column.push(60000 / rr[i]); } put();
}
function drawOverview() {
  const [c, w, h] = fit($("overview")), wide = w - LEFT - 8, n = Math.max(1, Math.floor(wide)), counts = new Float32Array(n);
  for (let i = 0; i < sample.length; i++) if (cluster[i] >= 0 && (lit < 0 || cluster[i] === lit)) counts[Math.min(n - 1, Math.floor(time(i) / D.duration * n))]++;
  const most = counts.reduce((p, q) => Math.max(p, q), 1); c.fillStyle = C.alarm;
  for (let k = 0; k < n; k++) if (counts[k]) { const t = 3 + (h - 12) * counts[k] / most; c.fillRect(LEFT + k, h - 4 - t, 1, t); }
  for (const [s, e] of D.bad) hatch(c, LEFT + s / D.duration * wide, 4, (e - s) / D.duration * wide, h - 8);
  const l = LEFT + view[0] / D.duration * wide, r = LEFT + view[1] / D.duration * wide;
  c.strokeStyle = C.focus; c.lineWidth = 2; c.strokeRect(l, 2, Math.max(3, r - l), h - 4);
  c.font = "12px system-ui, sans-serif"; c.fillStyle = C.soft; c.textAlign = "right"; c.textBaseline = "middle"; c.fillText("whole", LEFT - 6, h / 2);
}
function show(a, b) { const span = Math.min(Math.max(b - a, 4), D.duration); a = Math.min(Math.max(0, (a + b - span) / 2), D.duration - span); view = [a, a + span]; if (at < a || at > a + span) at = a + span / 2; drawTimeline(); }
function zoom(f, about) { const t = about ?? at, span = Math.min(Math.max((view[1] - view[0]) * f, 4), D.duration), p = (t - view[0]) / (view[1] - view[0]); show(t - p * span, t + (1 - p) * span); }
function pan(share) { const d = (view[1] - view[0]) * share; at = Math.min(Math.max(0, at + d), D.duration); show(Math.min(Math.max(0, view[0] + d), D.duration - view[1] + view[0]), Math.min(Math.max(view[1] - view[0], view[1] + d), D.duration)); }
const oneIn = u => u >= 8 ? "less than 1 normal beat in 10\u2078" : "as 1 normal beat in " + Math.round(10 ** u).toLocaleString("en");
function sayBeat(i) { $("said").textContent = clock(time(i)) + (time(i) % 1).toFixed(2).slice(1) + " s: RR before " + (rr[i] ? (rr[i] / 1000).toFixed(2) + " s" : "unknown") + ", " + (added.has(sample[i]) ? "added by a reader" : "as unusual " + oneIn(rarity[i] / 1000) + (cluster[i] >= 0 ? ", shape " + (cluster[i] + 1) : ", not flagged")) + ", " + kindOf(i); }
function choose(i, move) { chosen = i; picked = null; if (i < 0) return drawTimeline(); const t = at = time(i); sayBeat(i);
  if (move && (t < view[0] || t > view[1] || view[1] - view[0] > 300)) { const half = Math.min(30, D.duration / 2); show(Math.max(0, t - half), Math.min(D.duration, Math.max(t + half, 2 * half))); } else drawTimeline(); }
function toNext(direction) { let i = chosen >= 0 ? chosen + direction : direction > 0 ? first(view[0]) : first(view[1]) - 1;
  while (i >= 0 && i < cluster.length && (now.kind[i] === 0 || isOut(i) || (lit >= 0 && cluster[i] !== lit))) i += direction; if (i >= 0 && i < cluster.length) choose(i, true); }
const T = $("timeline"), tAt = e => view[0] + (e.offsetX - LEFT) / (T.clientWidth - LEFT - 8) * (view[1] - view[0]);
T.addEventListener("wheel", e => { if (e.ctrlKey) return; e.preventDefault(); if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) pan(e.deltaX / 800); else zoom(e.deltaY > 0 ? 1.3 : 1 / 1.3, tAt(e)); }, { passive: false });
let drag = null;
T.addEventListener("pointerdown", e => { drag = { x: e.offsetX, view: [...view], at, moved: false }; T.setPointerCapture(e.pointerId); });
T.addEventListener("pointermove", e => { if (!drag) return; const d = (drag.x - e.offsetX) / (T.clientWidth - LEFT - 8) * (drag.view[1] - drag.view[0]);
  if (Math.abs(drag.x - e.offsetX) > 4) drag.moved = true; if (drag.moved) { const s = drag.view[1] - drag.view[0], a = Math.min(Math.max(0, drag.view[0] + d), D.duration - s); at = Math.min(Math.max(a, drag.at + d), a + s); show(a, a + s); } });
T.addEventListener("pointerup", e => { if (drag && !drag.moved) { const t = tAt(e); let best = -1, least = 12;
  for (let i = Math.max(0, first(view[0])); i < Math.min(sample.length, first(view[1]) + 1); i++) { const d = Math.abs(time(i) - t) / (view[1] - view[0]) * T.clientWidth - (cluster[i] >= 0 ? 3 : 0); if (d < least) { least = d; best = i; } }
  if (best >= 0) choose(best); else { chosen = -1; go(t); } } drag = null; });
$("overview").addEventListener("click", e => { const t = (e.offsetX - LEFT) / ($("overview").clientWidth - LEFT - 8) * D.duration, s = view[1] - view[0]; const span = s > D.duration * 0.9 ? D.duration / 12 : s;
  const a = Math.min(Math.max(0, t - span / 2), D.duration - span); at = t; show(a, a + span); });
$("in").onclick = () => zoom(0.5); $("out").onclick = () => zoom(2); $("all").onclick = () => { chosen = -1; show(0, D.duration); };
$("next").onclick = () => toNext(1); $("previous").onclick = () => toNext(-1);
T.addEventListener("keydown", e => { const act = { ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), PageUp: () => pan(-0.9), PageDown: () => pan(0.9) }[e.key]; if (act) { act(); e.preventDefault(); } });
document.addEventListener("keydown", e => { if (e.ctrlKey || e.metaKey || e.altKey || e.target.isContentEditable || document.body.classList.contains("report")) return;
  const act = { "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), "0": () => $("all").click(), n: () => toNext(1), p: () => toNext(-1), j: () => toRow(1), k: () => toRow(-1) }[e.key];
  if (act) { act(); e.preventDefault(); } });
