// A hundred figures, ten in a row: the filled ones have what is counted.

import { make, makeSvg } from "./facts.js";

const SIDE = 20;
const BODY = "M10 8.5c-3.6 0-5.6 2.2-5.6 5.4V18h11.2v-4.1c0-3.2-2-5.4-5.6-5.4z";

const figure = (i, filled) => makeSvg("g", {
  class: filled ? "filled" : "open",
  transform: `translate(${SIDE * (i % 10)} ${SIDE * Math.floor(i / 10)})`,
}, makeSvg("circle", { cx: 10, cy: 4.8, r: 3 }), makeSvg("path", { d: BODY }));

// `told` says in words what is drawn.
export function icons(filled, told, kind = "person") {
  const figures = Array.from({ length: 100 }, (_, i) => figure(i, i < filled));
  const frame = { class: `icons ${kind}`, viewBox: "0 0 200 200", role: "img", "aria-label": told };
  return makeSvg("svg", frame, ...figures);
}

const swatch = (filled, kind) =>
  makeSvg("svg", { class: `icons ${kind} one`, viewBox: "0 0 20 20", "aria-hidden": "true" },
    figure(0, filled));

export const key = (has, lacks, kind = "person") => make("ul", { class: "key" },
  make("li", {}, swatch(true, kind), " ", has), make("li", {}, swatch(false, kind), " ", lacks));
