// The page of `lobo demo avatars`: joins the room as one avatar, draws all of them, shows what the flows measure.
//   ?me=alice   who to be (a guest without it)    &fps=15   draws no more often, 0: not at all     &udp=blocked   goes where UDP does not pass
import { join, pose } from "../lobo-mmec.js";
import { between, moving } from "./body.js";
import { Stage } from "./stage.js";

const query = new URLSearchParams(location.search);
const me = query.get("me") ?? `guest-${Math.floor(Math.random() * 46656).toString(36)}`;
const fps = Number(query.get("fps") ?? 60), frameMs = 1000 / fps - 2;
const seen = { name: me, errors: [], firstStateMs: null, states: {}, messages: [], tiers: [], why: "" };
const MESSAGES_MAX = 200, ERRORS_MAX = 20;
const wrong = (what) => { if (seen.errors.length < ERRORS_MAX) seen.errors.push(String(what)); };
addEventListener("error", (e) => wrong(e.message));
addEventListener("unhandledrejection", (e) => wrong(e.reason));
const $ = (id) => document.getElementById(id);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const get = async (path) => (await fetch(path, { cache: "no-store" })).json();
const post = (path, what) => fetch(path, { method: "POST", body: JSON.stringify(what), keepalive: true }).catch(() => {});

const setup = await get("/avatars/setup");
const asset = `urn:avatar:${me}`;
const known = Object.fromEntries(setup.people.map((one, i) => [`urn:avatar:${one.id}`, { ...one, seat: i }]));
const hash = (text) => [...text].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) >>> 0, 7);
const person = (id) => known[id] ?? (known[id] = { id: id.split(":").pop(), name: id.split(":").pop(), hue: hash(id) % 360, seat: (hash(id) % 10) / 2 + 0.25, front: 1.3 });
/** Places stand in an arc that is open to the camera. */
const placed = (who) => {
  const share = (who.seat + 0.5) / Math.max(setup.people.length, 1) - 0.5, x = 4.6 * share, z = 0.35 - 1.1 * (1 - 4 * share * share) + (who.front ?? 0);
  return { seed: who.seat + 1, place: [x, z], facing: 0.6 * Math.atan2(-x, 3.5 - z) };
};
const paint = (hue, s = 0.42, l = 0.66) => [0, 8, 4].map((n) => {
  const k = (n + hue / 30) % 12;
  return l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
});
const css = (hue) => `hsl(${hue} 42% 62%)`;
const self = placed(person(asset));

// ---- what comes -----------------------------------------------------------------------------------------------------

const others = new Map(); // asset: what is known of the body, and when each part came
let established = 0;
const says = { hello: "Hello", establish: "Establish, token", establishRsp: "EstablishRsp", update: "Update", release: "Release", event: "Event", tier: "Tier", stateRequest: "StateRequest" };
const EVENTS = ["", "asset_here", "asset_gone", "relocate", "refused"];
const told = (message) => {
  if (message.is === "tier") return `Tier ${message.tier}`;
  if (message.is === "event") return `${EVENTS[message.event]} ${person(message.asset).name}`;
  return says[message.is] ?? message.is;
};

const callbacks = {
  onState(state) {
    if (seen.firstStateMs === null && established) seen.firstStateMs = performance.now() - established;
    const count = (seen.states[state.asset] ??= { states: 0 });
    ++count.states;
    const name = pose.nameOf(state.component);
    if (!name || state.late) return;
    let one = others.get(state.asset);
    if (!one) others.set(state.asset, one = { came: {}, want: {} });
    one.want[name] = pose.read(state.component, state.payload);
    one.came[name] = performance.now();
  },
  onAsset({ asset: which, here }) { if (!here) others.delete(which); },
  onTier(tier) {
    const before = seen.tiers.at(-1) ?? 0;
    seen.tiers.push(tier.tier);
    if (seen.tiers.length > MESSAGES_MAX) seen.tiers.shift();
    learnWhy(tier.tier > before);
  },
  onMessage(message, sent) {
    if (message.is === "establish") established = performance.now();
    if (message.is === "clockPong" || seen.messages.length >= MESSAGES_MAX) return;
    const text = told(message), last = seen.messages.at(-1), at = performance.timeOrigin + performance.now();
    if (last && message.is === "event" && last.event === message.event && at - last.at < 200) { // one after the other says the same
      last.count += 1;
      last.text = `${EVENTS[message.event]}, ${last.count} of them`;
    } else seen.messages.push({ at, sent, text, event: message.event, count: 1 });
  },
};
/** What the enabler had measured when it chose the tier, against what its policy allows. */
async function learnWhy(down) {
  const { items } = await get(`${setup.mmes}/mm-das/v1/sessions/${encodeURIComponent(room.session)}/flows`).catch(() => ({ items: [] }));
  const measured = items.find((one) => one.assetId === asset)?.measured ?? {}, most = setup.thresholds, why = [];
  if (measured.latencyMs > most.latencyMs) why.push(`${measured.latencyMs} ms of delay, ${most.latencyMs} at most`);
  if (measured.lossPermille > most.lossPermille) why.push(`${measured.lossPermille / 10} % lost, ${most.lossPermille / 10} at most`);
  if (down) seen.why = why.join("; ") || seen.why;
  else seen.why = room.tier(asset).tier === 0 ? "" : "better for ten windows";
}
const blocked = query.get("udp") === "blocked";
// Before the room: the first picture takes a slow machine seconds, in which nothing that comes is read.
const stage = fps > 0 ? new Stage($("stage")) : undefined;
if (stage) {
  stage.draw([{ id: asset, ...moving(self, 0), colour: paint(person(asset).hue) }], { dark: false, line: [0, 0, 0], ground: [1, 1, 1] }, 0);
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}
const room = await join({
  mmes: setup.mmes, service: setup.service, room: setup.room, ue: `ue-${me}`, asset, name: me, ...callbacks,
  qos: setup.qos, carrier: query.get("carrier") ?? undefined, patienceMs: setup.patienceMs,
  reach: () => ({ url: blocked ? setup.blocked : setup.url, websocket: setup.websocket }),
}).catch((e) => { wrong(e); post("/avatars/told", seen); throw e; });
addEventListener("pagehide", () => { room.leave({ endSession: false }); });

// ---- what goes ------------------------------------------------------------------------------------------------------

let body = moving(self, performance.now() / 1000);
let nextAt = performance.now();
function publish() {
  const now = performance.now(), tier = room.tier(asset);
  body = moving(self, (performance.timeOrigin + now) / 1000);
  const wanted = Object.entries(body).filter(([name]) => tier.components >>> pose.componentOf(name) & 1);
  room.publish(asset, Object.fromEntries(wanted));
  const every = 1000 / Math.min(tier.rateHz || 60, 60);
  nextAt = Math.max(nextAt + every, now);
  setTimeout(publish, nextAt - now);
}
publish();

// ---- the picture ----------------------------------------------------------------------------------------------------

const darkness = matchMedia("(prefers-color-scheme: dark)");
const labels = new Map();
const STALE_MS = 1700; // each part comes again once a second at least
const mix = (a, b, share) => a.map((part, i) => part + (b[i] - part) * share);

function smooth(one, ms) {
  const share = 1 - Math.exp(-ms / 55), { want, came } = one, now = performance.now();
  const here = (part) => want[part] && now - came[part] < STALE_MS;
  if (!want.root) return null;
  one.root = one.root ? { at: mix(one.root.at, want.root.at, share), turn: between(one.root.turn, want.root.turn, share) } : want.root;
  if (here("bones")) {
    one.bones ??= want.bones;
    for (const bone in want.bones) one.bones[bone] = between(one.bones[bone] ?? want.bones[bone], want.bones[bone], share);
  } else one.bones = undefined;
  if (here("upper")) {
    one.upper ??= want.upper;
    for (const limb in want.upper)
      one.upper[limb] = one.upper[limb] ? { at: mix(one.upper[limb].at, want.upper[limb].at, share), turn: between(one.upper[limb].turn, want.upper[limb].turn, share) } : want.upper[limb];
  } else one.upper = undefined;
  one.face = here("face") ? (one.face ? mix(one.face, want.face, share) : want.face) : undefined;
  return one;
}
let drawn = performance.now();
function draw(now) {
  requestAnimationFrame(draw);
  if (now - drawn < frameMs) return;
  const ms = Math.min(now - drawn, 200);
  drawn = now;
  const figures = [{ id: asset, ...body, colour: paint(person(asset).hue) }];
  for (const [id, one] of others) if (smooth(one, ms)) figures.push({ id, root: one.root, bones: one.bones, upper: one.upper, face: one.face, colour: paint(person(id).hue) });
  const dark = darkness.matches;
  const tops = stage.draw(figures, dark ? { dark, line: [0.36, 0.46, 0.54], ground: [0.15, 0.2, 0.25] } : { dark, line: [0.70, 0.77, 0.84], ground: [0.90, 0.93, 0.96] }, now / 1000);
  figures.forEach(({ id }, i) => {
    let label = labels.get(id);
    if (!label) {
      label = document.createElement("div");
      const who = person(id);
      label.innerHTML = `<span class="dot" style="background:${css(who.hue)}"></span><span></span><i></i>`;
      label.children[1].textContent = who.name;
      if (id === asset) label.children[2].textContent = "you";
      labels.set(id, label);
      $("names").append(label);
    }
    label.style.left = `${tops[i].x.toFixed(1)}px`;
    label.style.top = `${tops[i].y.toFixed(1)}px`;
    label.style.zIndex = String(Math.round(1000 - tops[i].far * 10));
  });
  for (const [id, label] of labels) if (!figures.some((one) => one.id === id)) { label.remove(); labels.delete(id); }
}
if (stage) requestAnimationFrame(draw);

// ---- the numbers ----------------------------------------------------------------------------------------------------

const ages = new Map(), AGES_MAX = 120;
const ms = (value, digits = 0) => (value === undefined ? "–" : `${value.toFixed(digits)} ms`);
const mood = (value, fair, poor) => (value === undefined ? "" : value < fair ? "good" : value < poor ? "warn" : "bad");
const spark = (list) => {
  const top = Math.max(60, ...list.filter((v) => v !== undefined));
  return `<svg viewBox="0 0 84 20"><path d="${list.map((v, i) => `${i ? "L" : "M"}${(84 * i / (AGES_MAX - 1)).toFixed(1)},${(19 - 18 * Math.min(v ?? 0, top) / top).toFixed(1)}`).join("")}"/></svg>`;
};
function show(stats) {
  const tier = room.tier(asset);
  $("me").innerHTML = `you are <b></b>${tier.tier ? `, tier ${tier.tier}${tier.rateHz ? `, at most ${tier.rateHz} Hz` : ""}` : ""} <span></span>`;
  $("me").querySelector("span").textContent = seen.why ? `(${seen.why})` : "";
  $("me").querySelector("b").textContent = person(asset).name;
  $("carrier").textContent = !room.up ? "coming back" : stats.carrier === "webtransport" ? "WebTransport" : "WebSocket";
  $("rtt").textContent = ms(stats.rttMs, 1);
  $("clock").textContent = stats.clock ? `± ${ms(stats.clock.errorMs, 1)}` : "–";
  const rows = Object.entries(stats.assets).sort(([a], [b]) => person(a).seat - person(b).seat).map(([id, f]) => {
    const list = ages.get(id) ?? [];
    list.push(f.ageMs.p99);
    if (list.length > AGES_MAX) list.shift();
    ages.set(id, list);
    const who = person(id);
    return { who, html: `<td><span class="dot" style="background:${css(who.hue)}"></span><span class="name"></span></td><td class="how">${who.native ? "native, QUIC" : "a browser"}</td>` +
      `<td>${f.hz.toFixed(0)}</td><td class="${mood(f.loss, 0.01, 0.04)}">${(100 * f.loss).toFixed(1)} %</td><td class="${mood(f.delayMs.p50, 40, 100)}">${ms(f.delayMs.p50, 1)}</td>` +
      `<td class="${mood(f.ageMs.p99, 80, 200)}">${ms(f.ageMs.p99)}</td><td>${spark(list)}</td><td><span class="pill ${tier.tier === 0 ? "good" : "warn"}">${tier.tier}: ${tier.rateHz || setup.qos.updateRateHz} Hz</span></td>` };
  });
  $("rows").replaceChildren(...rows.map(({ who, html }) => {
    const tr = document.createElement("tr");
    tr.innerHTML = html;
    tr.querySelector(".name").textContent = who.name;
    return tr;
  }));
}

const slider = $("quality");
let held = 0;
slider.addEventListener("input", () => { held = performance.now(); post("/avatars/network", { quality: Number(slider.value) }); });

const PARTIES = ["browser", "enabler", "SEALDD", "relay"];
$("heads").replaceChildren(...["pages", "enabler", "SEALDD", "relay node"].map((name) => Object.assign(document.createElement("span"), { textContent: name })));
const ARROW = 30, WIDE = 370;
let arrows = [];
function diagram() {
  const x = (party) => WIDE * (Math.max(0, PARTIES.indexOf(party)) + 0.5) / PARTIES.length;
  const high = arrows.length * ARROW + 14, escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  const lines = arrows.map((one, i) => {
    const y = 24 + i * ARROW, a = x(one.from), b = x(one.to), away = Math.sign(b - a) || 1;
    const middle = Math.min(Math.max((a + b) / 2, 92), WIDE - 92);
    return `<line class="${one.request ? "ask" : "answer"}" x1="${a}" y1="${y}" x2="${b - 5 * away}" y2="${y}"/><path fill="${one.request ? "var(--accent)" : "var(--soft)"}" d="M${b},${y} l${-7 * away},-3.5 v7 z"/>` +
      `<text class="said" x="${middle}" y="${y - 5}">${escape(one.text)}</text><text class="when" x="0" y="${y + 3}">${escape(one.when)}</text>`;
  });
  const box = $("sequence"), atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 30;
  box.innerHTML = `<svg width="100%" viewBox="0 0 ${WIDE} ${high}">${PARTIES.map((party) => `<line class="life" x1="${x(party)}" y1="0" x2="${x(party)}" y2="${high}"/>`).join("")}${lines.join("")}</svg>`;
  if (atEnd) box.scrollTop = box.scrollHeight;
}

window.told = () => ({ ...seen, up: room.up, stats: room.stats() });
for (;;) {
  const stats = room.stats();
  show(stats);
  const messages = seen.messages.splice(0);
  const net = await post("/avatars/told", { ...seen, messages, up: room.up, session: room.session, drawn: others.size, stats });
  if (!net?.ok) seen.messages.unshift(...messages.slice(0, MESSAGES_MAX - seen.messages.length)); // the demo is over, or busy
  try {
    const state = await get(`/avatars/state?after=${arrows.length}`);
    $("told").textContent = state.network.text;
    if (performance.now() - held > 1500) slider.value = state.network.quality;
    if (state.arrows.length) { arrows = state.arrows; diagram(); }
  } catch { /* what was last shown stays */ }
  await pause(500);
}
