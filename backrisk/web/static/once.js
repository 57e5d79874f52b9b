// Nothing is asked twice: answers are kept by question while the page is open.

import { ask } from "./api.js";

const MOST = 200; // answers

const kept = new Map();

export async function once(path, question, signal) {
  const name = path + JSON.stringify(question);
  if (!kept.has(name)) {
    const answer = await ask(path, question, signal);
    kept.set(name, answer);
    if (kept.size > MOST) kept.delete(kept.keys().next().value);
  }
  return kept.get(name);
}

// Another model may answer from now on.
export const forget = () => kept.clear();
