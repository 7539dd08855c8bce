/* --------------------------------------------------------------------------------------- corrections
   What a reader changes is a list of edits, of which the last can be taken back: {beats, kind}, {noise: [from, to]
   in s}, {removed: [code, start]}. Kinds, episodes and figures follow from all of them, each time anew. */
const kind = bytes(D.kind), doubtful = bytes(D.doubtful), edits = [];
const LETTER = { v: "V", s: "S", f: "F", q: "Q", b: "N" };   // keys; n is the next beat to look at
const found = D.episodes.map(([code, start, end, beats]) => ({ code, start, end, beats, rate: beats > 1 ? 60 * (beats - 1) / ((end - start) / D.fs) : NaN }));
const now = { kind: Uint8Array.from(kind), noise: [], episodes: found, summary: D.summary };
let picked = null;                               // {from, to} in s of what was dragged over, or an episode with them
const kindOf = i => D.kinds[now.kind[i]], isNoise = i => now.noise.some(([a, b]) => sample[i] >= a && sample[i] < b);
const flaggedNow = () => { let n = 0; for (let i = 0; i < cluster.length; i++) if (cluster[i] >= 0 && now.kind[i] && !isNoise(i)) n++; return n; };
const mergeSpans = spans => [...spans].sort((p, q) => p[0] - q[0]).reduce((all, [a, b]) => { const last = all[all.length - 1]; if (last && a <= last[1]) last[1] = Math.max(last[1], b); else all.push([a, b]); return all; }, []);
/* Beats, kinds, all episodes and gaps after some corrections: what corrections.py does. */
function corrected(kinds, noise, removed) {
  const stays = Array.from(sample, s => !noise.some(([a, b]) => s >= a && s < b)), peaks = Array.from(sample).filter((_, i) => stays[i]), letters = Array.from(kinds, k => D.kinds[k]).filter((_, i) => stays[i]);
  const ofKinds = [...R.vCodes, ...R.sCodes, ...R.regular], gaps = mergeSpans([...D.gaps, ...noise]);
  const kept = found.filter(e => !ofKinds.includes(e.code) && !removed.some(([code, start]) => code === e.code && start === e.start) && !noise.some(([a, b]) => (e.start + e.end) / 2 >= a && (e.start + e.end) / 2 < b));
  const episodes = [...kept, ...ectopicEpisodes(peaks, letters, gaps)].sort((p, q) => p.start - q.start || p.end - q.end);
  const unsure = Array.from(doubtful, (d, i) => d && kinds[i] === kind[i]).filter((_, i) => stays[i]);
  return { peaks, letters, episodes, summary: summarise(peaks, letters, unsure, episodes, gaps) };
}
function apply() {
  now.kind.set(kind); now.noise = edits.filter(e => e.noise).map(e => e.noise.map(s => ownSample(s * D.ownHz)));
  for (const e of edits) if (e.beats) for (const i of e.beats) now.kind[i] = D.kinds.indexOf(e.kind);
  Object.assign(now, edits.length ? corrected(now.kind, now.noise, edits.filter(e => e.removed).map(e => e.removed)) : { episodes: found, summary: D.summary });
  D.bands = bandsOf(now.episodes); D.bad = [...readable, ...now.noise.map(([a, b]) => [a / D.fs, b / D.fs, "noise, by a reader"])];
  $("corrections").textContent = edits.length ? changesInWords() + ", not saved yet" : "";
  for (const row of rows()) { const of = new Set(), k = +row.dataset.cluster; for (let i = 0; i < cluster.length; i++) if (cluster[i] === k) of.add(kindOf(i));
    const tag = row.querySelector(".kind"), one = of.size === 1 ? [...of][0] : row.dataset.kind; tag.textContent = one; tag.className = "kind " + one + (one !== row.dataset.kind ? " changed" : ""); row.querySelector("select").value = one; }
  tell(); drawTimeline(); drawPictures();
}
/* The recording's own samples to samples at D.fs, and back, as Python rounds them. */
const ownSample = own => Math.floor(Math.round(own) * D.own + 0.5), own = s => rounded(s / D.own, 0);
const readable = D.bad;
const bandsOf = episodes => { const ranks = Object.keys(D.rhythms), seen = episodes.filter(e => !D.noBand.includes(e.code));
  return seen.sort((p, q) => ranks.indexOf(q.code) - ranks.indexOf(p.code)).map(e => [e.start / D.fs, e.end / D.fs, D.rhythms[e.code][1], D.rhythms[e.code][0]]); };
D.bands = bandsOf(found);
function changesInWords() { let beats = 0; for (let i = 0; i < kind.length; i++) if (kind[i] !== now.kind[i]) beats++;
  const noise = edits.filter(e => e.noise).length, removed = edits.filter(e => e.removed).length;
  return [plural(beats, "beat") + " given another kind", noise && plural(noise, "stretch").replace("stretchs", "stretches") + " of noise", removed && plural(removed, "episode") + " taken out"].filter(Boolean).join(", "); }
/* A kind for what is picked: the beats of a stretch or episode that are not N, a whole shape, or one beat. */
function give(letter, wholeShape) {
  let beats = [];
  if (picked) { for (let i = first(picked.from); i < sample.length && time(i) <= picked.to + 1e-6; i++) if (kindOf(i) !== "N") beats.push(i); }
  else if (chosen >= 0 && wholeShape && cluster[chosen] >= 0) cluster.forEach((k, i) => { if (k === cluster[chosen]) beats.push(i); });
  else if (chosen >= 0) beats = [chosen];
  if (beats.length) { edits.push({ beats, kind: letter }); apply(); }
}
function takeOut() {
  if (picked?.code && ![...R.vCodes, ...R.sCodes, ...R.regular].includes(picked.code)) edits.push({ removed: [picked.code, picked.start] });
  else if (picked && !picked.code) edits.push({ noise: [picked.from, picked.to] });
  else if (chosen >= 0) edits.push({ noise: [time(chosen) - 0.1, time(chosen) + 0.1] });   // one beat that is none
  else return;
  picked = null; chosen = -1; apply();
}
function undo() { if (edits.pop()) apply(); }
function pick(what, words) { picked = what; chosen = -1; $("said").textContent = words; drawTimeline(); }

/* ------------------------------------------------------------------------------------------- saved */
const CODES = { N: 1, V: 5, F: 6, S: 9, Q: 13, "~": 14, '"': 22, "+": 28, "[": 32, "]": 33 };
const SKIP = 59, AUX = 63;
function annotationBytes(rows, hz) {
  const out = [], word = v => out.push(v & 255, (v >> 8) & 255);
  const text = s => { const b = new TextEncoder().encode(s).slice(0, 255); word(AUX << 10 | b.length); out.push(...b); if (b.length % 2) out.push(0); };
  // the sampling rate, as WFDB writes it: a note, then back to the start
  word(CODES['"'] << 10); text("## time resolution: " + hz); word(SKIP << 10); word(65535); word(65535); word(1);
  let last = 0;
  for (const [at, symbol, note] of rows) {
    let step = at - last; last = at;
    if (step > 1023) { word(SKIP << 10); word(step >>> 16); word(step & 65535); step = 0; }
    word(CODES[symbol] << 10 | step);
    if (note) text(note);
  }
  word(0);
  return new Uint8Array(out);
}
function annotationRows() {
  const rows = D.notes.concat([[0, '"', "corrected by a reader: " + (edits.length ? changesInWords() : "nothing")]]);
  for (const [at, code] of rhythmChanges(now.episodes)) rows.push([own(at), "+", code]);
  for (const e of now.episodes) if (e.code === R.vf) rows.push([own(e.start), "[", ""], [own(e.end), "]", ""]);
  for (const [a, b] of now.noise) rows.push([own(a), "~", "unreadable: noise, by a reader"], [own(b), "~", "readable"]);
  sample.forEach((s, i) => { if (!isNoise(i)) rows.push([own(s), kindOf(i), ""]); });
  return rows.sort((p, q) => p[0] - q[0]);
}
function correctionsJson() {
  const beats = []; kind.forEach((k, i) => { if (k !== now.kind[i]) beats.push([own(sample[i]), kindOf(i)]); });
  return { schema: "b2i-gan.corrections/1", recording: D.name, beats, noise: edits.filter(e => e.noise).map(e => e.noise.map(s => Math.max(0, Math.round(s * D.ownHz)))),
           removed: edits.filter(e => e.removed).map(({ removed: [code, start] }) => [code, own(start)]) };
}
function save(name, content, type) {
  const link = make("a"), blob = new Blob([content], { type });
  link.href = URL.createObjectURL(blob); link.download = name; link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  $("corrections").textContent = "saved as " + name;
}
$("save").onclick = () => save(D.name + ".b2ic", annotationBytes(annotationRows(), D.ownHz), "application/octet-stream");
$("save-json").onclick = () => save(D.name + ".corrections.json", JSON.stringify(correctionsJson()), "application/json");
$("undo").onclick = undo; $("noise").onclick = takeOut;
for (const b of document.querySelectorAll("button[data-kind]")) b.onclick = e => give(b.dataset.kind, e.shiftKey || $("whole-shape").checked);
for (const select of document.querySelectorAll("select.correct")) select.onchange = () => { const k = +select.closest("details").dataset.cluster, beats = []; cluster.forEach((c, i) => { if (c === k) beats.push(i); }); edits.push({ beats, kind: select.value }); apply(); };
document.addEventListener("keydown", e => { if (e.altKey || e.target.isContentEditable || /SELECT|INPUT/.test(e.target.tagName) || document.body.classList.contains("report")) return;
  if ((e.ctrlKey || e.metaKey) && e.key === "z" || e.key === "u" && !e.ctrlKey) { undo(); e.preventDefault(); } else if (e.ctrlKey || e.metaKey) return;
  else if (LETTER[e.key.toLowerCase()]) give(LETTER[e.key.toLowerCase()], e.shiftKey); else if (e.key === "x") takeOut(); });
