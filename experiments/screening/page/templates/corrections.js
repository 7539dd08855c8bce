/* --------------------------------------------------------------------------------------- corrections
   What a reader changes is a list of edits, of which the last can be taken back: {beats: their samples, kind},
   {added: own sample, kind}, {noise: [from, to] in s}, {removed: [code, start]}. Beats, kinds, episodes and figures
   follow from all of them, each time anew. */
const base = { sample, rarity, rr, cluster, kind: bytes(D.kind), doubtful: bytes(D.doubtful) }, edits = [];
let { kind, doubtful } = base, added = new Map();    // sample at D.fs -> edit
const LETTER = { v: "V", s: "S", f: "F", q: "Q", b: "N" }, NONE = R.KINDS.length - 1;   // keys; n is the next beat
const found = D.episodes.map(([code, start, end, beats]) => ({ code, start, end, beats, rate: beats > 1 ? 60 * (beats - 1) / ((end - start) / D.fs) : NaN }));
const now = { kind, out: new Uint8Array(kind.length), noise: [], episodes: found, summary: D.summary };
let picked = null;                               // {from, to} in s of what was dragged over, or an episode with them
const kindOf = i => R.KINDS[now.kind[i]], isOut = i => now.out[i] === 1, toLookAt = i => cluster[i] >= 0 && now.kind[i] > 0 && !isOut(i);
const flaggedNow = () => cluster.reduce((n, _, i) => n + toLookAt(i), 0);
const mergeSpans = spans => [...spans].sort((p, q) => p[0] - q[0]).reduce((all, [a, b]) => { const last = all[all.length - 1]; if (last && a <= last[1]) last[1] = Math.max(last[1], b); else all.push([a, b]); return all; }, []);
/* The beats with those that were missed, in order of time; of base the others. */
function placeBeats() {
  const known = new Set(base.sample); added = new Map(edits.filter(e => e.added !== undefined).map(e => [ownSample(e.added), e]));
  const fresh = [...added].filter(([s]) => !known.has(s)), n = base.sample.length, at = [...base.sample, ...fresh.map(([s]) => s)];
  const order = Uint32Array.from(at.keys()); if (fresh.length) order.sort((p, q) => at[p] - at[q]);
  const placed = (values, other) => values.constructor.from(order, k => k < n ? values[k] : other(fresh[k - n]));
  sample = placed(base.sample, ([s]) => s); rarity = placed(base.rarity, () => 0); cluster = placed(base.cluster, () => -1);
  kind = placed(base.kind, ([, e]) => R.KINDS.indexOf(e.kind)); doubtful = placed(base.doubtful, () => 0); added = new Map(fresh);
}
/* RR, episodes and figures after some corrections: what corrections.py does. */
function corrected(removed) {
  const stays = [...sample.keys()].filter(i => !isOut(i)), peaks = stays.map(i => sample[i]), letters = stays.map(kindOf), gaps = mergeSpans([...D.gaps, ...now.noise]);
  const isLeft = e => !removed.some(([code, start]) => code === e.code && start === e.start) && !now.noise.some(([a, b]) => (e.start + e.end) / 2 >= a && (e.start + e.end) / 2 < b)
    && !(e.code === R.ASYSTOLE && edits.some(q => q.added !== undefined && e.start < ownSample(q.added) && ownSample(q.added) < e.end));
  const kept = found.filter(isLeft), anew = [...R.V_CODES, ...R.S_CODES, ...R.REGULAR, ...R.OF_RATES, R.PAUSE], inAf = new Uint8Array(peaks.length);
  for (const e of kept) if ([R.FIBRILLATION, R.SHORT_FIBRILLATION].includes(e.code)) peaks.forEach((p, i) => { if (p >= e.start && p <= e.end) inAf[i] = 1; });
  /* a long interval that was there before is a pause only if it was one */
  const place = new Map(Array.from(base.sample, (s, i) => [s, i])), were = new Set(kept.filter(e => e.code === R.PAUSE).map(e => e.start + " " + e.end));
  const isNew = e => e.code !== R.PAUSE || were.has(e.start + " " + e.end) || place.get(e.end) - place.get(e.start) !== 1;
  const episodes = [...kept.filter(e => !anew.includes(e.code)), ...episodesAnew(peaks, letters, inAf, gaps).filter(isNew).filter(isLeft)].sort((p, q) => p.start - q.start || p.end - q.end);
  rr = new Uint16Array(sample.length); knownRr(peaks, gaps).forEach((v, k) => { rr[stays[k]] = Math.min(65535, Math.round((v || 0) * 1000)); });
  return { episodes, summary: summarise(peaks, letters, stays.map(i => doubtful[i] && now.kind[i] === kind[i]), episodes, gaps) };
}
function apply() {
  const was = sample[chosen]; placeBeats();
  now.kind = Uint8Array.from(kind); now.noise = edits.filter(e => e.noise).map(e => e.noise.map(s => ownSample(s * D.ownHz)));
  for (const e of edits) if (e.beats) for (const s of e.beats) { const i = firstFrom(s); if (sample[i] === s) now.kind[i] = R.KINDS.indexOf(e.kind); }
  now.out = Uint8Array.from(sample, (s, i) => now.kind[i] === NONE || now.noise.some(([a, b]) => s >= a && s < b));
  rr = base.rr; Object.assign(now, edits.length ? corrected(edits.filter(e => e.removed).map(e => e.removed)) : { episodes: found, summary: D.summary });
  chosen = was === undefined || sample[firstFrom(was)] !== was ? -1 : firstFrom(was);
  D.bands = bandsOf(now.episodes); D.bad = [...readable, ...now.noise.map(([a, b]) => [a / D.fs, b / D.fs, "noise, by a reader"])];
  $("corrections").textContent = edits.length ? changesInWords() + ", not saved yet" : "";
  const kinds = new Map(); cluster.forEach((k, i) => { if (k >= 0 && !isOut(i)) kinds.set(k, (kinds.get(k) ?? new Set()).add(kindOf(i))); });
  for (const row of rows()) { const of = [...kinds.get(+row.dataset.cluster) ?? "\u2013"], one = of.length === 1 ? of[0] : row.dataset.kind;
    const tag = row.querySelector(".kind"); tag.textContent = one; tag.className = "kind " + one + (one !== row.dataset.kind ? " changed" : ""); if (kinds.has(+row.dataset.cluster)) row.querySelector("select").value = one; }
  if (chosen >= 0) sayBeat(chosen);
  tell(); drawTimeline(); drawPictures();
}
/* The recording's own samples to samples at D.fs, and back, as Python rounds them. */
const ownSample = own => Math.floor(Math.round(own) * D.own + 0.5), own = s => rounded(s / D.own, 0);
const readable = D.bad;
const bandsOf = episodes => { const ranks = Object.keys(D.rhythms), seen = episodes.filter(e => !D.noBand.includes(e.code));
  return seen.sort((p, q) => ranks.indexOf(q.code) - ranks.indexOf(p.code)).map(e => [e.start / D.fs, e.end / D.fs, D.rhythms[e.code][1], D.rhythms[e.code][0]]); };
D.bands = bandsOf(found);
function changesInWords() { const changed = kind.reduce((n, k, i) => n + (k !== now.kind[i] && now.kind[i] !== NONE && !added.has(sample[i])), 0), none = now.kind.reduce((n, k) => n + (k === NONE), 0);
  const noise = edits.filter(e => e.noise).length, removed = edits.filter(e => e.removed).length;
  return [changed && plural(changed, "beat") + " given another kind", added.size && plural(added.size, "beat") + " added", none && plural(none, "beat") + " taken out", noise && plural(noise, "stretch").replace("stretchs", "stretches") + " of noise", removed && plural(removed, "episode") + " taken out"].filter(Boolean).join(", "); }
/* A kind for what is picked: the beats of a stretch or episode that are not N, a whole shape, or one beat. */
function give(letter, wholeShape) {
  let beats = [];
  if (picked) { for (let i = first(picked.from); i < sample.length && time(i) <= picked.to + 1e-6; i++) if (kindOf(i) !== "N") beats.push(sample[i]); }
  else if (chosen >= 0 && wholeShape && cluster[chosen] >= 0) cluster.forEach((k, i) => { if (k === cluster[chosen]) beats.push(sample[i]); });
  else if (chosen >= 0) beats = [sample[chosen]];
  if (beats.length) { edits.push({ beats, kind: letter }); apply(); }
}
function takeOut(wholeShape) {
  if (picked?.code && ![...R.V_CODES, ...R.S_CODES, ...R.REGULAR].includes(picked.code)) edits.push({ removed: [picked.code, picked.start] });
  else if (picked && !picked.code) edits.push({ noise: [picked.from, picked.to] });
  else if (chosen >= 0) { give(R.KINDS[NONE], wholeShape); chosen = -1; return drawTimeline(); }
  else return;
  picked = null; chosen = -1; apply();
}
/* A beat that was missed, at the peak next to t. */
function add(t) {
  const a = Math.max(0, Math.round((t - 0.08) * TR.hz)), v = samples(0, a, Math.round((t + 0.08) * TR.hz)), level = [...v].sort((p, q) => p - q)[v.length >> 1] || 0;
  const peak = v.reduce((p, q, i) => Math.abs(q - level) > Math.abs(v[p] - level) ? i : p, 0), at_s = v[peak] === v[peak] ? (a + peak) / TR.hz : t;
  const near = nearest(at_s); if (sample.length && Math.abs(time(near) - at_s) < 0.15 && !isOut(near)) return choose(near);
  edits.push({ added: Math.round(at_s * D.ownHz), kind: "N" }); apply(); choose(nearest(at_s));
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
  for (const e of now.episodes) if (e.code === R.VENTRICULAR_FIBRILLATION) rows.push([own(e.start), "[", ""], [own(e.end), "]", ""]);
  for (const [a, b] of now.noise) rows.push([own(a), "~", "unreadable: noise, by a reader"], [own(b), "~", "readable"]);
  sample.forEach((s, i) => { if (!isOut(i)) rows.push([own(s), kindOf(i), ""]); });
  return rows.sort((p, q) => p[0] - q[0]);
}
function correctionsJson() {
  const beats = [], more = []; kind.forEach((k, i) => { const e = added.get(sample[i]); if (e) more.push([e.added, kindOf(i)]); else if (k !== now.kind[i]) beats.push([own(sample[i]), kindOf(i)]); });
  return { schema: "b2i-gan.corrections/1", recording: D.name, beats, added: more, noise: edits.filter(e => e.noise).map(e => e.noise.map(s => Math.max(0, Math.round(s * D.ownHz)))),
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
$("undo").onclick = undo; $("noise").onclick = e => takeOut(e.shiftKey || $("whole-shape").checked);
for (const b of document.querySelectorAll("button[data-kind]")) b.onclick = e => give(b.dataset.kind, e.shiftKey || $("whole-shape").checked);
for (const select of document.querySelectorAll("select.correct")) select.onchange = () => { const k = +select.closest("details").dataset.cluster, beats = []; cluster.forEach((c, i) => { if (c === k) beats.push(sample[i]); }); edits.push({ beats, kind: select.value }); apply(); };
document.addEventListener("keydown", e => { if (e.altKey || e.target.isContentEditable || /SELECT|INPUT/.test(e.target.tagName) || document.body.classList.contains("report")) return;
  if ((e.ctrlKey || e.metaKey) && e.key === "z" || e.key === "u" && !e.ctrlKey) { undo(); e.preventDefault(); } else if (e.ctrlKey || e.metaKey) return;
  else if (LETTER[e.key.toLowerCase()]) give(LETTER[e.key.toLowerCase()], e.shiftKey); else if (e.key.toLowerCase() === "x") takeOut(e.shiftKey); else if (e.key === "a" && pointed) add(pointed()); });
