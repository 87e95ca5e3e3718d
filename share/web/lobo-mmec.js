// The metaverse enabler's client (MMEC) for pages: a session of the enabler's server, or a room by token, over
// WebTransport, and over WebSocket where UDP is blocked. What travels is sdd/1 (docs/sdd.md). No dependency:
//
//   import { join, pose } from "./lobo-mmec.js";
//   const room = await join({ mmes: "http://127.0.0.67:7777", service: "xr.meet", room: "hall", ue: "ue1", asset: "urn:avatar:alice" });
//   room.onState = (state) => draw(state.asset, state.component, pose.read(state.component, state.payload));
//   room.publish("urn:avatar:alice", { root: { at: [0, 0, 1], turn: [0, 0, 0, 1] } });
//
// Every list that a peer can make longer has a bound here; what cannot be read is counted and passed over.

// ---- octets -----------------------------------------------------------------------------------------------------

export const DATAGRAM_BYTES_MAX = 1150;
const FRAGMENTS_MAX = 4;
const STATE_BYTES_MAX = 4096;
const FRAGMENT_BYTES_MAX = DATAGRAM_BYTES_MAX - 27; // the longest head of a frame
const MESSAGE_BYTES_MAX = 16384; // of the control stream
const STREAM_MESSAGE_BYTES_MAX = 65536;
const TEXT_BYTES_MAX = 512;
const LIST_MAX = 256;
const HISTOGRAM_PAIRS_MAX = 336;
const SAFE = Number.MAX_SAFE_INTEGER;
const U32 = 0x100000000;

/** What a peer said cannot be read; `code` says why. */
export class Malformed extends Error {
  constructor(code) { super(code); this.code = code; }
}
const refuse = (code) => { throw new Malformed(code); };

class Reader {
  /** @param {Uint8Array} octets */
  constructor(octets) {
    this.octets = octets;
    this.view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
    this.at = 0;
  }
  get left() { return this.octets.length - this.at; }
  need(count) { if (count > this.left) refuse("cut"); const at = this.at; this.at += count; return at; }
  u8() { return this.view.getUint8(this.need(1)); }
  u16() { return this.view.getUint16(this.need(2)); }
  i16() { return this.view.getInt16(this.need(2)); }
  u32() { return this.view.getUint32(this.need(4)); }
  i32() { return this.view.getInt32(this.need(4)); }
  /** Beyond 2^53 it is no longer exact; nothing that is taken is so large. */
  u64() { const upper = this.u32(); return upper * U32 + this.u32(); }
  /** Borrowed: it is good as long as what was read from is. */
  bytes(count) { const at = this.need(count); return this.octets.subarray(at, at + count); }
  varint() { // RFC 9000 clause 16
    const first = this.u8(), top = first & 0x3f;
    switch (first >> 6) {
      case 0: return top;
      case 1: return top * 0x100 + this.u8();
      case 2: return top * 0x1000000 + this.u8() * 0x10000 + this.u16();
      default: { const rest = this.u8() * 0x10000 + this.u16(); return (top * 0x1000000 + rest) * U32 + this.u32(); }
    }
  }
}

class Writer {
  constructor(room = 256) { this.octets = new Uint8Array(room); this.view = new DataView(this.octets.buffer); this.size = 0; }
  /** Where the next octets go; what was read of `octets` and `view` before may be another place by then. */
  grow(count) {
    if (this.size + count > this.octets.length) {
      const wider = new Uint8Array(Math.max(this.size + count, 2 * this.octets.length));
      wider.set(this.octets.subarray(0, this.size));
      this.octets = wider;
      this.view = new DataView(wider.buffer);
    }
    const at = this.size;
    this.size += count;
    return at;
  }
  u8(value) { const at = this.grow(1); this.view.setUint8(at, value); }
  u16(value) { const at = this.grow(2); this.view.setUint16(at, value); }
  u32(value) { const at = this.grow(4); this.view.setUint32(at, value); }
  i16(value) { const at = this.grow(2); this.view.setInt16(at, value); }
  i32(value) { const at = this.grow(4); this.view.setInt32(at, value); }
  bytes(octets) { const at = this.grow(octets.length); this.octets.set(octets, at); }
  varint(value) {
    if (value < 0x40) this.u8(value);
    else if (value < 0x4000) this.u16(value + 0x4000);
    else if (value < 0x40000000) this.u32(value + 0x80000000);
    else { this.u32(Math.floor(value / U32) + 0xc0000000); this.u32(value % U32); }
  }
  get written() { return this.octets.slice(0, this.size); }
}

const joined = (pieces) => {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) { all.set(piece, at); at += piece.length; }
  return all;
};
/** base64url or base64, with or without padding. */
export const fromBase64 = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/").replace(/=+$/, "")), (c) => c.charCodeAt(0));
const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16));

// ---- CBOR (RFC 8949): numbers, texts, octets, arrays and maps of definite length ---------------------------------

const UINT = 0, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5, TAG = 6;

class CborReader extends Reader {
  head() {
    const first = this.u8(), major = first >> 5, low = first & 31;
    let value = low;
    if (low === 24) value = this.u8();
    else if (low === 25) value = this.u16();
    else if (low === 26) value = this.u32();
    else if (low === 27) value = this.u64();
    else if (low > 27) refuse("malformed");
    if (major === TAG) refuse("malformed");
    return { major, value };
  }
  of(major, most) {
    const head = this.head();
    if (head.major !== major || head.value > most) refuse("malformed");
    return head.value;
  }
  number(most = SAFE) { return this.of(UINT, most); }
  octetString(most) { return this.bytes(this.of(BYTES, most)); }
  text(most) {
    try { return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.bytes(this.of(TEXT, most))); }
    catch { return refuse("malformed"); }
  }
  array(most) { return this.of(ARRAY, most); }
  map(most) { return this.of(MAP, most); }
  /** Passes over one item with everything in it. Each item is an octet at least, so that the loop ends. */
  skip() {
    for (let items = 1; items > 0; --items) {
      const { major, value } = this.head();
      if (major === BYTES || major === TEXT) this.bytes(value);
      if (major === ARRAY || major === MAP) {
        if (value > this.left) refuse("malformed");
        items += value * (major === MAP ? 2 : 1);
      }
    }
  }
}

class CborWriter extends Writer {
  head(major, value) {
    const first = major << 5;
    if (value < 24) this.u8(first | value);
    else if (value < 0x100) { this.u8(first | 24); this.u8(value); }
    else if (value < 0x10000) { this.u8(first | 25); this.u16(value); }
    else if (value < U32) { this.u8(first | 26); this.u32(value); }
    else { this.u8(first | 27); this.u32(Math.floor(value / U32)); this.u32(value % U32); }
  }
  number(value) { this.head(UINT, value); }
  octetString(octets) { this.head(BYTES, octets.length); this.bytes(octets); }
  text(text) { const octets = new TextEncoder().encode(text); this.head(TEXT, octets.length); this.bytes(octets); }
  array(count) { this.head(ARRAY, count); }
  map(count) { this.head(MAP, count); }
}

// ---- control messages (docs/sdd.md) -------------------------------------------------------------------------------

// What a member is: how it is read and written, and its value where it is not told.
const number = (most, absent = 0, least = 0) => ({
  absent, read: (c) => { const value = c.number(most); return value < least ? refuse("malformed") : value; },
  write: (c, value) => c.number(value), told: (value) => value !== absent });
const u32 = (absent = 0) => number(U32 - 1, absent);
const u16 = number(0xffff), u64 = number(SAFE);
const text = { absent: "", read: (c) => c.text(TEXT_BYTES_MAX), write: (c, value) => c.text(value), told: (value) => value !== "" };
const octets = { absent: new Uint8Array(0), read: (c) => c.octetString(MESSAGE_BYTES_MAX).slice(),
  write: (c, value) => c.octetString(value), told: (value) => value.length > 0 };
const list = (item, most) => ({
  absent: [], told: (value) => value.length > 0,
  read: (c) => Array.from({ length: c.array(most) }, () => item.read(c)),
  write: (c, value) => { c.array(value.length); for (const one of value) item.write(c, one); } });
const row = (...members) => ({ // an array that stands for an object
  absent: undefined, told: (value) => value !== undefined,
  read: (c) => {
    if (c.array(members.length) !== members.length) refuse("malformed");
    return Object.fromEntries(members.map(([name, kind]) => [name, kind.read(c)]));
  },
  write: (c, value) => { c.array(members.length); for (const [name, kind] of members) kind.write(c, value[name]); } });
const maybe = (kind) => ({ ...kind, absent: undefined, told: (value) => value !== undefined });
const zigzag = { read: (c) => { const bits = c.number(U32 - 1); return bits % 2 ? -(bits + 1) / 2 : bits / 2; },
  write: (c, value) => c.number(value < 0 ? -2 * value - 1 : 2 * value) };

export const CAUSES = ["ok", "token_malformed", "token_refused", "token_other_node", "token_other_ue", "flow_unknown", "room_closed",
  "epoch_old", "too_many", "released", "idle", "too_slow", "protocol", "relocated", "shut_down"];
export const TIER_REASONS = ["ordered", "loss", "delay", "bandwidth", "restored"];
const cause = number(CAUSES.length - 1);
const ids = list(u32(), LIST_MAX), histogram = list(u32(), 2 * HISTOGRAM_PAIRS_MAX);

// Name: its kind, then each member under its key.
const MESSAGES = {
  hello: [1, { 1: ["version", u32(1)], 2: ["role", number(1)], 3: ["name", text], 4: ["datagramMax", u32(DATAGRAM_BYTES_MAX)] }],
  establish: [2, { 1: ["request", u32()], 2: ["token", octets], 3: ["flows", ids], 4: ["poseFlows", ids] }],
  establishRsp: [3, { 1: ["request", u32()], 2: ["cause", cause], 3: ["reason", text],
    4: ["flows", list(row(["flow", u32()], ["alias", u16], ["cause", cause], ["tier", number(255)]), LIST_MAX)] }],
  update: [4, { 1: ["flow", u32()], 2: ["components", maybe(u32())], 3: ["nearest", maybe(u32())],
    4: ["wishes", maybe(list(row(["alias", u16], ["priority", number(7)]), LIST_MAX))], 5: ["bpsMax", maybe(u64)],
    6: ["position", maybe(row(["x", zigzag], ["y", zigzag], ["z", zigzag]))], 7: ["rateMhz", maybe(u32())] }],
  release: [5, { 1: ["flows", ids], 2: ["cause", number(CAUSES.length - 1, 9)] }],
  flowStats: [6, { 1: ["flow", u32()], 2: ["windowMs", u32()], 3: ["received", u64], 4: ["bytes", u64], 5: ["lost", u64],
    6: ["duplicates", u64], 7: ["stale", u64], 8: ["jitterUs", u32()], 9: ["clockErrorUs", u32()],
    10: ["delay", histogram], 11: ["age", histogram], 12: ["gap", histogram] }],
  clockPing: [7, { 1: ["id", u32()], 2: ["sentUs", u64] }],
  clockPong: [8, { 1: ["id", u32()], 2: ["pingSentUs", u64], 3: ["pingReceivedUs", u64], 4: ["sentUs", u64] }],
  event: [9, { 1: ["event", number(4, 1, 1)], 2: ["flow", u32()], 3: ["alias", u16], 4: ["asset", text], 5: ["ue", text],
    6: ["cause", cause], 7: ["address", text], 8: ["token", octets], 9: ["certificateHash", text] }],
  tier: [10, { 1: ["flow", u32()], 2: ["tier", number(255)], 3: ["reason", number(TIER_REASONS.length - 1)], 4: ["rateMhz", u32()],
    5: ["components", u32(U32 - 1)] }],
  stateRequest: [11, { 1: ["flow", u32()], 2: ["alias", u16], 3: ["components", u32(U32 - 1)] }],
  leftOut: [12, { 1: ["flow", u32()], 2: ["assets", list(row(["alias", u16], ["states", u32()]), LIST_MAX)] }],
};
const NAME_OF_KIND = Object.fromEntries(Object.entries(MESSAGES).map(([name, [kind]]) => [kind, name]));
export const ASSET_HERE = 1, ASSET_GONE = 2, RELOCATE = 3, REFUSED = 4;

/** With its length in front. @param {{is: string}} message @returns {Uint8Array} */
export function writeControl(message) {
  const [kind, members] = MESSAGES[message.is];
  const told = Object.entries(members).filter(([, [name, type]]) => message[name] !== undefined && type.told(message[name]));
  const body = new CborWriter();
  body.map(1 + told.length);
  body.number(0);
  body.number(kind);
  for (const [key, [name, type]] of told) { body.number(Number(key)); type.write(body, message[name]); }
  const out = new Writer(body.size + 4);
  out.varint(body.size);
  out.bytes(body.written);
  return out.written;
}

/** One message without its length. @param {Uint8Array} bytes @returns {{is: string}} */
export function readControl(bytes) {
  const c = new CborReader(bytes);
  const pairs = c.map(32);
  if (pairs === 0 || c.number() !== 0) refuse("malformed");
  const name = NAME_OF_KIND[c.number()] ?? refuse("malformed");
  const members = MESSAGES[name][1];
  const message = { is: name };
  for (const [member, type] of Object.values(members)) message[member] = type.absent;
  for (let i = 1, last = 0; i < pairs; ++i) {
    const key = c.number();
    if (key <= last) refuse("malformed"); // rising: none is told twice
    last = key;
    if (members[key]) message[members[key][0]] = members[key][1].read(c);
    else c.skip();
  }
  if (c.left > 0) refuse("malformed");
  return message;
}

/** Messages out of a stream as it comes in pieces; holds one unfinished message at most. */
export class ControlReader {
  #held = new Uint8Array(0);
  /** @param {Uint8Array} piece @returns {Array<{is: string}>} Throws where the stream cannot be read any further. */
  take(piece) {
    const messages = [];
    let rest = this.#held.length ? joined([this.#held, piece]) : piece;
    for (;;) {
      if (rest.length === 0 || rest.length < 1 << (rest[0] >> 6)) break;
      const head = new Reader(rest);
      const size = head.varint();
      if (size === 0 || size > MESSAGE_BYTES_MAX) refuse("malformed");
      if (head.left < size) break;
      messages.push(readControl(head.bytes(size)));
      rest = rest.subarray(head.at);
    }
    this.#held = rest.slice();
    return messages;
  }
}

// ---- frames and streams -------------------------------------------------------------------------------------------

/** @param {Writer} out */
function writeFrame(out, frame) {
  const has = (value) => value !== undefined;
  const part = has(frame.fragment);
  out.u8((part ? 0x20 : 0) | (has(frame.base) ? 0x10 : 0) | (frame.key ? 8 : 0) | (frame.dupPath ? 4 : 0) |
    (has(frame.txTime) ? 2 : 0) | (frame.more ? 1 : 0));
  out.varint(frame.flow);
  out.u16(frame.alias);
  out.u8(frame.component);
  out.u32(frame.seq);
  if (has(frame.txTime)) out.u32(frame.txTime);
  if (has(frame.base)) out.u32(frame.base);
  if (part) out.u8(frame.fragment);
  out.varint(frame.payload.length);
  out.bytes(frame.payload);
}
export function frameBytes(frame) { const out = new Writer(); writeFrame(out, frame); return out.written; }

/** The next frame of a datagram; its payload is borrowed. After a fault the rest of the datagram says nothing. */
function readFrame(r) {
  const first = r.u8(), kind = first >> 5;
  if (kind > 1) refuse("kind_unknown");
  const frame = { key: (first & 8) !== 0, dupPath: (first & 4) !== 0, more: (first & 1) !== 0, flow: r.varint(), alias: r.u16(),
    component: r.u8(), seq: r.u32() };
  if (first & 2) frame.txTime = r.u32();
  if (first & 0x10) frame.base = r.u32();
  if (kind === 1) frame.fragment = r.u8();
  frame.payload = r.bytes(r.varint());
  if (frame.flow === 0 || frame.flow >= U32) refuse("flow_zero");
  if (frame.payload.length === 0) refuse("payload_empty");
  if ((frame.base !== undefined && frame.key) || (kind === 0 && frame.more)) refuse("flags");
  const last = FRAGMENTS_MAX - 1;
  if (kind === 1 && (frame.fragment > last || (frame.fragment === last && frame.more))) refuse("fragment_number");
  return frame;
}
/** All frames before the first fault, and that fault. @param {Uint8Array} datagram */
export function readFrames(datagram) {
  const frames = [], r = new Reader(datagram);
  try { while (r.left > 0) frames.push(readFrame(r)); } catch (e) { return { frames, fault: e.code ?? refuse(e) }; }
  return { frames };
}

export function streamHeader(header) {
  const out = new Writer(32);
  for (const value of [header.flow, header.class, header.alias, header.component, header.seq, header.deadlineMs ?? 0]) out.varint(value);
  return out.written;
}
function readStreamHeader(r) {
  const [flow, reliability, alias, component, seq, deadlineMs] = Array.from({ length: 6 }, () => r.varint());
  if (flow === 0 || flow >= U32 || reliability < 2 || reliability > 4 || alias === 0 || alias > 0xffff || component > 255 || seq >= U32 ||
      deadlineMs > 60000) refuse("malformed");
  return { flow, class: reliability, alias, component, seq, deadlineMs };
}

/** Messages of one stream as it comes: `take` gives those that are whole. */
class MessageReader {
  #held = new Uint8Array(0);
  #header;
  take(piece, end) {
    this.#held = joined([this.#held, piece]);
    if (this.#held.length > STREAM_MESSAGE_BYTES_MAX + 64) refuse("too_large");
    if (!this.#header) {
      const r = new Reader(this.#held);
      try { this.#header = readStreamHeader(r); } catch (e) { if (e.code === "cut" && !end) return []; throw e; }
      this.#held = this.#held.slice(r.at);
    }
    if (this.#header.class !== 4) return end ? [{ ...this.#header, payload: this.#held }] : [];
    const messages = [];
    for (const r = new Reader(this.#held); ;) {
      const before = r.at;
      try { messages.push({ ...this.#header, payload: r.bytes(r.varint()).slice() }); } catch { this.#held = this.#held.slice(before); break; }
      this.#header.seq = (this.#header.seq + 1) >>> 0;
    }
    return messages;
  }
}

// ---- tokens -------------------------------------------------------------------------------------------------------

const DIRECTIONS = ["PUB", "SUB", "BIDI"];
/** What a flow token claims; whether it is believed is the node's affair. @param {Uint8Array} token */
export function readToken(token) {
  const c = new CborReader(token.subarray(0, Math.max(0, token.length - 64))); // behind them Ed25519's signature
  const claims = {};
  for (let left = c.map(64); left > 0; --left) {
    const key = c.number();
    if (key === 3) claims.room = c.text(128);
    else if (key === 4) claims.ue = c.text(256);
    else if (key === 5) claims.flows = Array.from({ length: c.array(LIST_MAX) }, () => readFlow(c));
    else if (key === 7) claims.issued = c.number();
    else if (key === 8) claims.expires = c.number();
    else if (key === 9) claims.node = c.text(128);
    else c.skip();
  }
  if (c.left > 0 || !claims.flows || !claims.expires) refuse("malformed");
  return claims;
}
function readFlow(c) {
  const members = c.array(12);
  const flow = { id: c.number(U32 - 1), alias: c.number(0xffff), asset: c.text(TEXT_BYTES_MAX), direction: DIRECTIONS[c.number(2)],
    components: c.number(U32 - 1), class: c.number(4), ttlMs: c.number(60000), priority: c.number(7) };
  for (let i = 8; i < members; ++i) {
    if (i === 9) flow.tier = c.number(255);
    else c.skip();
  }
  return flow;
}

// ---- poses (docs/sdd.md) ------------------------------------------------------------------------------------------

const VERSION = 1, HALF = Math.SQRT1_2, STEPS = 32767;
const BONES = 55, BLENDSHAPES = 52, FINGERS = 10;
const finite = (value) => (Number.isFinite(value) ? value : 0);
const clamp = (value, low, high) => Math.min(Math.max(finite(value), low), high);
const away = (value) => Math.sign(value) * Math.round(Math.abs(value)); // halves away from zero, as lround has it

/** Three of four in 15 bits each: 6 octets. @param {number[]} turn x, y, z, w */
function writeTurn(out, turn) {
  let parts = turn.map(finite);
  let length = Math.hypot(...parts);
  if (length < 1e-9 || !Number.isFinite(length)) { parts = [0, 0, 0, 1]; length = 1; }
  let largest = 0;
  for (let i = 1; i < 4; ++i) if (Math.abs(parts[i]) > Math.abs(parts[largest])) largest = i;
  const scale = (parts[largest] < 0 ? -1 : 1) / length;
  const steps = [];
  for (let i = 0; i < 4; ++i) if (i !== largest) steps.push(Math.round((clamp(parts[i] * scale, -HALF, HALF) / HALF + 1) / 2 * STEPS));
  // From the top: a bit 0, two of the largest, three times fifteen.
  out.u16(largest << 13 | steps[0] >> 2);
  out.u32(((steps[0] & 3) << 30 | steps[1] << 15 | steps[2]) >>> 0);
}
function readTurn(r) {
  const upper = r.u16(), lower = r.u32(), largest = upper >> 13 & 3;
  const steps = [(upper & 0x1fff) << 2 | lower >>> 30, lower >>> 15 & STEPS, lower & STEPS];
  const turn = [0, 0, 0, 0];
  let rest = 1;
  for (let i = 0, k = 0; i < 4; ++i) {
    if (i === largest) continue;
    turn[i] = (steps[k++] / STEPS * 2 - 1) * HALF;
    rest -= turn[i] * turn[i];
  }
  turn[largest] = Math.sqrt(Math.max(rest, 0));
  const length = Math.hypot(...turn);
  return turn.map((part) => part / length);
}
const writeShares = (shares, count) => (out) => { for (let i = 0; i < count; ++i) out.u8(Math.round(clamp(shares[i] ?? 0, 0, 1) * 255)); };
const readShares = (count) => (r) => Array.from({ length: count }, () => r.u8() / 255);
const LIMBS = ["head", "leftHand", "rightHand"];

const PARTS = {
  root: { component: 0,
    write: (root) => (out) => { for (const part of root.at) out.i32(away(clamp(part, -200000, 200000) * 10000)); writeTurn(out, root.turn); },
    read: (r) => ({ at: [r.i32() / 10000, r.i32() / 10000, r.i32() / 10000], turn: readTurn(r) }) },
  upper: { component: 1,
    write: (upper) => (out) => {
      out.u8(LIMBS.reduce((mask, name, i) => mask | (upper[name] ? 1 << i : 0), 0));
      for (const name of LIMBS) {
        if (!upper[name]) continue;
        for (const part of upper[name].at) out.i16(away(clamp(part, -16.38, 16.38) * 2000));
        writeTurn(out, upper[name].turn);
      }
    },
    read: (r) => {
      const mask = r.u8(), upper = {};
      if (mask > 7) refuse("bone_unknown");
      LIMBS.forEach((name, i) => {
        if (mask >> i & 1) upper[name] = { at: [r.i16() / 2000, r.i16() / 2000, r.i16() / 2000], turn: readTurn(r) };
      });
      return upper;
    } },
  bones: { component: 2,
    write: (bones) => (out) => { // by number: { 0: [x, y, z, w], … }
      let upper = 0, lower = 0;
      const there = Object.keys(bones).map(Number).filter((i) => i >= 0 && i < BONES).sort((a, b) => a - b);
      for (const i of there) if (i < 32) lower |= 1 << i; else upper |= 1 << (i - 32);
      out.u8(upper >>> 16); out.u16(upper & 0xffff); out.u32(lower >>> 0);
      for (const i of there) writeTurn(out, bones[i]);
    },
    read: (r) => {
      const upper = r.u8() << 16 | r.u16(), lower = r.u32(), bones = {};
      if (upper >>> BONES - 32 !== 0) refuse("bone_unknown");
      for (let i = 0; i < BONES; ++i) if ((i < 32 ? lower >>> i : upper >>> i - 32) & 1) bones[i] = readTurn(r);
      return bones;
    } },
  face: { component: 3, write: (face) => writeShares(face, BLENDSHAPES), read: readShares(BLENDSHAPES) },
  fingers: { component: 4, write: (curls) => writeShares(curls, FINGERS), read: readShares(FINGERS) },
};
const PART_OF = Object.fromEntries(Object.entries(PARTS).map(([name, part]) => [part.component, name]));

/** The pose of an avatar, a payload for each component. Rotations are [x, y, z, w], places [x, y, z] in metres. */
export const pose = {
  /** Humanoid bones of VRM 1.0 that most avatars have, by number. */
  BONE: { hips: 0, spine: 1, chest: 2, upperChest: 3, neck: 4, head: 5, leftEye: 6, rightEye: 7, jaw: 8, leftUpperLeg: 9, leftLowerLeg: 10,
    leftFoot: 11, leftToes: 12, rightUpperLeg: 13, rightLowerLeg: 14, rightFoot: 15, rightToes: 16, leftShoulder: 17, leftUpperArm: 18,
    leftLowerArm: 19, leftHand: 20, rightShoulder: 21, rightUpperArm: 22, rightLowerArm: 23, rightHand: 24 },
  nameOf: (component) => PART_OF[component],
  componentOf: (name) => PARTS[name]?.component,
  /** @param {string} name root, upper, bones, face or fingers @returns {Uint8Array} */
  write(name, value) { const out = new Writer(352); out.u8(VERSION); PARTS[name].write(value)(out); return out.written; },
  /** @param {number} component @param {Uint8Array} payload */
  read(component, payload) {
    const part = PARTS[PART_OF[component]] ?? refuse("component_unknown");
    const r = new Reader(payload);
    if (r.u8() !== VERSION) refuse("version");
    const value = part.read(r);
    return r.left > 0 ? refuse("length") : value;
  },
};

// ---- measurement --------------------------------------------------------------------------------------------------

/** Counts by size: linear within each octave, so that a percentile is at most 6.25 % too high. */
export class Histogram {
  counts = new Uint32Array(HISTOGRAM_PAIRS_MAX);
  total = 0;
  static bucketOf(value) {
    if (value < 16) return Math.floor(value);
    const octave = 27 - Math.clz32(Math.min(value, U32 - 1));
    return Math.min(16 + octave * 16 + Math.floor(value / 2 ** octave) % 16, HISTOGRAM_PAIRS_MAX - 1);
  }
  static upperOf(bucket) {
    if (bucket < 16) return bucket;
    return (17 + bucket % 16) * 2 ** (Math.floor(bucket / 16) - 1) - 1;
  }
  add(value) { ++this.counts[Histogram.bucketOf(Math.max(0, Math.floor(value)))]; ++this.total; }
  merge(other) { for (let i = 0; i < this.counts.length; ++i) this.counts[i] += other.counts[i]; this.total += other.total; }
  /** The value that `k` in a hundred do not exceed; undefined where nothing was counted. */
  percentile(k) {
    if (this.total === 0) return undefined;
    const wanted = Math.max(1, Math.ceil(this.total * k / 100));
    let below = 0;
    for (let i = 0; i < this.counts.length; ++i) if ((below += this.counts[i]) >= wanted) return Histogram.upperOf(i);
    return Histogram.upperOf(this.counts.length - 1);
  }
  sparse() {
    const pairs = [];
    let before = 0;
    this.counts.forEach((count, i) => { if (count > 0) { pairs.push(i - before, count); before = i; } });
    return pairs;
  }
}

/** How far another clock is ahead of ours: of the last 16 pings the one with the shortest round trip says it best. */
export class ClockOffset {
  #samples = [];
  #next = 0;
  add(sent, received, answered, heard) {
    const round = heard - sent - (answered - received);
    if (heard < sent || answered < received || round < 0 || round > 60e6) return false;
    this.#samples[this.#next] = { offset: (received - sent + (answered - heard)) / 2, round };
    this.#next = (this.#next + 1) % 16;
    return true;
  }
  /** In microseconds: what must be added to our clock to have theirs, the bound of its error, the last round trip. */
  estimate() {
    if (this.#samples.length === 0) return undefined;
    const best = this.#samples.reduce((a, b) => (b.round < a.round ? b : a));
    return { offset: best.offset, error: Math.ceil(best.round / 2), rtt: this.#samples[(this.#next + 15) % 16]?.round ?? best.round };
  }
}

const distance = (a, b) => (a - b) | 0; // on a circle of 2^32

/** Which of the last 1,024 states have come. */
class SequenceWindow {
  #seen = new Uint8Array(1024);
  #newest;
  look(seq) {
    if (this.#newest === undefined) return "newest";
    const ahead = distance(seq, this.#newest);
    if (ahead > 65536) return "too_far";
    if (ahead > 0) return "newest";
    if (ahead <= -1024) return "too_old";
    return this.#seen[seq % 1024] ? "duplicate" : "late";
  }
  take(seq) {
    const arrival = this.look(seq);
    if (arrival === "newest") {
      const steps = Math.min(this.#newest === undefined ? 1024 : (seq - this.#newest) >>> 0, 1024);
      for (let i = 0; i < steps; ++i) this.#seen[((seq - i) >>> 0) % 1024] = 0;
      this.#newest = seq;
    }
    if (arrival === "newest" || arrival === "late") this.#seen[seq % 1024] = 1;
    return arrival;
  }
  clear() { this.#seen.fill(0); this.#newest = undefined; }
}

class Window {
  states = 0; bytes = 0; expected = 0; lost = 0; duplicates = 0; tooOld = 0; jitterUs = 0; ms = 0;
  delay = new Histogram(); age = new Histogram(); gap = new Histogram();
  missed = 0; // of `lost`, until the node has said what it left out
  merge(other) {
    for (const sum of ["states", "bytes", "expected", "lost", "missed", "duplicates", "tooOld", "ms"]) this[sum] += other[sum];
    this.jitterUs = Math.max(this.jitterUs, other.jitterUs);
    for (const h of ["delay", "age", "gap"]) this[h].merge(other[h]);
  }
}

/** One component as it comes. What it counts goes into the windows that it is given. */
class StreamMeter {
  #highest; #expected = 0; #received = 0; #toldExpected = 0; #toldLost = 0;
  #transit; #scaled = 0; #newestAt; #newestSent;
  add(windows, frame, arrival, bytes, nodeNow, now) {
    const fresh = arrival === "newest" || arrival === "late";
    for (const w of windows) {
      if (arrival === "duplicate") ++w.duplicates;
      if (arrival === "too_old") ++w.tooOld;
      if (fresh) { ++w.states; w.bytes += bytes; }
    }
    if (!fresh) return;
    const ahead = this.#highest === undefined ? 1 : distance(frame.seq, this.#highest);
    if (ahead > 0) { this.#highest = frame.seq; this.#expected += ahead; }
    ++this.#received;
    if (frame.txTime !== undefined) {
      const transit = (nodeNow - frame.txTime) | 0;
      if (this.#transit !== undefined) { // RFC 3550 appendix A.8
        const off = Math.abs((transit - this.#transit) | 0);
        this.#scaled += off - Math.floor((this.#scaled + 8) / 16);
      }
      this.#transit = transit;
      for (const w of windows) w.delay.add(Math.max(transit, 0));
    }
    if (arrival === "newest") {
      for (const w of windows) {
        if (this.#newestAt !== undefined) w.gap.add(now - this.#newestAt);
        if (this.#newestSent !== undefined) w.age.add(Math.max((nodeNow - this.#newestSent) | 0, 0));
      }
      this.#newestAt = now;
      this.#newestSent = frame.txTime;
    }
  }
  finish(windows) {
    const lost = Math.max(0, this.#expected - this.#received);
    const expected = this.#expected - this.#toldExpected;
    const more = Math.min(Math.max(0, lost - this.#toldLost), expected);
    this.#toldLost = Math.max(this.#toldLost, lost); // what came late makes the next windows' losses less
    this.#toldExpected = this.#expected;
    for (const w of windows) { w.expected += expected; w.lost += more; w.jitterUs = Math.max(w.jitterUs, this.#scaled / 16); }
  }
  restart() { this.#highest = this.#transit = this.#newestSent = undefined; }
}

// ---- the client, as pure as the node: octets and time go in, octets and states come out ----------------------------

const STATS_US = 500e3, PING_US = 1e6, PING_FIRST_US = 100e3, PINGS_FIRST = 8;
const COMPONENTS_MAX = 16384, FLOWS_MAX = 256, WINDOWS_KEPT = 8;

export class Core {
  /** @param sink {sendDatagram(octets), sendControl(octets), received(state), told(message)} Times are microseconds. */
  constructor(sink) {
    this.sink = sink;
    this.clock = new ClockOffset();
    this.faults = 0;
    this.sent = { states: 0, bytes: 0 };
    this.dueUs = Infinity;
    this.seen = new Map(); // alias * 256 + component
    this.flows = new Map(); // Window of each flow, for FlowStats
    this.assets = new Map(); // alias: { now: Window, kept: Window[], notMissed: left out, and its gap had not come by then }
    this.next = new Map();
  }
  open(name, now) {
    this.control = new ControlReader();
    this.say({ is: "hello", name: name.slice(0, 100) });
    this.pings = 0;
    this.ping(now);
    this.statsFrom = now;
    this.statsDue = now + STATS_US;
    this.dueUs = Math.min(this.pingDue, this.statsDue);
  }
  say(message) { this.sink.sendControl(writeControl(message)); }
  nodeUs(now) { return now + (this.clock.estimate()?.offset ?? 0); }
  #nodeTime(now) { return Math.floor(this.nodeUs(now)) % U32; }

  ping(now) {
    this.say({ is: "clockPing", id: this.pings++, sentUs: Math.floor(now) });
    this.pingDue = now + (this.pings < PINGS_FIRST ? PING_FIRST_US : PING_US);
  }
  advance(now) {
    if (now < this.dueUs) return;
    if (now >= this.pingDue) this.ping(now);
    if (now >= this.statsDue) this.#tellStats(now);
    this.dueUs = Math.min(this.pingDue, this.statsDue);
  }
  onControl(piece, now) {
    for (const message of this.control.take(piece)) {
      if (message.is === "clockPong") this.clock.add(message.pingSentUs, message.pingReceivedUs, message.sentUs, now);
      else if (message.is === "leftOut") this.#settle(message);
      else {
        if (message.is === "event" && message.event === ASSET_GONE) this.#forget(message.alias);
        if (message.is === "event" && message.event === ASSET_HERE) this.#beginAnew(message.alias);
        this.sink.told(message);
      }
    }
  }
  onDatagram(datagram, now) {
    const { frames, fault } = readFrames(datagram);
    if (fault) ++this.faults;
    for (const frame of frames) this.#take(frame, now);
  }
  /** What the last windows miss and the node did not send is not lost; the rest is. */
  #settle({ flow, assets }) {
    const unsent = new Map(assets.map((one) => [one.alias, one.states]));
    for (const [alias, asset] of this.assets) {
      const last = asset.kept.at(-1), states = unsent.get(alias) ?? 0;
      if (!last || asset.flow !== flow) continue;
      const explained = Math.min(asset.notMissed + states, last.missed);
      last.lost -= explained;
      last.expected -= explained;
      last.missed = 0;
      asset.notMissed = Math.min(asset.notMissed + states - explained, states);
    }
  }
  /** Sequences of an asset that is here, or here again. */
  #beginAnew(alias) { for (const key of this.seen.keys()) if (key >> 8 === alias) this.seen.delete(key); }
  #forget(alias) {
    this.#beginAnew(alias);
    this.assets.delete(alias);
  }
  #windowsOf(frame) {
    let flow = this.flows.get(frame.flow);
    if (!flow) {
      if (this.flows.size >= FLOWS_MAX) return undefined;
      this.flows.set(frame.flow, flow = new Window());
    }
    let asset = this.assets.get(frame.alias);
    if (!asset) {
      if (this.assets.size >= FLOWS_MAX) return [flow];
      this.assets.set(frame.alias, asset = { now: new Window(), kept: [], notMissed: 0 });
    }
    asset.flow = frame.flow;
    return [flow, asset.now];
  }
  #take(frame, now) {
    const key = frame.alias * 256 + frame.component;
    let seen = this.seen.get(key);
    if (!seen) {
      if (this.seen.size >= COMPONENTS_MAX) return;
      this.seen.set(key, seen = { window: new SequenceWindow(), meter: new StreamMeter(), pieces: [], flow: frame.flow });
    }
    const windows = this.#windowsOf(frame);
    if (!windows) return;
    if (seen.window.look(frame.seq) === "too_far") { // numbers of another node
      seen.window.clear();
      seen.meter.restart();
      seen.pieces = [];
    }
    const look = seen.window.look(frame.seq), fresh = look === "newest" || look === "late";
    let payload = frame.payload;
    if (fresh && frame.fragment !== undefined) {
      if (seen.piecesOf !== frame.seq) { seen.piecesOf = frame.seq; seen.pieces = []; seen.pieceCount = Infinity; }
      seen.pieces[frame.fragment] = frame.payload.slice();
      if (!frame.more) seen.pieceCount = frame.fragment + 1;
      if (seen.pieces.filter(Boolean).length < seen.pieceCount) return;
      payload = joined(seen.pieces.slice(0, seen.pieceCount));
      seen.pieces = [];
    }
    const arrival = seen.window.take(frame.seq), nodeNow = this.#nodeTime(now), clock = this.clock.estimate();
    // Until the clocks were compared, a difference of them says nothing.
    if (!clock) frame.txTime = undefined;
    seen.meter.add(windows, frame, arrival, payload.length, nodeNow, now);
    if (arrival !== "newest" && arrival !== "late") return;
    this.sink.received({ flow: frame.flow, alias: frame.alias, component: frame.component, seq: frame.seq, key: frame.key, base: frame.base,
      late: arrival === "late", payload: payload.slice(), ageMs: frame.txTime === undefined ? undefined : ((nodeNow - frame.txTime) | 0) / 1000 });
  }

  /** Components of one asset, as key frames, in as few datagrams as hold them. @param parts Map or array of [component, octets] */
  publish(flow, alias, parts, now) {
    const out = new Writer(DATAGRAM_BYTES_MAX);
    const flush = () => { if (out.size > 0) this.sink.sendDatagram(out.written); out.size = 0; };
    for (const [component, payload] of parts) {
      if (payload.length === 0 || payload.length > STATE_BYTES_MAX) throw new RangeError(`a state has 1 to ${STATE_BYTES_MAX} octets`);
      const seq = this.#number(alias, component);
      // The node stamps what comes without a time of its clock.
      const head = { key: true, flow, alias, component, seq, txTime: this.clock.estimate() ? this.#nodeTime(now) : undefined };
      ++this.sent.states;
      this.sent.bytes += payload.length;
      if (payload.length <= FRAGMENT_BYTES_MAX) {
        if (out.size + 27 + payload.length > DATAGRAM_BYTES_MAX) flush();
        writeFrame(out, { ...head, payload });
        continue;
      }
      flush();
      for (let at = 0, fragment = 0; at < payload.length; at += FRAGMENT_BYTES_MAX, ++fragment) {
        const piece = payload.subarray(at, at + FRAGMENT_BYTES_MAX);
        writeFrame(out, { ...head, payload: piece, fragment, more: at + piece.length < payload.length });
        flush();
      }
    }
    flush();
  }
  #number(alias, component) {
    const key = alias * 256 + component;
    if (!this.next.has(key) && this.next.size >= COMPONENTS_MAX) throw new RangeError("so many components are not published");
    const seq = this.next.get(key) ?? 0;
    this.next.set(key, (seq + 1) >>> 0);
    return seq;
  }
  /** The sequence of the next message by a stream. */
  number(alias, component) { return this.#number(alias, component); }

  #tellStats(now) {
    for (const [key, { meter, flow }] of this.seen) {
      const windows = [this.flows.get(flow), this.assets.get(key >> 8)?.now].filter(Boolean);
      meter.finish(windows);
    }
    const ms = Math.round((now - this.statsFrom) / 1000), clock = this.clock.estimate();
    for (const [flow, w] of this.flows) {
      if (w.states === 0 && w.expected === 0) continue;
      this.say({ is: "flowStats", flow, windowMs: ms, received: w.states, bytes: w.bytes, lost: w.lost, duplicates: w.duplicates,
        stale: w.tooOld, jitterUs: Math.floor(w.jitterUs), clockErrorUs: clock ? clock.error : 0, delay: w.delay.sparse(),
        age: w.age.sparse(), gap: w.gap.sparse() });
    }
    this.flows.clear();
    for (const asset of this.assets.values()) {
      asset.now.ms = ms;
      asset.now.missed = asset.now.lost;
      if (asset.kept.length > 0) asset.kept.at(-1).missed = 0;
      asset.kept.push(asset.now);
      if (asset.kept.length > WINDOWS_KEPT) asset.kept.shift();
      asset.now = new Window();
    }
    this.statsFrom = now;
    this.statsDue = now + STATS_US;
  }
}

// ---- what carries it ------------------------------------------------------------------------------------------------

const DATAGRAMS_WAITING_MAX = 32;
const within = (promise, ms, what) => {
  let timer;
  const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error(`${what}: no answer within ${ms} ms`)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

/** A link has `sendDatagram`, `sendControl`, `sendMessage`, `close`; it calls `heard`: datagram, control, message, closed. */
class WebTransportLink {
  carrier = "webtransport";
  #waiting = 0;
  dropped = 0;
  static async open(url, hash, heard, patienceMs) {
    const options = hash ? { serverCertificateHashes: [{ algorithm: "sha-256", value: hash }] } : {};
    const session = new WebTransport(url, options);
    session.closed.catch(() => {});
    try {
      await within(session.ready, patienceMs, url);
      const control = await within(session.createBidirectionalStream(), patienceMs, url);
      return new WebTransportLink(session, control, heard);
    } catch (e) { try { session.close(); } catch { /* it never opened */ } throw e; }
  }
  constructor(session, control, heard) {
    this.session = session;
    this.heard = heard;
    this.control = control.writable.getWriter();
    session.datagrams.outgoingMaxAge = 100; // what is older says nothing any more
    session.datagrams.incomingHighWaterMark = 256;
    this.datagrams = (session.datagrams.writable ?? session.datagrams.createWritable()).getWriter();
    this.#pump(control.readable, (piece) => heard.control(piece));
    this.#pump(session.datagrams.readable, (piece) => heard.datagram(piece));
    this.#streams();
    session.closed.then((why) => this.#end(why.closeCode, why.reason), (e) => this.#end(-1, String(e)));
  }
  async #pump(readable, take) {
    try {
      for (const reader = readable.getReader(); ;) {
        const { value, done } = await reader.read();
        if (done) return;
        take(value);
      }
    } catch (e) { if (e instanceof Malformed) this.close(12, e.code); }
  }
  async #streams() {
    try {
      for (const reader = this.session.incomingBidirectionalStreams.getReader(); ;) {
        const { value, done } = await reader.read();
        if (done) return;
        this.#message(value);
      }
    } catch { /* the session is over */ }
  }
  async #message(stream) {
    const messages = new MessageReader();
    try {
      for (const reader = stream.readable.getReader(); ;) {
        const { value, done } = await reader.read();
        for (const message of messages.take(value ?? new Uint8Array(0), done)) this.heard.message(message);
        if (done) break;
      }
      await stream.writable.close(); // read to its end
    } catch { stream.readable.cancel?.().catch(() => {}); }
  }
  #end(code, reason) { if (!this.over) { this.over = true; this.heard.closed(code, reason); } }
  sendControl(octets) { this.control.write(octets).catch(() => {}); }
  sendDatagram(octets) {
    if (this.#waiting >= DATAGRAMS_WAITING_MAX) { ++this.dropped; return; }
    ++this.#waiting;
    this.datagrams.write(octets).catch(() => {}).finally(() => { --this.#waiting; });
  }
  async sendMessage(octets) {
    const stream = await this.session.createBidirectionalStream();
    const writer = stream.writable.getWriter();
    await writer.write(octets);
    await writer.close();
    stream.readable.cancel().catch(() => {});
  }
  close(code = 0, reason = "") { try { this.session.close({ closeCode: code, reason }); } catch { /* it is closed */ } }
}

const WEBSOCKET_WAITING_MAX = 8192; // octets; what waits longer is older than what comes next

class WebSocketLink {
  carrier = "websocket";
  dropped = 0;
  #streams = new Map(); // theirs, by number
  #next = 4; // ours: 0 is the control stream, then 4, 8 …
  static async open(url, heard, patienceMs) {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    await within(new Promise((done, fail) => { socket.onopen = done; socket.onerror = () => fail(new Error(`${url}: no WebSocket`)); }),
      patienceMs, url).catch((e) => { socket.close(); throw e; });
    return new WebSocketLink(socket, heard);
  }
  constructor(socket, heard) {
    this.socket = socket;
    this.heard = heard;
    socket.onmessage = (event) => {
      try { this.#take(new Uint8Array(event.data)); } catch (e) { if (e instanceof Malformed) this.close(12, e.code); else throw e; }
    };
    socket.onclose = (event) => heard.closed(event.code, event.reason);
  }
  #take(octets) {
    const r = new Reader(octets), kind = r.u8();
    if (kind === 0) return this.heard.datagram(r.bytes(r.left));
    const number = r.varint();
    if (kind === 2) return void this.#streams.delete(number);
    if (kind !== 1) refuse("kind_unknown");
    const end = r.u8() === 1, piece = r.bytes(r.left);
    if (number === 0) return this.heard.control(piece);
    let messages = this.#streams.get(number);
    if (!messages) {
      if (this.#streams.size >= LIST_MAX) refuse("too_many");
      this.#streams.set(number, messages = new MessageReader());
    }
    for (const message of messages.take(piece, end)) this.heard.message(message);
    if (end) { this.#streams.delete(number); this.#piece(number, new Uint8Array(0), true); }
  }
  #piece(number, octets, end) {
    const out = new Writer(octets.length + 16);
    out.u8(1); out.varint(number); out.u8(end ? 1 : 0); out.bytes(octets);
    if (this.socket.readyState === 1) this.socket.send(out.written);
  }
  sendControl(octets) { this.#piece(0, octets, false); }
  sendDatagram(octets) {
    if (this.socket.readyState !== 1 || this.socket.bufferedAmount > WEBSOCKET_WAITING_MAX) { ++this.dropped; return; }
    this.socket.send(joined([new Uint8Array([0]), octets]));
  }
  async sendMessage(octets) { this.#piece(this.#next, octets, true); this.#next += 4; }
  close() { this.socket.close(1000); }
}

// ---- the enabler's server -----------------------------------------------------------------------------------------

/** A request to MMES; throws an Error with `status` and `problem` where it refuses. */
async function ask(mmes, method, path, body, headers = {}) {
  const answer = await fetch(mmes.replace(/\/+$/, "") + path, { method, cache: "no-store", body: body && JSON.stringify(body),
    headers: { accept: "application/json", ...(body ? { "content-type": "application/json" } : {}), ...headers } });
  const told = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw Object.assign(new Error(`${method} ${path}: ${answer.status} ${told?.cause ?? told?.detail ?? ""}`),
    { status: answer.status, problem: told });
  return told;
}
const assetOf = (o) => ({ assetId: o.asset, assetClass: o.assetClass ?? "avatar", serverEp: { id: o.serverEp ?? `room:${o.room ?? o.session}` },
  clientEp: { id: o.clientEp ?? `mmec:${o.ue}` }, hostUe: { valUeId: o.ue }, direction: o.direction ?? "BIDI",
  qos: o.qos ?? { updateRateHz: 60, reliabilityClass: "R0", ttlMs: 100 } });
const mine = (session, o) => session.granted.filter((one) => one.hostUe?.valUeId === o.ue && one.token);

/** Makes a session with this UE's asset, or brings the asset into the one that is named. */
async function enter(o) {
  const sessions = "/mm-das/v1/sessions";
  let session;
  if (o.session) {
    session = await ask(o.mmes, "GET", `${sessions}/${encodeURIComponent(o.session)}`, undefined, o.headers);
    if (mine(session, o).length === 0) {
      await ask(o.mmes, "PUT", `${sessions}/${encodeURIComponent(o.session)}/assets/${encodeURIComponent(o.asset)}`, assetOf(o), o.headers);
    }
  } else {
    session = await ask(o.mmes, "POST", sessions, { valServiceId: o.service, requesterId: o.ue, ...(o.room ? { room: o.room } : {}),
      assets: [assetOf(o)] }, { "idempotency-key": o.key ?? crypto.randomUUID(), ...o.headers });
  }
  // SEALDD's answer to an asset that came later may come later as well.
  for (let left = 40; mine(session, o).length === 0 && left > 0; --left) {
    await pause(100);
    session = await ask(o.mmes, "GET", `${sessions}/${encodeURIComponent(session.sessionId)}`, undefined, o.headers);
  }
  return session;
}
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// ---- a room -------------------------------------------------------------------------------------------------------

const ASSETS_MAX = 4096, AGAIN_FIRST_MS = 100, AGAIN_MOST_MS = 5000, TRANSPORT_PATIENCE_MS = 3000, RENEW_SHARE = 0.82;
const nowUs = () => (performance.timeOrigin + performance.now()) * 1000;

/**
 * Joins a room. Of a session at MMES: `mmes` (URL), `service`, `ue`, `asset`, and `room` (sessions of one room see the same) or
 * `session` (an identifier); `qos`, `direction`, `headers`, `key` (Idempotency-Key) if wanted. Or by a token: `token` (base64url), `url`
 * (https://host:port/sdd), `hash` (SHA-256 of the certificate, hexadecimal or base64), `renew()` for the next token. Both: `websocket`
 * (ws://… or false; else the same host and port), `carrier` ("websocket" takes no other), `reach(told)` to go another way than told,
 * `patienceMs`, `reconnect` (true), `name`; callbacks as of Room.
 * @returns {Promise<Room>} once its flows were let in
 */
export async function join(options) {
  const room = new Room(options);
  await room.begin();
  return room;
}

export class Room {
  /** A state that came. @type {(state: {asset: string, ue: string, component: number, payload: Uint8Array, ageMs?: number}) => void} */
  onState = () => {};
  /** @type {(asset: {asset: string, ue: string, alias: number, here: boolean}) => void} */
  onAsset = () => {};
  /** The tier that the application should use. @type {(tier: {asset: string, tier: number, reason: string, rateHz: number, components: number}) => void} */
  onTier = () => {};
  /** @type {(link: {up: boolean, carrier?: string, reason?: string}) => void} */
  onLink = () => {};
  /** What was published or asked for was refused. @type {(why: {asset: string, cause: string}) => void} */
  onRefused = () => {};
  /** Each message of the control stream but clocks and statistics, for diagrams. @type {(message: object, sent: boolean) => void} */
  onMessage = () => {};

  #o; #core; #link; #timer; #renewal; #request = 0; #established; #over = false; #joined = false; #moving = false; #here = new Set();
  /** aliases of assets that can be seen */
  assets = new Map();
  #own = new Map(); // asset: flow, as the token has it
  #tiers = new Map();
  #newest = new Map(); // alias: Map of component to state
  reconnects = 0;

  constructor(options) {
    this.#o = { patienceMs: TRANSPORT_PATIENCE_MS, reconnect: true, name: "lobo-mmec.js", ...options };
    for (const callback of ["onState", "onAsset", "onTier", "onLink", "onRefused", "onMessage"])
      if (options[callback]) this[callback] = options[callback];
    this.#core = new Core({
      sendDatagram: (octets) => this.#link?.sendDatagram(octets),
      sendControl: (octets) => this.#link?.sendControl(octets),
      received: (state) => this.#received(state),
      told: (message) => this.#told(message),
    });
  }
  get session() { return this.#o.session; }
  get carrier() { return this.#link?.carrier; }
  get up() { return this.#established === true; }
  /** The tier of an asset of ours. */
  tier(asset) { return this.#tiers.get(this.#own.get(asset)?.id) ?? { tier: 0, reason: "ordered", rateHz: 0, components: U32 - 1 }; }
  /** The newest state of each component of an asset. @returns {Map<number, object>} */
  newest(asset) {
    for (const [alias, one] of this.assets) if (one.asset === asset) return this.#newest.get(alias) ?? new Map();
    return new Map();
  }

  async begin() {
    try {
      await this.#authorise();
      await this.#connect();
    } catch (e) {
      this.#over = true;
      this.#end();
      throw e;
    }
    this.#joined = true;
    this.#timer = setInterval(() => this.#core.advance(nowUs()), 50);
    this.#timer.unref?.();
  }

  /** Where to go and what to show there. */
  async #authorise() {
    const o = this.#o;
    let told;
    if (o.mmes) {
      const session = await enter(o);
      const grant = mine(session, o)[0];
      if (!grant) throw new Error(`the session has no flow for ${o.ue}: ${session.granted.map((g) => g.cause ?? g.decision).join(", ")}`);
      o.session = session.sessionId;
      const at = grant.ddServerConnInfo;
      const host = at.ipv6Addr ? `[${at.ipv6Addr}]` : at.ipv4Addr;
      told = { url: at.uri ?? `https://${host}:${at.port}/sdd`, hash: grant.certificateHash, token: grant.token };
    } else told = { url: o.url, hash: o.hash, token: o.token };
    this.#use(told);
  }
  #use({ url, hash, token }) {
    const o = this.#o;
    const reached = { url, hash, websocket: o.websocket, ...(o.reach?.({ url, hash }) ?? {}) };
    if (reached.websocket === undefined || reached.websocket === true) {
      const secure = globalThis.location?.protocol === "https:";
      reached.websocket = reached.url.replace(/^https:/, secure ? "wss:" : "ws:");
    }
    this.at = reached;
    this.hash = typeof reached.hash === "string" ? (/^[0-9a-f]{64}$/i.test(reached.hash) ? fromHex(reached.hash) : fromBase64(reached.hash))
      : reached.hash;
    this.#hold(typeof token === "string" ? fromBase64(token) : token);
  }
  #hold(token) {
    this.token = token;
    this.claims = readToken(token);
    for (const flow of this.claims.flows) {
      if (flow.asset && flow.direction !== "SUB") this.#own.set(flow.asset, flow);
      if (!this.#tiers.has(flow.id)) this.#tiers.set(flow.id, { tier: flow.tier ?? 0, reason: "ordered", rateHz: 0, components: flow.components });
    }
    clearTimeout(this.#renewal);
    const { issued, expires } = this.claims;
    const first = Math.max(1000, (issued + (expires - issued) * RENEW_SHARE) * 1000 - Date.now());
    this.#renewal = setTimeout(() => this.#renew(), Math.min(first, 2 ** 31 - 1));
    this.#renewal.unref?.();
  }
  /** Asks for the next token; where it is the same still, again later. */
  async #renew() {
    if (this.#over) return;
    try {
      let token;
      if (this.#o.mmes) {
        const session = await ask(this.#o.mmes, "GET", `/mm-das/v1/sessions/${encodeURIComponent(this.#o.session)}`, undefined, this.#o.headers);
        token = mine(session, this.#o)[0]?.token;
      } else token = await this.#o.renew?.();
      const fresh = typeof token === "string" ? fromBase64(token) : token;
      if (fresh && readToken(fresh).expires > this.claims.expires) {
        this.#hold(fresh);
        if (this.up) this.#establish();
        return;
      }
    } catch { /* the old one is good for a while */ }
    if (!this.#over) this.#renewal = setTimeout(() => this.#renew(), Math.max(1000, (this.claims.expires * 1000 - Date.now()) / 4));
  }

  async #open() {
    const heard = {
      datagram: (octets) => this.#core.onDatagram(octets, nowUs()),
      control: (octets) => this.#core.onControl(octets, nowUs()),
      message: (message) => this.#received({ ...message, key: true, byStream: true }),
      closed: (code, reason) => this.#closed(link, code, reason),
    };
    let link, first; // `link` is known by the time that it closes
    if (this.#o.carrier !== "websocket" && globalThis.WebTransport)
      link = await WebTransportLink.open(this.at.url, this.hash, heard, this.#o.patienceMs).catch((e) => { first = e; });
    if (!link && this.at.websocket && this.#o.carrier !== "webtransport")
      link = await WebSocketLink.open(this.at.websocket, heard, this.#o.patienceMs);
    if (!link) throw first ?? new Error("no way to get there");
    return link;
  }
  async #connect() {
    const before = [...this.assets.keys()];
    this.#here.clear();
    this.#link = await this.#open();
    this.#core.open(this.#o.name, nowUs());
    await this.#establish();
    this.onLink({ up: true, carrier: this.#link.carrier });
    // Whom the node does not tell of again has gone meanwhile.
    if (before.length > 0) setTimeout(() => before.forEach((alias) => { if (this.up && !this.#here.has(alias)) this.#gone(alias); }), 1000);
  }
  /** Resolves once the node has answered. */
  #establish() {
    const request = ++this.#request;
    const poseFlows = this.claims.flows.filter((flow) => flow.alias !== 0).map((flow) => flow.id);
    const message = { is: "establish", request, token: this.token, poseFlows: this.#o.poses === false ? [] : poseFlows };
    const answered = within(new Promise((done, fail) => { this.awaited = { request, done, fail }; }), this.#o.patienceMs, "establish");
    answered.catch(() => {});
    this.#core.say(message);
    this.#show(message, true);
    return answered;
  }
  #closed(link, code, reason) {
    if (link !== this.#link || this.#over) return;
    this.#established = false;
    this.onLink({ up: false, carrier: link.carrier, reason: reason || CAUSES[code] || String(code) });
    this.awaited?.fail(new Error(reason || "closed"));
    if (this.#o.reconnect && this.#joined) this.#comeBack();
  }
  /** The session goes on; the token lets us in again, and if it does not, the enabler is asked where to go. */
  async #comeBack() {
    if (this.#moving) return;
    this.#moving = true;
    for (let failures = 0; !this.#over && !this.up; ++failures) {
      await pause(Math.min(AGAIN_FIRST_MS * 2 ** Math.min(failures, 10), AGAIN_MOST_MS) * (0.75 + Math.random() / 2));
      try {
        if (failures > 0 && this.#o.mmes) await this.#authorise();
        await this.#connect();
        ++this.reconnects;
      } catch { this.#link?.close(); }
    }
    this.#moving = false;
  }
  /** The node sends us to another one: there first, then away from here. */
  async #relocate(event) {
    const before = this.#link;
    try {
      const hash = event.certificateHash || this.at.hash;
      const token = event.token.length ? event.token : this.token;
      this.#use({ url: `https://${event.address}/sdd`, hash, token });
      const link = await this.#open();
      this.#link = link;
      this.#core.open(this.#o.name, nowUs());
      await this.#establish();
      this.onLink({ up: true, carrier: link.carrier, reason: "relocated" });
      before.close(9, "relocated");
    } catch { if (!this.up) this.#comeBack(); }
  }

  #show(message, sent) { if (message.is !== "flowStats" && message.is !== "clockPing") this.onMessage(message, sent); }
  #told(message) {
    this.#show(message, false);
    switch (message.is) {
      case "establishRsp": {
        if (message.request !== this.awaited?.request) return;
        const good = message.cause === 0 && message.flows.some((flow) => flow.cause === 0);
        this.#established = good;
        for (const flow of message.flows) if (this.#tiers.has(flow.flow)) this.#tiers.get(flow.flow).tier = flow.tier;
        if (good) this.awaited.done();
        else this.awaited.fail(new Error(`refused: ${CAUSES[message.cause || message.flows.find((f) => f.cause)?.cause]} ${message.reason}`));
        return;
      }
      case "event": return this.#event(message);
      case "tier": {
        const tier = { tier: message.tier, reason: TIER_REASONS[message.reason], rateHz: message.rateMhz / 1000, components: message.components };
        this.#tiers.set(message.flow, tier);
        const asset = this.claims.flows.find((flow) => flow.id === message.flow)?.asset ?? "";
        return this.onTier({ asset, flow: message.flow, ...tier });
      }
      case "release":
        if (message.flows.length === 0 || this.claims.flows.every((flow) => message.flows.includes(flow.id))) {
          this.#over = true;
          this.onLink({ up: false, reason: CAUSES[message.cause] });
          this.#end();
        }
    }
  }
  #event(event) {
    if (event.event === ASSET_HERE) {
      this.#here.add(event.alias);
      if (this.assets.size >= ASSETS_MAX) return;
      this.assets.set(event.alias, { asset: event.asset, ue: event.ue, alias: event.alias });
      this.onAsset({ asset: event.asset, ue: event.ue, alias: event.alias, here: true });
      for (const state of this.#newest.get(event.alias)?.values() ?? [])
        if (!state.asset) this.onState(Object.assign(state, { asset: event.asset, ue: event.ue }));
    } else if (event.event === ASSET_GONE) this.#gone(event.alias);
    else if (event.event === RELOCATE) this.#relocate(event);
    else if (event.event === REFUSED) this.onRefused({ asset: this.assets.get(event.alias)?.asset ?? "", flow: event.flow, cause: CAUSES[event.cause] });
  }
  #gone(alias) {
    const gone = this.assets.get(alias);
    this.assets.delete(alias);
    this.#newest.delete(alias);
    if (gone) this.onAsset({ ...gone, here: false });
  }
  #received(state) {
    const of = this.assets.get(state.alias);
    const told = { asset: of?.asset ?? "", ue: of?.ue ?? "", ...state };
    if (!state.late && (of || this.#newest.size < ASSETS_MAX)) {
      let newest = this.#newest.get(state.alias);
      if (!newest) this.#newest.set(state.alias, newest = new Map());
      newest.set(state.component, told);
    }
    if (of) this.onState(told); // else it overtook the word of who that is, and is told then
  }

  /**
   * @param {string} asset of ours
   * @param parts { root, upper, bones, face, fingers } of the pose codec, or components by number with octets of any form
   * @returns {boolean} false where it cannot be sent now
   */
  publish(asset, parts) {
    const flow = this.#own.get(asset);
    if (!flow) throw new Error(`${asset} is not ours to publish`);
    if (!this.up) return false;
    const all = Object.entries(parts).filter(([, value]) => value !== undefined).map(([name, value]) =>
      (PARTS[name] ? [PARTS[name].component, pose.write(name, value)] : [Number(name), value]));
    if (flow.class < 2) { this.#core.publish(flow.id, flow.alias, all, nowUs()); return true; }
    for (const [component, payload] of all) {
      const header = streamHeader({ flow: flow.id, class: flow.class, alias: flow.alias, component, seq: this.#core.number(flow.alias, component),
        deadlineMs: flow.class === 2 ? flow.ttlMs : 0 });
      const length = new Writer(8);
      if (flow.class === 4) length.varint(payload.length);
      this.#link.sendMessage(joined([header, length.written, payload])).catch(() => {});
    }
    return true;
  }
  /** What we want of what we may have: { components, nearest, wishes, bpsMax, position, rateMhz }. */
  update(wants) { this.#core.say({ is: "update", flow: this.claims.flows[0].id, ...wants }); }
  /** Asks for the newest states of an asset, or of all, again. */
  requestState(asset) {
    const alias = asset ? [...this.assets.values()].find((one) => one.asset === asset)?.alias ?? 0 : 0;
    this.#core.say({ is: "stateRequest", flow: this.claims.flows[0].id, alias });
  }

  /**
   * Of the last four seconds. Loss is by gaps of sequences, without what the node says that it left out. Delays need the node's
   * clock: `clock.errorMs` bounds how wrong they are.
   */
  stats() {
    const clock = this.#core.clock.estimate();
    const assets = {};
    for (const [alias, { kept }] of this.#core.assets) {
      const name = this.assets.get(alias)?.asset;
      if (name === undefined || kept.length === 0) continue;
      const all = new Window();
      for (const one of kept) all.merge(one);
      assets[name] = this.#figures(all, kept, alias);
    }
    return { carrier: this.carrier, up: this.up, reconnects: this.reconnects, rttMs: clock && clock.rtt / 1000,
      clock: clock && { offsetMs: clock.offset / 1000, errorMs: clock.error / 1000 }, sent: { ...this.#core.sent, dropped: this.#link?.dropped ?? 0 },
      faults: this.#core.faults, assets };
  }
  #figures(all, kept, alias) {
    const seconds = all.ms / 1000, ms = (us) => (us === undefined ? undefined : us / 1000);
    const tier = [...this.#tiers.values()].find((one) => one.rateHz > 0);
    const mask = tier?.components ?? U32 - 1;
    const components = [...this.#core.seen.keys()].filter((key) => key >> 8 === alias && ((key & 255) > 31 || mask >>> (key & 255) & 1)).length;
    const expected = all.expected - all.missed, lost = all.lost - all.missed;
    return { states: all.states, hz: components ? all.states / components / seconds : 0, bps: all.bytes * 8 / seconds,
      loss: expected > 0 ? lost / expected : 0, duplicates: all.duplicates, jitterMs: kept.at(-1).jitterUs / 1000,
      delayMs: { p50: ms(all.delay.percentile(50)), p99: ms(all.delay.percentile(99)) },
      ageMs: { p50: ms(all.age.percentile(50)), p99: ms(all.age.percentile(99)) }, gapMs: { p99: ms(all.gap.percentile(99)) } };
  }

  #end() {
    this.#established = false;
    clearInterval(this.#timer);
    clearTimeout(this.#renewal);
    this.#link?.close(0, "bye");
  }
  /** Leaves the room; with `endSession` the session at MMES ends for everybody in it. */
  async leave({ endSession = false } = {}) {
    this.#over = true;
    if (this.up) this.#core.say({ is: "release" });
    await pause(20); // for it to leave before the link does
    this.#end();
    if (endSession && this.#o.mmes && this.#o.session)
      await ask(this.#o.mmes, "DELETE", `/mm-das/v1/sessions/${encodeURIComponent(this.#o.session)}`, undefined, this.#o.headers);
  }
}
