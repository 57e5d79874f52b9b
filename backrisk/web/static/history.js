// The form as a history: one column for each visit, and what is the same at all of them once.

import { byId, facts, fill, make, nodeWords, stateWords, words } from "./facts.js";
import { read, restate, write } from "./units.js";

const form = byId("form");
const fields = () => [...form.querySelectorAll("[name]")];
const idOf = (name, visit) => visit === null ? `q-${name}` : `q-${name}-${visit}`;
const visitOf = (field) => field.dataset.visit === undefined ? null : Number(field.dataset.visit);
const isGiven = (field) => field.value.trim() !== "";

let visits = 1;
export const count = () => visits;
export const visitWords = (visit) => fill(words.over_time.visit, { n: visit + 1 });

// What is the same at every visit is told with the first.
export function history() {
  const told = Array.from({ length: visits }, () => ({}));
  for (const field of fields().filter(isGiven)) told[visitOf(field) ?? 0][field.name] = read(field);
  return told;
}

const place = byId("site");
const aim = byId("target");
export const outcome = () => facts.outcome ?? (aim.value || null);

export function settings() {
  return {
    ...(place?.value && { site: place.value }),
    ...(aim?.value && { target: aim.value }),
  };
}

export const chooseSettings = ({ site = "", target = "" }) => {
  if (place) place.value = site;
  if (aim) aim.value = target;
};

export function setVisits(number) {
  for (const row of form.querySelectorAll(".visits")) {
    while (row.children.length > number) row.lastElementChild.remove();
    while (row.children.length < number) row.append(another(row));
  }
  visits = number;
  byId("remove").disabled = visits === 1;
  byId("add").disabled = visits === facts.most_visits;
}

// A visit as the first one, with nothing answered: what was answered before is only offered.
function another(row) {
  const visit = row.children.length;
  const copy = row.firstElementChild.cloneNode(true);
  const field = copy.querySelector("[name]");
  const { name } = field;
  const first = idOf(name, 0);
  for (const part of copy.querySelectorAll("[id]")) {
    part.id = part.id.replace(first, idOf(name, visit));
  }
  field.dataset.visit = String(visit);
  field.value = "";
  field.removeAttribute("aria-invalid");
  field.removeAttribute("data-bad");
  const described = field.getAttribute("aria-describedby");
  field.setAttribute("aria-describedby", described.replaceAll(first, idOf(name, visit)));
  copy.querySelector("label").htmlFor = field.id;
  copy.querySelector("label").textContent = visitWords(visit);
  copy.querySelector(".says").textContent = "";
  copy.querySelector(".before").replaceChildren();
  return copy;
}

export const answersAt = (visit) =>
  fields().filter((field) => visitOf(field) === visit && isGiven(field)).length;

// Fill the form; say which names it does not have.
export function fillForm(told) {
  clearForm();
  setVisits(Math.min(Math.max(told.length, 1), facts.most_visits));
  const unknown = new Set();
  told.slice(0, visits).forEach((answers, visit) => {
    for (const [name, answer] of Object.entries(answers)) {
      const field = byId(idOf(name, null)) ?? byId(idOf(name, visit));
      if (answer === null) continue;
      if (!field) {
        unknown.add(name);
        continue;
      }
      write(field, answer);
      if (field.tagName === "SELECT" && field.value !== String(answer)) {
        field.value = facts.says[name]?.find(([, state]) => state === String(answer))?.[0] ?? "";
        if (field.value === "") unknown.add(name);
      }
    }
  });
  const names = [...unknown].join(", ");
  byId("form-note").textContent = unknown.size ? fill(words.take.unknown, { names }) : "";
}

export function clearForm() {
  byId("form-note").textContent = "";
  for (const field of fields()) field.value = "";
  setVisits(1);
}

export function goToFirst(visit) {
  const field = fields().find((each) => visitOf(each) === visit);
  field.closest("details").open = true;
  field.focus();
}

export function showReading(readings) {
  let left = 0;
  const says = readings.map((one) => new Map(one.says.map((each) => [each.question, each])));
  const problems = readings.map((one) => new Map(one.problems.map((each) => [each.question, each])));
  for (const field of fields()) {
    const visit = visitOf(field) ?? 0;
    const note = byId(`${field.id}-says`);
    const said = says[visit]?.get(field.name);
    const problem = isGiven(field) && problems[visit]?.get(field.name)?.detail;
    const sentence = note.dataset.sign === "yes" ? words.page.sign_of : words.page.reads_as;
    // A state that is chosen by its own name reads as itself.
    const plain = facts.kinds[field.name] === "state";
    field.toggleAttribute("data-bad", Boolean(problem));
    if (problem) {
      left += 1;
      field.setAttribute("aria-invalid", "true");
      field.closest("details").open = true;
    } else {
      field.removeAttribute("aria-invalid");
    }
    note.textContent = problem ? restate(field, problem) : (said && !plain ? fill(sentence, {
      node: nodeWords(said.node),
      state: stateWords(said.node, said.state),
    }) : "");
  }
  byId("left-out").textContent = left ? fill(words.page.left_out, { n: left }) : "";
  showCounts();
}

function showCounts() {
  let all = 0;
  for (const group of form.querySelectorAll(".group")) {
    const given = [...group.querySelectorAll("[name]")].filter(isGiven);
    all += given.length;
    group.querySelector("summary .count").textContent = given.length
      ? fill(words.page.answers_count, { n: given.length }) : "";
  }
  byId("answered").textContent = fill(words.page.answers_count, { n: all });
}

const shown = (field) =>
  field.tagName === "SELECT" ? field.selectedOptions[0].textContent : field.value.trim();

// At the last visit, offer what was answered last; taking it is a click of its own.
export function offerBefore() {
  for (const row of form.querySelectorAll(".visits")) {
    [...row.children].forEach((visit, at) => {
      const field = visit.querySelector("[name]");
      const offer = visit.querySelector(".before");
      const earlier = [...row.querySelectorAll("[name]")].slice(0, at).filter(isGiven).at(-1);
      if (at !== visits - 1 || isGiven(field) || !earlier) {
        offer.replaceChildren();
        return;
      }
      const said = fill(words.over_time.before, { answer: shown(earlier) });
      if (offer.textContent === said) return;
      const take = make("button", { type: "button", class: "plain", "aria-describedby": field.id }, said);
      take.addEventListener("click", () => {
        write(field, read(earlier));
        field.focus();
        field.dispatchEvent(new Event("input", { bubbles: true }));
      });
      offer.replaceChildren(take);
    });
  }
}

// All answers as a table, for print.
export function listAnswers() {
  const head = make("tr", {}, make("th", {}, words.over_time.question),
    ...Array.from({ length: visits }, (_, visit) => make("th", {}, visitWords(visit))));
  const names = [...new Set(fields().filter(isGiven).map((field) => field.name))];
  const rows = names.map((name) => {
    const once = byId(idOf(name, null));
    const cells = once ? [once] : Array.from({ length: visits }, (_, at) => byId(idOf(name, at)));
    return make("tr", {}, make("th", {}, facts.ask[name]), ...cells.map((field) =>
      make("td", once ? { colspan: visits } : {}, isGiven(field) ? shown(field) : "")));
  });
  byId("answers").querySelector("table").replaceChildren(head, ...rows);
}
