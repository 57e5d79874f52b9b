// The same result to look at together: whole numbers of a hundred people, in short sentences.

import { byId, fill, make, words } from "./facts.js";
import { icons, key } from "./icons.js";
import { body } from "./sections.js";

const MOST = 4; // changes that are listed; what does less is named together

const whole = (hundred) => Math.round(hundred);
const some = (n) => (n < 1 ? words.plain.few : String(n));
const line = (sentence, kind = "line") => make("p", { class: kind }, sentence);

export function showPlain(answer) {
  const { headline, average, looking_back: back, answered, event } = answer;
  const place = body("plain");
  noCould();
  if (!answered) {
    place.replaceChildren(
      line(back ? fill(words.plain.nothing_back, { target: event }) : words.plain.nothing));
    return;
  }
  if (!headline) {
    place.replaceChildren(line(words.plain.healthy));
    return;
  }
  const n = whole(headline.hundred);
  const [has, lacks] = back
    ? [words.plain.key_gone, words.plain.key_stay] : [words.plain.key_have, words.plain.key_lack];
  const kind = back ? "good" : "person";
  const told = fill(words.plain.array, { n, has, has_not: lacks });
  const own = [
    line(back ? fill(words.plain.people_back, { target: event }) : words.plain.people),
    line(back ? fill(words.plain.gone, { n: some(n) })
      : fill(words.plain.have, { n: some(n), target: event }), "line main"),
    line(back ? fill(words.plain.stay, { n: some(100 - n) })
      : fill(words.plain.lack, { n: some(100 - n) }), "line main"),
    line(fill(words.plain.range, {
      low: some(whole(headline.low)), high: some(whole(headline.high)),
    })),
    answer.bounds ? line(fill(words.plain.bounds, {
      low: some(whole(100 * answer.bounds.low)), high: some(whole(100 * answer.bounds.high)),
    }), "line caution") : "",
  ];
  place.replaceChildren(
    make("div", { class: "array" }, make("div", {}, ...own),
      make("figure", {}, icons(n, told, kind), key(has, lacks, kind))),
    average ? beside(average) : "");
}

function beside(average) {
  const n = whole(average.hundred);
  const [has, lacks] = [words.plain.key_have, words.plain.key_lack];
  const told = fill(words.plain.array, { n, has, has_not: lacks });
  return make("div", { class: "array small" },
    line(fill(words.plain.average, { n: some(n), rest: some(100 - n) })),
    make("figure", {}, icons(n, told, "average")));
}

// `rows` are single changes, the one that does most first: what each is, and its share.
export function showCould(rows, back) {
  const told = rows.map(({ name, mean }) => ({ name, n: whole(100 * mean) }));
  const most = told.filter(({ n }) => n >= 1).sort((one, other) => other.n - one.n).slice(0, MOST);
  const much = told.filter((row) => most.includes(row)); // looking back, in the order of the graph
  const little = told.filter((row) => !much.includes(row)).map(({ name }) => name);
  const actions = little.length
    ? little.reduce((before, next) => fill(words.numbers.settings, { before, next })) : "";
  const sentence = back ? words.plain.action_back : words.plain.action;
  could().replaceChildren(
    make("h3", {}, back ? words.plain.help_back : words.plain.help),
    much.length ? make(back ? "ul" : "ol", { class: "coulds" }, ...much.map(({ name, n }) =>
      make("li", {}, fill(sentence, { action: name, n })))) : line(words.plain.no_action),
    much.length > 1 ? line(words.plain.each) : "",
    little.length && much.length ? line(fill(words.plain.little, { actions })) : "",
    back && much.length ? line(words.plain.same_guess) : "",
    back && much.length ? line(words.plain.look_back) : "");
}

const could = () => byId("plain").querySelector(".could");

export const couldWait = () => could().replaceChildren(line(words.page.working));

export const noCould = () => could().replaceChildren();
