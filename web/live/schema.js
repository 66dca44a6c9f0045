/** Checks the arguments of a tool call against their declaration; loaded with the first call that has one. */

/** @typedef {import('./connection/token-source.js').Schema} Schema */

/** @type {Record<string, (value: any) => boolean>} */
const TYPES = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  array: Array.isArray,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  null: (value) => value === null,
};

/**
 * @param {unknown} value
 * @param {Schema} schema
 * @param {string} [path] its place in the arguments
 * @throws {TypeError} whose message tells the model what to correct
 */
export function check(value, schema, path = 'args') {
  const types = [schema.type ?? []].flat().map((type) => type.toLowerCase());
  if (schema.nullable) types.push('null');
  // An unknown type is not checked.
  const fits = types.every((type) => !(type in TYPES)) || types.some((type) => TYPES[type]?.(value));
  if (schema.type !== undefined && !fits) throw new TypeError(`${path} must be of type ${types.join(' or ')}.`);
  if (schema.enum && value !== null && !schema.enum.includes(value)) {
    throw new TypeError(`${path} must be one of ${JSON.stringify(schema.enum)}.`);
  }
  if (TYPES.array(value) && schema.items) {
    for (const [index, item] of /** @type {unknown[]} */ (value).entries()) check(item, schema.items, `${path}[${index}]`);
  }
  if (TYPES.object(value)) checkObject(/** @type {Record<string, unknown>} */ (value), schema, path);
}

/** @param {Record<string, unknown>} value @param {Schema} schema @param {string} path */
function checkObject(value, { properties = {}, required = [] }, path) {
  for (const name of required) {
    if (!Object.hasOwn(value, name)) throw new TypeError(`${path}.${name} is missing.`);
  }
  for (const [name, schema] of Object.entries(properties)) {
    if (Object.hasOwn(value, name)) check(value[name], schema, `${path}.${name}`);
  }
}
