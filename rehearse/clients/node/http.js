// node:http with its global agent, which keeps connections (Node 19 and later).
import http from "node:http";
import { body, method, patience, payload, run, url } from "./common.js";

await run(
  () =>
    new Promise((resolve, reject) => {
      const request = http.request(url, { method, timeout: patience }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () => resolve({ status: response.statusCode, text }));
        response.on("error", reject);
      });
      request.on("timeout", () => request.destroy(new Error("timeout")));
      request.on("error", reject);
      request.end(body === "none" ? undefined : payload);
    }),
);
