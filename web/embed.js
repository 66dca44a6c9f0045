/** The page for embedding the widget: a design with its preview, lines to copy, and the doctor. */

import { Attributes } from './embed/attributes.js';
import { examine } from './embed/doctor.js';
import { copies } from './embed/copying.js';
import { allowed, policy, remote, snippet, styles } from './embed/lines.js';
import { Report } from './embed/report.js';
import { Trial } from './embed/trial.js';
import { block, element, setText } from './page/elements.js';

/** @typedef {import('./embed/lines.js').Deployment} Deployment */

const service = new URL('.', document.baseURI);
/** @type {Deployment} */
const deployment = await (await fetch('embed.json')).json();

const trial = new Trial(block('place'), block('elsewhere'));
const kind = element('kind', HTMLSelectElement);
const attributes = new Attributes(block('form'), (design) => {
  draw(design);
  trial.show(design);
});
kind.addEventListener('change', () => draw(attributes.design));
offerProfiles();
const report = new Report(block('findings'), block('diagnosis'));
const site = element('site', HTMLInputElement);
const jwt = element('jwt', HTMLInputElement);

write('policy', policy(deployment));
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
    profile: attributes.design.attributes.profile?.toString(),
    getCredential: credential ? () => credential : undefined,
    found: (finding) => report.add(finding),
  });
  report.conclude(findings);
  button.disabled = false;
  button.focus();
});

/** @param {import('./embed/attributes.js').Design} design */
function draw(design) {
  write('snippet', snippet(kind.value, deployment, design));
  write('styles', styles(design));
  write('remote', remote(deployment, design));
  block('styles-row').hidden = design.accent === null;
  block('no-title').hidden = kind.value !== 'loader' || design.title === null;
}

async function offerProfiles() {
  const answer = await fetch(new URL('profiles', service), { cache: 'no-store' }).catch(() => null);
  // Without guests there is none to offer, and its name is typed.
  if (answer?.ok) attributes.offer((await answer.json()).profiles);
}

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
