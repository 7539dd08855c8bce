const bytes = s => { const text = atob(s), found = new Uint8Array(text.length); for (let i = 0; i < text.length; i++) found[i] = text.charCodeAt(i); return found; };
let sample = new Uint32Array(bytes(D.sample).buffer), rarity = new Uint16Array(bytes(D.rarity).buffer),
      rr = new Uint16Array(bytes(D.rr).buffer), cluster = new Int16Array(bytes(D.cluster).buffer);   // what a reader corrects replaces them
const colours = bytes(D.colours);
const trace = s => Float32Array.from(new Int16Array(bytes(s).buffer), v => v === -32768 ? NaN : v * D.step);
const $ = id => document.getElementById(id), time = i => sample[i] / D.fs;
const clock = s => { s = Math.max(0, s); if (D.start !== null) s = (s + D.start) % 86400; const two = n => String(n).padStart(2, "0");
  return Math.floor(s / 3600) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(Math.floor(s) % 60); };
const when = s => { const day = D.start === null ? 0 : Math.floor((s + D.start) / 86400); return clock(s) + (day ? " +" + day + " d" : ""); };
let view = [0, D.duration], at = D.duration / 2, chosen = -1, lit = -1, C = {};
function palette(element) { const style = getComputedStyle(element), found = {};
  for (const n of ["ink", "soft", "paper", "line", "alarm", "beat", "rate", "grid", "grid5", "bad", "mark", "normal", "focus", "lost", "af", "v", "s"]) found[n] = style.getPropertyValue("--" + n).trim(); return found; }
function fit(canvas) { const r = window.devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
  canvas.width = Math.round(w * r); canvas.height = Math.round(h * r);
  const c = canvas.getContext("2d"); c.setTransform(r, 0, 0, r, 0, 0); c.clearRect(0, 0, w, h); return [c, w, h]; }
const first = t => firstFrom(t * D.fs);
function firstFrom(s) { let a = 0, b = sample.length; while (a < b) { const m = (a + b) >> 1; if (sample[m] < s) a = m + 1; else b = m; } return a; }
