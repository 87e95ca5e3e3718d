// A body of humanoid bones (VRM 1.0: facing +Z, arms stretched at rest), where its joints are for given rotations, and how it moves.
import { pose } from "../lobo-mmec.js";

const B = pose.BONE;
export const about = (x, y, z, angle) => { const s = Math.sin(angle / 2); return [x * s, y * s, z * s, Math.cos(angle / 2)]; };
export const times = ([ax, ay, az, aw], [bx, by, bz, bw]) => [
  aw * bx + ax * bw + ay * bz - az * by, aw * by - ax * bz + ay * bw + az * bx,
  aw * bz + ax * by - ay * bx + az * bw, aw * bw - ax * bx - ay * by - az * bz];
export const turned = ([x, y, z, w], [vx, vy, vz]) => {
  const tx = 2 * (y * vz - z * vy), ty = 2 * (z * vx - x * vz), tz = 2 * (x * vy - y * vx);
  return [vx + w * tx + y * tz - z * ty, vy + w * ty + z * tx - x * tz, vz + w * tz + x * ty - y * tx];
};
const back = ([x, y, z, w]) => [-x, -y, -z, w];
const plus = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

// Bone: its parent, and where it begins from there at rest, in metres.
const REST = [
  [B.hips, -1, [0, 0.93, 0]], [B.spine, B.hips, [0, 0.10, 0]], [B.chest, B.spine, [0, 0.12, 0]], [B.upperChest, B.chest, [0, 0.13, 0]],
  [B.neck, B.upperChest, [0, 0.14, 0]], [B.head, B.neck, [0, 0.09, 0]],
  [B.leftShoulder, B.upperChest, [0.04, 0.09, 0]], [B.leftUpperArm, B.leftShoulder, [0.12, 0, 0]], [B.leftLowerArm, B.leftUpperArm, [0.26, 0, 0]],
  [B.leftHand, B.leftLowerArm, [0.24, 0, 0]],
  [B.rightShoulder, B.upperChest, [-0.04, 0.09, 0]], [B.rightUpperArm, B.rightShoulder, [-0.12, 0, 0]],
  [B.rightLowerArm, B.rightUpperArm, [-0.26, 0, 0]], [B.rightHand, B.rightLowerArm, [-0.24, 0, 0]],
  [B.leftUpperLeg, B.hips, [0.09, -0.04, 0]], [B.leftLowerLeg, B.leftUpperLeg, [0, -0.42, 0]], [B.leftFoot, B.leftLowerLeg, [0, -0.41, 0]],
  [B.rightUpperLeg, B.hips, [-0.09, -0.04, 0]], [B.rightLowerLeg, B.rightUpperLeg, [0, -0.42, 0]], [B.rightFoot, B.rightLowerLeg, [0, -0.41, 0]]];
const STILL = [0, 0, 0, 1];

/** Joint by bone: { at, turn }, in the room. @param root { at, turn } @param bones rotations by bone */
export function joints(root, bones) {
  const found = {};
  for (const [bone, parent, offset] of REST) {
    const from = parent < 0 ? root : found[parent];
    found[bone] = { at: plus(from.at, turned(from.turn, offset)), turn: times(from.turn, bones[bone] ?? STILL) };
  }
  return found;
}

const wave = (t, period, phase = 0) => Math.sin(2 * Math.PI * (t / period + phase));
/** 0 to 1 and back, smoothly, for `share` of each period. */
const swell = (t, period, share, phase) => {
  const at = ((t / period + phase) % 1 + 1) % 1;
  return at > share ? 0 : Math.sin(Math.PI * at / share) ** 2;
};

/**
 * How somebody stands, sways, waves and speaks at a time.
 * @param who { seed, place: [x, z], facing: angle } @param t seconds
 */
export function moving(who, t) {
  const s = who.seed, beat = 2.1 + 0.2 * (s % 3);
  const sway = wave(t, beat, s * 0.37), breath = wave(t, 3.7, s * 0.21);
  const greet = swell(t, 11, 0.34, s * 0.29), lift = swell(t, 13, 0.3, s * 0.53 + 0.4);
  const root = { at: [who.place[0] + 0.03 * sway, 0.012 * Math.abs(sway), who.place[1]], turn: about(0, 1, 0, who.facing + 0.12 * wave(t, 7.3, s * 0.11)) };
  const arm = 1.22 + 0.04 * breath;
  const bones = {
    [B.hips]: times(about(0, 1, 0, 0.10 * sway), about(0, 0, 1, 0.035 * sway)),
    [B.spine]: about(0, 0, 1, -0.04 * sway), [B.chest]: about(1, 0, 0, 0.025 * breath), [B.upperChest]: about(0, 1, 0, -0.08 * sway),
    [B.neck]: about(0, 1, 0, 0.10 * wave(t, 5.1, s * 0.17)), [B.head]: times(about(0, 1, 0, 0.22 * wave(t, 6.3, s * 0.41)), about(1, 0, 0, 0.07 * wave(t, beat, s * 0.37 + 0.2))),
    [B.leftShoulder]: about(0, 0, 1, 0.05 * lift), [B.leftUpperArm]: times(about(0, 1, 0, -0.25 * lift), about(0, 0, 1, -arm + 1.35 * lift)),
    [B.leftLowerArm]: about(0, 1, 0, -0.35 - 0.12 * sway - 0.7 * lift), [B.leftHand]: about(0, 0, 1, 0.2 * lift * wave(t, 1.1)),
    [B.rightShoulder]: about(0, 0, 1, -0.08 * greet), [B.rightUpperArm]: times(about(0, 0, 1, arm - 1.65 * greet), about(0, 1, 0, 0.2 * (1 - greet))),
    [B.rightLowerArm]: times(about(0, 0, 1, greet * (-1.15 + 0.45 * wave(t, 0.75))), about(0, 1, 0, (1 - greet) * (0.35 - 0.12 * sway))),
    [B.rightHand]: about(0, 0, 1, greet * 0.3 * wave(t, 0.75, 0.1)),
    [B.leftUpperLeg]: about(0, 0, 1, 0.03 - 0.03 * sway), [B.rightUpperLeg]: about(0, 0, 1, -0.03 - 0.03 * sway),
    [B.leftLowerLeg]: about(1, 0, 0, 0.06 + 0.05 * sway), [B.rightLowerLeg]: about(1, 0, 0, 0.06 - 0.05 * sway),
    [B.leftFoot]: about(1, 0, 0, -0.06), [B.rightFoot]: about(1, 0, 0, -0.06) };
  const face = new Array(52).fill(0);
  const blink = swell(t, 4.3, 0.04, s * 0.23), speak = swell(t, 9, 0.4, s * 0.31) * (0.5 + 0.5 * wave(t, 0.31));
  face[0] = face[7] = blink; // eyeBlinkLeft, eyeBlinkRight of ARKit's list
  face[17] = speak; // jawOpen
  face[23] = face[24] = 0.5 + 0.4 * greet; // mouthSmileLeft, mouthSmileRight
  const curls = new Array(10).fill(0.25 + 0.2 * (1 - greet));
  return { root, bones, upper: limbs(root, bones), face, fingers: curls };
}

/** Head and hands from the root: what stands for a body where there is not the rate for all bones. */
export function limbs(root, bones) {
  const found = joints(root, bones), turn = back(root.turn);
  const of = (bone) => ({ at: turned(turn, minus(found[bone].at, root.at)), turn: times(turn, found[bone].turn) });
  return { head: of(B.head), leftHand: of(B.leftHand), rightHand: of(B.rightHand) };
}

/** Between two rotations; `share` 0 to 1. */
export function between(a, b, share) {
  const sign = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3] < 0 ? -1 : 1;
  const mixed = a.map((part, i) => part + (sign * b[i] - part) * share);
  const length = Math.hypot(...mixed) || 1;
  return mixed.map((part) => part / length);
}
