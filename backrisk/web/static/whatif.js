// What if: before and after, side by side.

import { bar, scale } from "./bars.js";
import { fillWith, inHundred, make, percent, points, range, words } from "./facts.js";
import { body, folded, notes } from "./sections.js";

// Looking back, everybody has the outcome as it is.
export function showWhatIf({ rung, answer }, back) {
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
    make("p", { class: "change" }, ...(back ? fewer(change) : fillWith(words.whatif.change, {
      points: make("strong", {}, points(change)),
    }))),
    make("p", { class: "note" }, words.whatif.rungs[rung]),
    folded(words.method.title, ...notes(answer)));
}

const fewer = (change) => fillWith(words.whatif.change_back, {
  n: make("strong", {}, inHundred(-change.mean)),
  low: inHundred(-change.high), high: inHundred(-change.low),
});
