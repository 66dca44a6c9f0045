/** The service's own page: connects the account, the session and the views. */

import { LiveError } from './live/errors.js';
import { LiveSession } from './live/session.js';
import { Account } from './page/account.js';
import { Choices } from './page/choices.js';
import { compose } from './page/composer.js';
import { block, button, element, setText } from './page/elements.js';
import { Log } from './page/log.js';
import { SignIn } from './page/sign-in.js';
import { Stage } from './page/stage.js';

const account = new Account(document.baseURI);
const session = new LiveSession({
  token: new URL('token', document.baseURI),
  getCredential: (situation) => account.credential(situation),
});
session.handleTool('get_local_time', () => ({
  local_time: new Date().toLocaleString('en', { dateStyle: 'full', timeStyle: 'long' }),
  time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
}));

const log = new Log(block('log'), block('said'));
const choices = new Choices(block('choices'));
const stage = new Stage(session);
const composer = compose((text) => attempt(() => session.sendText(text)));
const signIn = new SignIn(account, (profiles) => {
  choices.offer(profiles);
  stage.open();
  setText(block('who'), account.name ?? 'Guest');
  button('leave').textContent = account.name ? 'Sign out' : 'Sign in';
  block('account').hidden = false;
});

session.addEventListener('transcript', ({ detail }) => log.show(detail));
session.addEventListener('tool', ({ detail }) => log.progress(detail));
session.addEventListener('state', ({ detail: { state, error } }) => {
  choices.enable(state === 'idle' || state === 'closed');
  composer.hidden = (state !== 'live' && state !== 'resuming') || session.features?.text === false;
  if (state === 'connecting') log.clear();
  if (state === 'live') block('conversation').hidden = false;
  if (error) fail(error);
});

button('talk').addEventListener('click', () => {
  if (session.state === 'idle' || session.state === 'closed') begin(true);
  else session.close();
});
button('type-only').addEventListener('click', () => begin(false));
button('mute').addEventListener('click', () => {
  session.muted = !session.muted;
  stage.refresh();
});
button('camera').addEventListener('click', () => toggleVideo('camera'));
button('screen').addEventListener('click', () => toggleVideo('screen'));
button('leave').addEventListener('click', () => leave());
signIn.arrive();

/** @param {boolean} microphone */
async function begin(microphone) {
  stage.showError('');
  await attempt(() => session.start({ ...choices.chosen, microphone }));
  if (session.state === 'live' && !microphone) element('text', HTMLTextAreaElement).focus();
}

/** @param {'camera' | 'screen'} kind */
async function toggleVideo(kind) {
  stage.showError('');
  if (stage.showing === kind) session.stopVideo();
  else await attempt(() => (kind === 'camera' ? session.showCamera() : session.showScreen()));
}

/** @param {() => void | Promise<void>} action */
async function attempt(action) {
  try {
    await action();
  } catch (error) {
    if (error instanceof LiveError) fail(error);
    else throw error;
  }
}

/** @param {LiveError} error */
function fail(error) {
  if (error.code === 'hung-up') return;
  if (error.status === 401) leave(error.message);
  else stage.showError(error.message);
}

/** @param {string} [sentence] why, if it was not the person's choice */
function leave(sentence) {
  session.close();
  stage.close();
  log.clear();
  block('conversation').hidden = true;
  block('account').hidden = true;
  account.signOut().catch(() => signIn.showError('You are signed out in this browser, but the site could not be reached. Sign in and out again to sign out there too.'));
  signIn.show(sentence);
}
