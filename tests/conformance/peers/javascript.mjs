/**
 * Drives Google's JavaScript SDK for the conformance tests.
 *
 * Listens on a port and prints it. Each connection carries lines of JSON in both directions. The
 * first line asks for a token (`mint`) or a session (`connect`) and says where. The session's messages
 * and its close are sent back; further lines are method calls on the session.
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

async function serve(socket) {
  const send = (line) => socket.writable && socket.write(`${JSON.stringify(line)}\n`);
  const lines = createInterface({ input: socket });
  // The test may disconnect with lines still unread.
  lines.on('error', () => {});
  let session;
  for await (const line of lines) {
    const request = JSON.parse(line);
    const { apiKey, apiVersion, baseUrl } = request;
    if (request.close) session.close();
    else if (request.method) session[request.method](request.argument);
    else if (request.mint) send(await mint(client(apiKey, apiVersion, baseUrl), request.mint));
    else {
      const callbacks = {
        onmessage: (message) => send({ message }),
        onerror: () => {},
        onclose: ({ code, reason }) => send({ closed: [code, reason] }),
      };
      // connect() never settles if the WebSocket closes first; that close has been sent by then.
      session = await Promise.race([
        client(apiKey, apiVersion, baseUrl).live.connect({ ...request.connect, callbacks }),
        new Promise((resolve) => socket.once('close', () => resolve())),
      ]);
    }
  }
  session?.close();
}

function client(apiKey, apiVersion, baseUrl) {
  return new GoogleGenAI({ apiKey, apiVersion, httpOptions: { baseUrl } });
}

// Exit with the parent process, which holds the other end of standard input.
process.stdin.resume().on('end', () => process.exit());
const server = createServer((socket) => {
  socket.on('error', () => {});
  serve(socket).catch((error) => socket.end(`${JSON.stringify({ error: `${error}` })}\n`));
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening on ${server.address().port}\n`));
