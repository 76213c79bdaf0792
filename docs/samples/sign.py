"""Signs a request for Tidegate, scheme v1. Python 3.8 or newer, nothing to install.

    python3 sign.py POST /api/v1/orders order.json | curl -H @- --data-binary @order.json URL

Key and secret come from TIDEGATE_KEY and TIDEGATE_SECRET.
"""

import hashlib
import hmac
import os
import sys
import time
import uuid


def sign(key, secret, method, target, body=b"", timestamp=None, nonce=None):
    """Headers for one request. `target` is path and query exactly as sent; `body` is bytes."""
    timestamp = timestamp or str(int(time.time()))
    nonce = str(uuid.uuid4()) if nonce is None else nonce
    path, _, query = target.partition("?")
    body_hash = hashlib.sha256(body).hexdigest()
    text = "\n".join(["v1", timestamp, nonce, method, path, query, body_hash])
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    headers = {"X-API-Key": key, "X-Timestamp": timestamp, "X-API-Signature": "v1=" + mac}
    if nonce:
        headers["X-Nonce"] = nonce
    return headers


if __name__ == "__main__":
    method, target, *file = sys.argv[1:]
    headers = sign(
        os.environ["TIDEGATE_KEY"],
        os.environ["TIDEGATE_SECRET"],
        method,
        target,
        open(file[0], "rb").read() if file else b"",
        os.environ.get("TIDEGATE_TIMESTAMP"),  # set in tests only, as is the nonce
        os.environ.get("TIDEGATE_NONCE"),
    )
    for name, value in headers.items():
        print(f"{name}: {value}")
