// What sections share: their body, the scale under bars, notes.

import { byId, make, percent } from "./facts.js";

export const body = (id) => byId(id).querySelector(".body");

export const notes = (answer) => answer.notes.map((note) => make("p", { class: "note" }, note));

export function axis(most, least = 0) {
  return make("p", { class: "axis", "aria-hidden": "true" },
    make("span", { class: "ends" },
      make("span", {}, percent(least)), make("span", {}, percent(most))));
}

export const folded = (title, ...parts) =>
  make("details", { class: "method" }, make("summary", {}, title), ...parts);
