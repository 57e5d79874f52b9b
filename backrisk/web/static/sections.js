// What each section shows: from an answer of the server to elements, nothing computed.

import { bar, scale } from "./bars.js";
import {
  byId, estimate, facts, fill, fillWith, make, nodeWords, percent, points, range, stateWords, words,
} from "./facts.js";
import { goTo, outcome, siteWords } from "./form.js";

const LITTLE = 0.005; // half a point: actions below are folded away
const LEADS = 0.05; // a chance of the largest share that is worth a word

const body = (id) => byId(id).querySelector(".body");

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
  body("risk").replaceChildren(
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

function axis(most, least = 0) {
  return make("p", { class: "axis", "aria-hidden": "true" },
    make("span", { class: "ends" },
      make("span", {}, percent(least)), make("span", {}, percent(most))));
}

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

const notes = (answer) => answer.notes.map((note) => make("p", { class: "note" }, note));

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

export function showAsk(answer, shown = 5) {
  const rows = answer.rows.filter((row) => row.name in facts.place).slice(0, shown);
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
    box.querySelector(".tint").setAttribute("fill-opacity", (0.55 * each.adverse).toFixed(3));
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
