// The page: asks again as answers change, discards what comes late, and wires up the buttons.

import { ask, Refused, setToken } from "./api.js";
import { byId, facts, fill, make, stateWords, words } from "./facts.js";
import {
  answers, chooseSite, chooseTarget, clearForm, fillForm, listAnswers, outcome, settings,
  showReading,
} from "./form.js";
import { showAsk } from "./ask.js";
import { showCascade } from "./cascade.js";
import { needOutcome, showCauses } from "./causes.js";
import { showRisk } from "./headline.js";
import { showHelp } from "./help.js";
import { showWhatIf } from "./whatif.js";
import { follow, opened, remember } from "./session.js";
import { answersIn, sealed } from "./saved.js";
import { wireTakeAway } from "./take.js";
import { found, lose, mark, markAll, settle, settleCaptions } from "./watch.js";

// In a link, beside the answers: no question has a dot in its name.
const SITE = ".site";
const TARGET = ".target";
const WAIT = 150; // ms without a keystroke before the server is asked

let timer = 0;
let current = new AbortController();
let person = {}; // the answers that could be read, and what they say
let evidence = {};
let fillsOutcome = new Set();
let tried = false; // whether a token was given

// What was asked before no longer fits what is typed, so nothing of it is waited for.
function later() {
  clearTimeout(timer);
  current.abort();
  markAll();
  remember(fragment());
  timer = setTimeout(refresh, WAIT);
}

// A new refresh aborts the one before: an answer that comes late is never shown.
async function refresh() {
  clearTimeout(timer);
  current.abort();
  current = new AbortController();
  const { signal } = current;
  document.body.setAttribute("data-busy", "");
  markAll();
  remember(fragment());
  try {
    const reading = await ask("/read", { person: answers() }, signal);
    person = reading.accepted;
    evidence = reading.evidence;
    const onOutcome = reading.says.filter((one) => one.node === outcome());
    fillsOutcome = new Set(onOutcome.map((one) => one.question));
    trouble("");
    // What matters first is not kept waiting. Of the rest, what takes longest is begun first, so
    // that no core of the server waits for another at the end.
    await section("headline", askRisk, signal);
    // Captions and the first number change together.
    settleCaptions();
    showReading(reading);
    listAnswers(person);
    await Promise.all([
      section("help", askHelp, signal),
      section("causes", askCauses, signal),
      section("ask", askNext, signal),
      section("cascade", askCascade, signal),
      section("whatif", askWhatIf, signal),
    ]);
    found();
    document.body.removeAttribute("data-busy");
    document.body.dataset.answered = String(Number(document.body.dataset.answered ?? 0) + 1);
  } catch (error) {
    if (error.name === "AbortError") return;
    document.body.removeAttribute("data-busy");
    fail(error);
  }
}

async function section(id, work, signal) {
  const place = byId(id);
  if (!place) return; // what this model has no use for
  mark(place);
  const show = (sentence, kind) =>
    place.querySelector(".body").replaceChildren(make("p", { class: kind }, sentence));
  try {
    if (outcome()) await work(signal);
    else show(words.page.no_target, "note");
  } catch (error) {
    if (error.name === "AbortError" || error.status === 401 || error.lost) throw error;
    show(error.message, "note bad");
  }
  if (!signal.aborted) settle(place);
}

async function again(id, work) {
  try {
    await section(id, work, current.signal);
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  }
}

function fail(error) {
  if (error instanceof Refused && error.status === 401) {
    byId("token-wrong").textContent = tried ? words.page.token_wrong : "";
    byId("token-form").hidden = false;
    byId("token").focus();
    return;
  }
  if (error.lost) {
    current.abort();
    lose(error, refresh);
    return;
  }
  markAll(words.page.outdated);
  trouble(error.message);
}

function trouble(sentence) {
  byId("trouble").textContent = sentence;
}

async function askRisk(signal) {
  const others = Object.entries(person).filter(([name]) => !fillsOutcome.has(name));
  const question = { person: Object.fromEntries(others), ...settings() };
  const answer = await ask("/risk", question, signal);
  showRisk(answer, fillsOutcome.size > 0);
}

const asked = () => ({ person, ...settings() });

const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

async function askCauses(signal) {
  const method = chosen("method");
  byId("causes-lead").textContent = words.causes.method_help[method];
  byId("baseline").hidden = method !== "shapley";
  const state = evidence[outcome()];
  const { reference } = facts.nodes[outcome()];
  if (method === "necessity" && (state === undefined || state === reference)) {
    needOutcome();
    return;
  }
  // Looking back through an early cause takes minutes: that is asked of Python.
  const level = chosen("level") || (method === "necessity" ? "proximal" : null);
  const question = { ...asked(), method, level, baseline: chosen("baseline") };
  showCauses(await ask("/attribute", question, signal));
}

async function askHelp(signal) {
  showHelp(await ask("/recommend", asked(), signal));
}

async function askWhatIf(signal) {
  const [node, state] = [byId("whatif-node").value, byId("whatif-state").value];
  if (!node || !state) {
    byId("whatif").querySelector(".body").replaceChildren();
    return;
  }
  showWhatIf(await ask("/what-if", { ...asked(), do: { [node]: state } }, signal));
}

async function askNext(signal) {
  showAsk(await ask("/ask-next", { ...asked(), gain: false }, signal));
}

async function askCascade(signal) {
  showCascade(await ask("/cascade", asked(), signal));
}

function chooseStates() {
  const node = byId("whatif-node").value;
  const states = node ? Object.keys(facts.nodes[node].states) : [];
  byId("whatif-state").disabled = !node;
  byId("whatif-state").replaceChildren(
    ...states.map((state) => make("option", { value: state }, stateWords(node, state))));
  again("whatif", askWhatIf);
}

// The form as it is filled, as the part of an address after #.
function fragment() {
  const { site, target } = settings();
  const given = { ...answers(), ...(site && { [SITE]: site }), ...(target && { [TARGET]: target }) };
  return new URLSearchParams(given).toString();
}

// A fragment such as #plank_seconds=35&sex=female holds answers; any other is a place on the page.
function restore() {
  const given = opened();
  if (!given) return;
  const { [SITE]: where = "", [TARGET]: target = "", ...person } = Object.fromEntries(
    new URLSearchParams(given));
  fillForm(person);
  chooseTarget(target);
  if (!chooseSite(where)) byId("form-note").textContent += ` ${fill(words.site.unknown, { site: where })}`;
  follow(fragment());
}

byId("form").addEventListener("input", later);
byId("form").addEventListener("submit", (event) => event.preventDefault());
byId("clear").addEventListener("click", () => {
  clearForm();
  refresh();
});
for (const name of ["method", "level", "baseline"]) {
  for (const radio of document.querySelectorAll(`input[name="${name}"]`)) {
    radio.addEventListener("change", () => again("causes", askCauses));
  }
}
byId("whatif-node")?.addEventListener("change", chooseStates);
byId("whatif-state")?.addEventListener("change", () => again("whatif", askWhatIf));
// The answers go along to the page in another language.
for (const link of document.querySelectorAll(".languages a")) {
  link.addEventListener("click", () => {
    link.hash = fragment();
  });
}
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setToken(byId("token").value);
  tried = true;
  byId("token").value = "";
  byId("token-form").hidden = true;
  refresh();
});
window.addEventListener("hashchange", () => {
  if (!location.hash.includes("=")) return;
  restore();
  refresh();
});
// On a narrow screen the groups begin folded, so that the answer is not far away.
if (window.matchMedia("(max-width: 61.9rem)").matches) {
  for (const group of [...document.querySelectorAll(".group")].slice(1)) group.open = false;
}
wireTakeAway({
  asked, saved: () => sealed(person), file: "person.json", isSaved: answersIn,
  restore: (loaded) => fillForm(answersIn(loaded)), fragment, refresh,
});
restore();
refresh();
