// An earlier file of the same person, compared with the answers on the page.

import { ask } from "./api.js";
import { bar, scale } from "./bars.js";
import { byId, estimate, facts, fill, make, points, words } from "./facts.js";
import { answersIn, sealed } from "./saved.js";
import { read } from "./take.js";

const place = byId("followup");
const note = byId("followup-note");
let file = null; // as it was saved

// Give what to do once a file is chosen or removed.
export function wireFollowUp(changed) {
  byId("followup-file").addEventListener("change", async (event) => {
    const [chosen] = event.target.files;
    if (!chosen) return;
    event.target.value = ""; // so that the same file can be chosen again
    const loaded = await read(chosen);
    const good = answersIn(loaded) !== null;
    note.textContent = good ? "" : words.take.bad_file;
    if (good) choose(loaded, changed);
  });
  byId("followup-remove").addEventListener("click", () => {
    choose(null, changed);
    byId("followup-file").focus();
  });
}

// The file that the answers are compared with; null where there is none.
export const earlierFile = () => file;

function choose(loaded, changed) {
  file = loaded;
  byId("followup-remove").hidden = !file;
  place.toggleAttribute("data-empty", !file);
  changed();
}

export async function askFollowUp({ person, ...settings }, signal) {
  if (!file) {
    place.querySelector(".body").replaceChildren();
    return;
  }
  show(await ask("/follow-up", { before: file, after: sealed(person), ...settings }, signal));
}

const earlier = ({ date }) =>
  date ? fill(words.followup.before_on, { date }) : words.followup.before;

function show(answer) {
  const [before, after, ...changes] = answer.rows;
  const most = scale([before.high, after.high]);
  const row = (name, each, kind) =>
    make("div", { class: "row" },
      make("span", { class: "name" }, name),
      bar(each, { most, kind }),
      make("span", { class: "value" }, estimate(each)));
  const labels = [words.followup.change, words.followup.by_answers, words.followup.by_model];
  const parts = make("ul", {}, ...changes.map((each, i) =>
    make("li", {}, fill(words.followup.part, { part: labels[i], points: points(each) }))));
  place.querySelector(".body").replaceChildren(
    ...answer.told.map((said) => make("p", {}, said)),
    row(earlier(answer.before), before, "average"),
    row(words.followup.after, after, "person"),
    parts,
    make("h3", {}, words.followup.answers),
    answer.changed.length ? table(answer.changed)
      : make("p", { class: "note" }, words.followup.no_answers),
    ...answer.notes.map((said) => make("p", { class: "note" }, said)));
}

function table(changed) {
  const { answer, then, now } = words.followup;
  const cells = (tag, each) => make("tr", {}, ...each.map((cell, i) =>
    make(i ? tag : "th", { ...((i === 0 || tag === "th") && { scope: tag === "th" ? "col" : "row" }) },
      cell)));
  return make("div", { class: "scroll", tabindex: "0", role: "group",
    "aria-label": words.followup.answers },
    make("table", {},
      make("thead", {}, cells("th", [answer, then, now])),
      make("tbody", {}, ...changed.map((each) =>
        cells("td", [heading(each), valueOf(each.name, each.before), valueOf(each.name, each.after)])))));
}

const heading = ({ name }) => facts.ask[name] ?? facts.nodes[name]?.heading ?? name;

const valueOf = (name, value) =>
  value === null ? words.followup.not_answered : facts.nodes[name]?.states[value] ?? String(value);
