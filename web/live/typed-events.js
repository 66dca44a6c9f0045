/** An EventTarget with typed events. */

/**
 * @template {Record<string, unknown>} Details
 * @typedef {<Type extends keyof Details & string>(type: Type, detail: Details[Type]) => void} Emit
 */

/** @template {Record<string, unknown>} Details the detail of each event, by its type */
export class TypedEvents extends EventTarget {
  /**
   * @template {keyof Details & string} Type
   * @override
   * @param {Type} type
   * @param {((event: CustomEvent<Details[Type]>) => void) | EventListenerObject | null} listener
   * @param {boolean | AddEventListenerOptions} [options]
   */
  addEventListener(type, listener, options) {
    super.addEventListener(type, /** @type {EventListener | null} */ (listener), options);
  }

  /**
   * @template {keyof Details & string} Type
   * @override
   * @param {Type} type
   * @param {((event: CustomEvent<Details[Type]>) => void) | EventListenerObject | null} listener
   * @param {boolean | EventListenerOptions} [options]
   */
  removeEventListener(type, listener, options) {
    super.removeEventListener(type, /** @type {EventListener | null} */ (listener), options);
  }

  /**
   * @template {keyof Details & string} Type
   * @protected
   * @param {Type} type
   * @param {Details[Type]} detail
   */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
