// A conformance backend with one operation, encode.poisson; protocol.md and semantics.md say what is due.

const hello = {
  protocol: 1,
  name: "my-backend",
  version: "0.1.0",
  language: "JavaScript",
  ops: ["encode.poisson"],
  codes: ["simulate.steps", "input.seed", "input.sample", "input.shape", "input.range"],
  profiles: ["sequential-f64"],
};
const largestInteger = 2n ** 53n - 1n;
const mostSteps = 2n ** 20n;
const nonFinite = new Map([["NaN", NaN], ["Infinity", Infinity], ["-Infinity", -Infinity]]);

// JSON.parse cannot tell 2 from 2.0, but the rules can: here Integers become BigInts, and all else is as usual.
function parse(line) {
  const token = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  const tagged = line.replace(token, (text, string, colon) => {
    if (string) return colon ? text : `"s${text.slice(1)}`;
    return /^-?\d+$/.test(text) ? `"i${text}"` : text;
  });
  const untag = (text) => (text[0] === "i" ? BigInt(text.slice(1)) : text.slice(1));
  return JSON.parse(tagged, (_, value) => (typeof value === "string" ? untag(value) : value));
}

// The four 32-bit words of Philox4x32-10.
function philox([c0, c1, c2, c3], [k0, k1]) {
  for (let round = 0; round < 10; round++) {
    const [left, right] = [0xd2511f53n * c0, 0xcd9e8d57n * c2];
    [c0, c1, c2, c3] = [(right >> 32n) ^ c1 ^ k0, low(right), (left >> 32n) ^ c3 ^ k1, low(left)];
    [k0, k1] = [low(k0 + 0x9e3779b9n), low(k1 + 0xbb67ae85n)];
  }
  return [c0, c1, c2, c3];
}

const low = (value) => BigInt.asUintN(32, value);

function reject(code, path, message) {
  throw { verdict: "reject", code, path, message };
}

function checkInteger(value, lowest, highest, code, path) {
  if (typeof value === "bigint" && lowest <= value && value <= highest) return value;
  return reject(code, path, `not an Integer within ${lowest} … ${highest}`);
}

// All rates are checked for their type before any is checked for its range.
function checkRates(value) {
  if (!Array.isArray(value)) reject("input.shape", "/rates", "not a list");
  const rates = value.map((rate, index) => {
    if (nonFinite.has(rate)) return nonFinite.get(rate);
    if (typeof rate === "bigint" || typeof rate === "number") return Number(rate);
    return reject("input.shape", `/rates/${index}`, "not a Number");
  });
  const outside = rates.findIndex((rate) => !(0 <= rate && rate <= 1));
  return outside < 0 ? rates : reject("input.range", `/rates/${outside}`, "not within [0, 1]");
}

// The spike trains of one sample; the checks stand in the order of the rules.
function encodePoisson(given) {
  const steps = checkInteger(given.steps, 1n, mostSteps, "simulate.steps", "/steps");
  const seed = checkInteger(given.seed, 0n, largestInteger, "input.seed", "/seed");
  const sample = checkInteger("sample" in given ? given.sample : 0n, 0n, largestInteger, "input.sample", "/sample");
  const rates = checkRates(given.rates);
  const spikes = Array.from({ length: Number(steps) }, (_, step) => {
    const words = [];
    for (let block = 0; 4 * block < rates.length; block++)
      words.push(...philox([BigInt(step), BigInt(block), low(sample), sample >> 32n], [low(seed), seed >> 32n]));
    return [...rates.keys()].filter((index) => Number(words[index]) < rates[index] * 4294967296);
  });
  return { spikes };
}

const operations = { "encode.poisson": encodePoisson };

// The verdict on one request; a fault of this program costs its case, not the run.
function answer({ op, input }) {
  if (!Object.hasOwn(operations, op)) return { verdict: "unsupported", reason: `no operation ${op}` };
  try {
    return { verdict: "accept", output: operations[op](input) };
  } catch (thrown) {
    return thrown.verdict ? thrown : { verdict: "error", message: String(thrown) };
  }
}

// Not node:readline: it also takes U+2028, which a JSON string may hold, for the end of a line.
let rest = "";
process.stdin.setEncoding("utf8").on("data", (chunk) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop();
  for (const request of lines.map(parse)) {
    if (request.cmd === "bye") process.stdin.destroy();
    if (request.cmd === "hello") console.log(JSON.stringify(hello));
    if (request.cmd === "run") console.log(JSON.stringify({ id: request.id, ...answer(request) }));
  }
});
