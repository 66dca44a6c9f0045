// Tells whether two scripts are one program: the same tree, each part of it on the same line, private names apart, as
// long as each stands for one other.
// Reads [[name, script, other], …] from stdin; prints the names of those that differ, and why.

import { text } from 'node:stream/consumers';
import { parse } from 'acorn';

const POSITIONS = new Set(['start', 'end', 'loc']);

/** @param {string} script */
function tree(script) {
  const program = parse(script, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
  const privates = new Map();
  return JSON.stringify(program, function (key, value) {
    if (key === 'name' && this.type === 'PrivateIdentifier') {
      if (!privates.has(value)) privates.set(value, privates.size);
      return privates.get(value);
    }
    if (typeof value === 'bigint') return `${value}n`;
    if (key !== 'loc') return POSITIONS.has(key) ? undefined : value;
    // Comments around the whole program are no part of it.
    return this.type === 'Program' ? undefined : [value.start.line, value.end.line];
  });
}

const differ = {};
for (const [name, script, other] of JSON.parse(await text(process.stdin))) {
  try {
    if (tree(script) !== tree(other)) differ[name] = 'another tree';
  } catch (error) {
    differ[name] = String(error);
  }
}
console.log(JSON.stringify(differ));
