// node:http2, which has no pool: one session for all, and a new one once it is closing, as its
// users write it. Nothing is sent again.
import http2 from "node:http2";
import { body, method, patience, payload, run, url } from "./common.js";

const { origin, pathname, search } = new URL(url);
let session;

function open() {
  if (session === undefined || session.closed || session.destroyed) {
    session = http2.connect(origin);
    // Each of its streams is told, too.
    session.on("error", () => {});
  }
  return session;
}

await run(
  () =>
    new Promise((resolve, reject) => {
      const stream = open().request({ ":method": method, ":path": pathname + search });
      let [status, text] = [0, ""];
      stream.setEncoding("utf8");
      stream.setTimeout(patience, () => stream.destroy(new Error("timeout")));
      stream.on("response", (headers) => (status = headers[":status"]));
      stream.on("data", (chunk) => (text += chunk));
      stream.on("error", reject);
      stream.on("close", () =>
        status !== 0 && stream.rstCode === 0
          ? resolve({ status, text })
          : reject(new Error(`closed by ${stream.rstCode}, status ${status}`)),
      );
      stream.end(body === "none" ? undefined : payload);
    }),
);
