/** The lines that an embedding site copies. */

/**
 * What `GET /embed.json` answers.
 * @typedef {object} Deployment
 * @property {string} service the service's public origin
 * @property {string} websocket the origin of the Live API for its tokens
 */

/**
 * @param {Deployment} deployment
 * @param {Record<string, string>} attributes an empty value is a boolean attribute
 */
export function snippet({ service }, attributes) {
  const written = Object.entries(attributes).map(([name, value]) => (value === '' ? ` ${name}` : ` ${name}=${quoted(value)}`));
  return `<script type="module" src=${quoted(`${service}/widget.js`)}></script>\n<live-agent${written.join('')}></live-agent>`;
}

/** @param {Deployment} deployment */
export function policy({ service, websocket }) {
  return `script-src 'self' ${service}; connect-src 'self' ${service} ${websocket};`;
}

/** @param {Deployment} deployment */
export function remote({ service }) {
  return `console.table(await (await import(${JSON.stringify(`${service}/embed/doctor.js`)})).examine())`;
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

/** @param {string} value of an HTML attribute */
function quoted(value) {
  return `"${value.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')}"`;
}
