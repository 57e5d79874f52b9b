// The same result to look at together: whole numbers of a hundred people, in short sentences.

import { byId, fill, make, words } from "./facts.js";
import { icons, key } from "./icons.js";
import { body } from "./sections.js";

const MOST = 4; // changes that are counted

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
  if (answer.uninformative) { // nothing is drawn of what only a guess tells
    place.replaceChildren(
      line(fill(words.plain.people_back, { target: event })),
      line(words.plain.open, "line main"),
      line(fill(words.plain.open_range, limits(answer)), "line main"),
      line(fill(words.plain.open_guess, { n: some(n) }), "line caution"));
    return;
  }
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
    answer.bounds ? line(fill(words.plain.bounds, limits(answer)), "line caution") : "",
  ];
  place.replaceChildren(
    make("div", { class: "array" }, make("div", {}, ...own),
      make("figure", {}, icons(n, told, kind), key(has, lacks, kind))),
    average ? beside(average) : "");
}

const limits = ({ bounds: { low, high } }) => ({
  low: String(whole(100 * low)), high: String(whole(100 * high)),
});

function beside(average) {
  const n = whole(average.hundred);
  const [has, lacks] = [words.plain.key_have, words.plain.key_lack];
  const told = fill(words.plain.array, { n, has, has_not: lacks });
  return make("div", { class: "array small" },
    line(fill(words.plain.average, { n: some(n), rest: some(100 - n) })),
    make("figure", {}, icons(n, told, "average")));
}

// `rows` are single changes with their share and its interval. One that may do nothing, or of
// which only a guess tells, is not counted, and one that does little is named alone.
export function showCould(rows, back) {
  const told = rows.map((row) => ({ ...row, n: whole(100 * row.mean) }));
  const much = told.filter(({ n }) => n >= 1);
  const clear = ({ low, uninformative: blank }) => low > 0 && !blank;
  const sure = much.filter(clear).sort((one, other) => other.n - one.n).slice(0, MOST);
  const counted = told.filter((row) => sure.includes(row)); // in the order of the answer
  const unsure = much.filter((row) => !clear(row));
  const little = told.filter((row) => !counted.includes(row) && !unsure.includes(row));
  const sentence = back ? words.plain.action_back : words.plain.action;
  could().replaceChildren(
    make("h3", {}, back ? words.plain.help_back : words.plain.help),
    counted.length ? make(back ? "ul" : "ol", { class: "coulds" }, ...counted.map(({ name, n }) =>
      make("li", {}, fill(sentence, { action: name, n })))) : unsure.length ? "" : line(words.plain.no_action),
    counted.length > 1 ? line(words.plain.each) : "",
    unsure.length ? line(fill(words.plain.unsure, { actions: joined(unsure) })) : "",
    little.length && counted.length ? line(fill(words.plain.little, { actions: joined(little) })) : "",
    back && counted.length ? line(words.plain.same_guess) : "",
    back && counted.length ? line(words.plain.look_back) : "");
}

const joined = (rows) => rows.map(({ name }) => name)
  .reduce((before, next) => fill(words.numbers.settings, { before, next }));

const could = () => byId("plain").querySelector(".could");

export const couldWait = () => could().replaceChildren(line(words.page.working));

export const noCould = () => could().replaceChildren();
