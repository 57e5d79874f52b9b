// A person's answers as a file holds them: alone, or with the date and the model they were asked of.

import { facts } from "./facts.js";
import { flagsAsked } from "./flags.js";
import { isObject } from "./take.js";

// The day where the reader is, as ISO 8601 writes it.
function day() {
  const now = new Date();
  const two = (number) => String(number).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

// Red flags that apply stand in it, none of them too; where nobody asked it says nothing of them.
export function sealed(person) {
  const flags = flagsAsked();
  return { backrisk: { date: day(), ...facts.saved, ...(flags && { flags }) }, person };
}

// The answers of a file in either form; null where it is neither.
export function answersIn(data) {
  if (!isObject(data)) return null;
  if (!isObject(data.backrisk) && !isObject(data.person)) return data;
  const alone = Object.keys(data).every((name) => ["backrisk", "person"].includes(name));
  return alone && isObject(data.backrisk) && isObject(data.person) ? data.person : null;
}

// The red flags of such a file; null where it says nothing of them.
export function flagsIn(data) {
  const found = isObject(data.backrisk) ? data.backrisk.flags : null;
  return Array.isArray(found) ? found : null;
}
