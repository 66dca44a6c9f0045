/**
 * The frame in which Google's Search Suggestions are shown, as they are. It is sandboxed, and its policy runs no script but
 * this one: what is shown comes from outside.
 */

addEventListener('message', ({ source, data, ports: [port] }) => {
  if (source !== parent || typeof data !== 'string' || !port) return;
  document.body.innerHTML = data;
  const tell = () => port.postMessage(document.body.offsetHeight);
  // At once too, because a frame that is not in view is not observed.
  tell();
  new ResizeObserver(tell).observe(document.body);
});
