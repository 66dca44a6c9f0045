/**
 * Google's JavaScript SDK, led by the rows of the conformance table.
 *
 * Listens on a port and prints it. Each connection is one errand, lines of JSON both ways: the first
 * says what (`mint` or `connect`) and where; a session's messages and its close come back, and what
 * comes in after that is said in it.
 */

import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { ApiError, GoogleGenAI } from '@google/genai';

// The SDK warns on each connection that tokens are experimental; standard output is the port.
console.warn = () => {};

async function mint(ai, config) {
  try {
    return { status: 200, body: await ai.authTokens.create({ config }) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { status: error.status, body: JSON.parse(error.message) };
  }
}

async function errand(socket) {
  const tell = (line) => socket.writable && socket.write(`${JSON.stringify(line)}\n`);
  const lines = createInterface({ input: socket });
  // Who has heard enough hangs up, and may leave something unread.
  lines.on('error', () => {});
  let session;
  for await (const line of lines) {
    const asked = JSON.parse(line);
    const { apiKey, apiVersion, baseUrl } = asked;
    if (asked.close) session.close();
    else if (asked.method) session[asked.method](asked.argument);
    else if (asked.mint) tell(await mint(client(apiKey, apiVersion, baseUrl), asked.mint));
    else {
      const callbacks = {
        onmessage: (message) => tell({ message }),
        onerror: () => {},
        onclose: ({ code, reason }) => tell({ closed: [code, reason] }),
      };
      // It never settles when the socket closes first; the close has been told by then.
      session = await Promise.race([
        client(apiKey, apiVersion, baseUrl).live.connect({ ...asked.connect, callbacks }),
        new Promise((resolve) => socket.once('close', () => resolve())),
      ]);
    }
  }
  session?.close();
}

function client(apiKey, apiVersion, baseUrl) {
  return new GoogleGenAI({ apiKey, apiVersion, httpOptions: { baseUrl } });
}

// Whoever started this has gone: nobody else will stop it.
process.stdin.resume().on('end', () => process.exit());
const server = createServer((socket) => {
  socket.on('error', () => {});
  errand(socket).catch((error) => socket.end(`${JSON.stringify({ error: `${error}` })}\n`));
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening on ${server.address().port}\n`));
