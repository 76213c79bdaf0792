// Signs a request for Tidegate, scheme v1. Node 18 or newer, nothing to install.
//
//   node sign.mjs POST /api/v1/orders order.json | curl -H @- --data-binary @order.json URL
//
// Key and secret come from TIDEGATE_KEY and TIDEGATE_SECRET.
import { createHash, createHmac, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** Headers for one request. `target` is path and query exactly as sent; `body` is what is sent. */
export function sign({ key, secret, method, target, body = "", timestamp, nonce = randomUUID() }) {
  timestamp ??= Math.floor(Date.now() / 1000).toString();
  const at = target.indexOf("?");
  const path = at < 0 ? target : target.slice(0, at);
  const query = at < 0 ? "" : target.slice(at + 1);
  const bodyHash = createHash("sha256").update(body).digest("hex");
  const text = ["v1", timestamp, nonce, method, path, query, bodyHash].join("\n");
  const headers = {
    "X-API-Key": key,
    "X-Timestamp": timestamp,
    "X-API-Signature": "v1=" + createHmac("sha256", secret).update(text).digest("hex"),
  };
  if (nonce) headers["X-Nonce"] = nonce;
  return headers;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [method, target, file] = process.argv.slice(2);
  const { TIDEGATE_KEY, TIDEGATE_SECRET, TIDEGATE_TIMESTAMP, TIDEGATE_NONCE } = process.env;
  const headers = sign({
    key: TIDEGATE_KEY,
    secret: TIDEGATE_SECRET,
    method,
    target,
    body: file ? readFileSync(file) : "",
    timestamp: TIDEGATE_TIMESTAMP, // set in tests only, as is the nonce
    nonce: TIDEGATE_NONCE,
  });
  for (const [name, value] of Object.entries(headers)) console.log(`${name}: ${value}`);
}
