/* ----------------------------------------------------------------------- rhythms and figures, from kinds
   The definitions of rhythm/episodes.py and rhythm/summary.py, for what a reader corrects: a test holds the two
   against each other. Nothing here draws. Beats: peaks (samples at D.fs) and kinds (letters), in order of time. */
const R = D.rhythm;                              // the constants of these modules and of corrections.py, by their names
function knownRr(peaks, gaps) {
  const rr = Array.from(peaks, (p, i) => i ? (p - peaks[i - 1]) / D.fs : NaN), sorted = [...gaps].sort((p, q) => p[0] - q[0] || p[1] - q[1]);
  let g = 0, reached = -1;
  peaks.forEach((p, i) => { while (g < sorted.length && sorted[g][0] < p) reached = Math.max(reached, sorted[g++][1]); if (i && reached > peaks[i - 1]) rr[i] = NaN; });
  return rr;
}
/* [first, after the last] of what is marked in a row; a row ends before a beat that is not linked. */
function inARow(marked, linked) {
  const found = []; let a = -1;
  for (let i = 0; i <= marked.length; i++) {
    if (a >= 0 && (i === marked.length || !marked[i] || (linked && !linked[i]))) { found.push([a, i]); a = -1; }
    if (i < marked.length && marked[i] && a < 0) a = i; }
  return found;
}
function episodeOf(peaks, a, b, code) {
  return { code, first: a, start: peaks[a], end: peaks[b - 1], beats: b - a, rate: b - a > 1 ? 60 * (b - 1 - a) / ((peaks[b - 1] - peaks[a]) / D.fs) : NaN };
}
const range = (a, b) => Array.from({ length: b - a }, (_, k) => a + k);
/* Where every second or third beat is ectopic and none between. */
function every(peaks, ectopic, linked, period, code) {
  const at = []; ectopic.forEach((on, i) => { if (on) at.push(i); });
  if (at.length < R.CYCLES) return [];
  let breaks = 0; const broken = linked.map(on => breaks += on ? 0 : 1);
  const regular = at.slice(1).map((i, k) => i - at[k] === period && broken[i] === broken[at[k]]);
  return inARow(regular).filter(([a, b]) => b - a >= R.CYCLES - 1).map(([a, b]) => episodeOf(peaks, Math.max(at[a] - 1, 0), at[b] + 1, code));
}
function episodesAnew(peaks, kinds, fibrillating, gaps) {
  const linked = knownRr(peaks, gaps).map((v, i) => i > 0 && v === v), found = [];
  const v = kinds.map(k => R.VENTRICULAR.includes(k)), s = kinds.map(k => k === "S");
  for (const [marked, [couplet, fast, slow]] of [[v, R.V_CODES], [s, R.S_CODES]]) for (const [a, b] of inARow(marked, linked)) {
    if (b - a < 2) continue;
    const run = episodeOf(peaks, a, b, b - a < R.RUN_BEATS ? couplet : fast);
    if (b - a >= R.RUN_BEATS && run.rate < R.RUN_PER_MIN) run.code = slow;
    found.push(run); }
  /* outside long runs and fibrillation the rate, of eight intervals: four before, this one and three after */
  const rr = knownRr(peaks, gaps), isRun = new Set(found.filter(e => seconds(e) > R.ALARM_S).flatMap(e => range(e.first, e.first + e.beats)));
  const known = rr.map((v, i) => v === v && !isRun.has(i) && !fibrillating[i]), total = [0], many = [0];
  known.forEach((on, i) => { total.push(total[i] + (on ? peaks[i] - peaks[i - 1] : 0)); many.push(many[i] + (on ? 1 : 0)); });
  const rate = known.map((on, i) => { const a = Math.max(0, i - R.RATE_BEATS / 2), b = Math.min(known.length, i + R.RATE_BEATS / 2), n = many[b] - many[a];
    return on && n > R.RATE_BEATS / 2 ? 60 * D.fs / ((total[b] - total[a]) / n) : NaN; });
  const [slow, fast] = R.OF_RATES;
  for (const [code, on] of [[slow, v => v < R.SLOW_PER_MIN], [fast, v => v > R.FAST_PER_MIN]])
    found.push(...inARow(rate.map(on)).map(([a, b]) => episodeOf(peaks, a, b, code)).filter(e => seconds(e) >= R.RATE_S));
  rr.forEach((v, i) => { if (v > D.pause) found.push({ code: R.PAUSE, start: peaks[i - 1], end: peaks[i], beats: 0, rate: 60 * D.fs / (peaks[i] - peaks[i - 1]) }); });
  const [bigeminy, trigeminy, atrial] = R.REGULAR;
  found.push(...every(peaks, v, linked, 2, bigeminy), ...every(peaks, v, linked, 3, trigeminy), ...every(peaks, s, linked, 2, atrial));
  return found;
}
/* As Python rounds: halves that are exact in binary go to the even digit. */
function rounded(v, digits) { if (v === null || v !== v) return null; const p = 10 ** digits, x = v * p;
  if (Number.isInteger(v * 2 ** (digits + 1)) && Math.abs(x) % 1 === 0.5) return 2 * Math.round(x / 2) / p; return +v.toFixed(digits); }
const sum = values => values.reduce((p, q) => p + q, 0), seconds = e => (e.end - e.start) / D.fs;
const best = (found, of) => found.reduce((p, q) => p === null || of(q) > of(p) ? q : p, null);
const deviation = v => { const m = sum(v) / v.length; return Math.sqrt(sum(v.map(q => (q - m) ** 2)) / (v.length - 1)); };
/* Of each part between edges in s, how much spans [start, end] in samples cover. */
const coveredS = (spans, edges) => edges.slice(1).map((right, k) => sum(spans.map(([a, b]) => Math.max(0, Math.min(b / D.fs, right) - Math.max(a / D.fs, edges[k])))));
function minuteRates(peaks, rr) {
  const of = []; peaks.forEach((p, i) => { const m = Math.floor(p / (60 * D.fs)); of[m] ??= [0, 0]; if (rr[i] === rr[i]) { of[m][0]++; of[m][1] += rr[i]; } });
  return Array.from(of, m => m && m[0] >= R.MINUTE_BEATS && m[1] >= R.MINUTE_KNOWN_S ? 60 * m[0] / m[1] : NaN);
}
function variability(peaks, kinds, rr, inAf) {
  const normal = kinds.map((k, i) => k === "N" && !inAf[i]), change = rr.map((v, i) => i ? v - rr[i - 1] : NaN);
  let nn = rr.map((v, i) => i > 0 && normal[i] && normal[i - 1] && v > R.NN_LIMITS_S[0] && v < R.NN_LIMITS_S[1]);
  nn = nn.map((on, i) => on && !(i > 0 && nn[i - 1] && Math.abs(change[i]) > R.NN_CHANGE * rr[i - 1]));
  /* only in stretches of five minutes that are theirs; power by frequency is Python's alone */
  const pieces = new Map(), piece = i => Math.floor(peaks[i] / (300 * D.fs)), all = nn.filter(Boolean).length;
  nn.forEach((on, i) => { if (on) { const k = piece(i); if (!pieces.has(k)) pieces.set(k, []); pieces.get(k).push(rr[i]); } });
  const told = new Map([...pieces].filter(([, v]) => sum(v) >= R.NN_SHARE * 300)); nn = nn.map((on, i) => on && told.has(piece(i)));
  const row = nn.map((on, i) => i > 0 && on && nn[i - 1]), values = rr.filter((_, i) => nn[i]), changes = change.filter((_, i) => row[i]);
  if (!values.length) return { sdnn_ms: null, sdann_ms: null, rmssd_ms: null, pnn50_percent: null, intervals: all, five_minutes: 0 };
  const means = [...told.values()].map(v => sum(v) / v.length), intervals = values.length;
  return { sdnn_ms: rounded(1000 * deviation(values), 1), sdann_ms: means.length > 1 ? rounded(1000 * deviation(means), 1) : null,
           rmssd_ms: rounded(1000 * Math.sqrt(sum(changes.map(v => v * v)) / changes.length), 1),
           pnn50_percent: rounded(100 * changes.filter(v => Math.abs(v) > 0.05).length / changes.length, 1), intervals, five_minutes: means.length };
}
const isAlarm = e => [R.VT, R.SVTA, R.TACHYCARDIA].includes(e.code) ? e.rate > R.ALARM_PER_MIN && seconds(e) > R.ALARM_S : [R.VENTRICULAR_FIBRILLATION, R.ASYSTOLE, R.LOST].includes(e.code);
/* The summary, with the keys of docs/summary.schema.json, of beats and all episodes. */
function summarise(peaks, kinds, doubtful, episodes, gaps) {
  const rr = knownRr(peaks, gaps), known = rr.filter(v => v === v), minutes = minuteRates(peaks, rr), of = (...codes) => episodes.filter(e => codes.includes(e.code));
  const edges = []; for (let t = 0; t < D.duration; t += 3600) edges.push(t); edges.push(D.duration);
  const leftOut = coveredS(gaps, edges), analysed = D.duration - sum(leftOut), noRhythm = sum(of(R.VENTRICULAR_FIBRILLATION).map(seconds));
  const run = e => e && { beats: e.beats, at_s: rounded(e.start / D.fs, 2), per_min: rounded(e.rate, 0) };
  const ectopy = (kind, [couplet, ...runCodes]) => { const count = kinds.filter(k => k === kind).length, runs = of(...runCodes);
    return { count, doubtful: kinds.filter((k, i) => k === kind && doubtful[i]).length, per_hour: rounded(count / Math.max(analysed / 3600, 1e-9), 1), percent: rounded(100 * count / Math.max(kinds.length, 1), 2), couplets: of(couplet).length, runs: runs.length,
             longest_run: run(best(runs, e => e.beats)), fastest_run: run(best(runs, e => e.rate)) }; };
  const extreme = sign => { const at = best(minutes.map((v, i) => i).filter(i => minutes[i] === minutes[i]), i => sign * minutes[i]); return at === null ? null : { per_min: rounded(minutes[at], 1), at_s: 60 * at }; };
  const af = of(R.FIBRILLATION), afS = sum(af.map(seconds)), pauses = of(R.PAUSE), longest = best(pauses, seconds);
  const inAf = Array.from(peaks, () => false); for (const e of af) peaks.forEach((p, i) => { if (p >= e.start && p <= e.end) inAf[i] = true; });
  const share = (part, whole, digits) => rounded(Math.min(100, 100 * part / Math.max(whole, 1e-9)), digits);
  const inHours = values => { const n = new Array(edges.length - 1).fill(0); for (const p of values) n[Math.min(Math.floor(p / D.fs / 3600), n.length - 1)]++; return n; };
  const fibrillating = coveredS(af.map(e => [e.start, e.end]), edges), starts = (...codes) => of(...codes).map(e => e.start), ofKind = kind => peaks.filter((_, i) => kinds[i] === kind);
  const perHour = Object.entries({ beats: peaks, v: ofKind("V"), s: ofKind("S"), v_runs: starts(...R.V_CODES.slice(1)), s_runs: starts(...R.S_CODES.slice(1)), pauses: starts(R.PAUSE), alarms: episodes.filter(isAlarm).map(e => e.start) })
    .map(([name, values]) => [name, inHours(values)]);
  return {
    recording: { analysed_s: rounded(analysed, 1), unreadable_s: rounded(Math.max(sum(leftOut) - noRhythm, 0), 1), no_rhythm_s: rounded(noRhythm, 1) },
    beats: Object.fromEntries([["total", peaks.length], ...[..."NVSFQ"].map(k => [k.toLowerCase(), kinds.filter(q => q === k).length])]),
    rate_per_min: { mean: known.length ? rounded(60 / (sum(known) / known.length), 1) : null, slowest: extreme(-1), fastest: extreme(1) },
    ventricular: { ...ectopy("V", R.V_CODES), bigeminy_s: rounded(sum(of(R.REGULAR[0]).map(seconds)), 1), trigeminy_s: rounded(sum(of(R.REGULAR[1]).map(seconds)), 1) },
    supraventricular: ectopy("S", R.S_CODES),
    fibrillation: { burden_percent: share(afS, analysed, 2), episodes: af.length, longest_s: rounded(Math.max(0, ...af.map(seconds)), 1), mean_rate_per_min: afS ? rounded(60 * sum(af.map(e => e.beats - 1)) / afS, 0) : null },
    pauses: { count: pauses.length, longest_s: longest && rounded(seconds(longest), 2), longest_at_s: longest && rounded(longest.start / D.fs, 2) },
    hrv: variability(peaks, kinds, rr, inAf),
    hours: edges.slice(0, -1).map((start, k) => { const rates = minutes.slice(60 * k, 60 * k + 60).filter(v => v === v), whole = edges[k + 1] - start - leftOut[k];
      return { start_s: rounded(start, 0), analysed_s: rounded(whole, 1), mean_per_min: rates.length ? rounded(sum(rates) / rates.length, 1) : null,
               slowest_per_min: rates.length ? rounded(Math.min(...rates), 1) : null, fastest_per_min: rates.length ? rounded(Math.max(...rates), 1) : null,
               ...Object.fromEntries(perHour.map(([name, counts]) => [name, counts[k]])), fibrillation_percent: share(fibrillating[k], whole, 1) }; }),
  };
}
/* [sample, code] where the rhythm changes, the first of R.PRIORITY where several run. */
function rhythmChanges(episodes) {
  const edges = [...new Set(episodes.flatMap(e => [e.start, e.end]))].sort((p, q) => p - q), place = new Map(edges.map((v, i) => [v, i]));
  const rank = edges.map(() => R.PRIORITY.length);
  for (const e of episodes) for (let i = place.get(e.start); i < place.get(e.end); i++) rank[i] = Math.min(rank[i], R.PRIORITY.indexOf(e.code));
  return edges.map((at, i) => [at, [...R.PRIORITY, R.SINUS][rank[i]]]).filter((row, i, all) => !i || row[1] !== all[i - 1][1]);
}
