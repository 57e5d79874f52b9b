// Red flags: asked before any number, kept in this tab like the answers. What to do about each is
// written into the page by the server when it starts, so that it is said even if the server is lost.

import { byId, facts, fill, make, words } from "./facts.js";
import { once } from "./once.js";
import { keep, recall } from "./session.js";

const KEPT = "flags";

const boxes = () => [...document.querySelectorAll('#flags input[name="flag"]')];

export const ticked = () => boxes().filter((box) => box.checked).map((box) => box.value);

// The most urgent first, as the page lists them.
function tell() {
  const found = facts.flags.filter((flag) => ticked().includes(flag.name));
  keep(KEPT, ticked().join(" "));
  const [first] = found;
  byId("flags").classList.toggle("raised", found.length > 0);
  byId("flags-told").replaceChildren(...(first ? [
    make("p", { class: "big" }, make("strong", {}, fill(words.flags.told, { soon: first.soon }))),
    make("ul", {}, ...found.map((flag) => make("li", {},
      make("b", {}, flag.label), ` ${flag.means} ${flag.do}`))),
  ] : []));
  byId("flags-none").hidden = found.length > 0 || !byId("flags").hasAttribute("data-called");
}

// Ask whether these answers call for the flags, and whom they are not about.
export async function askFlags(person, signal) {
  if (!byId("flags")) return;
  const answer = await once("/flags", { person }, signal);
  const called = byId("flags").hasAttribute("data-called");
  byId("flags").toggleAttribute("data-called", answer.called_for);
  if (answer.called_for && !called) byId("flags-list").open = true;
  byId("flags-unfit").textContent = answer.unfit.join(" ");
  tell();
}

export function clearFlags() {
  for (const box of boxes()) box.checked = false;
  if (byId("flags")) tell();
}

if (byId("flags")) {
  const kept = recall(KEPT).split(" ");
  for (const box of boxes()) {
    box.checked = kept.includes(box.value);
    box.addEventListener("change", tell);
  }
  byId("flags-list").open = ticked().length > 0;
  tell();
}
