/* ---------------------------------------------------------------------------------------------- report
   Canvases of a size in mm, true on paper at 100 % whatever the window is like. Two dots a pixel: Chromium
   prints canvases as vectors, by a scale in 64ths, of which a third would be none. */
function drawReport() {
  const colours = palette($("report")), screen = C;
  const sheet = canvas => { const [w, h] = canvas.dataset.mm.split(" ").map(v => Math.round(v * MM)); canvas.style.width = w + "px"; canvas.style.height = h + "px";
    canvas.width = 2 * w; canvas.height = 2 * h; const c = canvas.getContext("2d"); c.setTransform(2, 0, 0, 2, 0, 0); return [c, w, h]; };
  C = colours;                                   // what is drawn here has the colours of paper
  const [c, w, h] = sheet($("trend")), x = t => LEFT + t / D.duration * (w - LEFT - 8), low = h - 16, high = 18;
  c.font = "10px system-ui, sans-serif"; c.textBaseline = "middle"; c.textAlign = "right"; c.fillStyle = C.soft;
  for (const r of RATES) { const y = low - (low - high) * (r - RATES[0]) / (RATES[2] - RATES[0]); c.fillText(r + (r === RATES[2] ? " /min" : ""), LEFT - 6, y);
    c.strokeStyle = C.line; c.lineWidth = 0.4; c.beginPath(); c.moveTo(LEFT, y); c.lineTo(w - 8, y); c.stroke(); }
  const step = niceStep(D.duration, 8); c.textAlign = "center";
  for (let t = 0; t <= D.duration; t += step) { c.fillStyle = C.soft; c.fillText(clock(t), Math.min(x(t), w - 24), h - 6); }
  for (const [s, e, colour] of D.bands) { c.fillStyle = C[colour]; c.fillRect(x(s), 4, Math.max(1, x(e) - x(s)), 8); }
  for (const [s, e] of D.bad) hatch(c, x(s), high, x(e) - x(s), low - high);
  drawRate(c, x, 0, sample.length, low, high, w);
  for (const canvas of document.querySelectorAll("canvas[data-telling]")) {
    const [c, w, h] = sheet(canvas), [t0, packed] = D.telling[canvas.dataset.telling], values = new Int16Array(bytes(packed).buffer), n = values.length / TR.leads.length;
    strip(c, w, h, TR.leads.map((_, k) => Float32Array.from(values.slice(k * n, (k + 1) * n), v => v === -32768 ? NaN : v * TR.step)), TR.hz, t0, { colours, text: 9 }); }
  C = screen; }
const reporting = on => { document.body.classList.toggle("report", on); if (on) drawReport(); else drawAll(); scrollTo(0, 0); };
$("to-report").onclick = () => reporting(true); $("back").onclick = () => reporting(false); $("print").onclick = () => print();
addEventListener("beforeprint", drawReport);
matchMedia("print").addEventListener("change", e => e.matches ? drawReport() : document.body.classList.contains("report") || drawAll());
