// Red flags: asked before any number, kept in this tab like the answers. What to do about each is
// written into the page by the server when it starts, so that it is said even if the server is lost.

import { byId, facts, fill, make, words } from "./facts.js";
import { once } from "./once.js";
import { keep, recall } from "./session.js";

const KEPT = "flags";

const NONE = "none"; // in place of a name: they were asked about, and none applies

const boxes = () => [...document.querySelectorAll('#flags input[name="flag"]')];
const denial = () => byId("flags-deny");
const ticked = () => boxes().filter((box) => box.checked).map((box) => box.value);

// The names of those that the answers on the page report, as the server read them last.
let reported = [];

// The names of those that apply; null where nobody asked.
export function flagsAsked() {
  const names = ticked();
  return names.length || denial()?.checked ? names : null;
}

// The most urgent first, as the page lists them.
function tell() {
  const names = flagsAsked();
  const found = facts.flags.filter((flag) => names?.includes(flag.name));
  keep(KEPT, names && (names.join(" ") || NONE));
  const [first] = found;
  byId("flags").classList.toggle("raised", found.length > 0);
  byId("flags-told").replaceChildren(...(first ? [
    make("p", { class: "big" }, make("strong", {}, fill(words.flags.told, { soon: first.soon }))),
    make("ul", {}, ...found.map((flag) => make("li", {},
      make("b", {}, flag.label), ` ${flag.means} ${flag.do}`))),
  ] : []));
  const others = facts.flags.filter(
    (flag) => reported.includes(flag.name) && !names?.includes(flag.name));
  byId("flags-reported").textContent = others.map((flag) =>
    `${flag.reported} ${flag.label} ${flag.means} ${flag.do}`).join(" ");
  byId("flags-state").hidden = found.length > 0;
  const called = byId("flags").hasAttribute("data-called");
  const unasked = others.length ? "others" : called ? "none" : "not_asked";
  const state = words.flags[names ? (others.length ? "denied_but" : "denied") : unasked];
  if (byId("flags-state").textContent !== state) byId("flags-state").textContent = state;
}

// A file says which apply, that none does, or nothing.
export function putFlags(names) {
  if (!byId("flags")) return;
  for (const box of boxes()) box.checked = names?.includes(box.value) ?? false;
  denial().checked = names?.length === 0;
  byId("flags-list").open = names !== null;
  tell();
}

// Ask whether these answers call for the flags, and whom they are not about.
export async function askFlags(person, signal) {
  if (!byId("flags")) return;
  const answer = await once("/flags", { person }, signal);
  const called = byId("flags").hasAttribute("data-called");
  byId("flags").toggleAttribute("data-called", answer.called_for);
  const rows = answer.called_for ? answer.rows : []; // where nothing calls for them they are signs of nothing
  reported = rows.filter((row) => row.reported).map((row) => row.flag);
  if (answer.called_for && !called) byId("flags-list").open = true;
  byId("flags-unfit").textContent = answer.unfit.join(" ");
  tell();
}

if (byId("flags")) {
  for (const box of boxes()) {
    box.addEventListener("change", () => {
      if (box.checked) denial().checked = false;
      tell();
    });
  }
  denial().addEventListener("change", () => {
    if (denial().checked) for (const box of boxes()) box.checked = false;
    tell();
  });
  const kept = recall(KEPT);
  putFlags(kept ? kept.split(" ").filter((name) => name !== NONE) : null);
}
