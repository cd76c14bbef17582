// undici's request() with its global dispatcher.
import { request } from "undici";
import { body, method, patience, payload, run, url } from "./common.js";

await run(async () => {
  const response = await request(url, {
    method,
    signal: AbortSignal.timeout(patience),
    body: body === "none" ? undefined : payload,
  });
  return { status: response.statusCode, text: await response.body.text() };
});
