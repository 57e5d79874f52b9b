// What each section over time shows: from an answer of the server to elements, nothing computed.

import { drawCurves, swatch } from "./curve.js";
import {
  byId, decimal, estimate, facts, fill, fillWith, make, nodeWords, percent, points, stateWords, words,
} from "./facts.js";
import { outcome, visitWords } from "./history.js";

const body = (id) => byId(id).querySelector(".body");
const target = () => facts.targets[outcome()];
const ofKind = (answer, kind) => answer.rows.filter((row) => row.kind === kind);
const notes = (answer) => answer.notes.map((note) => make("p", { class: "note" }, note));

export function showNow(answer, reported) {
  const [now, ahead] = answer.rows;
  const big = make("p", { class: "big" }, ...fillWith(words.over_time.now_lead, {
    share: make("strong", {}, percent(now.mean)),
    target: target(),
    low: percent(now.low),
    high: percent(now.high),
  }));
  body("now").replaceChildren(
    big,
    reported ? make("p", { class: "note" }, words.over_time.reported) : "",
    make("p", {}, fill(words.over_time.next, { estimate: estimate(ahead), target: target() })),
    ...notes(answer));
  const told = fill(words.over_time.told, { estimate: estimate(now) });
  byId("live").textContent = told;
  byId("peek").hidden = false;
  byId("peek").firstElementChild.textContent = told;
}

export function showForecast(answer) {
  const curves = [{ rows: ofKind(answer, "risk"), kind: "person", name: words.over_time.nothing_set }];
  const columns = [[words.over_time.risk, curves[0].rows]];
  for (const kind of ["onset", "recovery"]) {
    const rows = ofKind(answer, kind);
    if (rows.length) columns.push([words.over_time.columns[kind], rows]);
  }
  body("ahead").replaceChildren(
    chart("ahead", curves), table(words.over_time.table, columns), ...notes(answer));
}

export function showKept(answer, n) {
  if (!answer.rows.length) {
    body("kept").replaceChildren(make("p", { class: "note" }, words.over_time.help_none), ...notes(answer));
    return;
  }
  const head = make("tr", {}, ...["action", "fall", "needed", "followed"].map((name) =>
    make("th", { scope: "col" }, words.over_time.help_columns[name])));
  const rows = answer.rows.map((row) => make("tr", {},
    make("th", { scope: "row" }, settingWords(row.name)),
    make("td", {}, points({ mean: -row.mean, low: -row.high, high: -row.low })),
    make("td", {}, row.number_needed > 0 ? decimal(Math.ceil(row.number_needed), 0)
      : words.over_time.not_told),
    make("td", {}, row.followed || words.over_time.not_counted)));
  body("kept").replaceChildren(
    framed(fill(words.over_time.help_table, { n }), head, rows), ...notes(answer));
}

const settingWords = (action) => action.split(" + ").map((part) => {
  const [node, state] = part.split("=");
  return fill(words.numbers.setting, { node: nodeWords(node), state: stateWords(node, state) });
}).reduce((before, next) => fill(words.numbers.settings, { before, next }));

export function showPlan(without, kept, contrast, { node, state }) {
  const [before, after, change] = contrast.rows;
  const done = fill(words.over_time.kept, { node: nodeWords(node), state: stateWords(node, state) });
  const curves = [
    { rows: ofKind(without, "risk"), kind: "person", name: words.over_time.nothing_set },
    { rows: ofKind(kept, "risk"), kind: "good", name: done },
  ];
  const said = fill(words.over_time.plan_change, {
    n: without.periods.length,
    before: estimate(before),
    after: estimate(after),
    points: points(change),
  });
  const told = new Set([...kept.notes, ...contrast.notes]);
  body("plan").replaceChildren(
    make("p", {}, said),
    chart("plan", curves),
    table(words.over_time.plan_table, curves.map(({ rows, name }) => [name, rows])),
    ...[...told].map((note) => make("p", { class: "note" }, note)));
}

function chart(id, curves) {
  const label = fill(words.over_time.chart, { target: target(), n: curves[0].rows.length });
  const drawing = drawCurves(curves, {
    wide: body(id).clientWidth, label, axis: words.over_time.axis,
  });
  const legend = make("ul", { class: "legend" }, ...curves.map(({ kind, name }) =>
    make("li", {}, swatch(kind), name)));
  return make("div", {}, make("p", { class: "meta" }, fill(words.over_time.upward, { target: target() })),
    drawing, legend);
}

function table(caption, columns) {
  const head = make("tr", {}, make("th", { scope: "col" }, words.over_time.period),
    ...columns.map(([name]) => make("th", { scope: "col" }, name)));
  const rows = columns[0][1].map((_, place) => make("tr", {},
    make("th", { scope: "row" }, fill(words.over_time.later, { n: place + 1 })),
    ...columns.map(([, found]) => make("td", {}, estimate(found[place])))));
  return framed(caption, head, rows);
}

const framed = (caption, head, rows) =>
  make("div", { class: "scroll numbers", tabindex: "0", role: "group", "aria-label": caption },
    make("table", {}, make("caption", {}, caption), make("thead", {}, head),
      make("tbody", {}, ...rows)));

export function showCompared(answer) {
  const [first, last] = [answer.visits[0], answer.visits.at(-1)];
  const head = make("tr", {}, make("th", { scope: "col" }, words.over_time.estimate),
    ...[visitWords(first), visitWords(last), words.over_time.change].map((name) =>
      make("th", { scope: "col" }, name)));
  const rows = ["risk", "ahead"].map((kind) => {
    const [before, after] = ofKind(answer, kind);
    const [change] = ofKind(answer, `${kind}_change`);
    return make("tr", {},
      make("th", { scope: "row" }, words.over_time.kinds[kind]),
      ...[estimate(before), estimate(after), points(change)].map((cell) => make("td", {}, cell)));
  });
  const list = answer.changed.map(({ node, before, after }) => make("tr", {},
    make("th", { scope: "row" }, facts.nodes[node].heading),
    ...[before, after].map((state) => make("td", {},
      state === null ? words.causes.not_reported : stateWords(node, state)))));
  const named = make("tr", {}, make("th", { scope: "col" }, words.over_time.question),
    ...[first, last].map((visit) => make("th", { scope: "col" }, visitWords(visit))));
  body("compared").replaceChildren(
    framed(words.over_time.compared_table, head, rows),
    list.length ? framed(words.over_time.changed, named, list)
      : make("p", { class: "note" }, words.over_time.none_changed),
    ...notes(answer));
}
