// The headline: how likely, beside the population.

import { bar, scale } from "./bars.js";
import { byId, estimate, facts, fill, fillWith, make, percent, words } from "./facts.js";
import { outcome, siteWords } from "./form.js";
import { axis, body } from "./sections.js";

export function showRisk(answer, reported) {
  const [person, average] = answer.rows;
  const most = scale([person.high, average.high]);
  const row = (name, each, kind) =>
    make("div", { class: "row" },
      make("span", { class: "name" }, name),
      bar(each, { most, kind }),
      make("span", { class: "value" }, estimate(each)));
  const big = make("p", { class: "big" }, ...fillWith(words.risk.lead, {
    share: make("strong", {}, percent(person.mean)),
    target: facts.targets[outcome()],
    low: percent(person.low),
    high: percent(person.high),
  }));
  body("headline").replaceChildren(
    big,
    row(words.risk.person, person, "person"),
    row(averageOf(), average, "average"),
    axis(most),
    reported ? make("p", { class: "note" }, words.risk.reported) : "",
  );
  const told = fill(words.risk.told, { estimate: estimate(person) });
  byId("live").textContent = told;
  byId("peek").hidden = false;
  byId("peek").firstElementChild.textContent = told;
}

function averageOf() {
  const site = siteWords();
  return site ? fill(words.risk.average_at, { site }) : words.risk.average;
}
