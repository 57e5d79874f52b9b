// Answers that the form has no field for: kept, sent and saved with the others, removed one by one.

import { byId, facts, fill, make, nodeWords, words } from "./facts.js";

const place = byId("known");
let known = {};

export const isKnown = (name) => name in facts.nodes;
export const knownAnswers = () => ({ ...known });

// What such an answer says.
export const knownWords = (name, answer) => facts.nodes[name].states[answer] ?? String(answer);

export function keepKnown(answers) {
  known = { ...answers };
  show(new Map());
}

// Say what is wrong with an answer where it could not be read.
export function show(problems) {
  place.hidden = Object.keys(known).length === 0;
  place.querySelector("ul").replaceChildren(...Object.entries(known).map(([name, answer]) => {
    const { heading: node } = facts.nodes[name];
    const state = knownWords(name, answer);
    const remove = make("button", { type: "button", class: "plain" },
      fill(words.known.remove, { node: nodeWords(name) }));
    remove.addEventListener("click", () => {
      delete known[name];
      show(problems);
      byId("form").dispatchEvent(new Event("input", { bubbles: true }));
    });
    const problem = problems.get(name);
    return make("li", { "data-known": name }, fill(words.known.item, { node, state }), " ", remove,
      problem ? make("p", { class: "bad" }, problem) : "");
  }));
}
