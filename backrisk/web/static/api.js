// Asking the server. The token, where one is needed, lives in this module and nowhere else.

import { facts, words } from "./facts.js";

const QUICK = ["/read", "/read-history"];
const SILENT = 20; // s without an answer to a quick question after which the server counts as lost
const AWAY = [429, 502, 504]; // where nobody has looked at the question; 503 if it says when to return

let token = null;

export const setToken = (given) => {
  token = given;
};

export class Refused extends Error {
  constructor(status, detail, wait = 0) {
    super(detail);
    this.status = status; // 0: no answer came
    this.wait = wait; // s after which to ask again, where the server says
  }

  // Whether the question may be asked again as it is: the server was not there, or had no time.
  get lost() {
    return this.status === 0 || AWAY.includes(this.status) || (this.status === 503 && this.wait > 0);
  }
}

export async function ask(path, question, signal) {
  return send(path, question, signal, (response) => response.json());
}

export async function askFile(path, question) {
  return send(path, question, undefined, (response) => response.blob());
}

// An answer whose question was given up is never returned, however late it comes.
async function send(path, question, signal, read) {
  const headers = {
    "Content-Type": "application/json",
    "Accept-Language": document.documentElement.lang,
  };
  if (token) headers.Authorization = `Bearer ${token}`;
  const body = JSON.stringify(question);
  const limit = new AbortController();
  const seconds = QUICK.includes(path) ? Math.min(SILENT, facts.seconds) : facts.seconds;
  const timer = setTimeout(() => limit.abort(), 1000 * seconds);
  const either = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
  try {
    const response = await fetch(facts.v1 + path, { method: "POST", headers, body, signal: either });
    if (!response.ok) throw await refusal(response);
    const answer = await read(response);
    signal?.throwIfAborted();
    return answer;
  } catch (error) {
    if (signal?.aborted) throw new DOMException("", "AbortError");
    throw error instanceof Refused ? error : new Refused(0, words.page.offline);
  } finally {
    clearTimeout(timer);
  }
}

// What is between page and server may refuse as well, in a form of its own.
async function refusal(response) {
  const told = await response.json().catch(() => null);
  const wait = Number(response.headers.get("Retry-After")) || 0;
  const away = told === null && response.status >= 500;
  return new Refused(away ? 0 : response.status, told?.detail ?? words.page.offline, wait);
}
