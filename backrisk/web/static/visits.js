// The page over time: asks again as visits change, discards what comes late, wires up the buttons.

import { ask, Refused, setToken } from "./api.js";
import { byId, facts, fill, make, stateWords, words } from "./facts.js";
import {
  answersAt, chooseSettings, clearForm, count, fillForm, goToFirst, history, listAnswers,
  offerBefore, outcome, setVisits, settings, showReading, visitWords,
} from "./history.js";
import { showCompared, showForecast, showKept, showNow, showPlan } from "./overtime.js";
import { follow, opened, remember } from "./session.js";
import { isObject, wireTakeAway } from "./take.js";
import { found, lose, mark, markAll, settle, settleCaptions } from "./watch.js";

const WAIT = 250; // ms without a keystroke before the server is asked

let timer = 0;
let current = new AbortController();
let told = [{}]; // the visits as far as they could be read
let reported = false; // whether the last visit answers what is asked about
let ahead = null; // the forecast without a plan, as a promise
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
  offerBefore();
  document.body.setAttribute("data-busy", "");
  markAll();
  remember(fragment());
  try {
    const { visits } = await ask("/read-history", { history: history() }, signal);
    told = visits.map((each) => each.accepted);
    reported = visits.at(-1).says.some((each) => each.node === outcome());
    trouble("");
    await section("now", askNow, signal);
    // Captions and the first number change together.
    settleCaptions();
    showReading(visits);
    listAnswers();
    await Promise.all([
      section("ahead", askAhead, signal),
      section("kept", askKept, signal),
      section("plan", askPlan, signal),
      section("compared", askCompared, signal),
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

const asked = () => ({ history: told, ...settings() });

async function askNow(signal) {
  const visits = [told.length - 1];
  showNow(await ask("/review", { ...asked(), visits }, signal), reported);
}

const periods = () => Number(byId("periods").value);

async function askAhead(signal) {
  ahead = ask("/forecast", { ...asked(), periods: periods() }, signal);
  showForecast(await ahead);
}

async function askKept(signal) {
  showKept(await ask("/recommend", { ...asked(), periods: periods() }, signal), periods());
}

async function askPlan(signal) {
  const [node, state] = [byId("plan-node").value, byId("plan-state").value];
  if (!node || !state) {
    byId("plan").querySelector(".body").replaceChildren();
    return;
  }
  const plan = { [node]: state };
  const period = told.length - 1 + periods();
  const [kept, contrast, without] = await Promise.all([
    ask("/forecast", { ...asked(), periods: periods(), plan }, signal),
    ask("/intervene", { ...asked(), do: plan, period }, signal),
    ahead,
  ]);
  showPlan(without, kept, contrast, { node, state });
}

async function askCompared(signal) {
  const visits = [byId("earlier"), byId("later")].map((each) => Number(each.value));
  if (told.length < 2 || visits[0] === visits[1]) {
    const note = told.length < 2 ? words.over_time.one_visit : words.over_time.same_visit;
    byId("compared").querySelector(".body").replaceChildren(make("p", { class: "note" }, note));
    return;
  }
  showCompared(await ask("/review", { ...asked(), visits }, signal));
}

// The visits that can be compared; by default the last two.
function chooseVisits() {
  const [earlier, last] = [byId("earlier"), byId("later")];
  for (const [select, chosen] of [[earlier, count() - 2], [last, count() - 1]]) {
    select.replaceChildren(...Array.from({ length: count() }, (_, visit) =>
      make("option", { value: visit }, visitWords(visit))));
    select.value = String(Math.max(chosen, 0));
    select.disabled = count() < 2;
  }
}

function chooseStates() {
  const node = byId("plan-node").value;
  const states = node ? Object.keys(facts.nodes[node].states) : [];
  byId("plan-state").disabled = !node;
  byId("plan-state").replaceChildren(
    ...states.map((state) => make("option", { value: state }, stateWords(node, state))));
  again("plan", askPlan);
}

const HISTORY = "history";
const SITE = "site";
const TARGET = "target";

// The visits as they are filled in, as the part of an address after #.
function fragment() {
  const { site, target } = settings();
  return new URLSearchParams({
    [HISTORY]: JSON.stringify(history()), ...(site && { [SITE]: site }),
    ...(target && { [TARGET]: target }),
  }).toString();
}

const isHistory = (data) => Array.isArray(data) && data.length > 0 && data.every(isObject);

function restore() {
  const given = Object.fromEntries(new URLSearchParams(opened()));
  if (!given[HISTORY]) return;
  let visits = null;
  try {
    visits = JSON.parse(given[HISTORY]);
  } catch {
    visits = null;
  }
  if (!isHistory(visits)) {
    byId("form-note").textContent = words.over_time.bad_link;
    return;
  }
  put(visits);
  chooseSettings({ site: given[SITE], target: given[TARGET] });
  follow(fragment());
}

function put(visits) {
  fillForm(visits);
  chooseVisits();
}

byId("form").addEventListener("input", later);
byId("form").addEventListener("submit", (event) => event.preventDefault());
byId("clear").addEventListener("click", () => {
  clearForm();
  chooseVisits();
  refresh();
});
byId("add").addEventListener("click", () => {
  setVisits(count() + 1);
  chooseVisits();
  byId("visits-told").textContent = fill(words.over_time.added, { visit: visitWords(count() - 1) });
  goToFirst(count() - 1);
  refresh();
});
byId("remove").addEventListener("click", () => {
  const last = count() - 1;
  const n = answersAt(last);
  setVisits(last);
  chooseVisits();
  byId("visits-told").textContent = fill(words.over_time.removed, { visit: visitWords(last), n });
  refresh();
});
byId("periods").addEventListener("change", async () => {
  await Promise.all([again("ahead", askAhead), again("kept", askKept), again("plan", askPlan)]);
});
byId("plan-node")?.addEventListener("change", chooseStates);
byId("plan-state")?.addEventListener("change", () => again("plan", askPlan));
byId("earlier").addEventListener("change", () => again("compared", askCompared));
byId("later").addEventListener("change", () => again("compared", askCompared));
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
  asked, saved: () => told, file: "history.json", isSaved: isHistory, restore: put, fragment,
  refresh,
});
setVisits(1);
chooseVisits();
restore();
refresh();
