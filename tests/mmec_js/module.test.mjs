// The browser's module by the golden vectors of the C++ codecs (tests/golden/sdd*), and as a pair of ends without a network.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ClockOffset, ControlReader, Core, Histogram, Malformed, frameBytes, fromBase64, pose, readControl, readFrames, readToken,
  writeControl } from "../../share/web/lobo-mmec.js";

const GOLDEN = new URL("../golden/", import.meta.url);
const octets = (hex) => Uint8Array.from(hex.replace(/#.*/g, "").replace(/\s/g, "").match(/../g) ?? [], (two) => parseInt(two, 16));
const hex = (bytes) => [...bytes].map((octet) => octet.toString(16).padStart(2, "0")).join("");
const goldens = (codec) => {
  const names = readdirSync(new URL(`${codec}/`, GOLDEN)).filter((name) => name.endsWith(".hex")).map((name) => name.slice(0, -4));
  assert.ok(names.length > 5, "vectors are there");
  const text = (name, end) => readFileSync(new URL(`${codec}/${name}.${end}`, GOLDEN), "utf8");
  return names.map((name) => ({ name, bytes: octets(text(name, "hex")),
    expected: text(name, "txt").split("\n").filter((line) => line && !line.startsWith("#")) }));
};

test("golden datagrams are told as written by hand", () => {
  const told = ({ frames, fault }) => {
    const lines = frames.flatMap((f) => [`kind ${f.fragment === undefined ? "state" : "fragment"}`, `flow ${f.flow}`, `alias ${f.alias}`,
      `component ${f.component}`, `seq ${f.seq}`, ...(f.key ? ["key"] : []), ...(f.dupPath ? ["dup_path"] : []),
      ...(f.txTime === undefined ? [] : [`tx_time ${f.txTime}`]), ...(f.base === undefined ? [] : [`base ${f.base}`]),
      ...(f.fragment === undefined ? [] : [`fragment ${f.fragment} ${f.more ? "more" : "last"}`]), `payload ${hex(f.payload)}`]);
    return fault ? [...lines, `fault ${fault}`] : lines;
  };
  for (const { name, bytes, expected } of goldens("sdd")) assert.deepEqual(told(readFrames(bytes)), expected, name);
});

test("frames are written as they were read", () => {
  for (const { name, bytes } of goldens("sdd")) {
    const { frames, fault } = readFrames(bytes);
    if (!fault && name !== "flow_of_64_bits") assert.equal(frames.map((frame) => hex(frameBytes(frame))).join(""), hex(bytes), name);
  }
});

test("every strict prefix of a frame is cut", () => {
  const bytes = frameBytes({ key: true, flow: 70000, alias: 3, component: 2, seq: 9, txTime: 5, payload: octets("cafe") });
  for (let size = 1; size < bytes.length; ++size) assert.equal(readFrames(bytes.subarray(0, size)).fault, "cut", `${size}`);
});

test("golden control messages are told as written by hand, and refused where they are bad", () => {
  const plain = (message) => JSON.parse(JSON.stringify(message, (_, value) => (value instanceof Uint8Array ? hex(value) : value)));
  for (const { name, bytes, expected } of goldens("sdd_control")) {
    if (expected[0] === "refused") assert.throws(() => readControl(bytes), Malformed, name);
    else assert.deepEqual(plain(readControl(bytes)), JSON.parse(expected[0]), name);
  }
});

test("control messages are written so that they are read the same, in any pieces", () => {
  const said = goldens("sdd_control").filter(({ expected }) => expected[0] !== "refused").map(({ bytes }) => readControl(bytes));
  const stream = said.map(writeControl);
  const all = Uint8Array.from(stream.flatMap((bytes) => [...bytes]));
  for (const piece of [1, 2, 3, 7, all.length]) {
    const reader = new ControlReader(), heard = [];
    for (let at = 0; at < all.length; at += piece) heard.push(...reader.take(all.subarray(at, at + piece)));
    assert.deepEqual(heard, said, `pieces of ${piece}`);
  }
  // In the shortest form, so that equal messages are equal octets.
  assert.equal(hex(writeControl({ is: "hello", name: "abc", datagramMax: 1024 })), "0ca30001036361626304190400");
});

test("long messages are written whole", () => {
  const said = [{ is: "establish", request: 1, token: Uint8Array.from({ length: 3072 }, (_, i) => i & 255), flows: [], poseFlows: [1, 2] },
    { ...readControl(octets("a1 00 06")), flow: 5, delay: Array.from({ length: 672 }, (_, i) => i * 100003), age: [1, 2], gap: [] }];
  assert.deepEqual(said.flatMap((message) => new ControlReader().take(writeControl(message))), said);
});

test("a control stream that claims too long a message is not read any further", () => {
  assert.throws(() => new ControlReader().take(octets("80004001 00")), Malformed);
});

test("golden poses are read as written by hand, written back, and refused by name", () => {
  for (const { name, bytes, expected } of goldens("sdd_pose")) {
    const [part, ...rest] = expected[0].split(" "), component = pose.componentOf(part);
    if (name.startsWith("bad_")) {
      // Where octets are missing the reader finds that before it has counted them all.
      assert.throws(() => pose.read(component, bytes), (e) => (rest[0] === "length" ? ["length", "cut"] : rest).includes(e.code), name);
      continue;
    }
    const value = pose.read(component, bytes), meant = JSON.parse(rest.join(" "));
    const near = (a, b) => (typeof b === "number" ? assert.ok(Math.abs(a - b) < 1e-4, `${name}: ${a} is not ${b}`)
      : (assert.deepEqual(Object.keys(a), Object.keys(b), name), Object.keys(b).forEach((key) => near(a[key], b[key]))));
    near(value, meant);
    assert.equal(hex(pose.write(part, meant)), hex(bytes), name);
  }
});

test("a rotation of six octets is off by a hundredth of a degree at most", () => {
  let seed = 42;
  const random = () => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed / 1073741824 - 1; };
  for (let i = 0; i < 5000; ++i) {
    let turn = [random(), random(), random(), random()];
    if (i % 3 === 0) turn[0] = turn[3];
    const length = Math.hypot(...turn);
    if (length < 1e-3) continue;
    turn = turn.map((part) => part / length);
    const { turn: read } = pose.read(0, pose.write("root", { at: [0, 0, 0], turn }));
    const off = Math.min(...[1, -1].map((sign) => Math.hypot(...read.map((part, k) => part - sign * turn[k]))));
    assert.ok(4 * Math.asin(off / 2) <= 0.000175, `${turn} was read as ${read}`);
  }
});

test("what is no number is written as something that can be", () => {
  const { at, turn } = pose.read(0, pose.write("root", { at: [NaN, Infinity, 1e12], turn: [NaN, NaN, 0, 0] }));
  assert.deepEqual(at, [0, 0, 200000]);
  assert.ok(Math.abs(turn[3] - 1) < 1e-8);
});

test("a histogram's percentile is at most 6.25 % too high", () => {
  for (const value of [0, 1, 15, 16, 17, 31, 32, 33, 1000, 65535, 65536, 1048575, 1048576, 16000000]) {
    const h = new Histogram();
    h.add(value);
    const told = h.percentile(50);
    assert.ok(told >= value && told <= Math.max(15, value * 1.0625), `${value} was told as ${told}`);
    assert.deepEqual(h.sparse(), [Histogram.bucketOf(value), 1]);
  }
});

test("the shortest of the last 16 round trips says the offset, and half of it bounds its error", () => {
  const clock = new ClockOffset();
  assert.equal(clock.estimate(), undefined);
  assert.ok(clock.add(1000, 6000, 6000, 3000)); // a round trip of 2 ms, 4 ms ahead
  assert.ok(clock.add(10000, 14500, 14500, 11000)); // 1 ms, 4 ms ahead
  assert.ok(!clock.add(10, 0, 0, 5));
  assert.deepEqual([clock.estimate().offset, clock.estimate().error], [4000, 500]);
});

test("a token's claims written by hand are told, and behind them the signature is passed over", () => {
  const claims = octets(`aa 01 01 02 1a01020304 03 66726f6f6d2d39 04 6575652d3137
    05 81 8c 1864 05 6b75726e3a613a616c696365 02 1affffffff 00 1864 06 1a003d0900 01 00 82 82 193a98 0f 82 00 01
    06 00 07 1a6553f100 08 1a6553f358 09 626e31 0a 02`);
  const token = readToken(Uint8Array.from([...claims, ...new Uint8Array(64)]));
  assert.deepEqual([token.room, token.ue, token.node, token.expires - token.issued], ["room-9", "ue-17", "n1", 600]);
  assert.deepEqual(token.flows, [{ id: 100, alias: 5, asset: "urn:a:alice", direction: "BIDI", components: 4294967295, class: 0, ttlMs: 100,
    priority: 6, tier: 1 }]);
  assert.throws(() => readToken(octets("a0")), Malformed);
});

/** A core whose octets go nowhere but into lists. */
const lonely = () => {
  const out = { datagrams: [], control: [], states: [], told: [] };
  const core = new Core({ sendDatagram: (d) => out.datagrams.push(d), sendControl: (c) => out.control.push(c),
    received: (s) => out.states.push(s), told: (m) => out.told.push(m) });
  core.open("test", 1e9);
  return { core, out };
};

test("what one end publishes the other is told once, in order of arrival, with loss and age", () => {
  const a = lonely(), b = lonely();
  // Both clocks are the node's: it answers at once, 2 ms away.
  const pong = writeControl({ is: "clockPong", id: 0, pingSentUs: 1e9, pingReceivedUs: 1e9 + 1000, sentUs: 1e9 + 1000 });
  for (const end of [a, b]) end.core.onControl(pong, 1e9 + 2000);
  for (let i = 0; i < 100; ++i) a.core.publish(7, 3, [[0, Uint8Array.of(i + 1)], [1, Uint8Array.of(9)]], 1e9 + i * 1e4);
  assert.equal(a.out.datagrams.length, 100, "both components go in one datagram");
  a.out.datagrams.forEach((datagram, i) => {
    if (i % 10 === 5) return; // lost
    b.core.onDatagram(datagram, 1e9 + i * 1e4 + 5000);
    if (i % 10 === 0) b.core.onDatagram(datagram, 1e9 + i * 1e4 + 6000); // twice
  });
  assert.equal(b.out.states.length, 180);
  assert.deepEqual(b.out.states.slice(0, 2).map((s) => [s.alias, s.component, s.payload[0], s.ageMs]), [[3, 0, 1, 5], [3, 1, 9, 5]]);
  b.core.advance(1e9 + 5e5);
  b.core.advance(1e9 + 2e6);
  const [stats] = b.out.control.flatMap((bytes) => new ControlReader().take(bytes)).filter((message) => message.is === "flowStats");
  assert.deepEqual([stats.flow, stats.received, stats.lost, stats.duplicates, stats.clockErrorUs], [7, 180, 20, 20, 1000]);
  assert.deepEqual(stats.delay, [Histogram.bucketOf(5000), 180]);
});

test("what the node says that it left out is no loss, and the rest of what is missing is", () => {
  const a = lonely(), b = lonely();
  for (let i = 0; i < 100; ++i) a.core.publish(7, 3, [[0, Uint8Array.of(1)]], 1e9 + i * 4e3);
  a.out.datagrams.filter((_, i) => i % 4 === 0).forEach((datagram) => b.core.onDatagram(datagram, 1e9 + 1000));
  b.core.advance(1e9 + 5e5);
  const [window] = b.core.assets.get(3).kept;
  assert.deepEqual([window.lost, window.missed], [72, 72], "nobody has said why");
  b.core.onControl(writeControl({ is: "leftOut", flow: 8, assets: [{ alias: 3, states: 72 }] }), 1e9 + 6e5);
  assert.equal(window.missed, 72, "that was of another flow");
  b.core.onControl(writeControl({ is: "leftOut", flow: 7, assets: [{ alias: 3, states: 70 }, { alias: 4, states: 1 }] }), 1e9 + 6e5);
  assert.deepEqual([window.lost, window.missed, window.expected], [2, 0, 27]);
  b.core.onControl(writeControl({ is: "leftOut", flow: 7, assets: [{ alias: 3, states: 9 }] }), 1e9 + 7e5);
  assert.equal(window.lost, 2, "it was answered");
});

test("a state that no datagram holds goes in fragments, and comes whole or not at all", () => {
  const a = lonely(), b = lonely();
  const large = Uint8Array.from({ length: 4096 }, (_, i) => i & 255);
  a.core.publish(7, 3, [[6, large]], 1e9);
  assert.equal(a.out.datagrams.length, 4);
  assert.ok(a.out.datagrams.every((datagram) => datagram.length <= 1150));
  a.out.datagrams.slice(1).forEach((datagram) => b.core.onDatagram(datagram, 1e9));
  assert.equal(b.out.states.length, 0);
  b.core.onDatagram(a.out.datagrams[0], 1e9);
  assert.deepEqual(b.out.states[0].payload, large);
  assert.throws(() => a.core.publish(7, 3, [[6, new Uint8Array(4097)]], 1e9), RangeError);
  assert.throws(() => a.core.publish(7, 3, [[6, new Uint8Array(0)]], 1e9), RangeError);
});

test("sequences go on after the link has come back", () => {
  const a = lonely();
  a.core.publish(7, 3, [[0, Uint8Array.of(1)]], 1e9);
  a.core.open("test", 2e9);
  a.core.publish(7, 3, [[0, Uint8Array.of(2)]], 2e9);
  assert.deepEqual(a.out.datagrams.map((datagram) => readFrames(datagram).frames[0].seq), [0, 1]);
});

test("octets of no meaning do no harm", () => {
  let seed = 7;
  const random = (most) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % most; };
  const { core, out } = lonely();
  for (let i = 0; i < 3000; ++i) {
    const junk = Uint8Array.from({ length: random(60) }, () => random(256));
    core.onDatagram(junk, 1e9);
    try { readControl(junk); } catch (e) { assert.ok(e instanceof Malformed, String(e)); }
    try { readToken(junk); } catch (e) { assert.ok(e instanceof Malformed, String(e)); }
    for (let component = 0; component < 5; ++component)
      try { pose.read(component, junk); } catch (e) { assert.ok(e instanceof Malformed, String(e)); }
  }
  assert.ok(out.states.every((state) => state.payload.length > 0));
});

test("base64 is read in both alphabets", () => {
  assert.equal(hex(fromBase64("-_8")), "fbff");
  assert.equal(hex(fromBase64("+/8=")), "fbff");
});
