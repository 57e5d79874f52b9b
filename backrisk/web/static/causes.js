// Causes: one row each, with what it rests on.

import { bar, scale } from "./bars.js";
import {
  byId, estimate, facts, fill, make, nodeWords, percent, points, stateWords, words,
} from "./facts.js";
import { answerWords, goTo, outcome } from "./form.js";
import { axis, body, notes } from "./sections.js";

const LEADS = 0.05; // a chance of the largest share that is worth a word

// `known` is what was answered: by node, the answers that are signs of it, and whether anything is
// away from its healthy state.
export function showCauses(answer, known) {
  const { method, baseline, total } = answer;
  const playing = answer.rows.filter((row) => !total || row.playing);
  const values = playing.flatMap((row) => [row.high, row.low]);
  const least = Math.min(0, ...values);
  const top = method === "necessity" ? 1 : scale(values);
  const bottom = least < -0.002 ? -scale([least]) : 0;
  const rowOf = (row) => {
    const limits = "lower_bound" in row ? [row.lower_bound_low, row.upper_bound_high] : null;
    const details = [row.evidence, ...row.support];
    if (row.unmeasured?.split(", ").includes(row.name)) details.push(words.causes.unmeasured);
    details.push(fill(words.causes.effect, { share: percent(row.p_effect) }));
    if (row.leading > LEADS) details.push(fill(words.causes.leading, { share: percent(row.leading) }));
    if (limits) {
      details.push(fill(words.causes.bounds, {
        low: percent(limits[0]), high: percent(limits[1]),
      }));
    }
    const told = total ? points(row)
      : row.at_least ? fill(words.causes.at_least, { estimate: estimate(row) }) : estimate(row);
    return make("li", { class: "row" },
      make("span", { class: "name" }, causeHeading(row.name), " ",
        method === "pathways" ? "" : make("span", { class: "state" }, stateOf(row, known))),
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
      : make("p", { class: "note" }, known.adverse ? words.causes.none : words.causes.healthy),
    clear.length ? axis(top, bottom) : "",
    unclear.length ? make("details", {},
      make("summary", {}, fill(words.causes.unclear, { n: unclear.length })),
      make("ol", { class: "rows" }, ...unclear)) : "");
  byId("causes-notes").replaceChildren(...notes(answer));
}

// The state that is reported, or the signs that were given of it.
function stateOf(row, { signs, person }) {
  if (row.state in (facts.nodes[row.name]?.states ?? {})) return stateWords(row.name, row.state);
  const given = signs.get(row.name);
  if (!given) return words.causes.not_reported;
  const told = given.map((name) => fill(words.causes.sign_of, {
    node: facts.nodes[name] ? nodeWords(name) : facts.ask[name],
    value: answerWords(name, person[name]),
  }));
  return fill(words.causes.sign, {
    signs: told.reduce((before, next) => fill(words.numbers.settings, { before, next })),
  });
}

// A route bears the name of the node that it goes through; the one that is left goes straight.
const causeHeading = (name) => facts.nodes[name]?.heading
  ?? fill(words.causes.direct, { target: nodeWords(outcome()) });

export function needOutcome() {
  const jump = make("button", { type: "button", class: "plain" }, words.causes.report);
  jump.addEventListener("click", () => goTo(facts.place[outcome()]));
  body("causes").replaceChildren(make("p", { class: "note" }, words.causes.necessity_needs), jump);
}
