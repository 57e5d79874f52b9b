// Taking the answers away: print, a file, a link. Nothing leaves the browser on its own.

import { askFile } from "./api.js";
import { flagsAsked } from "./flags.js";
import { byId, fill, make, words } from "./facts.js";

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

// A page gives what is asked and the answers as a file and a link hold them, and takes them back.
export function wireTakeAway({ asked, saved, file, isSaved, restore, fragment, refresh, earlier = () => null }) {
  byId("print").addEventListener("click", () => window.print());
  window.addEventListener("beforeprint", () => {
    byId("printed-on").textContent = fill(words.printed.date, { date: today() });
  });

  for (const button of document.querySelectorAll("#take [data-kind]")) {
    button.addEventListener("click", async () => {
      const { kind } = button.dataset;
      button.disabled = true;
      say(words.take.pdf_wait);
      try {
        const before = kind === "report" ? earlier() : null; // the others have no room for it
        const document = { ...asked(), kind, flags: flagsAsked(), ...(before && { before }) };
        download(await askFile("/report.pdf", document), `${kind}.pdf`);
        say(words.take.pdf_done);
      } catch (error) {
        say(error.message);
      } finally {
        button.disabled = false;
      }
    });
  }

  byId("save").addEventListener("click", () => {
    const text = JSON.stringify(saved(), null, 2) + "\n";
    download(new Blob([text], { type: "application/json" }), file);
  });

  byId("load").addEventListener("change", async (event) => {
    const [chosen] = event.target.files;
    if (!chosen) return;
    event.target.value = ""; // so that the same file can be chosen again
    const loaded = await read(chosen);
    if (!isSaved(loaded)) {
      say(words.take.bad_file);
      return;
    }
    restore(loaded);
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

export const isObject = (data) =>
  data !== null && typeof data === "object" && !Array.isArray(data);

export async function read(file) {
  try {
    return JSON.parse(await file.text());
  } catch {
    return null;
  }
}
