// Causes: one row each, with what it rests on.

import { bar, scale } from "./bars.js";
import { estimate, facts, fill, make, nodeWords, percent, points, stateWords, words } from "./facts.js";
import { goTo, outcome } from "./form.js";
import { axis, body, notes } from "./sections.js";

const LEADS = 0.05; // a chance of the largest share that is worth a word

export function showCauses(answer) {
  const { method, baseline, total } = answer;
  const playing = answer.rows.filter((row) => !total || row.playing);
  const values = playing.flatMap((row) => [row.high, row.low]);
  const least = Math.min(0, ...values);
  const top = method === "necessity" ? 1 : scale(values);
  const bottom = least < -0.002 ? -scale([least]) : 0;
  const rowOf = (row) => {
    const limits = "lower_bound" in row ? [row.lower_bound_low, row.upper_bound_high] : null;
    const details = [row.evidence, ...row.support];
    details.push(fill(words.causes.effect, { share: percent(row.p_effect) }));
    if (row.leading > LEADS) details.push(fill(words.causes.leading, { share: percent(row.leading) }));
    if (limits) {
      const [low, high] = limits.map(percent);
      details.push(fill(words.causes.bounds, { low, high }));
    }
    const told = total ? points(row)
      : row.at_least ? fill(words.causes.at_least, { estimate: estimate(row) }) : estimate(row);
    return make("li", { class: "row" },
      make("span", { class: "name" }, causeHeading(row.name), " ",
        method === "pathways" ? "" : make("span", { class: "state" }, stateOf(row))),
      bar(row, { least: bottom, most: top, limits, kind: row.sign < 0 ? "good" : "person" }),
      make("span", { class: "value" }, told),
      make("span", { class: "meta" }, details.filter(Boolean).join(" · ")));
  };
  const clear = playing.filter((row) => row.sign).map(rowOf);
  const unclear = playing.filter((row) => !row.sign).map(rowOf);
  const said = baseline ? words.causes.totals[baseline] : words.causes.excess;
  body("causes").replaceChildren(
    total ? make("p", {}, fill(said, { total: points(total) })) : "",
    clear.length ? make("ol", { class: "rows" }, ...clear)
      : make("p", { class: "note" }, words.causes.none),
    clear.length ? axis(top, bottom) : "",
    unclear.length ? make("details", {},
      make("summary", {}, fill(words.causes.unclear, { n: unclear.length })),
      make("ol", { class: "rows" }, ...unclear)) : "",
    ...notes(answer));
}

const stateOf = (row) => row.state in (facts.nodes[row.name]?.states ?? {})
  ? stateWords(row.name, row.state) : words.causes.not_reported;

// A route bears the name of the node that it goes through; the one that is left goes straight.
const causeHeading = (name) => facts.nodes[name]?.heading
  ?? fill(words.causes.direct, { target: nodeWords(outcome()) });

export function needOutcome() {
  const jump = make("button", { type: "button", class: "plain" }, words.causes.report);
  jump.addEventListener("click", () => goTo(facts.place[outcome()]));
  body("causes").replaceChildren(make("p", { class: "note" }, words.causes.necessity_needs), jump);
}
