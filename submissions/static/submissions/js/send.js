/**
 * The only module that sends anything. It is handed finished text, never a file.
 */

/** How long to wait before each further try. The key stays the same, so a report that did arrive is not taken twice. */
export const WAIT_SECONDS = [1, 2, 4, 8, 15, 30, 30, 60, 60, 60];
const TRY_AGAIN = [429, 500, 502, 503, 504];

/**
 * @typedef {{status: number, members: Record<string, unknown>}} Reply
 * @typedef {object} Surroundings - What a test replaces.
 * @property {typeof fetch} [fetch]
 * @property {(seconds: number) => Promise<void>} [wait]
 */

let sent = 0;

/** @returns {number} Bytes of all bodies that this page has handed to the network, retries included. */
export function bytesSent() {
  return sent;
}

/** @returns {string} 32 random bytes in base64url, without padding: whoever has it can have the code shown again. */
export function idempotencyKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Post a report, again and again while nobody answers.
 *
 * @param {string} url
 * @param {string} body - JSON; the text that the person has seen.
 * @param {() => void} onWait - Called before each wait.
 * @param {Surroundings} [surroundings]
 * @returns {Promise<Reply | null>} The answer, or null when there was none to the last try.
 */
export async function send(url, body, onWait, surroundings = {}) {
  const wait = surroundings.wait ?? ((seconds) => new Promise((done) => setTimeout(done, seconds * 1000)));
  for (const seconds of [...WAIT_SECONDS, null]) {
    const reply = await post(url, body, surroundings.fetch ?? fetch);
    if (reply && !TRY_AGAIN.includes(reply.status)) return reply;
    if (seconds === null) break;
    onWait();
    await wait(seconds);
  }
  return null;
}

/**
 * @param {string} url
 * @param {string} body
 * @param {typeof fetch} fetch
 * @returns {Promise<Reply | null>} Null when the network failed or the answer was cut short.
 */
async function post(url, body, fetch) {
  sent += new TextEncoder().encode(body).length;
  try {
    const response = await fetch(url, {
      method: "POST",
      body,
      headers: { "Content-Type": "application/json" },
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
    });
    return { status: response.status, members: TRY_AGAIN.includes(response.status) ? {} : await response.json() };
  } catch {
    return null;
  }
}
