/** Checks the arguments of a tool call against their declaration; loaded with the first call that has one. */

/** @typedef {import('./connection/token-source.js').Schema} Schema */

/**
 * The type of what a schema describes.
 * @template S
 * @typedef {S extends { nullable: true } ? Described<Omit<S, 'nullable'>> | null
 *   : S extends { enum: readonly (infer Value)[] } ? Value
 *   : S extends { type: infer Type } ? (Type extends readonly (infer One)[] ? DescribedAs<One, S> : DescribedAs<Type, S>)
 *   : unknown} Described
 */
/**
 * @template Type
 * @template S
 * @typedef {Type extends 'string' | 'STRING' ? string
 *   : Type extends 'number' | 'NUMBER' | 'integer' | 'INTEGER' ? number
 *   : Type extends 'boolean' | 'BOOLEAN' ? boolean
 *   : Type extends 'null' | 'NULL' ? null
 *   : Type extends 'array' | 'ARRAY' ? (S extends { items: infer Item } ? Described<Item>[] : unknown[])
 *   : Type extends 'object' | 'OBJECT' ? DescribedObject<S>
 *   : unknown} DescribedAs
 */
/**
 * @template S
 * @typedef {S extends { properties: infer Properties }
 *   ? { [Name in keyof Properties & RequiredNames<S>]: Described<Properties[Name]> }
 *     & { [Name in Exclude<keyof Properties, RequiredNames<S>>]?: Described<Properties[Name]> }
 *   : Record<string, unknown>} DescribedObject
 */
/**
 * The names that an object must have.
 * @template S
 * @typedef {S extends { required: readonly (infer Name)[] } ? Name : never} RequiredNames
 */

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
