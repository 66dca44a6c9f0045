import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { mediaError, obstacle } from '../../../../web/live/media/media-errors.js';

/** @param {string} name */
const thrown = (name) => new DOMException('in the words of a browser', name);

/** Sets the globals of a page. @param {Record<string, unknown>} globals */
function page(globals) {
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true });
  }
}

/** @param {boolean | undefined} allowed by the Permissions Policy; undefined where the browser does not tell */
function policy(allowed) {
  page({ document: allowed === undefined ? {} : { featurePolicy: { allowsFeature: () => allowed } } });
  page({ isSecureContext: true, AudioContext: class { setSinkId() {} } });
  page({ navigator: { mediaDevices: { getUserMedia() {}, getDisplayMedia() {} } } });
}

afterEach(() => page({ AudioContext: undefined, document: undefined, navigator: undefined, isSecureContext: undefined, top: undefined, self: undefined }));

for (const [name, kind, codes] of /** @type {[string, string, string[]][]} */ ([
  ['NotAllowedError', 'refused', ['microphone-refused', 'camera-refused', 'screen-refused', 'speaker-refused']],
  ['SecurityError', 'refused', ['microphone-refused', 'camera-refused', 'screen-refused', 'speaker-refused']],
  ['NotFoundError', 'missing', ['microphone-missing', 'camera-missing', 'screen-missing', 'speaker-missing']],
  ['OverconstrainedError', 'missing', ['microphone-missing', 'camera-missing', 'screen-missing', 'speaker-missing']],
  ['NotReadableError', 'busy', ['microphone-busy', 'camera-busy', 'screen-busy', 'speaker-busy']],
])) {
  test(`${name} means that a device is ${kind}`, () => {
    policy(undefined);
    for (const code of codes) {
      const device = /** @type {import('../../../../web/live/media/media-errors.js').Device} */ (code.split('-')[0]);
      const error = mediaError(device, thrown(name));
      assert.equal(error.code, code);
      assert.ok(error.retryable);
      assert.match(error.message, /^[A-Z][^]*\.$/, 'a sentence');
      assert.ok(!error.message.includes('browser\n') && !error.message.includes('in the words'), 'of our own');
    }
  });
}

test('an error that is not a DOMException is recognized by its name', () => {
  policy(undefined);
  assert.equal(mediaError('camera', { name: 'OverconstrainedError' }).code, 'camera-missing');
});

test('a device that a policy forbids is not reported as denied by the person', () => {
  policy(false);
  for (const [device, code] of /** @type {const} */ ([
    ['microphone', 'microphone-forbidden'],
    ['camera', 'camera-forbidden'],
    ['screen', 'screen-forbidden'],
    ['speaker', 'speaker-forbidden'],
  ])) {
    const error = mediaError(device, thrown('NotAllowedError'));
    assert.equal(error.code, code);
    assert.ok(!error.retryable, 'only the owner can change it');
  }
  policy(true);
  assert.equal(mediaError('microphone', thrown('NotAllowedError')).code, 'microphone-refused');
});

test('in a frame the embedding page is blamed', () => {
  policy(false);
  page({ top: {}, self: globalThis });
  assert.match(mediaError('microphone', thrown('NotAllowedError')).message, /^The page that embeds this one does not allow/);
  page({ top: globalThis, self: globalThis });
  assert.match(mediaError('microphone', thrown('NotAllowedError')).message, /^This site does not allow/);
});

test('an unsupported device is reported before the person is asked', () => {
  page({ isSecureContext: true, navigator: {} });
  for (const [device, code] of /** @type {const} */ ([
    ['microphone', 'microphone-unsupported'],
    ['camera', 'camera-unsupported'],
    ['screen', 'screen-unsupported'],
    ['speaker', 'speaker-unsupported'],
  ])) {
    assert.equal(obstacle(device)?.code, code);
    assert.equal(mediaError(device, new TypeError('undefined is not a function')).code, code);
  }
  page({ navigator: { mediaDevices: { getUserMedia() {} } } });
  assert.equal(obstacle('microphone'), null);
  assert.equal(obstacle('screen')?.code, 'screen-unsupported', 'as on telephones');
});

test('an insecure page is reported before anything else', () => {
  page({ isSecureContext: false, navigator: {} });
  assert.equal(obstacle('microphone')?.code, 'insecure-page');
});
