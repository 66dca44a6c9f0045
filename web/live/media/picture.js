/** Makes JPEGs of pictures and of frames; loaded with the first one. */

import { LiveError } from '../errors.js';

/** The Live API scales larger ones down. */
const LONG_SIDE = 768;
const QUALITY = 0.8;

/**
 * @param {OffscreenCanvas} canvas resized, and drawn over
 * @param {CanvasImageSource} picture
 * @param {number} width of the picture, in pixels
 * @param {number} height
 * @returns {Promise<Uint8Array>} at most 768 pixels on the long side
 */
export async function encode(canvas, picture, width, height) {
  const scale = Math.min(1, LONG_SIDE / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
  // What is transparent would be black.
  pen.fillStyle = 'white';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return bytesOf(await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY }));
}

/**
 * @param {Blob} blob any picture that the browser can show
 * @returns {Promise<Uint8Array>} at most 768 pixels on the long side; a JPEG stays as it is where there is no canvas
 * @throws {LiveError} `image-unreadable`
 */
export async function jpegOf(blob) {
  try {
    if (typeof createImageBitmap === 'undefined' && blob.type === 'image/jpeg') return bytesOf(blob);
    const picture = await createImageBitmap(blob);
    const jpeg = await encode(new OffscreenCanvas(1, 1), picture, picture.width, picture.height);
    picture.close();
    return jpeg;
  } catch (cause) {
    throw new LiveError('image-unreadable', 'This picture cannot be read. Please choose another one.', { cause });
  }
}

/** @param {Blob} blob */
const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());
