/** Answers with links and simple Markdown, as elements; loaded with the first answer that has such marks. */

import { make } from './dom.js';
import { addStyles } from './extra-styles.js';
import { harmless, link } from './links.js';
import { rareWords } from './rare-words.js';

/**
 * A piece of a line: plain text, code, or others within.
 * @typedef {string | {kind: 'code', text: string} | {kind: 'strong' | 'em', inside: Inline[]} | {kind: 'link', inside: Inline[], address: URL}} Inline
 *
 * @typedef {{depth: number, first: number | null, inside: Inline[]}} Item `first`: its number, of a numbered list
 * @typedef {{kind: 'text' | 'heading', inside: Inline[]} | {kind: 'code', text: string} | {kind: 'list', items: Item[]}} Block
 */

/** Of an answer: what follows is plain text. */
const MOST_BLOCKS = 200;
const MOST_ELEMENTS = 400;
/** Of the log, in elements: further answers are plain text until earlier ones are dropped. */
const MOST_IN_LOG = 10_000;
const DEEPEST_LIST = 3;
const ITEM = /^(\s*)(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;
const FENCE = /^\s*```/;
// Bounded, so that no answer takes long to read. What is not closed yet is plain text.
const INLINE = new RegExp(
  [
    '`(?<code>[^`\\n]{1,500})`',
    '\\*\\*(?=[^\\s*])(?<strong>(?:[^*\\n]|\\*(?!\\*)){1,500})(?<=\\S)\\*\\*',
    '(?<![\\w*])\\*(?=[^\\s*])(?<em>[^*\\n]{1,500})(?<=\\S)\\*(?![\\w*])',
    '(?<![\\w_])_(?=[^\\s_])(?<em2>[^_\\n]{1,500})(?<=\\S)_(?![\\w_])',
    '(?<!!)\\[(?<label>[^\\[\\]\\n]{1,300})\\]\\((?<target>[^\\s()]{1,1000}(?:\\([^\\s()]{0,200}\\)[^\\s()]{0,200})?)(?: "[^"\\n]{0,200}")?\\)',
    '(?<bare>\\b(?:https?://|mailto:)[^\\s<>"`*\\[\\]\\u3000-\\u303f\\uff01-\\uff5e]{1,1000})',
  ].join('|'),
  'gu',
);

/** @param {string} text of an answer, which may go on @returns {Block[]} */
export function parse(text) {
  /** @type {Block[]} */
  const blocks = [];
  /** @type {string[]} of the paragraph, or of the code */
  let lines = [];
  let fenced = false;
  let items = 0;
  const close = () => {
    if (fenced) blocks.push({ kind: 'code', text: lines.join('\n') });
    else if (lines.length > 0) blocks.push({ kind: 'text', inside: inline(lines.join('\n')) });
    lines = [];
  };
  const all = text.split(/\r?\n/);
  for (const [index, line] of all.entries()) {
    if (blocks.length + items >= MOST_BLOCKS) {
      blocks.push({ kind: 'text', inside: [[...lines, ...all.slice(index)].join('\n')] });
      return blocks;
    }
    const heading = HEADING.exec(line)?.[1];
    const item = ITEM.exec(line);
    if (FENCE.test(line)) {
      close();
      fenced = !fenced;
    } else if (fenced) lines.push(line);
    else if (line.trim() === '') close();
    else if (heading !== undefined) {
      close();
      blocks.push({ kind: 'heading', inside: inline(heading) });
    } else if (item) {
      close();
      items += 1;
      add(blocks, item);
    } else lines.push(line);
  }
  close();
  return blocks;
}

/** @param {Block[]} blocks @param {RegExpExecArray} item to be added to the list that is last, or to a new one */
function add(blocks, [, indent, number, text]) {
  const first = number === undefined ? null : Number(number);
  const depth = Math.min(Math.floor(indent.length / 2), DEEPEST_LIST);
  const last = blocks.at(-1);
  const continues = last?.kind === 'list' && (depth > 0 || (first === null) === (last.items[0].first === null));
  const items = continues ? last.items : [];
  if (!continues) blocks.push({ kind: 'list', items });
  items.push({ depth, first, inside: inline(text) });
}

/** @param {string} text @returns {Inline[]} */
function inline(text) {
  /** @type {Inline[]} */
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const { code, strong, em, em2 = em, label, target, bare } = match.groups ?? {};
    const found = bare ?? target;
    // A sentence's punctuation is not part of an address.
    const url = bare?.replace(/[.,:;!?'’”)]+$/, (last) => (last.startsWith(')') && bare.includes('(') ? ')' : '')) ?? target;
    const address = found && harmless(url);
    if (found && !address) continue;
    if (match.index > end) pieces.push(text.slice(end, match.index));
    end = match.index + match[0].length;
    if (address) {
      pieces.push({ kind: 'link', inside: bare ? [url] : inline(label), address });
      if (bare) end = match.index + url.length;
    } else if (code) pieces.push({ kind: 'code', text: code });
    else if (strong) pieces.push({ kind: 'strong', inside: inline(strong) });
    else pieces.push({ kind: 'em', inside: inline(em2) });
  }
  if (end < text.length) pieces.push(text.slice(end));
  return pieces;
}

/** @param {string} text @returns {string} as it is read out, without marks */
export function plain(text) {
  const lines = parse(text).flatMap((block) => {
    if (block.kind === 'list') return block.items.map(({ first, inside }) => `${first === null ? '' : `${first}. `}${unmarked(inside)}`);
    return block.kind === 'code' ? block.text : unmarked(block.inside);
  });
  return lines.join('\n');
}

/** @param {Inline[]} pieces @returns {string} */
function unmarked(pieces) {
  return pieces.map((piece) => (typeof piece === 'string' ? piece : piece.kind === 'code' ? piece.text : unmarked(piece.inside))).join('');
}

/**
 * Draws an answer in its line. What has not changed stays, with the focus and what is selected there.
 * @param {HTMLElement} line of the log, with who speaks and what was said
 * @param {string} text
 * @param {import('./words.js').Words} common
 * @throws {import('../live/errors.js').LiveError} `page-incomplete`
 */
export async function draw(line, text, common) {
  const words = await rareWords(common);
  const before = line.children[1];
  const full = (line.parentElement?.getElementsByTagName('*').length ?? Infinity) > MOST_IN_LOG;
  if (full && !before.matches('.said')) return;
  const said = new Drawing(words).answer(parse(text));
  if (before.matches('.said')) {
    become(before, said);
    return;
  }
  before.replaceWith(said);
  addStyles(line);
}

/** @param {Node} old gets the children of the other, except for those that are equal @param {Node} fresh */
function become(old, fresh) {
  const children = [...fresh.childNodes];
  for (const [index, child] of children.entries()) {
    const before = old.childNodes[index];
    if (!before) old.appendChild(child);
    else if (before.isEqualNode(child)) continue;
    else if (before instanceof Text && child instanceof Text) before.data = child.data;
    else if (before.cloneNode().isEqualNode(child.cloneNode())) become(before, child);
    else old.replaceChild(child, before);
  }
  while (old.childNodes.length > children.length) old.lastChild?.remove();
}

class Drawing {
  #words;
  #left = MOST_ELEMENTS;

  /** @param {import('./words.js').Words} words */
  constructor(words) {
    this.#words = words;
  }

  /** @param {Block[]} blocks */
  answer(blocks) {
    return make('div', 'said', { dir: 'auto' }, ...blocks.map((block) => this.#block(block)));
  }

  /** @param {Block} block @returns {HTMLElement} */
  #block(block) {
    if (block.kind === 'code') return make('pre', 'code', { dir: 'ltr' }, make('code', '', {}, block.text));
    if (block.kind === 'list') return this.#list(block.items);
    const inside = this.#inline(block.inside);
    return make('p', '', { dir: 'auto' }, ...(block.kind === 'heading' ? [make('strong', '', {}, ...inside)] : inside));
  }

  /** @param {Item[]} items @returns {HTMLElement} with a list in each item that deeper ones follow */
  #list(items) {
    const [{ depth, first }] = items;
    const list = first === null ? make('ul', '') : make('ol', '', { start: `${first}` });
    for (let at = 0; at < items.length; ) {
      const { inside } = items[at];
      let end = at + 1;
      while (end < items.length && items[end].depth > depth) end += 1;
      const deeper = items.slice(at + 1, end);
      list.append(make('li', '', { dir: 'auto' }, ...this.#inline(inside), ...(deeper.length > 0 ? [this.#list(deeper)] : [])));
      at = end;
    }
    return list;
  }

  /** @param {Inline[]} pieces @returns {(Node | string)[]} */
  #inline(pieces) {
    return pieces.flatMap((piece) => {
      if (typeof piece === 'string') return [piece];
      this.#left -= 1;
      if (piece.kind === 'code') return [this.#left < 0 ? piece.text : make('code', '', {}, piece.text)];
      const inside = this.#inline(piece.inside);
      if (this.#left < 0) return inside;
      if (piece.kind === 'link') return link(piece.address, inside, 'source', this.#words);
      return [make(piece.kind, '', {}, ...inside)];
    });
  }
}
