/* --------------------------------------------------------------------------------------------- figures
   Cards and tables from the summary: the program's, or after corrections the page's own. */
const digits = (v, n) => v === null || v === undefined ? "\u2013" : rounded(v, n).toFixed(n), count = n => n.toLocaleString("en").replaceAll(",", "\u202f");
const plural = (n, word) => count(n) + " " + word + (n === 1 ? "" : "s");
/* A length, as lasting of pages.py tells it. */
function lasting(s) { if (s < 59.95) return s ? rounded(s, 1).toFixed(1) + " s" : "0 s"; const whole = rounded(s, 0), minutes = Math.floor(whole / 60) % 60, two = n => String(n).padStart(2, "0");
  return whole < 3600 ? minutes + " min " + two(whole % 60) + " s" : Math.floor(whole / 3600) + " h " + two(minutes) + " min"; }
const goTo = (s, long) => `<button type="button" class="go" data-start="${s}" data-long="${long}">${when(s)}</button>`;
const runText = r => r ? r.beats + " beats at " + r.per_min + " /min, " + when(r.at_s) : "none";
const card = (title, main, lines, band, look) => `<div class="number${look ? " look" : ""}"><h3>${band ? `<i class="band ${band}"></i>` : ""}${title}</h3><b>${main}</b>${lines.filter(Boolean).map(l => `<span>${l}</span>`).join("")}</div>`;
const enough = s => s.recording.analysed_s >= D.enough, enoughNn = s => s.hrv.sdnn_ms !== null;
const noHrv = s => "not told: no five minutes with " + 100 * R.NN_SHARE + " % of normal intervals; " + count(s.hrv.intervals) + " in all";
const ofHrv = s => ["SDNN over " + plural(s.hrv.intervals, "normal interval") + " of " + plural(5 * s.hrv.five_minutes, "minute"),
  (s.hrv.sdann_ms !== null ? "SDANN " + digits(s.hrv.sdann_ms, 0) + " ms, " : "") + "RMSSD " + digits(s.hrv.rmssd_ms, 0) + " ms, pNN50 " + digits(s.hrv.pnn50_percent, 0) + " %",
  s.hrv.lf_ms2 === undefined ? "LF and HF after corrections: by --corrections" : "LF " + digits(s.hrv.lf_ms2, 0) + ", HF " + digits(s.hrv.hf_ms2, 0) + " ms\u00b2, LF/HF " + digits(s.hrv.lf_hf, 1)];
function ectopyLines(s, e) {
  const same = e.longest_run && JSON.stringify(e.longest_run) === JSON.stringify(e.fastest_run);
  return [(enough(s) ? digits(e.per_hour, 0) + " an hour, " : "") + digits(e.percent, 1) + " % of beats", e.doubtful ? count(e.doubtful) + " of them doubtful" : "", e.count || e.couplets || e.runs ? plural(e.couplets, "couplet") + ", " + plural(e.runs, "run") : "",
    ["bigeminy", "trigeminy"].filter(name => e[name + "_s"]).map(name => name + " " + lasting(e[name + "_s"])).join(", "),
    ...[["longest", e.longest_run], ["fastest", same ? null : e.fastest_run]].map(([which, r]) => r && `${which} ${r.beats} beats at ${r.per_min} /min, ${goTo(r.at_s, 60 * r.beats / r.per_min)}`)];
}
function cards(s, flagged, alarms) {
  const rate = s.rate_per_min, hrv = s.hrv, af = s.fibrillation, r = s.recording, perHour = enough(s) ? ", " + digits(flagged / (r.analysed_s / 3600), 0) + " an hour" : "", shapes = plural(D.shapes, "shape");
  return card("Beats", count(s.beats.total), ["in " + lasting(r.analysed_s) + " of " + lasting(D.duration) + " that could be analysed", lasting(r.unreadable_s) + " unreadable" + (r.no_rhythm_s ? ", " + lasting(r.no_rhythm_s) + " without organised rhythm" : "")])
    + card("Heart rate", digits(rate.mean, 0) + " /min", enough(s) ? ["slowest", "fastest"].map(name => rate[name] && name + " minute " + digits(rate[name].per_min, 0) + ", " + goTo(rate[name].at_s, 60)) : [])
    + card("Ventricular", count(s.ventricular.count), ectopyLines(s, s.ventricular), "v") + card("Supraventricular", count(s.supraventricular.count), ectopyLines(s, s.supraventricular), "s")
    + card("Atrial fibrillation", digits(af.burden_percent, 1) + " %", ["of the time, or flutter; " + plural(af.episodes, "episode") + (af.episodes ? ", longest " + lasting(af.longest_s) + ", mean " + digits(af.mean_rate_per_min, 0) + " /min" : "")], "af")
    + card("Pauses", count(s.pauses.count), ["over " + D.pause + " s" + (s.pauses.count ? "; longest " + lasting(s.pauses.longest_s) + ", " + goTo(s.pauses.longest_at_s, s.pauses.longest_s) : "")], "lost")
    + card("Variability (HRV)", enoughNn(s) ? digits(hrv.sdnn_ms, 0) + " ms" : "\u2013", enoughNn(s) ? ofHrv(s) : [noHrv(s)])
    + card("To look at", alarms ? plural(alarms, "alarm") : count(flagged), [...(alarms ? ["named above", "and " + plural(flagged, "beat") + perHour + ", in " + shapes] : ["beats" + perHour + ", in " + shapes]), "of all, " + s.beats.f + " fusion, " + s.beats.q + " other"], "", true);
}
const table = (name, heads, rows) => `<table class="${name}"><thead><tr>${heads.map(h => `<th>${h}</th>`).join("")}</tr></thead><tbody>${rows.map(r => `<tr>${r.map(v => `<td>${v}</td>`).join("")}</tr>`).join("")}</tbody></table>`;
const hoursTable = s => table("hours", ["from", "beats", "rate", "slowest", "fastest", "V", "V runs", "S", "S runs", "pauses", "fibrillation", "analysed", "alarms"], s.hours.map(h => { const told = h.analysed_s >= D.enough;
  return [when(h.start_s), count(h.beats), digits(h.mean_per_min, 0), told ? digits(h.slowest_per_min, 0) : "", told ? digits(h.fastest_per_min, 0) : "", h.v, h.v_runs, h.s, h.s_runs, h.pauses, digits(h.fibrillation_percent, 0) + " %", lasting(h.analysed_s), h.alarms]; }));
/* A row for each kind of episode; runs are measured in beats, as in the cards, others in time. */
function episodesTable(episodes, buttons) {
  const rows = Object.entries(D.rhythms).map(([code, [meaning, colour]]) => [code, meaning, colour, episodes.filter(e => e.code === code)]).filter(r => r[3].length);
  return rows.length ? table("wide", ["rhythm", "how often", "together", "longest", "fastest"], rows.map(([code, meaning, colour, found]) => {
    const isRun = R.V_CODES.slice(1).concat(R.S_CODES.slice(1)).includes(code), longest = best(found, isRun ? e => e.beats : seconds), rated = found.filter(e => e.rate === e.rate && e.beats > 2), fastest = best(rated, e => e.rate);
    const at = longest.start / D.fs, where = buttons ? goTo(at, seconds(longest)) : when(at) + ",";
    return [`<i class="band ${colour}"></i>${meaning}`, count(found.length), lasting(sum(found.map(seconds))), `${where} ${lasting(seconds(longest))}${longest.beats ? ", " + longest.beats + " beats" : ""}`, fastest ? digits(fastest.rate, 0) + " /min" : ""]; })) : "";
}
const ectopyTable = s => table("wide", ["", "beats", "of all", "couplets", "runs", "longest run", "fastest run"], [["Ventricular", s.ventricular], ["Supraventricular", s.supraventricular]]
  .map(([name, e]) => [`<b>${name}</b>`, count(e.count), digits(e.percent, 1) + " %", count(e.couplets), count(e.runs), runText(e.longest_run), runText(e.fastest_run)]));
const reportFacts = s => `<dt>Length</dt><dd>${lasting(D.duration)}, ${lasting(s.recording.analysed_s)} analysed, ${lasting(s.recording.unreadable_s)} unreadable</dd><dt>Beats</dt><dd>${count(s.beats.total)}</dd>
<dt>Heart rate</dt><dd>mean ${digits(s.rate_per_min.mean, 0)} /min${enough(s) ? ["slowest", "fastest"].filter(n => s.rate_per_min[n]).map(n => `; ${n} minute ${digits(s.rate_per_min[n].per_min, 0)}, ${when(s.rate_per_min[n].at_s)}`).join("") : ""}</dd>
<dt>Variability</dt><dd>${enoughNn(s) ? `SDNN ${digits(s.hrv.sdnn_ms, 0)} ms: ${ofHrv(s).join("; ")}` : noHrv(s)}</dd>`;
const reportRest = s => `Atrial fibrillation or flutter ${digits(s.fibrillation.burden_percent, 1)} % of the time${s.fibrillation.episodes ? `, ${plural(s.fibrillation.episodes, "episode")}, longest ${lasting(s.fibrillation.longest_s)}` : ""}. Pauses over ${D.pause} s: ${count(s.pauses.count)}${s.pauses.count ? `, longest ${lasting(s.pauses.longest_s)}, ${when(s.pauses.longest_at_s)}` : ""}. Fusion ${count(s.beats.f)}, other ${count(s.beats.q)}.`;
/* Everything that follows from the beats' kinds. */
function tell() {
  const s = now.summary, alarms = now.episodes.filter(isAlarm).length;
  $("cards").innerHTML = cards(s, flaggedNow(), alarms);
  $("hours").innerHTML = s.hours.length > 1 ? "<h2>Hour by hour</h2><div class='scroll bare'>" + hoursTable(s) + "</div>" : "";
  const found = episodesTable(now.episodes, true); $("episodes").innerHTML = found && "<h2>Rhythm episodes</h2><div class='scroll bare'>" + found + "</div>";
  $("report-facts").innerHTML = reportFacts(s); $("report-ectopy").innerHTML = ectopyTable(s); $("report-rest").textContent = reportRest(s);
  $("report-hours").innerHTML = hoursTable(s); $("report-episodes").innerHTML = episodesTable(now.episodes, false) || "none";
  $("report-corrected").textContent = edits.length ? "Corrected by a reader: " + changesInWords() + "; the strips are those that the program chose." : "";
  if ($("grave")) $("grave").hidden = !alarms;
}
document.addEventListener("click", e => { const b = e.target.closest?.(".go"); if (!b) return; const s = +b.dataset.start, long = +b.dataset.long, m = Math.max(20, long); at = s + Math.min(long, stripSpan()) / 2; show(s - m, s + long + m); T.scrollIntoView({ block: "center" }); });
