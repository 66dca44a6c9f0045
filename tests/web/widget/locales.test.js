import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { LiveError } from '../../../web/live/errors.js';
import { Words, messageFor, remedy, seenBy } from '../../../web/widget/words.js';
import { stopKey } from '../../../web/widget/stopped.js';
import languages, { nearest } from '../../../web/widget/locales/index.js';
import inEnglish from '../../../web/widget/locales/en.js';
import rareInEnglish from '../../../web/widget/rare/en.js';
import { rareWords } from '../../../web/widget/rare-words.js';
import { span } from '../../../web/widget/time-left.js';

/** @typedef {Record<string, string>} Strings */

/** @type {Strings} */
const english = { ...inEnglish, ...rareInEnglish };
const FOLDER = new URL('../../../web/widget/locales/', import.meta.url);
const RARE = new URL('../rare/', FOLDER);
const FILES = readdirSync(FOLDER).filter((name) => name !== 'index.js');
/** @type {[string, Strings][]} */
const LOCALES = await Promise.all(
  FILES.map(async (name) => {
    const language = name.replace('.js', '');
    const [strings, rare] = await Promise.all([FOLDER, RARE].map(async (folder) => (await import(new URL(name, folder).href)).default));
    return /** @type {[string, Strings]} */ ([language, { ...strings, ...rare }]);
  }),
);

/** @param {string} text */
const placeholders = (text) => [...text.matchAll(/\{(\w*)\}/g)].map(([, name]) => name).sort();

/**
 * @param {Strings} strings
 * @param {Strings} model
 * @returns {string[]} each key that only one of the two has, or whose placeholders differ
 */
function differences(strings, model) {
  return [...new Set([...Object.keys(strings), ...Object.keys(model)])].filter(
    (key) =>
      !Object.hasOwn(strings, key) ||
      !Object.hasOwn(model, key) ||
      placeholders(strings[key]).join() !== placeholders(model[key]).join(),
  );
}

test('a built-in consent that says something else is asked for again', () => {
  const source = readFileSync(new URL('../consent.js', FOLDER), 'utf8');
  const [, meaning] = /BUILT_IN_TEXT = (\d+)/.exec(source) ?? [];
  // With another text, raise BUILT_IN_TEXT if it has another meaning.
  assert.deepEqual([meaning, rareInEnglish.consent], [
    '1',
    'What you say and type is sent to Google Gemini, an AI service. Its answers can be wrong.',
  ]);
});

test('there are exactly the twelve documented languages', () => {
  const promised = ['ar', 'de', 'en', 'es', 'fr', 'hi', 'it', 'ja', 'ko', 'pt', 'tr', 'zh'];
  assert.deepEqual(LOCALES.map(([language]) => language).sort(), promised);
  assert.deepEqual(Object.keys(languages).sort(), promised);
  assert.deepEqual(readdirSync(RARE).sort(), promised.map((language) => `${language}.js`));
});

test('a missing string, a surplus one and a wrong placeholder are found', () => {
  assert.deepEqual(differences({ one: '{time}' }, { one: '{time}' }), []);
  assert.deepEqual(differences({}, { one: '' }), ['one']);
  assert.deepEqual(differences({ one: '' }, {}), ['one']);
  assert.deepEqual(differences({ one: '{times}' }, { one: '{time}' }), ['one']);
  assert.deepEqual(differences({ one: '{time' }, { one: '{time}' }), ['one']);
});

for (const [language, strings] of LOCALES) {
  describe(language, () => {
    test('has the keys and placeholders of English', () => {
      assert.deepEqual(differences(strings, english), []);
      assert.deepEqual(Object.keys(strings), Object.keys(english), 'in the same order, for reading side by side');
    });

    test('has the strings of the button', () => {
      assert.deepEqual(Object.keys(languages[language]).sort(), Object.keys(languages.en).sort());
      for (const text of Object.values(languages[language])) assert.notEqual(text.trim(), '');
    });

    test('is completely translated', () => {
      // Words that are the same in some other language, and the one string of nothing but placeholders.
      const shared = ['said', 'message', 'sources', 'agent', 'dismiss', 'volume', 'microphone'];
      const copied = Object.keys(english).filter((key) => strings[key] === english[key] && !shared.includes(key));
      assert.equal(copied.length, language === 'en' ? Object.keys(english).length - shared.length : 0, copied.join());
    });

    test('ends a sentence where English does, with its own full stop', () => {
      const full = { hi: /[।?…]$/, ja: /[。？…]$/, zh: /[。？…]$/, ar: /[.؟…]$/ }[language] ?? /[.?…]$/;
      for (const [key, text] of Object.entries(strings)) {
        assert.equal(full.test(text.replaceAll(/[\u2068\u2069]/g, '')), /[.?…]$/.test(english[key]), `${key}: ${text}`);
      }
    });

    test('follows its own typography', () => {
      for (const [key, text] of [...Object.entries(strings), ...Object.entries(languages[language])]) {
        assert.doesNotMatch(text, /['"]|\.\.\.| {2}|^\s|\s$/, `${key}: ${text}`);
        if (language === 'fr') assert.doesNotMatch(text, /[^\u00a0]:|[^\u202f][;!?]/, `${key}: ${text}`);
        else assert.doesNotMatch(text, /[\s\u00a0\u202f][:;!?]/, `${key}: ${text}`);
        if (language === 'de') assert.doesNotMatch(text, /\p{L}…|\p{L}{2,}\b[^ ]…/u, `${key}: ${text}`);
        if (language === 'es') assert.equal(text.includes('?'), text.includes('¿'), `${key}: ${text}`);
        if (language === 'ja' || language === 'zh') assert.doesNotMatch(text, /[,.:;?!]/, `${key}: ${text}`);
        if (language === 'ar') assert.doesNotMatch(text, /[,;?]/, `${key}: ${text}`);
        assert.equal(text, text.normalize('NFC'), key);
      }
    });

    test('formats numbers and times in its own way', async () => {
      const words = await rareWords(await Words.load(language, {}));
      assert.match(words.text('notice.left', { time: span(language, 45) }), /45|٤٥|४५/);
      assert.match(words.text('wait', { time: words.until(30) }), /30|٣٠|३०/);
      assert.doesNotMatch(words.text('said', { who: words.text('user'), text: 'a' }), /[{}]/);
    });

    test('has a message and a remedy for each error', async () => {
      const words = await rareWords(await Words.load(language, {}));
      for (const key of Object.keys(english).filter((name) => name.startsWith('error.'))) {
        const error = /** @type {any} */ ({ code: key.replace('error.', ''), retryable: true });
        assert.equal(messageFor(error, words), strings[key]);
        assert.ok(words.has(remedy(error)));
      }
    });
  });
}

test('the nearest language is found for any case and region', () => {
  const wanted = { 'pt-BR': 'pt', 'zh-Hant-TW': 'zh', TR: 'tr', en_US: 'en', 'de-CH': 'de', nl: 'en', '': 'en', constructor: 'en' };
  for (const [tag, language] of Object.entries(wanted)) assert.equal(nearest(tag), language);
});

test('a host can override strings', async () => {
  const words = await Words.load('de', { start: 'Los geht’s' });
  assert.equal(words.text('start'), 'Los geht’s');
  assert.equal(words.text('end'), 'Beenden');
});

test('a host that overrides a string with something else gets that, and no error', async () => {
  const words = await Words.load('en', /** @type {any} */ ({ start: null, end: 7 }));
  assert.deepEqual(['start', 'end', 'mute'].map((key) => words.text(key)), ['', '7', 'Mute']);
});

test('rare strings are in the language of the panel, and can be overridden', async () => {
  assert.equal((await rareWords(await Words.load('pt-BR', {}))).text('suggestions'), 'Sugestões da Pesquisa Google');
  const words = await Words.load('de', { 'stopped.answer': 'Nein.' });
  assert.equal((await rareWords(words)).text('stopped.answer'), 'Nein.');
  assert.equal((await rareWords(words)).text('suggestions'), 'Vorschläge der Google-Suche');
});

// The values of the reference's enum, and one of tomorrow.
for (const [key, reasons] of Object.entries({
  'stopped.question': ['PROHIBITED_INPUT_CONTENT', 'IMAGE_PROHIBITED_INPUT_CONTENT', 'INPUT_TEXT_NCII_PROHIBITED', 'INPUT_OTHER', 'INPUT_IP_PROHIBITED', 'BLOCKLIST', 'UNSAFE_PROMPT_FOR_IMAGE_GENERATION'],
  'stopped.answer': ['RESPONSE_REJECTED', 'GENERATED_AUDIO_SAFETY', 'GENERATED_CONTENT_BLOCKLIST', 'GENERATED_IMAGE_IDENTIFIABLE_PEOPLE', 'OUTPUT_IMAGE_IP_PROHIBITED', 'GENERATED_OTHER', 'SOMETHING_NEW'],
  'stopped.failed': ['MALFORMED_FUNCTION_CALL', 'MAX_REGENERATION_REACHED'],
})) {
  test(`why an answer was stopped is told in words: ${key}`, () => {
    for (const reason of reasons) assert.equal(stopKey(reason), key, reason);
  });
}

test('a site that signs nobody in has to fix a required credential, another one asks to sign in', async () => {
  const words = await rareWords(await Words.load('en', {}));
  const refused = new LiveError('authentication-required', 'Send a credential.', { status: 401 });
  const message = (/** @type {boolean} */ guest) => messageFor(seenBy(refused, guest), words);
  assert.match(message(true), /not set up correctly/);
  assert.equal(remedy(seenBy(refused, true)), 'dismiss');
  assert.match(message(false), /signed out/);
  assert.equal(remedy(seenBy(refused, false)), 'retry');
});
