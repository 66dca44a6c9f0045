/** The page for embedding the widget: attributes to try, lines to copy, and the doctor. */

import { Attributes } from './embed/attributes.js';
import { examine } from './embed/doctor.js';
import { copies } from './embed/copying.js';
import { allowed, policy, remote, snippet } from './embed/lines.js';
import { Report } from './embed/report.js';
import { Trial } from './embed/trial.js';
import { block, element, setText } from './page/elements.js';

/** @typedef {import('./embed/lines.js').Deployment} Deployment */

const service = new URL('.', document.baseURI);
/** @type {Deployment} */
const deployment = await (await fetch('embed.json')).json();

const trial = new Trial(block('place'), block('elsewhere'));
const attributes = new Attributes(block('form'), (chosen) => {
  write('snippet', snippet(deployment, chosen));
  trial.show(chosen);
});
const report = new Report(block('findings'), block('diagnosis'));
const site = element('site', HTMLInputElement);
const jwt = element('jwt', HTMLInputElement);

write('policy', policy(deployment));
write('remote', remote(deployment));
site.addEventListener('input', () => allow());
allow();
copies(block('copied'));

element('examination', HTMLFormElement).addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = element('examine', HTMLButtonElement);
  button.disabled = true;
  report.begin();
  const credential = jwt.value.trim();
  const findings = await examine({
    service,
    profile: attributes.chosen.profile,
    getCredential: credential ? () => credential : undefined,
    found: (finding) => report.add(finding),
  });
  report.conclude(findings);
  button.disabled = false;
  button.focus();
});

function allow() {
  const line = allowed(site.value);
  setText(block('site-error'), line === null ? 'Enter an origin such as https://www.example.com: HTTPS (or localhost), without a path.' : '');
  site.setAttribute('aria-invalid', String(line === null));
  if (line !== null) write('allowed', line);
}

/** @param {string} id @param {string} text */
function write(id, text) {
  element(id, HTMLTextAreaElement).value = text;
}
