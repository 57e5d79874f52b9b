// Whether what is shown still fits what is typed, and whether the server still answers.
//
// From the first keystroke all of the answer is marked, in words as well, until it has been asked
// again. Where the server is lost, a bar says so and all stays marked until everything is answered.

import { byId, words } from "./facts.js";

const WAITS = [1, 2, 4, 8, 15, 30]; // s before the server is tried again; the last one repeats

const bar = byId("lost");
let failures = 0; // in a row
let timer = 0;
let again = null; // asks everything again while the server is lost

const isLost = () => !bar.hidden;
const heading = (place) => place.querySelector("h2") ?? place;
const sections = () =>
  [...document.querySelectorAll("h2[data-working]")].map((title) => title.closest("section"));
const captions = () => [...document.querySelectorAll(".says:not(:empty), #peek:not([hidden])")];

// Mark a section or a caption: it does not show what is typed, or is not known to.
export function mark(place, why = isLost() ? words.page.outdated : words.page.working) {
  place.setAttribute("aria-busy", "true");
  place.setAttribute("data-stale", "");
  let note = place.querySelector(".stale-note");
  if (!note) {
    note = document.createElement("span");
    note.className = "stale-note";
    heading(place).append(" ", note);
  }
  note.textContent = why;
}

// What a section shows is what was asked for last.
export function settle(place) {
  place.removeAttribute("aria-busy");
  place.removeAttribute("data-stale");
  const note = place.querySelector(".stale-note");
  note?.previousSibling?.remove();
  note?.remove();
}

export function markAll(why) {
  for (const place of [...sections(), ...captions()]) mark(place, why);
}

// The captions change together with the first number: call this where both have been written.
export function settleCaptions() {
  for (const caption of document.querySelectorAll(".says, #peek")) settle(caption);
}

// Say that the server does not answer, and ask everything again after a while, then a longer one.
export function lose(error, ask) {
  again = ask;
  bar.querySelector("p").textContent = error.message;
  bar.hidden = false;
  markAll();
  const wait = Math.max(WAITS[Math.min(failures, WAITS.length - 1)], error.wait ?? 0);
  failures += 1;
  clearTimeout(timer);
  timer = setTimeout(ask, 1000 * wait);
}

// Everything was answered.
export function found() {
  clearTimeout(timer);
  failures = 0;
  bar.hidden = true;
  bar.querySelector("p").textContent = "";
}

function atOnce() {
  if (!isLost()) return;
  failures = 0;
  again();
}

byId("again").addEventListener("click", atOnce);
window.addEventListener("online", atOnce);
