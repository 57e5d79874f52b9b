// Taking the answers away: print, a file, a link. Nothing leaves the browser on its own.

import { askFile } from "./api.js";
import { byId, fill, make, words } from "./facts.js";
import { answers, fillForm, settings } from "./form.js";

// In a link, beside the answers: no question has a dot in its name.
export const SITE = ".site";
export const TARGET = ".target";

// The form as it is filled, as the part of an address after #.
export function fragment() {
  const { site, target } = settings();
  const given = { ...answers(), ...(site && { [SITE]: site }), ...(target && { [TARGET]: target }) };
  return new URLSearchParams(given).toString();
}

// The date of today; a language may have a code of its own that no calendar knows.
function today() {
  const style = { dateStyle: "long" };
  try {
    return new Date().toLocaleDateString(document.documentElement.lang, style);
  } catch {
    return new Date().toLocaleDateString(undefined, style);
  }
}

const say = (sentence) => {
  byId("taken").textContent = sentence;
};

export function wireTakeAway(asked, refresh) {
  byId("print").addEventListener("click", () => window.print());
  window.addEventListener("beforeprint", () => {
    byId("printed-on").textContent = fill(words.printed.date, { date: today() });
  });

  byId("pdf")?.addEventListener("click", async ({ target }) => {
    target.disabled = true;
    say(words.take.pdf_wait);
    try {
      download(await askFile("/report.pdf", asked()), "report.pdf");
      say(words.take.pdf_done);
    } catch (error) {
      say(error.message);
    } finally {
      target.disabled = false;
    }
  });

  byId("save").addEventListener("click", () => {
    const text = JSON.stringify(asked().person, null, 2) + "\n";
    download(new Blob([text], { type: "application/json" }), "person.json");
  });

  byId("load").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    event.target.value = ""; // so that the same file can be chosen again
    const loaded = await read(file);
    if (loaded === null) {
      say(words.take.bad_file);
      return;
    }
    fillForm(loaded);
    say(words.take.loaded);
    refresh();
  });

  byId("link").addEventListener("click", async () => {
    const link = `${location.origin}/#${fragment()}`;
    byId("link-shown").hidden = false;
    byId("link-text").value = link;
    try {
      await navigator.clipboard.writeText(link);
      say(words.take.copied);
    } catch {
      byId("link-text").focus();
      byId("link-text").select();
      say(words.take.not_copied);
    }
  });
}

function download(blob, name) {
  const url = URL.createObjectURL(blob);
  const anchor = make("a", { href: url, download: name });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  URL.revokeObjectURL(url);
}

async function read(file) {
  try {
    const data = JSON.parse(await file.text());
    return data !== null && typeof data === "object" && !Array.isArray(data) ? data : null;
  } catch {
    return null;
  }
}
