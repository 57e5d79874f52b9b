// What was typed, kept in this tab: in its session storage, which no other tab reads and no server
// is sent. It outlives a reload, and goes with the tab or when the answers are cleared.

import { byId, facts, words } from "./facts.js";

const NAME = facts.most_visits ? "visits" : "answers";

// A browser may refuse to keep anything.
function attempt(work) {
  try {
    return [work(window.sessionStorage)];
  } catch {
    return null;
  }
}

export const recall = (name) => attempt((storage) => storage.getItem(name))?.[0] ?? "";

export function keep(name, text) {
  attempt((storage) => text ? storage.setItem(name, text) : storage.removeItem(name));
}

let linked = null; // what the link in the address said, as the form holds it

// A link with answers wins over what this tab kept; its text and the kept one have one form.
export function opened() {
  const link = location.hash.slice(1);
  return link.includes("=") ? link : recall(NAME);
}

// Call with the filled form once a link has been read into it.
export function follow(text) {
  linked = text;
}

// Keep the form as it is filled. A link that says something else leaves the address: after a
// reload it would win over what was typed since.
export function remember(text) {
  keep(NAME, text);
  if (text === linked || !location.hash.includes("=")) return;
  window.history.replaceState(null, "", location.pathname + location.search);
}

const works = attempt((storage) => {
  storage.setItem(".", ".");
  storage.removeItem(".");
});
byId("stays").textContent = works ? words.page.kept : words.page.not_kept;
