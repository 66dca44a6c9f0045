import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { LiveAgent } from '../../../web/widget/element.js';
import english from '../../../web/widget/locales/en.js';
import languages from '../../../web/widget/locales/index.js';
import rare from '../../../web/widget/rare/en.js';

const FOLDER = new URL('../../../web/widget/', import.meta.url);
const DOCUMENT = readFileSync(new URL('../../../docs/embedding.md', import.meta.url), 'utf8');
const SOURCES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.js'))
  .map((name) => readFileSync(new URL(name, FOLDER), 'utf8'))
  .join('\n');
const ELEMENT = readFileSync(new URL('element.js', FOLDER), 'utf8');
/** Those that are properties as well. */
const ATTRIBUTES = ['service', ...Object.keys(LiveAgent.prototype)].map((name) =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));

/** @param {string} title @returns {string} the text below this heading, up to the next of its level */
function section(title) {
  const [, ...rest] = DOCUMENT.split(`\n## ${title}\n`);
  assert.equal(rest.length, 1, `There is no section ${title}.`);
  return rest[0].split('\n## ')[0];
}

/** @param {string} text @param {RegExp} pattern with one group @returns {string[]} */
const found = (text, pattern) => [...new Set([...text.matchAll(pattern)].map(([, name]) => name))].sort();

/** The first cells of a section's tables: what it documents. @param {string} title */
function documented(title) {
  const cells = section(title).matchAll(/^\| (.*?) \|/gm);
  return new Set([...cells].flatMap(([, cell]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name.split('(')[0])));
}

/** @param {string[]} names @param {Set<string>} known */
function allOf(names, known) {
  assert.ok(names.length > 0, 'nothing was read of the source');
  assert.deepEqual(names.filter((name) => !known.has(name)), []);
}

describe('docs/embedding.md documents', () => {
  test('every attribute', () => {
    assert.ok(ATTRIBUTES.includes('push-to-talk'));
    allOf([...ATTRIBUTES, ...LiveAgent.observedAttributes], documented('Attributes'));
  });

  test('every property', () => {
    const properties = Object.entries(Object.getOwnPropertyDescriptors(LiveAgent.prototype)).filter(([, { get }]) => get);
    allOf(properties.map(([name]) => name), documented('Properties'));
  });

  test('every method', () => {
    const ofThePlatform = ['constructor', 'connectedCallback', 'disconnectedCallback', 'connectedMoveCallback', 'adoptedCallback', 'attributeChangedCallback'];
    const ofTheElement = found(ELEMENT, /^ {2}(?:async )?(\w+)\(.*\{$/gm);
    const own = ofTheElement.filter((name) => !ofThePlatform.includes(name) && name !== 'emit');
    allOf([...own, 'LiveAgent.define'], documented('Methods'));
  });

  test('every event', () => {
    const session = readFileSync(new URL('../live/session.js', FOLDER), 'utf8');
    const [, properties] = /@typedef \{object\} SessionEvents\n(.*?)\n \*\n/s.exec(session) ?? [];
    const forwarded = found(properties, /@property \{.*\} (\w+)/g).filter((type) => type !== 'change');
    const types = [...forwarded, ...found(SOURCES, /\bemit\('(\w+)'/g)];
    allOf(types.map((type) => `live-agent-${type}`), documented('Events'));
  });

  test('every custom property', () => {
    allOf(found(SOURCES, /(--live-agent-[a-z-]+)/g), documented('Looks'));
  });

  test('every slot', () => {
    allOf(found(SOURCES, /make\('slot', '\w*', \{ name: '(\w+)' \}/g), documented('Looks'));
    assert.match(section('Looks'), /\| without a name \|/);
  });

  test('every part', () => {
    const made = found(SOURCES, /\bmake\('\w+', ?'([\w -]+)'/g).flatMap((name) => name.split(' '));
    const named = found(SOURCES, /(?:#button|\.note)\((?:`[^`]*`, )?'(\w+)'/g);
    const set = found(SOURCES, /setPart\([\w.]+, (?:\w+ \? )?[`']([\w -]+?)[ `']/g);
    const known = new Set([...section('Looks').matchAll(/`([\w-]+)`/g)].map(([, name]) => name));
    allOf([...made, ...named, ...set], known);
  });

  test('every string, verbatim', () => {
    const rows = new Map([...section('Strings').matchAll(/^\| `(.+?)` \| (.*) \|$/gm)].map(([, key, text]) => [key, text]));
    assert.deepEqual(Object.fromEntries(rows), { ...languages.en, ...english, ...rare });
  });

  test('nothing that does not exist', () => {
    for (const name of documented('Attributes')) assert.ok([...ATTRIBUTES, 'lang'].includes(name), name);
    for (const name of found(section('Looks'), /(--live-agent-[a-z-]+)/g)) assert.ok(SOURCES.includes(name), name);
  });
});

test('the page has the tokens of the widget, with its defaults', () => {
  const declared = [...readFileSync(new URL('../app.css', FOLDER), 'utf8').matchAll(/^ {2}(--live-agent-[a-z-]+): (.*);$/gm)];
  const defaults = new Map([...SOURCES.matchAll(/var\((--live-agent-[a-z-]+), ((?:[^()]|\([^()]*\))*)\)/g)].map(([, name, value]) => [name, value]));
  assert.ok(declared.length > 8);
  for (const [, name, value] of declared) assert.equal(value, defaults.get(name), name);
});

test('the types of the tag name have every attribute', () => {
  const types = readFileSync(new URL('tags.d.ts', FOLDER), 'utf8');
  const [, declared] = /interface LiveAgentAttributes \{(.*?)\}/s.exec(types) ?? [];
  allOf(ATTRIBUTES, new Set(found(declared, /^ {2}'?([\w-]+)'?\?:/gm)));
});
