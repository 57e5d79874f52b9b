// What the page knows of the model and of its own words, as the server wrote it into the page.

export const facts = JSON.parse(document.getElementById("facts").textContent);
export const words = facts.words;

export const byId = (id) => document.getElementById(id);

// Fill the {places} of a sentence.
export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Fill the places of a sentence with elements or text: the parts, in the sentence's own order.
export function fillWith(sentence, values) {
  return sentence.split(/\{(\w+)\}/).map((part, i) => (i % 2 ? values[part] : part));
}

export const nodeWords = (node) => facts.nodes[node].words;
export const stateWords = (node, state) => facts.nodes[node].states[state];

// Word a share the way the Python package does, with a space that does not break and a true minus.
export function percent(share) {
  return fill(facts.percent, { number: percentage(share) });
}

function percentage(share) {
  const { less, less_below_zero: lessBelowZero } = words.numbers;
  if (share !== 0 && Math.abs(share) < 0.001) {
    return fill(share > 0 ? less : lessBelowZero, { number: decimal(0.1, 1) });
  }
  return decimal(100 * share, Math.abs(share) >= 0.0995 ? 0 : 1);
}

export function decimal(value, digits) {
  return value.toFixed(digits).replace("-", words.numbers.minus).replace(".", facts.mark);
}

// A number of a hundred people: whole, or with one digit where the server gives one.
export const count = (number) => decimal(number, Number.isInteger(number) ? 0 : 1);

// A share as a number of a hundred, with a digit where it is less than one.
export const inHundred = (share) => count(Math.abs(share) < 0.00995
  ? Math.round(1000 * share) / 10 : Math.round(100 * share));

export const range = (row) => fill(words.numbers.range, {
  low: percent(row.low), high: percent(row.high),
});

export const estimate = (row) => fill(words.numbers.estimate, {
  mean: percent(row.mean), low: percent(row.low), high: percent(row.high),
});

// A change in percentage points, with its sign.
export const points = (row) => fill(words.numbers.points_estimate, {
  mean: signed(row.mean), low: signed(row.low), high: signed(row.high),
});

function signed(share) {
  const size = decimal(Math.abs(100 * share), 1);
  if (size === decimal(0, 1)) return size;
  return fill(share > 0 ? words.numbers.rise : words.numbers.fall, { number: size });
}

// Make an element: attributes, then children (text or elements).
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
