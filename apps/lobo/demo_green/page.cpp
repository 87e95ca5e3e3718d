#include "demo_green/page.hpp"

#include <string_view>

namespace lobo::app {

const std::string_view green_page = R"page(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Lobodon demo: green</title>
<style>
:root { color-scheme: light dark; --ink: #1c2733; --soft: #5b6b7b; --line: #d5dde5; --paper: #fff; --good: #1a7f4b; --accent: #2457a6 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4eaf0; --soft: #9fb0c0; --line: #36434f; --paper: #151b21; --good: #55c98c; --accent: #8ab4f8 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 1.2rem auto; max-width: 76rem; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 } p.sub { color: var(--soft); margin: .1rem 0 1rem }
.row { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1rem } .numbers { grid-template-columns: repeat(4, 1fr); margin: 1rem 0 }
figure { margin: 0 } video { width: 100%; display: block; border-radius: 6px; background: #000 } figcaption { font-size: .9rem; color: var(--soft) } figcaption b { color: var(--ink) }
.numbers div { border: 1px solid var(--line); border-radius: 8px; padding: .6rem 1rem } .numbers b { display: block; font-size: 1.6rem; font-variant-numeric: tabular-nums }
.numbers span { color: var(--soft); font-size: .85rem }
svg { width: 100%; height: auto; border: 1px solid var(--line); border-radius: 8px } svg text { font: 13px system-ui, sans-serif; fill: var(--ink); text-anchor: middle }
svg .soft { fill: var(--soft); font-size: 12px } .line { stroke: var(--accent); stroke-width: 2.5; fill: none }
label { display: block; font-size: .9rem } input[type=range] { width: 100% }
</style></head><body>
<h1>Players as they are follow the greenest place <span id="hour"></span></h1>
<p class="sub">Real: players, HTTP, manifests, steering, the plan and its reports. Made up: energy counters, grids and the map. A day takes two minutes.</p>
<div class="row">
<figure><video id="v0" muted playsinline></video><figcaption><b>dash.js</b> <span id="at0"></span></figcaption></figure>
<figure><video id="v1" muted playsinline></video><figcaption><b>hls.js</b> <span id="at1"></span></figcaption></figure>
<figure><video id="v2" muted playsinline></video><figcaption><b>Shaka Player</b> <span id="at2"></span></figcaption></figure>
</div>
<div class="row numbers">
<div><b id="watts">-</b><span>W now, all places, with PUE</span></div>
<div><b id="spent">-</b><span>Wh since midnight</span></div>
<div><b id="wh">-</b><span id="whoff">Wh saved against the nearest place</span></div>
<div><b id="g">-</b><span id="goff">gCO2e saved against the nearest place</span></div>
</div>
<svg viewBox="0 0 900 250" id="map"></svg>
<div class="row" id="sliders"></div>
<script>
"use strict";
const NAMES = ["SL1", "SL2", "SL3"], PLAYERS = ["dash.js", "hls.js", "Shaka Player"];
const seen = { waiting: 0, errors: [], started: 0 };
const videos = [0, 1, 2].map((i) => document.getElementById(`v${i}`));
videos.forEach((video) => {
  let begun = false;
  video.addEventListener("playing", () => { if (!begun) { begun = true; seen.started += 1; } });
  video.addEventListener("waiting", () => { if (begun && video.currentTime > 2) seen.waiting += 1; });
});
const load = (source) => new Promise((done, failed) => {
  const script = document.createElement("script");
  script.src = source; script.onload = done; script.onerror = () => failed(new Error(source)); document.head.append(script);
});
// Nothing of a player is changed but how much it buffers, so that it keeps asking.
const begin = [async () => {
  await load("/players/dash.all.min.js");
  const player = dashjs.MediaPlayer().create();
  player.updateSettings({ streaming: { buffer: { bufferTimeDefault: 8, bufferTimeAtTopQuality: 8, bufferTimeAtTopQualityLongForm: 8 } } });
  player.on("error", (e) => seen.errors.push(`dash.js ${e.error && e.error.code}`));
  player.initialize(videos[0], "/p0.mpd", true);
}, async () => {
  await load("/players/hls.min.js");
  const player = new Hls({ maxBufferLength: 8, maxMaxBufferLength: 8 });
  player.on(Hls.Events.ERROR, (_, e) => { if (e.fatal) seen.errors.push(`hls.js ${e.details}`); });
  player.loadSource("/p1.m3u8"); player.attachMedia(videos[1]);
  player.on(Hls.Events.MANIFEST_PARSED, () => videos[1].play());
}, async () => {
  await load("/players/shaka-player.compiled.js");
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  await player.attach(videos[2]);
  player.configure({ streaming: { bufferingGoal: 8 } });
  player.addEventListener("error", (e) => seen.errors.push(`shaka ${e.detail.code}`));
  await player.load("/p2.mpd"); await videos[2].play();
}];
begin.forEach((one) => one().catch((e) => seen.errors.push(String(e))));
window.told = () => ({ ...seen, at: seen.started < 3 ? 0 : Math.min(...videos.map((v) => v.currentTime)), paused: videos.some((v) => v.paused) });

const text = (id, what) => { document.getElementById(id).textContent = what; };
const sliders = document.getElementById("sliders");
NAMES.forEach((name) => {
  const label = document.createElement("label");
  label.innerHTML = `<span id="s${name}"></span><input type="range" min="0" max="800" step="10" id="r${name}">`;
  sliders.append(label);
  const slider = label.querySelector("input");
  slider.addEventListener("change", () => fetch("/green/grid", { method: "POST", body: JSON.stringify({ [name]: Number(slider.value) }) }));
  label.addEventListener("dblclick", () => fetch("/green/grid", { method: "POST", body: JSON.stringify({ [name]: -1 }) }));
});
const draw = (s) => {
  const x = [150, 450, 750];
  let out = "";
  s.players.forEach((at, i) => {
    if (at < 0) return;
    const px = x[i] + 30;
    out += `<path class="line" d="M${px},205 C${px},150 ${x[at]},170 ${x[at]},${110}"/><circle cx="${px}" cy="212" r="7" fill="var(--accent)"/><text class="soft" x="${px}" y="238">${PLAYERS[i]}</text>`;
  });
  s.places.forEach((place, i) => {
    const green = Math.max(0, Math.min(1, 1 - place.grid / 450));
    out += `<circle cx="${x[i]}" cy="80" r="32" fill="hsl(${20 + 110 * green} 55% 45%)" opacity="${place.asleep ? 0.3 : 1}"/>` +
      `<text x="${x[i]}" y="85" style="fill:#fff">${place.asleep ? "standby" : Math.round(place.watts) + " W"}</text>` +
      `<text x="${x[i]}" y="22">${place.id} ${place.town}: ${Math.round(place.grid)} g/kWh</text>` +
      `<text class="soft" x="${x[i] + 95}" y="85">plan ${Math.round(place.share * 100)} %</text>`;
  });
  document.getElementById("map").innerHTML = out;
};
const look = async () => {
  try {
    const s = await (await fetch("/green/state", { cache: "no-store" })).json();
    text("hour", `${String(Math.floor(s.hour)).padStart(2, "0")}:${String(Math.floor(s.hour % 1 * 60)).padStart(2, "0")}`);
    text("watts", s.watts.toFixed(0)); text("spent", s.spent_wh.toFixed(0));
    text("wh", s.saved_wh.toFixed(0)); text("g", s.saved_g.toFixed(0));
    text("whoff", `Wh saved, at most ${s.saved_wh_off.toFixed(0)} off, against the nearest place`);
    text("goff", `gCO2e saved, at most ${s.saved_g_off.toFixed(0)} off, against the nearest place`);
    s.players.forEach((at, i) => text(`at${i}`, at < 0 ? "" : `is served by ${s.places[at].id} ${s.places[at].town}`));
    s.places.forEach((place) => {
      text(`s${place.id}`, `${place.id} ${place.town}: ${Math.round(place.grid)} gCO2e/kWh ${place.fixed ? "(held; double-click to let go)" : "(follows the day)"}`);
      const slider = document.getElementById(`r${place.id}`);
      if (!place.fixed && document.activeElement !== slider) slider.value = place.grid;
    });
    draw(s);
  } catch (e) { /* the demo is over: what was last shown stays */ }
  setTimeout(look, 500);
};
look();
</script></body></html>
)page";

}  // namespace lobo::app
