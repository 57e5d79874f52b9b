// What the page knows of the model and of its own words, as the server wrote it into the page.

export const facts = JSON.parse(document.getElementById("facts").textContent);
export const words = facts.words;

export const byId = (id) => document.getElementById(id);

// Fill the {braces} of a sentence.
export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export function nodeWords(node) {
  return facts.nodes[node]?.words ?? node.replaceAll("_", " ");
}

export function stateWords(node, state) {
  return facts.nodes[node]?.states[state] ?? state.replaceAll("_", " ");
}

// Word a share the way the Python package does.
export function percent(share) {
  if (share !== 0 && Math.abs(share) < 0.001) return share > 0 ? "<0.1\u00a0%" : ">\u22120.1\u00a0%";
  const digits = Math.abs(share) >= 0.0995 ? 0 : 1;
  return `${minus((100 * share).toFixed(digits))}\u00a0%`;
}

export const range = (row) =>
  `${percent(row.mean)} (${percent(row.low)} ${words.page.to} ${percent(row.high)})`;

// A change in percentage points, with its sign.
export function points(row) {
  return `${onePoint(row.mean)} (${signed(row.low)} ${words.page.to} ${signed(row.high)})`;
}

export const onePoint = (share) => `${signed(share)} ${words.page.points}`;

function signed(share) {
  const text = (100 * share).toFixed(1);
  if (Number(text) === 0) return "0.0";
  return share > 0 ? `+${text}` : minus(text);
}

const minus = (text) => text.replace("-", "\u2212");

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
