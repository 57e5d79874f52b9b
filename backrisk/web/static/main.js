// The page: asks again as answers change, discards what comes late, and wires up the buttons.

import { ask, Refused, setToken } from "./api.js";
import { byId, facts, fill, make, stateWords, words } from "./facts.js";
import {
  answers, chooseSite, chooseTarget, clearForm, fillForm, listAnswers, outcome, settings,
  showReading,
} from "./form.js";
import { askFollowUp, earlierFile, wireFollowUp } from "./followup.js";
import { forget } from "./once.js";
import {
  askCascade, askCauses, asked, askHeadline, askHelp, askNext, askWhatIf, chooseMethod, person,
  setReading,
} from "./questions.js";
import { askFlags, putFlags } from "./flags.js";
import { follow, opened, remember } from "./session.js";
import { answersIn, flagsIn, sealed } from "./saved.js";
import { stoppable } from "./stop.js";
import { wireTakeAway } from "./take.js";
import { wireViews } from "./views.js";
import { found, lose, mark, markAll, settle, settleCaptions } from "./watch.js";

// In a link, beside the answers: no question has a dot in its name.
const SITE = ".site";
const TARGET = ".target";
const WAIT = 150; // ms without a keystroke before the server is asked

let timer = 0;
let current = new AbortController();
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
    setReading(reading);
    trouble("");
    await askFlags(person(), signal); // before any number
    // What matters first is not kept waiting. Of the rest, what takes longest is begun first, so
    // that no core of the server waits for another at the end.
    await section("headline", openedBy, signal);
    // Captions and the first number change together.
    settleCaptions();
    settle(byId("plain"));
    showReading(reading);
    listAnswers(reading);
    await Promise.all([
      section("help", askHelp, signal),
      section("causes", askCauses, signal),
      section("ask", askNext, signal),
      section("cascade", askCascade, signal),
      section("whatif", askWhatIf, signal),
      section("followup", (late) => askFollowUp(asked(), late), signal),
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
  const stop = stoppable(place);
  try {
    if (outcome()) await work(AbortSignal.any([signal, stop.signal]));
    else show(words.page.no_target, "note");
  } catch (error) {
    if (stop.signal.aborted && !signal.aborted) {
      stop.tell(() => (id === "headline" ? refresh() : again(id, work)));
    } else if (error.name === "AbortError" || error.status === 401 || error.lost) {
      throw error;
    } else {
      show(error.message, "note bad");
    }
  } finally {
    stop.withdraw();
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
  forget();
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

// Another target changes every section.
const openedBy = (signal) => askHeadline(signal, refresh);

function trouble(sentence) {
  byId("trouble").textContent = sentence;
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

function putFile(loaded) {
  fillForm(answersIn(loaded));
  putFlags(flagsIn(loaded));
}

byId("form").addEventListener("input", later);
byId("form").addEventListener("submit", (event) => event.preventDefault());
byId("clear").addEventListener("click", () => {
  clearForm();
  putFlags(null);
  refresh();
});
for (const name of ["method", "level", "baseline"]) {
  for (const radio of document.querySelectorAll(`input[name="${name}"]`)) {
    radio.addEventListener("change", () => {
      chooseMethod();
      again("causes", askCauses);
    });
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
wireViews();
wireTakeAway({
  asked, saved: () => sealed(person()), file: "person.json", isSaved: answersIn,
  restore: putFile, fragment, refresh, earlier: earlierFile,
});
wireFollowUp(() => again("followup", (late) => askFollowUp(asked(), late)));
restore();
refresh();
