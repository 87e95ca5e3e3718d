// The stage: WebGL 2 without a library. Everything that is drawn is a capsule between two points, with a radius at each end;
// all of them go in one call. The floor fades into the page and carries soft shadows.
import { pose } from "../lobo-mmec.js";
import { joints, turned } from "./body.js";

const B = pose.BONE;
const CAPSULES_MAX = 1024, FLOATS = 12, SHADOWS_MAX = 24;

const BODY_VERTEX = `#version 300 es
layout(location=0) in vec3 normal; layout(location=1) in float along;
layout(location=2) in vec4 start; layout(location=3) in vec4 end; layout(location=4) in vec4 colour;
uniform mat4 view; out vec3 n; out vec3 world; out vec4 paint;
void main() {
  vec3 d = end.xyz - start.xyz; float l = length(d);
  vec3 y = l > 1e-4 ? d / l : vec3(0., 1., 0.);
  vec3 x = normalize(abs(y.y) < .9 ? cross(y, vec3(0., 1., 0.)) : cross(y, vec3(1., 0., 0.)));
  n = x * normal.x + y * normal.y + cross(x, y) * normal.z;
  world = mix(start.xyz, end.xyz, along) + n * mix(start.w, end.w, along);
  paint = colour; gl_Position = view * vec4(world, 1.);
}`;
const BODY_FRAGMENT = `#version 300 es
precision highp float;
in vec3 n; in vec3 world; in vec4 paint; uniform vec3 eye; uniform float dark; out vec4 pixel;
void main() {
  vec3 m = normalize(n), v = normalize(eye - world), l = normalize(vec3(.45, .9, .5));
  float sun = max((dot(m, l) + .35) / 1.35, 0.), sky = .5 + .5 * m.y;
  float rim = pow(1. - max(dot(m, v), 0.), 3.), shine = pow(max(dot(m, normalize(l + v)), 0.), 40.) * paint.a;
  vec3 light = mix(vec3(.62, .60, .66), vec3(.86, .90, 1.), sky) * mix(.62, .5, dark) + vec3(1., .95, .86) * sun * .62;
  vec3 c = paint.rgb * light + rim * mix(vec3(.20), vec3(.12, .16, .24), dark) + shine * .35;
  pixel = vec4(pow(c, vec3(1. / 1.12)), 1.);
}`;
const FLOOR_VERTEX = `#version 300 es
layout(location=0) in vec2 at; uniform mat4 view; out vec2 place;
void main() { place = at * 9.; gl_Position = view * vec4(place.x, 0., place.y, 1.); }`;
const FLOOR_FRAGMENT = `#version 300 es
precision highp float;
in vec2 place; uniform vec3 shadows[${SHADOWS_MAX}]; uniform vec3 line; uniform vec3 ground; out vec4 pixel;
void main() {
  float r = length(place), soft = 0.;
  for (int i = 0; i < ${SHADOWS_MAX}; ++i) { vec2 d = place - shadows[i].xy; soft += shadows[i].z * exp(-dot(d, d) / .075); }
  float w = fwidth(r), ring = smoothstep(w * 1.4, w * .4, abs(fract(r - .5 + .5) - .5)) * step(.4, r);
  float fade = smoothstep(6.2, 1.6, r);
  vec3 c = mix(ground, line, ring * .55);
  float a = max(fade * .85, min(soft, 1.) * .55);
  c = mix(c, c * .45, min(soft, 1.) * .75);
  pixel = vec4(c * a, a);
}`;

function program(gl, vertex, fragment) {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
  return { made, at: (name) => gl.getUniformLocation(made, name) };
}

/** Two half spheres; `along` says which end a vertex belongs to. */
function capsule(rings = 7, sides = 18) {
  const points = [], faces = [], rows = [];
  for (let half = 0; half < 2; ++half)
    for (let i = 0; i <= rings; ++i) rows.push([(half === 0 ? -1 + i / rings : i / rings) * Math.PI / 2, half]);
  rows.forEach(([up, half]) => {
    for (let k = 0; k <= sides; ++k) {
      const round = 2 * Math.PI * k / sides;
      points.push(Math.cos(up) * Math.cos(round), Math.sin(up), Math.cos(up) * Math.sin(round), half);
    }
  });
  for (let i = 0; i + 1 < rows.length; ++i)
    for (let k = 0; k < sides; ++k) {
      const a = i * (sides + 1) + k, b = a + sides + 1;
      faces.push(a, b, a + 1, a + 1, b, b + 1);
    }
  return { points: new Float32Array(points), faces: new Uint16Array(faces) };
}

const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const unit = (a) => { const l = Math.hypot(...a); return a.map((part) => part / l); };
const plus = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

function looking(eye, to, wide, aspect) {
  const z = unit(eye.map((part, i) => part - to[i])), x = unit(cross([0, 1, 0], z)), y = cross(z, x);
  const f = 1 / Math.tan(wide / 2), near = 0.1, far = 60, q = (far + near) / (near - far), r = 2 * far * near / (near - far);
  const t = [-dot(x, eye), -dot(y, eye), -dot(z, eye)], g = f / aspect;
  return new Float32Array([g * x[0], f * y[0], q * z[0], -z[0], g * x[1], f * y[1], q * z[1], -z[1], g * x[2], f * y[2], q * z[2], -z[2],
    g * t[0], f * t[1], q * t[2] + r, -t[2]]);
}

export class Stage {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: true, alpha: true, premultipliedAlpha: true });
    if (!gl) throw new Error("this browser has no WebGL 2");
    this.canvas = canvas;
    this.gl = gl;
    this.body = program(gl, BODY_VERTEX, BODY_FRAGMENT);
    this.floor = program(gl, FLOOR_VERTEX, FLOOR_FRAGMENT);
    const mesh = capsule();
    this.count = mesh.faces.length;
    this.instances = new Float32Array(CAPSULES_MAX * FLOATS);
    this.bodies = gl.createVertexArray();
    gl.bindVertexArray(this.bodies);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, mesh.points, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 16, 0);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 1, gl.FLOAT, false, 16, 12);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, mesh.faces, gl.STATIC_DRAW);
    this.buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, this.instances.byteLength, gl.DYNAMIC_DRAW);
    for (let i = 0; i < 3; ++i) {
      gl.enableVertexAttribArray(2 + i);
      gl.vertexAttribPointer(2 + i, 4, gl.FLOAT, false, FLOATS * 4, i * 16);
      gl.vertexAttribDivisor(2 + i, 1);
    }
    this.plane = gl.createVertexArray();
    gl.bindVertexArray(this.plane);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    this.round = 0.0;
    this.height = 2.15;
    this.far = 5.4;
    canvas.addEventListener("pointermove", (e) => {
      if (!(e.buttons & 1)) return;
      this.round -= e.movementX * 0.006;
      this.height = Math.min(5, Math.max(0.4, this.height + e.movementY * 0.012));
    });
  }

  #put(a, ra, b, rb, colour, shine = 0.4) {
    if (this.capsules >= CAPSULES_MAX) return;
    this.instances.set([...a, ra, ...b, rb, ...colour, shine], FLOATS * this.capsules++);
  }

  /** @param one { root, bones?, upper?, face?, colour: [r, g, b] } what is known of a body; what is not is left out */
  #figure(one) {
    const skin = one.colour, deep = skin.map((part) => part * 0.72), pale = skin.map((part) => 0.55 + 0.45 * part);
    const root = one.root;
    this.shadows.push(root.at[0], root.at[2], one.bones || one.upper ? 0.9 : 0.6);
    const here = (offset) => plus(root.at, turned(root.turn, offset));
    let head = { at: here([0, 1.51, 0]), turn: root.turn };
    if (one.bones) {
      const j = joints(root, one.bones), at = (bone) => j[bone].at;
      head = j[B.head];
      this.#put(at(B.hips), 0.125, at(B.spine), 0.118, deep);
      this.#put(at(B.spine), 0.118, at(B.upperChest), 0.15, skin);
      this.#put(plus(at(B.upperChest), [0, 0.05, 0]), 0.135, at(B.neck), 0.055, skin);
      this.#put(at(B.neck), 0.05, at(B.head), 0.05, pale);
      for (const [shoulder, upper, lower, hand] of [[B.leftShoulder, B.leftUpperArm, B.leftLowerArm, B.leftHand],
        [B.rightShoulder, B.rightUpperArm, B.rightLowerArm, B.rightHand]]) {
        this.#put(at(shoulder), 0.075, at(upper), 0.066, skin);
        this.#put(at(upper), 0.062, at(lower), 0.047, skin);
        this.#put(at(lower), 0.046, at(hand), 0.036, pale);
        const out = turned(j[hand].turn, [hand === B.leftHand ? 0.08 : -0.08, 0, 0.01]);
        this.#put(at(hand), 0.042, plus(at(hand), out), 0.034, pale);
      }
      for (const [upper, lower, foot] of [[B.leftUpperLeg, B.leftLowerLeg, B.leftFoot], [B.rightUpperLeg, B.rightLowerLeg, B.rightFoot]]) {
        this.#put(at(upper), 0.094, at(lower), 0.066, deep);
        this.#put(at(lower), 0.063, at(foot), 0.045, deep);
        this.#put(plus(at(foot), [0, -0.015, 0]), 0.048, plus(at(foot), turned(j[foot].turn, [0, -0.02, 0.13])), 0.042, pale);
      }
    } else {
      // Head and hands alone, or where somebody is: a simpler figure says so.
      if (one.upper?.head) head = { at: here(one.upper.head.at), turn: one.upper.head.turn && turnOf(root.turn, one.upper.head.turn) };
      this.#put(here([0, 0.42, 0]), 0.14, here([0, 1.12, 0]), one.upper ? 0.19 : 0.2, skin, 0.25);
      for (const hand of [one.upper?.leftHand, one.upper?.rightHand]) if (hand) this.#put(here(hand.at), 0.055, here(hand.at), 0.055, pale);
    }
    const on = (offset) => plus(head.at, turned(head.turn, offset));
    this.#put(on([0, 0.085, 0.005]), 0.112, on([0, 0.125, 0]), 0.116, pale, 0.7);
    const face = one.face ?? [], blink = face[0] ?? 0, speak = face[17] ?? 0, ink = [0.10, 0.12, 0.17];
    for (const side of [-1, 1]) this.#put(on([0.044 * side, 0.125, 0.098 - 0.022 * blink]), 0.0175, on([0.044 * side, 0.112, 0.098 - 0.022 * blink]), 0.0175, ink, 1);
    if (one.face) {
      const low = on([0, 0.054 - 0.006 * speak, 0.109]), thick = 0.0065 + 0.011 * speak, smile = 0.014 * (face[23] ?? 0);
      for (const side of [-1, 1]) this.#put(low, thick, on([0.026 * side, 0.054 + smile, 0.1035]), 0.0055 + 0.004 * speak, [0.40, 0.2, 0.23], 0.2);
    }
    return on([0, 0.36, 0]);
  }

  /** Draws everybody; gives where each one's name belongs, in CSS pixels. @param theme { dark, line, ground } colours 0 to 1 */
  draw(figures, theme, t) {
    const { gl, canvas } = this;
    const wide = canvas.clientWidth, high = canvas.clientHeight, scale = Math.min(devicePixelRatio || 1, 2);
    if (canvas.width !== Math.round(wide * scale) || canvas.height !== Math.round(high * scale)) {
      canvas.width = Math.round(wide * scale);
      canvas.height = Math.round(high * scale);
    }
    const round = this.round + 0.10 * Math.sin(t / 9);
    const eye = [Math.sin(round) * this.far, this.height, Math.cos(round) * this.far];
    const view = looking(eye, [0, 0.86, 0], 0.62, wide / Math.max(high, 1));
    this.capsules = 0;
    this.shadows = [];
    const tops = figures.map((one) => this.#figure(one));
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.disable(gl.DEPTH_TEST);
    gl.useProgram(this.floor.made);
    gl.uniformMatrix4fv(this.floor.at("view"), false, view);
    const shadows = new Float32Array(SHADOWS_MAX * 3);
    shadows.set(this.shadows.slice(0, shadows.length));
    gl.uniform3fv(this.floor.at("shadows"), shadows);
    gl.uniform3fv(this.floor.at("line"), theme.line);
    gl.uniform3fv(this.floor.at("ground"), theme.ground);
    gl.bindVertexArray(this.plane);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.disable(gl.BLEND);
    gl.enable(gl.DEPTH_TEST);
    gl.useProgram(this.body.made);
    gl.uniformMatrix4fv(this.body.at("view"), false, view);
    gl.uniform3fv(this.body.at("eye"), eye);
    gl.uniform1f(this.body.at("dark"), theme.dark ? 1 : 0);
    gl.bindVertexArray(this.bodies);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, this.instances.subarray(0, this.capsules * FLOATS));
    gl.drawElementsInstanced(gl.TRIANGLES, this.count, gl.UNSIGNED_SHORT, 0, this.capsules);
    return tops.map(([x, y, z]) => {
      const at = (row) => view[row] * x + view[4 + row] * y + view[8 + row] * z + view[12 + row];
      const w = at(3);
      return { x: (at(0) / w * 0.5 + 0.5) * wide, y: (0.5 - at(1) / w * 0.5) * high, far: w };
    });
  }
}

const turnOf = ([ax, ay, az, aw], [bx, by, bz, bw]) => [aw * bx + ax * bw + ay * bz - az * by, aw * by - ax * bz + ay * bw + az * bx,
  aw * bz + ax * by - ay * bx + az * bw, aw * bw - ax * bx - ay * by - az * bz];
