// The form as a person: reading the fields, filling them, showing what each answer says.

import { byId, facts, fill, fillWith, make, nodeWords, stateWords, words } from "./facts.js";
import { isKnown, keepKnown, knownAnswers, knownWords, show as showKnown } from "./known.js";
import { measured, read, restate, write } from "./units.js";

const form = byId("form");
const fields = () => [...form.querySelectorAll("[name]")];

export function answers() {
  const given = fields().filter((field) => field.value.trim() !== "");
  return {
    ...Object.fromEntries(given.map((field) => [field.name, read(field)])),
    ...knownAnswers(),
  };
}

// What is chosen beside the answers, where there is a choice: the site, and the target of a graph
// that names no outcome.
const place = byId("site");
const aim = byId("target");
export const outcome = () => facts.outcome ?? (aim.value || null);

export function settings() {
  return {
    ...(place?.value && { site: place.value }),
    ...(aim?.value && { target: aim.value }),
  };
}

export const siteWords = () => (place?.value ? place.selectedOptions[0].textContent : "");

export function chooseSite(name) {
  if (place) place.value = name;
  return (place?.value ?? "") === name;
}

export function chooseTarget(name) {
  if (aim) aim.value = name;
}

// The question that asks for a node's very state by labels of its own, with the label that says one.
function asking(node, state) {
  for (const field of form.querySelectorAll(`select[data-node="${CSS.escape(node)}"]`)) {
    if (byId(`${field.id}-says`).dataset.sign === "yes") continue;
    const label = facts.says[field.name]?.find(([, says]) => says === String(state))?.[0];
    if (label !== undefined) return [field, label];
  }
  return null;
}

// Fill the form. What the model knows and the form has no field for is kept beside it; say which
// names neither knows.
export function fillForm(person) {
  clearForm();
  const unknown = [];
  const known = {};
  for (const [name, answer] of Object.entries(person)) {
    const field = form.elements.namedItem(name);
    if (answer === null) continue;
    if (!field) {
      const [asks, label] = asking(name, answer) ?? [];
      if (asks && !(asks.name in person)) asks.value = label;
      else if (isKnown(name)) known[name] = answer;
      else unknown.push(name);
      continue;
    }
    write(field, answer);
    if (field.tagName === "SELECT" && field.value !== String(answer)) {
      field.value = facts.says[name]?.find(([, state]) => state === String(answer))?.[0] ?? "";
      if (field.value === "") unknown.push(name);
    }
  }
  keepKnown(known);
  const names = unknown.join(", ");
  byId("form-note").textContent = unknown.length ? fill(words.take.unknown, { names }) : "";
}

export function clearForm() {
  byId("form-note").textContent = "";
  for (const field of fields()) field.value = "";
  keepKnown({});
}

// Open the group that a question is in, bring it into view and put the cursor there.
export function goTo(name) {
  const field = form.elements.namedItem(name);
  field.closest("details").open = true;
  field.scrollIntoView({ block: "center", behavior: "auto" });
  field.focus();
}

export function showReading(reading) {
  const says = new Map(reading.says.map((one) => [one.question, one]));
  const problems = new Map(reading.problems.map((one) => [one.question, one.detail]));
  for (const field of fields()) {
    const note = byId(`${field.id}-says`);
    const said = says.get(field.name);
    const problem = problems.get(field.name);
    const sentence = note.dataset.sign === "yes" ? words.page.sign_of : words.page.reads_as;
    field.toggleAttribute("data-bad", Boolean(problem));
    if (problem) {
      field.setAttribute("aria-invalid", "true");
      field.closest("details").open = true;
    } else {
      field.removeAttribute("aria-invalid");
    }
    note.textContent = problem ? restate(field, problem) : (said ? fill(sentence, {
      node: nodeWords(said.node),
      state: stateWords(said.node, said.state),
    }) : "");
  }
  showKnown(problems);
  byId("left-out").textContent = problems.size
    ? fill(words.page.left_out, { n: problems.size }) : "";
  showCounts();
}

function showCounts() {
  let all = Object.keys(knownAnswers()).length;
  for (const group of form.querySelectorAll(".group")) {
    const given = [...group.querySelectorAll("[name]")].filter((field) => field.value.trim());
    all += given.length;
    const text = given.length ? fill(words.page.answers_count, { n: given.length }) : "";
    group.querySelector("summary .count").textContent = text;
  }
  byId("answered").textContent = fill(words.page.answers_count, { n: all });
}

// An answer as a person reads it, with its unit.
export function answerWords(name, answer) {
  const field = form.elements.namedItem(name);
  if (!field) return knownWords(name, answer);
  const chosen = field.tagName === "SELECT" ? field.selectedOptions[0].textContent : null;
  return chosen ?? measured(field, answer);
}

// What a question is about, shorter than the question where it is the only one of its topic.
function topicWords(name) {
  if (facts.nodes[name]) return facts.nodes[name].heading;
  const topic = form.elements.namedItem(name).closest(".topic");
  const alone = topic.querySelectorAll(".field:not(.direct)").length === 1;
  return alone ? facts.nodes[topic.dataset.topic].heading : facts.ask[name];
}

// The answers in words, for print: what was asked about, the answer, and what it says.
export function listAnswers(reading) {
  const where = siteWords();
  byId("printed-site").textContent = where ? fill(words.site.printed, { site: where }) : "";
  const said = new Map(reading.says.map((one) => [one.question, one]));
  byId("answers").querySelector("ul").replaceChildren(
    ...Object.entries(reading.accepted).map(([name, answer]) => {
      const one = said.get(name);
      const about = topicWords(name);
      const shown = answerWords(name, answer);
      const told = make("strong", {}, shown);
      const state = one && stateWords(one.node, one.state);
      const says = state === shown ? null : state ?? null;
      return make("li", {}, ...(says === null
        ? fillWith(words.printed.answer, { about, answer: told })
        : fillWith(words.printed.answer_says, { about, answer: told, says })));
    }),
  );
}
