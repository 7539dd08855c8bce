/* ------------------------------------------------------------------------ RR intervals, as readers know them
   Tachogram of what the timeline shows, histogram and Poincare plot of the whole; coloured by the kind of the beat
   that ends an interval. Of a day's beats, two a pixel are enough to see. */
const RR_TOP = (() => { const v = Array.from(rr).filter(Boolean).sort((p, q) => p - q); return Math.min(3, Math.max(1.2, Math.ceil((v[Math.floor(v.length * 0.999)] || 1200) / 200) / 5)); })();
function plot(canvas, title, xs, ys) {           // axes; xs, ys: [[value, label], ...] with value from 0 to 1
  const [c, w, h] = fit(canvas), box = { x: v => 40 + v * (w - 48), y: v => h - 22 - v * (h - 44), w, h };
  c.font = "11px system-ui, sans-serif"; c.textBaseline = "middle"; c.fillStyle = C.soft; c.strokeStyle = C.line; c.lineWidth = 0.5;
  c.textAlign = "left"; c.fillText(title, 40, 9); c.textAlign = "right";
  for (const [v, text] of ys) { c.fillText(text, 35, box.y(v)); c.beginPath(); c.moveTo(40, box.y(v)); c.lineTo(w - 8, box.y(v)); c.stroke(); }
  c.textAlign = "center"; for (const [v, text] of xs) c.fillText(text, Math.min(box.x(v), w - 24), h - 9);
  return [c, box];
}
const rrTicks = () => Array.from({ length: Math.floor(RR_TOP / 0.4) + 1 }, (_, k) => [k * 0.4 / RR_TOP, (k * 0.4).toFixed(1)]);
function dots(c, box, points) {                  // points: [x, y, index of beat]; N first, so that others are seen
  const wide = Math.ceil(box.w), seen = new Uint8Array(wide * Math.ceil(box.h) * 2);
  for (const normal of [true, false]) for (const [x, y, i] of points) if ((now.kind[i] === 0) === normal && x >= 0 && x <= 1) {
    const px = Math.round(box.x(x)), py = Math.round(box.y(Math.min(y, 1))), key = 2 * (py * wide + px) + normal; if (seen[key]++ > 1) continue;
    c.fillStyle = C[normal ? "beat" : KIND_COLOURS[kindOf(i)]]; c.fillRect(px - 1, py - 1, 2.2, 2.2); }
}
function drawTachogram() {
  const [a, b] = view, points = [];
  for (let i = first(a); i < sample.length && time(i) < b; i++) if (rr[i] && !isOut(i)) points.push([(time(i) - a) / (b - a), rr[i] / 1000 / RR_TOP, i]);
  const [c, box] = plot($("tachogram"), "RR by beat, s", [0, 0.5, 1].map(v => [v, clock(a + v * (b - a))]), rrTicks()); dots(c, box, points);
}
$("tachogram").addEventListener("click", e => go(view[0] + (e.offsetX - 40) / ($("tachogram").clientWidth - 48) * (view[1] - view[0])));
function drawPictures() {
  drawTachogram();
  const bins = Math.round(RR_TOP / 0.04), counts = { N: new Array(bins).fill(0), V: new Array(bins).fill(0), S: new Array(bins).fill(0), Q: new Array(bins).fill(0) }, pairs = [];
  for (let i = 0; i < sample.length; i++) { if (!rr[i] || isOut(i)) continue;
    const k = kindOf(i), of = counts[k] ?? counts.Q; of[Math.min(bins - 1, Math.floor(rr[i] / 40))]++;
    if (i && rr[i - 1] && (time(i) - time(i - 1)) * 1000 < 1.5 * rr[i]) pairs.push([rr[i - 1] / 1000 / RR_TOP, rr[i] / 1000 / RR_TOP, i]); }
  const most = Math.max(1, ...counts.N.map((_, k) => sum(Object.values(counts).map(v => v[k]))));
  const [c, box] = plot($("histogram"), "how often each RR, s", rrTicks().filter((_, k) => k % 2 === 0), [[0, "0"], [1, String(most)]]);
  for (let k = 0; k < bins; k++) { let low = 0; for (const [name, of] of Object.entries(counts)) { const wide = box.x((k + 1) / bins) - box.x(k / bins), high = low + of[k] / most;
    c.fillStyle = C[name === "N" ? "beat" : KIND_COLOURS[name]]; c.fillRect(box.x(k / bins), box.y(high), wide - 0.6, box.y(low) - box.y(high)); low = high; } }
  const [d, square] = plot($("poincare"), "each RR (up) after the one before, s", rrTicks().filter((_, k) => k % 2 === 0), rrTicks()); dots(d, square, pairs);
}
