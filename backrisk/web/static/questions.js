// What is asked of the server for each section, all of it about one target and one baseline.
//
// The consultation comes first: it says whether this looks back, at which target, and whether there
// is anything personal to say. Nothing is asked twice.

import { showAsk } from "./ask.js";
import { showCascade } from "./cascade.js";
import { needOutcome, showCauses } from "./causes.js";
import { byId, facts, words } from "./facts.js";
import { outcome, settings } from "./form.js";
import { showAims, showHeadline } from "./headline.js";
import { actionHeading, backHeading, showBack, showHelp } from "./help.js";
import { couldWait, noCould, showCould, showPlain } from "./plain.js";
import { once } from "./once.js";
import { body } from "./sections.js";
import { showWhatIf } from "./whatif.js";

let reading = { accepted: {}, evidence: {}, says: [] };
let opened = null; // the consultation's answer
let aimed = null; // the target that was switched to
let chose = false; // whether a method was chosen, which then stays

export function setReading(read) {
  reading = read;
  opened = null;
  if (!Object.keys(read.accepted).length) aimed = null;
}

export const person = () => reading.accepted;

// What goes along with a report: the target only where it was chosen.
export const asked = () => ({ person: person(), ...settings(), ...(aimed && { target: aimed }) });

const onOutcome = (question) => reading.says.some(
  (one) => one.question === question && one.node === outcome());

// Where this does not look back, an answer about the outcome is no part of what is known.
function based() {
  const known = Object.entries(person()).filter(
    ([question]) => opened.looking_back || !onOutcome(question));
  return { person: Object.fromEntries(known), ...settings(), target: opened.target };
}

const isPersonal = () => opened !== null && opened.answered > 0;

// Whether there is something personal to say; if not, a section shows nothing.
function personal(id) {
  if (!isPersonal()) body(id).replaceChildren();
  return isPersonal();
}

// `again` asks everything anew, which another target changes.
export async function askHeadline(signal, again) {
  if (aimed?.split(">=")[0] !== outcome()) aimed = null;
  const answer = await once("/consult", asked(), signal);
  if (aimed && !answer.choices.some(({ target }) => target === aimed)) {
    aimed = null;
    await askHeadline(signal, again);
    return;
  }
  opened = answer;
  document.body.toggleAttribute("data-impersonal", !isPersonal());
  showAims(answer, (target) => {
    aimed = target;
    again();
  });
  showHeadline(answer, Object.keys(person()).some(onOutcome));
  showPlain(answer);
}

const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

export function chooseMethod() {
  chose = true;
}

export async function askCauses(signal) {
  if (!personal("causes")) return;
  const { looking_back: back, level: closest } = opened;
  if (!chose) byId("causes").querySelector(`[value="${back ? "necessity" : "shapley"}"]`).checked = true;
  const method = chosen("method");
  // Looking back through an early cause may take long: that is asked of Python.
  const level = chosen("level") || (method === "necessity" ? closest : null);
  byId("causes-lead").textContent = [
    words.causes.method_lead[method], words.causes.listed[method === "necessity" && level],
  ].filter(Boolean).join(" ");
  byId("causes-method").textContent = words.causes.method_help[method];
  byId("baseline").hidden = method !== "shapley";
  if (method === "necessity" && !back) {
    needOutcome();
    return;
  }
  if (method === "necessity" && level === closest) {
    showCauses({ method, baseline: null, total: null, rows: opened.causes, notes: [] }, known());
    return;
  }
  const question = { ...based(), method, level, baseline: chosen("baseline") };
  showCauses(await once("/attribute", question, signal), known());
}

// What was answered, as the list of causes words it.
function known() {
  const signs = new Map();
  for (const { question, node } of reading.says) {
    if (node in reading.evidence) continue;
    signs.set(node, [...(signs.get(node) ?? []), question]);
  }
  const adverse = reading.says.some(({ node, state }) => node !== outcome() && isAdverse(node, state));
  return { signs, person: person(), adverse };
}

const isAdverse = (node, state) =>
  !facts.traits.includes(node) && state !== facts.nodes[node].reference;

// What was answered as adverse and can be changed, in the order of the graph.
function changes() {
  const said = new Map(reading.says.map(({ node, state }) => [node, state]));
  return facts.changeable.filter((node) => said.has(node) && isAdverse(node, said.get(node)));
}

export async function askHelp(signal) {
  if (!personal("help")) return;
  couldWait();
  try {
    await (opened.looking_back ? askBack(signal) : askAhead(signal));
  } catch (error) {
    noCould();
    throw error;
  }
}

async function askAhead(signal) {
  const answer = await once("/recommend", based(), signal);
  showHelp(answer);
  showCould(answer.rows.map((row) => ({ ...row, name: actionHeading(row.name) })), false);
}

async function askBack(signal) {
  const causes = changes();
  const question = { ...based(), method: "necessity", causes };
  const answer = causes.length ? await once("/attribute", question, signal) : { rows: [], notes: [] };
  showBack(answer);
  showCould(answer.rows.map((row) => ({ ...row, name: backHeading(row.name) })), true);
}

export async function askWhatIf(signal) {
  const [node, state] = [byId("whatif-node").value, byId("whatif-state").value];
  if (!personal("whatif") || !node || !state) {
    body("whatif").replaceChildren();
    return;
  }
  const answer = await once("/what-if", { ...based(), do: { [node]: state } }, signal);
  showWhatIf(answer, opened.looking_back);
}

export async function askNext(signal) {
  if (opened) showAsk(await once("/ask-next", { ...based(), gain: false }, signal));
}

export async function askCascade(signal) {
  if (!personal("cascade")) return;
  const question = { person: person(), ...settings(), target: opened.target };
  showCascade(await once("/cascade", question, signal));
}
