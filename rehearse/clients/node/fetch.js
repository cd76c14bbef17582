// The global fetch, which is undici's of Node itself.
import { method, body, patience, payload, run, url } from "./common.js";

await run(async () => {
  const signal = AbortSignal.timeout(patience);
  const response = await fetch(url, { method, signal, body: body === "none" ? undefined : payload });
  return { status: response.status, text: await response.text() };
});
