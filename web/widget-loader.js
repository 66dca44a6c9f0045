/**
 * Adds `<live-agent>` to a page: a classic script, for tag managers and content management systems.
 * Its `data-*` attributes, or the parameters of its address, become the element's attributes.
 */
(async () => {
  const itself = 'script[src*="/widget-loader.js"]';
  const { currentScript } = document; // null in a module; another one if an optimizer has joined scripts
  const found = currentScript?.matches(itself) ? currentScript : document.querySelector(itself);
  const script = /** @type {HTMLScriptElement | null} */ (found);
  if (!script) throw new Error(`widget-loader.js: the page has no ${itself}`);
  const { href, searchParams } = new URL(script.src);
  const given = Object.fromEntries(searchParams);
  given.service ??= href.replace(/(assets\/[^/]+\/)?widget-loader\.js.*/, '');
  for (const { name, value } of script.attributes) {
    if (name.startsWith('data-')) given[name.slice(5)] = value;
  }
  const { target, 'get-credential': credential, ...attributes } = given;
  if (target) attributes.mode ??= 'inline';
  if (document.readyState === 'loading') {
    await new Promise((resolve) => document.addEventListener('DOMContentLoaded', resolve));
  }

  // The page may have an element already, or load this script twice.
  if (!document.querySelector('live-agent')) {
    const place = target ? document.querySelector(target) : document.body;
    if (!place) throw new Error(`widget-loader.js: nothing in the page matches data-target="${target}"`);
    const agent = /** @type {import('./widget/element.js').LiveAgent} */ (document.createElement('live-agent'));
    for (const [name, value] of Object.entries(attributes)) agent.setAttribute(name, value);
    // Looked up at each call, because the page may define it later.
    if (credential) agent.getCredential = (situation) => Reflect.get(globalThis, credential)(situation);
    place.append(agent);
  }

  // An import passes on the script's nonce, and needs no Trusted Type.
  const service = new URL(attributes.service.replace(/\/?$/, '/'), document.baseURI);
  if (!customElements.get('live-agent')) await import(new URL('widget.js', service).href);
})();
