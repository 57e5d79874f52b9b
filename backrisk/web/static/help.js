// What would help: one row an action.

import { bar, scale } from "./bars.js";
import { facts, fill, make, nodeWords, percent, points, stateWords, words } from "./facts.js";
import { body, notes } from "./sections.js";

const LITTLE = 0.005; // half a point: actions below are folded away

const actionHeading = (action) => action.split(" + ").map((part, i) => {
  const [node, state] = part.split("=");
  const name = i ? nodeWords(node) : facts.nodes[node].heading;
  return fill(words.numbers.setting, { node: name, state: stateWords(node, state) });
}).reduce((before, next) => fill(words.numbers.settings, { before, next }));

export function showHelp(answer) {
  if (!answer.rows.length) {
    body("help").replaceChildren(make("p", { class: "note" }, words.help.none), ...notes(answer));
    return;
  }
  const most = scale(answer.rows.map((row) => row.high));
  const lowest = Math.min(0, ...answer.rows.map((row) => row.low));
  const least = lowest < -0.0005 ? -scale([lowest]) : 0;
  const rows = answer.rows.map((row) =>
    make("li", { class: "row" },
      make("span", { class: "name" }, actionHeading(row.name)),
      bar(row, { least, most, kind: "good" }),
      make("span", { class: "value" }, points({ mean: -row.mean, low: -row.high, high: -row.low })),
      make("span", { class: "meta" }, [
        fill(words.help.best, { share: percent(row.p_best) }),
        row.evidence,
        ...row.support,
      ].join(" · "))));
  const small = rows.filter((_, i) => i > 0 && answer.rows[i].mean < LITTLE);
  const shown = rows.filter((row) => !small.includes(row));
  const rest = make("details", {},
    make("summary", {}, fill(words.help.small, { n: small.length })),
    make("ol", { class: "rows" }, ...small));
  body("help").replaceChildren(
    make("ol", { class: "rows" }, ...shown), small.length ? rest : "", ...notes(answer));
}
