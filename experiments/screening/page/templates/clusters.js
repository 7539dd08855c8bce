/* -------------------------------------------------------------------------------------------- clusters */
function make(tag, name, text) { const e = document.createElement(tag); if (name) e.className = name; if (text !== undefined) e.textContent = text; return e; }
function fill(details) {
  const k = +details.dataset.cluster, g = D.clusters[k], box = details.querySelector(".inside");
  if (!box.firstChild) { const panel = make("div", "panel"); panel.append(make("h3", "", "Where: its most typical beat"), make("canvas", "trace"), make("canvas", "strip1"));
    const key = make("div", "key"); key.innerHTML = '<i></i>recorded &ensp;' + (g.generated ? '<i class="g"></i>normal in its place (generated) &ensp;' : "") + '<i class="m"></i>differs<br>error, 0 to ' + D.scale + ' SD of normal beats <span class="colours"></span> white line: ' + D.contour;
    key.querySelector(".colours").style.background = "linear-gradient(to right," + [0, 51, 102, 153, 204, 255].map(v => "rgb(" + inferno(v) + ")").join(",") + ")"; panel.append(key);
    if (g.rows > 1) { const more = make("details", "plain"); more.append(make("summary", "plain", "At which frequencies"), make("canvas", "map"), make("p", "soft", "Across, the moments of the beat; upwards, frequencies. The brighter, the further from what normal beats have there."));
      more.addEventListener("toggle", () => drawPanel(panel, g)); panel.append(more); }
    const list = make("div"); list.append(make("h3", "", (g.examples.length < +details.dataset.count ? g.examples.length + " of its beats, drawn evenly over the recording" : "All its beats") + (hasTrace ? ", 8 s each" : "")));
    for (const e of g.examples) { const row = make("div", "example"), go = make("button", "", clock(e.t)); go.type = "button"; go.title = "score " + e.score + ": show in the timeline"; go.onclick = () => { choose(nearest(e.t), true); T.scrollIntoView({ block: "center" }); };
      row.append(go); if (hasTrace) { const strip = make("canvas"); strip.setAttribute("aria-label", "8 seconds around " + clock(e.t)); row.append(strip); } list.append(row); }
    box.append(panel, list); }
  drawPanel(box, g); box.querySelectorAll(".example canvas").forEach((c, i) => drawStrip(c, g.examples[i].t, true)); }
const nearest = t => { let i = first(t); return i > 0 && (i === sample.length || t - time(i - 1) < time(i) - t) ? i - 1 : i; };
const rows = () => [...document.querySelectorAll("details[data-cluster]")];
for (const d of rows()) d.addEventListener("toggle", () => { lit = d.open ? +d.dataset.cluster : rows().filter(r => r.open).map(r => +r.dataset.cluster).pop() ?? -1; if (d.open) fill(d); drawTimeline(); });
function toRow(direction) { const all = rows(), at = all.findIndex(d => d.contains(document.activeElement)); const next = all[Math.min(all.length - 1, Math.max(0, at + direction))]; if (next) next.querySelector("summary").focus(); }
for (const b of document.querySelectorAll(".order")) b.onclick = () => { for (const o of document.querySelectorAll(".order")) o.setAttribute("aria-pressed", o === b);
  $("clusters").append(...rows().sort((p, q) => q.dataset[b.dataset.by] - p.dataset[b.dataset.by])); };
function drawAll() { C = palette(document.documentElement); paintTimeline(); setTimeout(drawPictures); rows().filter(d => d.open).forEach(fill); document.querySelectorAll("canvas[data-at]").forEach(c => inView.observe(c)); }
const inView = new IntersectionObserver(found => { for (const e of found) if (e.isIntersecting) { inView.unobserve(e.target); drawStrip(e.target, +e.target.dataset.at); } });
let waiting; addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(drawAll, 100); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
