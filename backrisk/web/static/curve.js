// A risk from period to period as SVG: a line for the means, a band for the intervals.

import { fill, makeSvg, percent, words } from "./facts.js";
import { scale } from "./bars.js";

const HEIGHT = 260;
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 14, 10, 46];
const STEPS = 5; // between the lines across; each is a round number on every scale
const ROOM = 34; // px that the name of a period needs

// `curves` are of the same periods: `{ rows, kind }` each, where `kind` is a class of the style.
export function drawCurves(curves, { wide, label, axis }) {
  const width = Math.min(Math.max(wide, 260), 760);
  const most = scale(curves.flatMap(({ rows }) => rows.map((row) => row.high)));
  const number = curves[0].rows.length;
  const x = (place) => number === 1 ? (LEFT + width - RIGHT) / 2
    : LEFT + 8 + ((width - LEFT - RIGHT - 16) * place) / (number - 1);
  const y = (share) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - share / most);
  const parts = [];
  for (let step = 0; step <= STEPS; step += 1) {
    const share = (most * step) / STEPS;
    parts.push(makeSvg("line", {
      class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(share), y2: y(share),
    }));
    parts.push(text(LEFT - 6, y(share) + 4, percent(share), "end"));
  }
  const every = Math.ceil(number / Math.max(1, Math.floor((width - LEFT - RIGHT) / ROOM)));
  for (let place = 0; place < number; place += 1) {
    if (place % every) continue;
    const name = fill(words.over_time.later, { n: place + 1 });
    parts.push(text(x(place), HEIGHT - BOTTOM + 17, name, "middle"));
  }
  parts.push(text((LEFT + width - RIGHT) / 2, HEIGHT - 8, axis, "middle"));
  for (const { rows, kind } of curves) parts.push(curve(rows, kind, x, y));
  return makeSvg("svg", {
    class: "curves", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label,
  }, ...parts);
}

function curve(rows, kind, x, y) {
  const at = (place, share) => `${x(place).toFixed(1)},${y(share).toFixed(1)}`;
  const upper = rows.map((row, place) => at(place, row.high));
  const lower = rows.map((row, place) => at(place, row.low)).reverse();
  const marks = rows.map((row, place) => mark(x(place), y(row.mean), kind));
  if (rows.length === 1) {
    marks.unshift(makeSvg("line", {
      class: "reach", x1: x(0), x2: x(0), y1: y(rows[0].low), y2: y(rows[0].high),
    }));
  }
  return makeSvg("g", { class: kind },
    makeSvg("polygon", { class: "band", points: [...upper, ...lower].join(" ") }),
    makeSvg("polyline", { class: "means", points: rows.map((row, i) => at(i, row.mean)).join(" ") }),
    ...marks);
}

// Told apart by shape too, not by colour alone.
const mark = (x, y, kind) => kind === "good"
  ? makeSvg("rect", { class: "mark", x: x - 4, y: y - 4, width: 8, height: 8 })
  : makeSvg("circle", { class: "mark", cx: x, cy: y, r: 4 });

// What stands for a curve in the list of them.
export function swatch(kind) {
  return makeSvg("svg", { class: "curves swatch", viewBox: "0 0 32 16", "aria-hidden": "true" },
    makeSvg("g", { class: kind },
      makeSvg("rect", { class: "band", x: 0, y: 0, width: 32, height: 16 }),
      makeSvg("polyline", { class: "means", points: "0,8 32,8" }),
      mark(16, 8, kind)));
}

function text(x, y, said, anchor) {
  const element = makeSvg("text", { x, y, "text-anchor": anchor });
  element.textContent = said;
  return element;
}
