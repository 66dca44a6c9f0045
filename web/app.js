/** The service's own page: signing in, and the widget. */

import { Account } from './page/account.js';
import { Conversation } from './page/conversation.js';
import { block, button, element } from './page/elements.js';
import { SignIn } from './page/sign-in.js';
import { Words, offerLanguages, preferred } from './page/words.js';

const account = new Account(document.baseURI);
const words = new Words();
const conversation = new Conversation(account, words, () => leave('error.signed-out'));
const signIn = new SignIn(account, words, (profiles) => {
  const { name } = account;
  words.show(block('who'), 'guest');
  if (name !== null) {
    delete block('who').dataset.word;
    block('who').textContent = name;
  }
  words.show(button('leave'), name === null ? 'sign-in' : 'sign-out');
  block('account').hidden = false;
  conversation.open(profiles);
});

button('leave').addEventListener('click', () => leave());
offerLanguages(element('language', HTMLSelectElement), preferred(), speak);
await speak(preferred());
signIn.arrive();

/** @param {string} language */
async function speak(language) {
  // Without its file the page stays as it is.
  await words.speak(language).catch(() => {});
  conversation.speak();
}

/** @param {string} [error] the key of why, if it was not the person's choice */
function leave(error) {
  conversation.close();
  block('account').hidden = true;
  const signedOut = account.signOut();
  signIn.show(error);
  signedOut.catch(() => signIn.showError('error.sign-out'));
}
