// Asking the server. The token, where one is needed, lives in this module and nowhere else.

import { facts, words } from "./facts.js";

let token = null;

export const setToken = (given) => {
  token = given;
};

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export async function ask(path, question, signal) {
  return (await send(path, question, signal)).json();
}

export async function askFile(path, question) {
  return (await send(path, question)).blob();
}

async function send(path, question, signal) {
  const headers = {
    "Content-Type": "application/json",
    "Accept-Language": document.documentElement.lang,
  };
  if (token) headers.Authorization = `Bearer ${token}`;
  let response;
  try {
    const body = JSON.stringify(question);
    response = await fetch(facts.v1 + path, { method: "POST", headers, body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, words.page.offline);
  }
  if (!response.ok) throw new Refused(response.status, (await response.json()).detail);
  return response;
}
