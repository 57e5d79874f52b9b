// What to ask next.

import { bar } from "./bars.js";
import { facts, fill, make, percent, words } from "./facts.js";
import { goTo } from "./form.js";
import { body } from "./sections.js";

const WORTH = 0.005; // of the uncertainty: what tells less is not worth asking

export function showAsk(answer, shown = 5) {
  const telling = answer.rows.filter((row) => row.name in facts.place && row.share >= WORTH);
  const rows = telling.slice(0, shown);
  if (!rows.length) {
    body("ask").replaceChildren(make("p", { class: "note" }, words.ask.none));
    return;
  }
  const most = Math.max(...rows.map((row) => row.share), 1e-9);
  body("ask").replaceChildren(make("ol", { class: "asks" }, ...rows.map((row) => {
    const place = facts.place[row.name];
    const question = facts.ask[place];
    const button = make("button", { type: "button", class: "ask" }, question);
    button.addEventListener("click", () => goTo(place));
    return make("li", {}, button, bar({ mean: row.share }, { most, kind: "info" }),
      make("span", { class: "meta" }, fill(words.ask.about, { share: percent(row.share) })));
  })));
}
