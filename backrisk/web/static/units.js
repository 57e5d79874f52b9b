// Numbers in the units that the reader chose. What is kept, saved, linked or sent is in the
// codebook's unit: a field remembers its number in that unit beside the text that it shows, so that
// switching back and forth changes nothing.

import { byId, facts, fill, words } from "./facts.js";
import { keep, recall } from "./session.js";

const KEPT = "units"; // the choice, in this tab
const OWN = "own"; // the unit that the codebook has for each
const CLOCK = /^\d+:[\d:.,]+$/; // as a pace is written, without a unit

const form = byId("form");
const chooser = byId("units");
const told = new WeakMap(); // by field: its number in the codebook's unit, its texts by system

if (chooser && [...chooser.options].some((option) => option.value === recall(KEPT))) {
  chooser.value = recall(KEPT);
}

const systemOf = (measure) => chooser.value === OWN ? measure.own : chooser.value;

function number(text) {
  const found = Number(text.replace(",", "."));
  return text !== "" && Number.isFinite(found) ? found : null;
}

// What a field says, in the codebook's unit; what is no number is sent as it is typed.
export function read(field) {
  const text = field.value.trim();
  if (facts.kinds[field.name] !== "number") return text;
  const measure = facts.units[field.name];
  const found = number(text);
  if (!measure) return found ?? text;
  const system = systemOf(measure);
  const { unit, times } = measure[system];
  if (found === null) return CLOCK.test(text) ? `${text} ${unit}` : text;
  const before = told.get(field);
  if (before?.texts[system] === text) return before.answer;
  // Twelve digits are more than anybody measures, and hide what is only rounding.
  const answer = times === 1 ? found : Number((found * times).toPrecision(12));
  told.set(field, { answer, texts: { [system]: text } });
  return answer;
}

// Fill a field with an answer in the codebook's unit.
export function write(field, answer) {
  const measure = facts.units[field.name];
  const found = measure ? number(String(answer).trim()) : null;
  if (found === null) {
    field.value = String(answer);
    return;
  }
  const own = Number(found.toFixed(3)) === found ? String(found) : shorten(found, measure[measure.own]);
  told.set(field, { answer: found, texts: { [measure.own]: own } });
  show(field);
}

const shorten = (value, { digits }) => String(Number(value.toFixed(digits)));

// Show the number that a field remembers in the unit that is chosen now.
function show(field) {
  const measure = facts.units[field.name];
  const { answer, texts } = told.get(field);
  const system = systemOf(measure);
  texts[system] ??= shorten(answer / measure[system].times, measure[system]);
  field.value = texts[system];
}

function nameOf({ unit, words: own }) {
  if (own) return own;
  const named = words.units.names[unit];
  if (named) return named;
  const [amount, period] = unit.split("/");
  return fill(words.units.rate, { amount: words.units.names[amount], period });
}

const marked = (value) => String(value).replace(".", facts.mark);
const range = (each) => ({ low: marked(each.low), high: marked(each.high) });

function label(field) {
  const measure = facts.units[field.name];
  const each = measure[systemOf(measure)];
  const shown = byId(`${field.id}-range`);
  shown.firstChild.textContent = `${nameOf(each)} `;
  const accepted = shown.querySelector(".range");
  if (accepted) accepted.textContent = fill(words.page.accepted, range(each));
}

// What is wrong with a number, in the unit that it was typed in; the server speaks of its own.
export function restate(field, detail) {
  const measure = facts.units[field.name];
  const each = measure?.[systemOf(measure)];
  if (!each || each.times === 1) return detail;
  const value = field.value.trim();
  const found = number(value);
  if (each.low === null) {
    return found === null ? fill(words.units.expected_any, { value, unit: nameOf(each) }) : detail;
  }
  if (found !== null && found >= each.low && found <= each.high) return detail;
  return fill(words.units.expected, { value, unit: nameOf(each), ...range(each) });
}

// An answer in words: its number in the unit that the field shows now, and that unit.
export function measured(field, answer) {
  const measure = facts.units[field.name];
  const each = measure?.[systemOf(measure)];
  const unit = byId(`${field.id}-range`).firstChild?.textContent.trim();
  const found = each && each.times !== 1 ? number(String(answer)) : null;
  const value = found === null ? String(answer) : shorten(found / each.times, each);
  return unit ? fill(words.printed.measure, { value, unit: unitOf(value, unit) }) : value;
}

// A unit as it is said beside a number: one session, two sessions.
function unitOf(value, unit) {
  if (number(value) !== 1) return unit;
  const [first, ...rest] = unit.split(" ");
  return [facts.unit_of_one[first] ?? first, ...rest].join(" ");
}

const fields = () => [...form.querySelectorAll("[name]")].filter((field) => facts.units[field.name]);

// A number that is typed anew is not the one that the field remembers, even if it reads the same.
form.addEventListener("input", ({ target }) => {
  const measure = facts.units[target.name];
  if (measure && told.get(target)?.texts[systemOf(measure)] !== target.value.trim()) told.delete(target);
}, true);

if (chooser) {
  let before = chooser.value;
  // The page then shows its answers anew, in the other units.
  chooser.addEventListener("input", () => {
    const chosen = chooser.value;
    chooser.value = before;
    const answers = fields().map((field) => [field, field.value.trim() && read(field)]);
    chooser.value = chosen;
    before = chosen;
    keep(KEPT, chosen);
    for (const [field, answer] of answers) {
      label(field);
      if (told.has(field) && typeof answer === "number") show(field);
      else field.value = answer;
    }
  });
  fields().forEach(label);
}
