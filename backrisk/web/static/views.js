// Whom the answer is shown to: the clinician, or the person, who looks at it together with them.

import { byId } from "./facts.js";

export function wireViews() {
  for (const radio of document.querySelectorAll('input[name="view"]')) {
    radio.addEventListener("change", () => show(radio.value));
    if (radio.checked) show(radio.value);
  }
  byId("plain-print").addEventListener("click", () => window.print());
}

function show(view) {
  document.body.dataset.view = view;
}
