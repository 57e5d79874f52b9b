// How it comes about: the drawing and its strongest routes.

import { byId, facts, fill, make, nodeWords, percent, stateWords, words } from "./facts.js";
import { body } from "./sections.js";

// A name that is longer than its box is drawn narrower.
function squeeze(text, box) {
  text.removeAttribute("textLength");
  const room = box.querySelector(".ground").width.baseVal.value - 8;
  if (text.getComputedTextLength() <= room) return;
  text.setAttribute("textLength", room);
  text.setAttribute("lengthAdjust", "spacingAndGlyphs");
}

export function showCascade(answer) {
  const drawing = byId("cascade").querySelector("svg");
  for (const each of answer.nodes) {
    const box = drawing.querySelector(`.box[data-node="${CSS.escape(each.node)}"]`);
    const adverse = facts.traits.includes(each.node) ? 0 : each.adverse; // a trait is no harm
    box.querySelector(".tint").setAttribute("fill-opacity", (0.55 * adverse).toFixed(3));
    box.querySelector(".state").textContent = each.seen
      ? stateWords(each.node, each.state)
      : fill(words.cascade.likely, {
        state: stateWords(each.node, each.state), share: percent(each.probability),
      });
    for (const text of box.querySelectorAll("text")) squeeze(text, box);
    box.classList.toggle("seen", each.seen);
    box.classList.remove("on-route");
  }
  const most = Math.max(...answer.edges.map((edge) => edge.lift), 1e-9);
  const steps = answer.routes.flatMap((route) => route.slice(1).map((to, i) => `${route[i]}>${to}`));
  const passed = new Set(steps);
  for (const edge of answer.edges) {
    const name = `${edge.cause}>${edge.effect}`;
    const path = drawing.querySelector(`[data-edge="${CSS.escape(name)}"]`);
    path.setAttribute("stroke-width", (1 + (4 * Math.max(edge.lift, 0)) / most).toFixed(2));
    path.classList.toggle("on-route", passed.has(name));
    if (passed.has(name)) path.parentElement.append(path);
  }
  for (const node of answer.routes.flat()) {
    drawing.querySelector(`.box[data-node="${CSS.escape(node)}"]`).classList.add("on-route");
  }
  const routes = answer.routes.map((route) =>
    make("li", {}, route.map(nodeWords).join(" → ")));
  body("cascade").replaceChildren(routes.length
    ? make("ol", { class: "routes" }, ...routes)
    : make("p", { class: "note" }, words.cascade.none));
}
