// What every client here does: workers that think, ask and count, until standard input ends.
const { URL: url, EXPECT: expect, BODY: body, WORKERS, THINK_MIN_MS, THINK_MAX_MS, BODY_BYTES } =
  process.env;

// Longer than any right answer takes: what is not there by then is lost.
export const patience = 10_000;

export { body, url };
export const payload = "x".repeat(Number(BODY_BYTES));
export const method = body === "none" ? "GET" : "POST";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// `ask` makes one request and gives `{ status, text }`, or throws.
export async function run(ask) {
  let stopped = false;
  process.stdin.on("end", () => (stopped = true)).resume();
  let [requests, right] = [0, 0];
  const failures = {};

  async function count() {
    requests += 1;
    try {
      const { status, text } = await ask();
      if (status !== 200 || !text.includes(expect)) {
        throw new Error(`status ${status}: ${text.slice(0, 80)}`);
      }
      right += 1;
      if (right === 1) console.log("up");
    } catch (error) {
      const reason = error.cause ?? error;
      const kind = [reason.code, reason.message].filter(Boolean).join(" ");
      failures[kind] = (failures[kind] ?? 0) + 1;
    }
  }

  async function worker() {
    const [least, most] = [Number(THINK_MIN_MS), Number(THINK_MAX_MS)];
    for (;;) {
      await sleep(least + Math.random() * (most - least));
      if (stopped) return;
      await count();
    }
  }

  await Promise.all(Array.from({ length: Number(WORKERS) }, worker));
  console.log(JSON.stringify({ requests, failures }));
  process.exit(0);
}
