// A room of the browser's module over links that are none: a node and an enabler of the test's own stand behind WebTransport, WebSocket and
// fetch. What they say is written by the module's codecs, which module.test.mjs holds against the golden vectors.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ControlReader, frameBytes, join, readFrames, writeControl } from "../../share/web/lobo-mmec.js";

/** A flow token's claims, unsigned: the test's node believes everything. */
function token({ life = 600, issued = Math.floor(Date.now() / 1000), flow = 7, alias = 3, asset = "urn:avatar:alice" } = {}) {
  const out = [];
  const head = (major, value) => {
    if (value < 24) out.push(major << 5 | value);
    else if (value < 256) out.push(major << 5 | 24, value);
    else out.push(major << 5 | 26, value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255);
  };
  const text = (t) => { const octets = new TextEncoder().encode(t); head(3, octets.length); out.push(...octets); };
  const numbers = (...all) => all.forEach((n) => head(0, n));
  head(5, 10);
  numbers(1, 1, 2, 9); numbers(3); text("hall"); numbers(4); text("ue1"); numbers(5); head(4, 1); head(4, 11); numbers(flow, alias); text(asset);
  numbers(2, 0xffffffff, 0, 200, 0, 0, 0, 0);
  numbers(6, 0, 7, issued, 8, issued + life, 9); text("relay1"); numbers(10, 1);
  return Uint8Array.from([...out, ...new Uint8Array(64)]);
}
const base64 = (octets) => Buffer.from(octets).toString("base64url");

/** A node: lets everybody in, and tells whom it has heard. */
class Node {
  said = []; datagrams = []; ends = []; established = []; refuses = 0;
  hear(end, message) {
    this.said.push(message.is);
    if (message.is === "clockPing") end.say({ is: "clockPong", id: message.id, pingSentUs: message.sentUs, pingReceivedUs: message.sentUs + 1000, sentUs: message.sentUs + 1000 });
    if (message.is !== "establish") return;
    this.established.push(message.token);
    end.say({ is: "event", event: 1, alias: 9, asset: "urn:avatar:bob", ue: "ue2" });
    end.say({ is: "establishRsp", request: message.request, cause: this.refuses > 0 ? 2 : 0, reason: "", flows: this.refuses-- > 0 ? [] : [{ flow: 7, alias: 3, cause: 0, tier: 0 }] });
    end.show({ key: true, flow: 7, alias: 9, component: 0, seq: 4, payload: Uint8Array.of(42) });
  }
  get end() { return this.ends.at(-1); }
}
const node = { now: new Node() };

class FakeTransport {
  static works = true;
  constructor(url, options) {
    Object.assign(this, { url, options, reader: new ControlReader() });
    this.ready = FakeTransport.works ? Promise.resolve() : new Promise(() => {});
    this.closed = new Promise((done) => { this.end = done; });
    const into = () => { let controller; const readable = new ReadableStream({ start: (c) => { controller = c; } }); return { readable, put: (o) => { try { controller.enqueue(o); } catch { /* closed */ } } }; };
    this.down = into();
    this.control = into();
    this.incomingBidirectionalStreams = new ReadableStream();
    const datagrams = node.now.datagrams;
    this.datagrams = { readable: this.down.readable, writable: new WritableStream({ write: (d) => { datagrams.push(d); } }) };
    if (FakeTransport.works) node.now.ends.push(this);
  }
  async createBidirectionalStream() {
    return { readable: this.control.readable, writable: new WritableStream({ write: (piece) => { this.reader.take(piece).forEach((m) => node.now.hear(this, m)); } }) };
  }
  say(message) { this.control.put(writeControl(message)); }
  show(frame) { this.down.put(frameBytes(frame)); }
  close({ closeCode = 0, reason = "" } = {}) { this.end({ closeCode, reason }); }
}
class FakeSocket {
  readyState = 0; bufferedAmount = 0;
  constructor(url) { this.url = url; this.reader = new ControlReader(); node.now.ends.push(this); setTimeout(() => { this.readyState = 1; this.onopen(); }, 1); }
  send(octets) {
    const view = new Uint8Array(octets);
    if (view[0] === 0) node.now.datagrams.push(view.slice(1));
    if (view[0] === 1 && view[1] === 0) this.reader.take(view.slice(3)).forEach((m) => node.now.hear(this, m));
  }
  put(...head) { return (octets) => setTimeout(() => this.onmessage({ data: Uint8Array.from([...head, ...octets]).buffer }), 0); }
  say(message) { this.put(1, 0, 0)(writeControl(message)); }
  show(frame) { this.put(0)(frameBytes(frame)); }
  close() { this.readyState = 3; this.onclose?.({ code: 1000, reason: "" }); }
}
globalThis.WebTransport = FakeTransport;
globalThis.WebSocket = FakeSocket;
const rooms = [];
const enter = async (options) => { const room = await join({ url: "https://relay:4433/sdd", hash: "00".repeat(32), token: base64(token()), patienceMs: 200, ...options }); rooms.push(room); return room; };
const until = async (done) => { for (let left = 400; !done(); --left) { assert.ok(left > 0, `it does not come: ${done}`); await new Promise((next) => setTimeout(next, 5)); } };
afterEach(async () => { await Promise.all(rooms.splice(0).map((room) => room.leave())); node.now = new Node(); FakeTransport.works = true; delete globalThis.fetch; });

test("who is there and what they last were is told at once, and what is published goes out", async () => {
  const states = [], assets = [];
  const room = await enter({ onState: (s) => states.push(s), onAsset: (a) => assets.push(a) });
  await until(() => states.length > 0);
  assert.deepEqual([room.carrier, node.now.end.options.serverCertificateHashes[0].value.length], ["webtransport", 32]);
  assert.deepEqual([assets[0].asset, assets[0].here, states[0].asset, states[0].payload[0]], ["urn:avatar:bob", true, "urn:avatar:bob", 42]);
  assert.equal(room.newest("urn:avatar:bob").get(0).payload[0], 42);
  assert.equal(room.publish("urn:avatar:alice", { root: { at: [1, 0, 0], turn: [0, 0, 0, 1] }, 40: Uint8Array.of(1) }), true);
  await until(() => node.now.datagrams.length > 0);
  assert.deepEqual(readFrames(node.now.datagrams[0]).frames.map((f) => [f.flow, f.alias, f.component, f.key]), [[7, 3, 40, true], [7, 3, 0, true]]);
  assert.throws(() => room.publish("urn:avatar:bob", {}), /not ours/);
  node.now.end.say({ is: "tier", flow: 7, tier: 2, reason: 1, rateMhz: 15000, components: 3 });
  await until(() => room.tier("urn:avatar:alice").tier === 2);
  assert.deepEqual(room.tier("urn:avatar:alice"), { tier: 2, reason: "loss", rateHz: 15, components: 3 });
});

test("a state that overtakes the word of whose it is is told with it", async () => {
  const states = [];
  await enter({ onState: (s) => states.push([s.asset, s.payload[0]]) });
  await until(() => states.length === 1);
  node.now.end.show({ key: true, flow: 7, alias: 10, component: 0, seq: 1, payload: Uint8Array.of(1) });
  node.now.end.show({ key: true, flow: 7, alias: 9, component: 0, seq: 5, payload: Uint8Array.of(43) });
  await until(() => states.length === 2);
  node.now.end.say({ is: "event", event: 1, alias: 10, asset: "urn:avatar:carol", ue: "ue3" });
  await until(() => states.length === 3);
  assert.deepEqual(states.slice(1), [["urn:avatar:bob", 43], ["urn:avatar:carol", 1]]);
});

test("where WebTransport gives no answer, a WebSocket carries it", async () => {
  FakeTransport.works = false;
  const states = [];
  const room = await enter({ patienceMs: 30, onState: (s) => states.push(s) });
  await until(() => states.length > 0);
  assert.deepEqual([room.carrier, node.now.end.url], ["websocket", "ws://relay:4433/sdd"]);
  room.publish("urn:avatar:alice", { 0: Uint8Array.of(5) });
  await until(() => node.now.datagrams.length > 0);
  assert.equal(readFrames(node.now.datagrams[0]).frames[0].payload[0], 5);
});

test("a link that is lost comes back with the same token and going-on sequences", async () => {
  const links = [], assets = [];
  const room = await enter({ onLink: (l) => links.push(l.up), onAsset: (a) => assets.push(a) });
  room.publish("urn:avatar:alice", { 0: Uint8Array.of(1) });
  node.now.end.close({ closeCode: 14, reason: "the node shuts" });
  await until(() => links.length === 3);
  assert.deepEqual([links, room.reconnects, node.now.ends.length], [[true, false, true], 1, 2]);
  assert.deepEqual(node.now.established[0], node.now.established[1]);
  room.publish("urn:avatar:alice", { 0: Uint8Array.of(2) });
  await until(() => node.now.datagrams.length === 2);
  assert.deepEqual(node.now.datagrams.map((d) => readFrames(d).frames[0].seq), [0, 1]);
  assert.ok(assets.every((asset) => asset.here));
});

test("who is refused hears why, and nothing goes on behind", async () => {
  node.now.refuses = 1;
  await assert.rejects(enter({}), /token_refused/);
  node.now.end.close({ closeCode: 2 });
  // Whoever was let in later and lost its link has come back by then; the one that was refused has not.
  const other = await enter({});
  node.now.end.close({ closeCode: 14 });
  await until(() => other.reconnects === 1);
  assert.equal(node.now.established.length, 3);
});

test("a token is renewed before its life is over, and shown again", async () => {
  const issued = Math.floor(Date.now() / 1000) - 90;
  const next = token({ life: 600 });
  await enter({ token: base64(token({ life: 100, issued })), renew: async () => base64(next) });
  await until(() => node.now.established.length === 2);
  assert.deepEqual(node.now.established[1], next);
});

test("a session is asked for at the enabler, once, and told where to go", async () => {
  const asked = [];
  globalThis.fetch = async (url, { method, headers, body }) => {
    asked.push([method, new URL(url).pathname, headers["idempotency-key"] !== undefined, body && JSON.parse(body)]);
    const granted = [{ assetId: "urn:avatar:alice", hostUe: { valUeId: "ue1" }, decision: "ACCEPT", tier: 0, token: base64(token()), certificateHash: "AAAA",
      ddServerConnInfo: { ipv4Addr: "127.0.0.1", port: 4433 } }];
    return { ok: true, status: 201, json: async () => ({ sessionId: "s1", granted }) };
  };
  const room = await enter({ token: undefined, mmes: "http://mmes:7777/", service: "xr", room: "hall", ue: "ue1", asset: "urn:avatar:alice" });
  assert.deepEqual([room.session, node.now.end.url], ["s1", "https://127.0.0.1:4433/sdd"]);
  assert.deepEqual(asked.map(([method, path, key]) => [method, path, key]), [["POST", "/mm-das/v1/sessions", true]]);
  assert.deepEqual([asked[0][3].room, asked[0][3].assets[0].hostUe], ["hall", { valUeId: "ue1" }]);
  node.now.end.close({ closeCode: 14 });
  await until(() => room.reconnects === 1);
  assert.equal(asked.length, 1, "to come back needs no new session");
  await room.leave({ endSession: true });
  assert.deepEqual(asked.at(-1).slice(0, 2), ["DELETE", "/mm-das/v1/sessions/s1"]);
});

test("what the enabler refuses is told with its status", async () => {
  globalThis.fetch = async () => ({ ok: false, status: 403, json: async () => ({ cause: "POLICY_DENIED" }) });
  await assert.rejects(enter({ token: undefined, mmes: "http://mmes:7777", service: "xr", room: "hall", ue: "ue1", asset: "urn:a" }),
    (e) => e.status === 403 && /POLICY_DENIED/.test(e.message));
});

test("a node that sends us to another one is left once we are there", async () => {
  const room = await enter({});
  const first = node.now.end;
  first.say({ is: "event", event: 3, flow: 7, address: "other:4434", token: token({ flow: 8 }), certificateHash: "" });
  await until(() => node.now.ends.length === 2 && room.up && room.at.url === "https://other:4434/sdd" && node.now.established.length === 2);
  await first.closed;
  room.publish("urn:avatar:alice", { 0: Uint8Array.of(1) });
  await until(() => node.now.datagrams.length === 1);
  assert.equal(readFrames(node.now.datagrams[0]).frames[0].flow, 8);
});
