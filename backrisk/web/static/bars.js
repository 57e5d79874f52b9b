// Small horizontal charts as SVG: a bar for the mean, a whisker for the interval.

import { makeSvg } from "./facts.js";

const WIDTH = 300;

// `limits` is the thin line of what remains possible; `most` is the end of the scale.
export function bar(row, { least = 0, most, limits = null, kind = "person" }) {
  // A row without an interval is a length alone.
  const at = (share) => (WIDTH * (clamp(share, least, most) - least)) / (most - least);
  const parts = [];
  const zero = at(0);
  if (limits) {
    parts.push(line(at(limits[0]), at(limits[1]), 11, "limits"));
  }
  const [from, to] = [zero, at(row.mean)].sort((a, b) => a - b);
  const size = { x: from, y: 5, width: Math.max(to - from, 1), height: 12 };
  parts.push(makeSvg("rect", { class: `mean ${kind}`, ...size }));
  if (row.low !== undefined) {
    parts.push(line(at(row.low), at(row.high), 11, "whisker"));
  }
  for (const end of row.low === undefined ? [] : [row.low, row.high]) {
    parts.push(makeSvg("line", { class: "whisker", x1: at(end), x2: at(end), y1: 7, y2: 15 }));
  }
  if (least < 0) parts.push(makeSvg("line", { class: "zero", x1: zero, x2: zero, y1: 0, y2: 22 }));
  const frame = { class: "bar", viewBox: `-2 0 ${WIDTH + 4} 22`, "aria-hidden": "true" };
  return makeSvg("svg", { ...frame, preserveAspectRatio: "none" }, ...parts);
}

const line = (x1, x2, y, kind) => makeSvg("line", { class: kind, x1, x2, y1: y, y2: y });
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// A scale's end that holds all the rows.
export function scale(values) {
  const steps = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1];
  const most = Math.max(...values.map(Math.abs), 0);
  return steps.find((step) => step >= most) ?? 1;
}
