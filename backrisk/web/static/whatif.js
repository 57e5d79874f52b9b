// What if: before and after, side by side.

import { bar, scale } from "./bars.js";
import { fillWith, make, percent, points, range, words } from "./facts.js";
import { body, notes } from "./sections.js";

export function showWhatIf({ rung, answer }) {
  const [before, after, change] = answer.rows;
  const most = scale([before.high, after.high]);
  const side = (title, each, kind) =>
    make("div", { class: "side" },
      make("h3", {}, title),
      make("p", { class: "big" }, make("strong", {}, percent(each.mean))),
      make("p", {}, range(each)),
      bar(each, { most, kind }));
  body("whatif").replaceChildren(
    make("div", { class: "sides" },
      side(words.whatif.before, before, "person"), side(words.whatif.after, after, "good")),
    make("p", { class: "change" }, ...fillWith(words.whatif.change, {
      points: make("strong", {}, points(change)),
    })),
    make("p", { class: "note" }, words.whatif.rungs[rung]),
    ...notes(answer));
}
