// What takes long can be stopped, and asked for again.

import { make, words } from "./facts.js";

const PATIENCE = 700; // ms of work before a button offers to stop it

export function stoppable(place) {
  const controller = new AbortController();
  const button = make("button", { type: "button", class: "plain stop" }, words.page.stop);
  button.addEventListener("click", () => controller.abort());
  const heading = place.querySelector("h2");
  const timer = setTimeout(() => heading.after(button), PATIENCE);
  return {
    signal: controller.signal,
    withdraw() {
      clearTimeout(timer);
      const focused = document.activeElement === button;
      button.remove();
      if (!focused) return;
      heading.tabIndex = -1; // the place of a reader who is not using a pointer
      heading.focus();
    },
    // Say that it was stopped, with a button that calls `again`.
    tell(again) {
      const resume = make("button", { type: "button", class: "plain" }, words.page.resume);
      resume.addEventListener("click", again);
      place.querySelector(".body").replaceChildren(
        make("p", { class: "note" }, words.page.stopped), resume);
      resume.focus();
    },
  };
}
