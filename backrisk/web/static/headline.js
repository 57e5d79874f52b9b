// The headline of a consultation: how likely, or what it took, of a hundred people.

import { bar, scale } from "./bars.js";
import { byId, count, estimate, fill, make, percent, range, words } from "./facts.js";
import { siteWords } from "./form.js";
import { icons } from "./icons.js";
import { axis, body, folded, notes } from "./sections.js";

let shape = "chart"; // chosen last

// What the consultation is about, in the heading and where the target may be changed.
export function showAims(answer, choose) {
  byId("headline-title").firstElementChild.textContent = titleOf(answer);
  const place = byId("aims");
  const [legend] = place.children;
  place.hidden = answer.choices.length < 2;
  const focused = place.contains(document.activeElement) ? document.activeElement.value : null;
  place.replaceChildren(legend, ...answer.choices.map(({ target, event }) => {
    const radio = make("input", { type: "radio", name: "aim", value: target });
    radio.checked = target === answer.target;
    radio.addEventListener("change", () => choose(target));
    return make("label", {}, radio, make("span", {}, event));
  }));
  if (focused) place.querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
}

function titleOf({ looking_back: back, answered }) {
  if (back) return words.headline.title_back;
  return answered ? words.headline.title : words.headline.title_population;
}

export function showHeadline(answer, reported) {
  const { headline, average } = answer;
  const told = headline ? shortly(answer) : stands(answer);
  byId("live").textContent = told;
  byId("peek").hidden = false;
  byId("peek").firstElementChild.textContent = told;
  byId("printed-method").textContent = methodOf(answer);
  if (!headline) {
    body("headline").replaceChildren(make("p", { class: "big" }, stands(answer)), ...notes(answer));
    return;
  }
  if (answer.uninformative) {
    body("headline").replaceChildren(
      make("p", { class: "big" },
        make("strong", {}, fill(words.headline.big_open, possible(answer)))),
      make("p", { class: "told" }, headline.text),
      folded(words.method.title, make("p", {}, methodOf(answer)), ...notes(answer)));
    return;
  }
  body("headline").replaceChildren(
    make("p", { class: "big" },
      make("strong", {}, fill(words.headline.big, { n: count(headline.hundred) }))),
    make("p", { class: "told" }, headline.text),
    make("p", {}, answer.looking_back
      ? fill(words.headline.others_back, { rest: rest(headline.hundred) })
      : fill(words.headline.others, { rest: rest(headline.hundred) })),
    average && answer.answered ? make("p", {}, averageSentence(average)) : "",
    answer.bounds
      ? make("p", { class: "caution" }, fill(words.headline.bounds, possible(answer))) : "",
    answer.answered ? "" : make("p", { class: "note" }, words.headline.nothing),
    reported && !answer.looking_back ? make("p", { class: "note" }, words.headline.reported) : "",
    ...shapes(answer),
    folded(words.method.title, make("p", {}, methodOf(answer)), ...notes(answer)));
}

const each = (headline) => ({
  n: count(headline.hundred), low: count(headline.low), high: count(headline.high),
});

// What holds without an assumption about chance, of a hundred.
const possible = ({ bounds: { low, high } }) => ({
  low: count(Math.round(100 * low)), high: count(Math.round(100 * high)),
});

const shortly = (answer) => (answer.uninformative
  ? fill(words.headline.told_open, { title: titleOf(answer), ...possible(answer) })
  : fill(words.headline.told, { title: titleOf(answer), ...each(answer.headline) }));

const rest = (hundred) => count(Math.round(10 * (100 - hundred)) / 10);

const methodOf = (answer) => (answer.looking_back ? words.method.back : words.method.seeing);

// Looking back, what there is to say where nothing adverse is reported.
const stands = (answer) => (answer.answered
  ? words.headline.healthy
  : fill(words.headline.nothing_back, { target: answer.event }));

function averageSentence(average) {
  const [n, others] = [count(average.hundred), rest(average.hundred)];
  const site = siteWords();
  return site ? fill(words.headline.average_at, { site, n, rest: others })
    : fill(words.headline.average, { n, rest: others });
}

function averageName() {
  const site = siteWords();
  return site ? fill(words.headline.average_row_at, { site }) : words.headline.average_row;
}

// The same result drawn, counted and listed: one at a time.
function shapes(answer) {
  const place = make("div", { class: "shape" });
  const draw = { chart, icons: figures, table };
  const show = () => place.replaceChildren(...draw[shape](answer));
  const radios = Object.keys(draw).map((name) => {
    const radio = make("input", { type: "radio", name: "shape", value: name });
    radio.checked = name === shape;
    radio.addEventListener("change", () => {
      shape = name;
      show();
    });
    return make("label", {}, radio, make("span", {}, words.headline.shapes[name]));
  });
  show();
  return [make("fieldset", { class: "switch" },
    make("legend", {}, words.headline.shape), ...radios), place];
}

// Whom the result is of: this person, unless nothing personal is answered, and the average.
function whose(answer) {
  const { estimate: own, average, answered } = answer;
  const [person, all] = [[words.headline.person, own, "person"], [averageName(), average, "average"]];
  return [...(answered ? [person] : []), ...(average ? [all] : [])];
}

function chart(answer) {
  const { bounds } = answer;
  const limits = bounds ? [bounds.low, bounds.high] : null;
  const most = scale([...whose(answer).map(([, row]) => row.high), ...(limits ?? [])]);
  return [...whose(answer).map(([name, row, kind]) =>
    make("div", { class: "row" },
      make("span", { class: "name" }, name),
      bar(row, { most, kind, limits: kind === "person" ? limits : null }),
      make("span", { class: "value" }, estimate(row)))), axis(most)];
}

function figures(answer) {
  return [make("div", { class: "sides" }, ...whose(answer).map(([name, row, kind]) => {
    const n = Math.round(100 * row.mean);
    const told = fill(words.headline.icons, { n, whom: name });
    return make("figure", {}, icons(n, told, kind), make("figcaption", {}, told));
  }))];
}

function table(answer) {
  const cells = (tag, ...texts) => make("tr", {}, ...texts.map((text) => make(tag, {}, text)));
  const rows = whose(answer).map(([name, row]) => cells("td", name, percent(row.mean), range(row)));
  if (answer.bounds) rows.push(cells("td", words.headline.bounds_row, "", range(answer.bounds)));
  return [make("table", { class: "numbers" },
    make("caption", {}, answer.event),
    make("thead", {}, cells("th", words.headline.whom, words.headline.share, words.headline.range)),
    make("tbody", {}, ...rows))];
}
