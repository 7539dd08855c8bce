/* --------------------------------------------------------------------------------------- corrections
   A reader names the kinds of whole shapes; what they say is saved as WFDB annotations, by download. */
const kind = bytes(D.kind), corrected = {};
const CODES = { N: 1, V: 5, F: 6, S: 9, Q: 13, "~": 14, '"': 22, "+": 28, "[": 32, "]": 33 };
const SKIP = 59, AUX = 63;

function correct(select) {
  const row = select.closest("details"), k = +row.dataset.cluster;
  if (select.value === select.dataset.found) delete corrected[k]; else corrected[k] = select.value;
  row.querySelector(".kind").textContent = select.value;
  row.querySelector(".kind").className = "kind " + select.value + (k in corrected ? " changed" : "");
  const n = Object.keys(corrected).length;
  $("corrections").textContent = n ? n + (n === 1 ? " shape" : " shapes") + " renamed, not saved yet" : "";
}

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

function correctedRows() {
  const said = Object.entries(corrected).map(([k, to]) => "shape " + (+k + 1) + " " + to).join(", ");
  const beats = Array.from(sample, (s, i) => [Math.round(s / D.own), corrected[cluster[i]] ?? D.kinds[kind[i]], ""]);
  const notes = D.notes.concat([[0, '"', "corrected by a reader: " + (said || "nothing")]]);
  return notes.concat(beats).sort((p, q) => p[0] - q[0]);
}

if ($("save")) $("save").onclick = () => {
  const link = make("a"), blob = new Blob([annotationBytes(correctedRows(), D.ownHz)], { type: "application/octet-stream" });
  link.href = URL.createObjectURL(blob); link.download = D.name + ".b2ic"; link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  $("corrections").textContent = "saved as " + link.download;
};
for (const select of document.querySelectorAll("select.correct")) select.onchange = () => correct(select);
