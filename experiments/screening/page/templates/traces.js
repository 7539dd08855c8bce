/* -------------------------------------------------------------------------------------------- traces */
function paper(c, x, y, t0, t1, m0, m1, small) {
  for (const [dt, dm, colour] of small ? [[0.04, 0.1, C.grid], [0.2, 0.5, C.grid5]] : [[0.2, 0.5, C.grid]]) { c.strokeStyle = colour; c.lineWidth = 0.7; c.beginPath();
    for (let t = Math.ceil(t0 / dt) * dt; t <= t1 + 1e-6; t += dt) { c.moveTo(x(t), y(m0)); c.lineTo(x(t), y(m1)); }
    for (let m = Math.ceil(m0 / dm) * dm; m <= m1 + 1e-6; m += dm) { c.moveTo(x(t0), y(m)); c.lineTo(x(t1), y(m)); } c.stroke(); } }
function limits(...values) { let a = Infinity, b = -Infinity; for (const v of values) if (v) for (const q of v) if (q === q) { a = Math.min(a, q); b = Math.max(b, q); }
  if (a > b) return [-1, 1]; const span = Math.max((b - a) * 1.12, 1.5), m = (a + b) / 2; return [m - span / 2, m + span / 2]; }
function line(c, v, x, y, t0, dt) { c.beginPath(); let on = false; for (let i = 0; i < v.length; i++) { if (v[i] !== v[i]) { on = false; continue; } const px = x(t0 + i * dt), py = y(v[i]); if (on) c.lineTo(px, py); else c.moveTo(px, py); on = true; } c.stroke(); }
/* Eight seconds of the first lead around t, once their pieces are here; t is marked where it is a beat's. */
function drawStrip(canvas, t, isBeat) {
  if (!canvas.clientWidth) return;
  const [c, w, h] = fit(canvas), span = Math.min(8, (w - 8 * MM) / MM / 25), t0 = Math.max(0, t - span / 2), a = Math.floor(t0 * TR.hz), b = Math.min(a + Math.ceil(span * TR.hz), Math.floor(D.duration * TR.hz));
  const shown = samples(0, a, b), tall = limits(shown); strip(c, w, h, [shown], TR.hz, a / TR.hz, { mmMv: (tall[1] - tall[0]) * 10 * MM > h * 1.25 ? 5 : 10 });
  if ([a, b - 1].some(i => !store.has(Math.floor(i / PER_PIECE)))) awaiting.push(() => drawStrip(canvas, t, isBeat));
  if (isBeat) { const px = 8 * MM + (t - t0) * 25 * MM; c.fillStyle = C.alarm; c.beginPath(); c.moveTo(px - 5, h); c.lineTo(px + 5, h); c.lineTo(px, h - 7); c.fill(); } }
const inferno = v => { const k = 3 * Math.min(255, Math.round(v)); return [colours[k], colours[k + 1], colours[k + 2]]; };
function drawError(canvas, g, flat) {
  const [c, w, h] = fit(canvas), e = bytes(g.error), R = flat ? 1 : g.rows, K = g.columns, image = new ImageData(K, R), left = 40, wide = w - left - 6, deep = flat ? h : h - 20;
  const level = D.contour / D.scale * 255, at = (r, k) => e[r * K + k];
  for (let r = 0; r < R; r++) for (let k = 0; k < K; k++) { let v = 0; if (flat) for (let q = 0; q < g.rows; q++) v = Math.max(v, at(q, k)); else v = at(R - 1 - r, k);
    image.data.set([...inferno(v), 255], 4 * (r * K + k)); }
  const small = document.createElement("canvas"); small.width = K; small.height = R; small.getContext("2d").putImageData(image, 0, 0); c.imageSmoothingEnabled = false; c.drawImage(small, left, 0, wide, deep);
  c.fillStyle = C.soft; c.font = "11px system-ui, sans-serif"; c.textBaseline = "middle"; c.textAlign = "right";
  if (flat) { c.fillText("error", left - 5, h / 2); return; }
  c.strokeStyle = "#fff"; c.lineWidth = 1.2; c.beginPath(); const dx = wide / K, dy = deep / R;
  for (let r = 0; r < R; r++) for (let k = 0; k < K; k++) { const on = at(r, k) > level, X = left + k * dx, Y = deep - (r + 1) * dy;
    if (k + 1 < K && on !== (at(r, k + 1) > level)) { c.moveTo(X + dx, Y); c.lineTo(X + dx, Y + dy); } if (r + 1 < R && on !== (at(r + 1, k) > level)) { c.moveTo(X, Y); c.lineTo(X + dx, Y); } } c.stroke();
  for (const f of [0, 15, 30, 45]) if (f <= g.hz + 2) c.fillText(f + (f ? "" : " Hz"), left - 5, Math.min(deep - 6, Math.max(6, deep - f / g.hz * deep)));
  timeAxis(c, left, wide, h - 9); }
function timeAxis(c, left, wide, y) { c.textAlign = "center"; c.fillStyle = C.soft; for (const t of [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3, 0.4]) c.fillText(t ? t.toFixed(1) : "R", left + (t * D.fs + D.before) / D.window * wide, y); }
function drawPanel(box, g) {
  const [c, w, h] = fit(box.querySelector(".trace")), v = trace(g.beat), n = g.generated && trace(g.generated), [m0, m1] = limits(v, n), left = 40, wide = w - left - 6;
  const t0 = -D.before / D.fs, t1 = t0 + D.window / D.fs, x = t => left + (t - t0) / (t1 - t0) * wide, y = m => h - 4 - (m - m0) / (m1 - m0) * (h - 8); paper(c, x, y, t0, t1, m0, m1, true);
  const e = bytes(g.error), K = g.columns; c.fillStyle = C.mark;
  for (let k = 0; k < K; k++) { let most = 0; for (let r = 0; r < g.rows; r++) most = Math.max(most, e[r * K + k]); if (most > D.contour / D.scale * 255) c.fillRect(left + k * wide / K, 0, wide / K + 0.4, h); }
  c.font = "11px system-ui, sans-serif"; c.fillStyle = C.soft; c.textAlign = "right"; c.textBaseline = "middle"; for (let m = Math.ceil(m0 / 0.5) * 0.5; m <= m1; m += (m1 - m0 > 4 ? 1 : 0.5)) c.fillText(m.toFixed(1), left - 5, Math.min(h - 8, Math.max(8, y(m))));
  c.save(); c.translate(9, h / 2); c.rotate(-Math.PI / 2); c.textAlign = "center"; c.fillText("mV", 0, 0); c.restore();
  if (n) { c.strokeStyle = C.normal; c.setLineDash([6, 3]); c.lineWidth = 1.6; line(c, n, x, y, t0, 1 / D.fs); c.setLineDash([]); }
  c.strokeStyle = C.ink; c.lineWidth = 1.7; line(c, v, x, y, t0, 1 / D.fs);
  drawError(box.querySelector(".strip1"), g, true); const map = box.querySelector(".map"); if (map && map.clientWidth) drawError(map, g, false); }
