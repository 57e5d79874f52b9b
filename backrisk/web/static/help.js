// What would help: one row an action.

import { bar, scale } from "./bars.js";
import { byId, facts, fill, inHundred, make, nodeWords, percent, points, stateWords, words } from "./facts.js";
import { body, folded, notes } from "./sections.js";

const LITTLE = 0.005; // half a point: actions below are folded away

export const actionHeading = (action) => action.split(" + ").map((part, i) => {
  const [node, state] = part.split("=");
  const name = i ? nodeWords(node) : facts.nodes[node].heading;
  return fill(words.numbers.setting, { node: name, state: stateWords(node, state) });
}).reduce((before, next) => fill(words.numbers.settings, { before, next }));

function title(back) {
  byId("help-title").firstElementChild.textContent = back ? words.help.title_back : words.help.title;
  byId("help-lead").textContent = back ? words.help.lead_back : words.help.lead;
}

const hidden = (answer) => {
  const told = notes(answer);
  return told.length ? folded(words.method.title, ...told) : "";
};

// Looking back: of those who have the outcome, how many would not have it but for each cause.
export function showBack(answer) {
  title(true);
  const { rows } = answer; // in the order of the graph: they overlap and are not ranked
  const most = Math.max(...rows.flatMap((row) => [row.high, row.upper_bound_high]), 0.01);
  body("help").replaceChildren(rows.length ? make("ol", { class: "rows" }, ...rows.map((row) => {
    const limits = [row.lower_bound_low, row.upper_bound_high];
    const [n, low, high] = [row.mean, row.low, row.high].map(inHundred);
    return make("li", { class: "row" },
      make("span", { class: "name" }, backHeading(row.name)),
      bar(row, { most, limits, kind: row.uninformative ? "guess" : "good" }),
      make("span", { class: "value" }, row.uninformative
        ? fill(words.help.open, { low: inHundred(limits[0]), high: inHundred(limits[1]) })
        : fill(words.help.of_hundred, { n, low, high })),
      make("span", { class: "meta" }, [
        row.uninformative ? fill(words.help.guess, { n, low, high }) : fill(words.causes.bounds, {
          lower: percent(row.lower_bound), upper: percent(row.upper_bound),
          low: percent(limits[0]), high: percent(limits[1]),
        }),
        row.evidence,
        ...row.support,
      ].filter(Boolean).join(" · ")));
  })) : make("p", { class: "note" }, words.help.none_back), hidden(answer));
}

export const backHeading = (node) => fill(words.numbers.setting, {
  node: facts.nodes[node].heading, state: stateWords(node, facts.nodes[node].reference),
});

export function showHelp(answer) {
  title(false);
  if (!answer.rows.length) {
    body("help").replaceChildren(make("p", { class: "note" }, words.help.none), hidden(answer));
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
    make("ol", { class: "rows" }, ...shown), small.length ? rest : "", hidden(answer));
}
