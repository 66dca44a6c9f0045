/** The lines that an embedding site copies. */

/**
 * What `GET /embed.json` answers.
 * @typedef {object} Deployment
 * @property {string} service the service's public address, without a slash at its end
 * @property {string} websocket the origin of the Live API for its tokens
 */

/** @typedef {import('./attributes.js').Design} Design */

const PACKAGE = 'tokensvc-live/widget';

/**
 * The lines for each kind of site.
 * @type {Record<string, (service: string, design: Design) => string>}
 */
const SNIPPETS = {
  html: (service, { attributes, title }) => {
    const slot = title === null ? '' : `<span slot="title">${escaped(title)}</span>`;
    const script = `<script type="module" src=${quoted(`${service}/widget.js`)}></script>`;
    return `${script}\n<live-agent${written(attributes)}>${slot}</live-agent>`;
  },
  react: (service, { attributes, title }) => {
    const slot = title === null ? '' : `\n    <span slot="title">{${JSON.stringify(title)}}</span>\n  `;
    return [
      `import { LiveAgent } from ${JSON.stringify(PACKAGE)};`,
      '',
      `LiveAgent.defaultService = ${JSON.stringify(`${service}/`)};`,
      '',
      `export const Assistant = () => (\n  <live-agent${written(attributes)}>${slot}</live-agent>\n);`,
    ].join('\n');
  },
  // It adds the element to the page, without content.
  loader: (service, { attributes }) =>
    `<script async src=${quoted(`${service}/widget-loader.js`)}${written(attributes, 'data-')}></script>`,
};

/**
 * @param {string} kind `html`, `react` or `loader`
 * @param {Deployment} deployment
 * @param {Design} design
 */
export function snippet(kind, { service }, design) {
  return SNIPPETS[kind](service, design);
}

/** @param {Design} design @returns {string} rules for the site's style sheet, as a strict policy allows; may be empty */
export function styles({ accent }) {
  const lines = colors(accent).map(([property, value]) => `  ${property}: ${value};\n`);
  return lines.length === 0 ? '' : `live-agent {\n${lines.join('')}}`;
}

/**
 * @param {string | null} accent such as `#1c6b58`
 * @returns {[property: string, value: string][]} the accent, and black or white on it, whichever has more contrast
 */
export function colors(accent) {
  if (accent === null) return [];
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(accent.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return [['--live-agent-accent', accent], ['--live-agent-on-accent', luminance > 0.179 ? '#000000' : '#ffffff']];
}

/** @param {Deployment} deployment */
export function policy({ service, websocket }) {
  const { origin } = new URL(service); // a path would have to match exactly
  return `script-src 'self' ${origin}; connect-src 'self' ${origin} ${websocket}; frame-src 'self' ${origin};`;
}

/** @param {Deployment} deployment @param {Design} design */
export function remote({ service }, { attributes: { profile } }) {
  const asked = profile === undefined ? '' : `{ profile: ${JSON.stringify(profile)} }`;
  return `console.table(await (await import(${JSON.stringify(`${service}/embed/doctor.js`)})).examine(${asked}))`;
}

/**
 * @param {string} site as typed
 * @returns {string | null} null unless it is an origin that the service accepts
 */
export function allowed(site) {
  if (!URL.canParse(site)) return null;
  const { origin, protocol, hostname, pathname, search, hash } = new URL(site);
  const local = protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  if ((protocol !== 'https:' && !local) || pathname !== '/' || search || hash || site.includes('*')) return null;
  return `[http]\norigins = ["${origin}"]`;
}

/** @param {Record<string, string | true>} attributes @param {string} [prefix] */
function written(attributes, prefix = '') {
  const each = Object.entries(attributes).map(([name, value]) => (value === true ? name : `${name}=${quoted(value)}`));
  return each.map((attribute) => ` ${prefix}${attribute}`).join('');
}

/** @param {string} value of an attribute, in HTML or JSX */
function quoted(value) {
  return `"${escaped(value).replaceAll('"', '&quot;')}"`;
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
