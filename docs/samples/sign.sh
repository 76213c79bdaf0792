#!/bin/sh
# Signs a request for Tidegate, scheme v1, with nothing but OpenSSL.
#
#   sh sign.sh POST /api/v1/orders order.json | curl -H @- --data-binary @order.json URL
#
# Key and secret come from TIDEGATE_KEY and TIDEGATE_SECRET. The secret is an argument of openssl for
# an instant, where other users of the machine can see it: fit for trying out, not for a shared host.
set -eu
method=$1 target=$2 file=${3:-/dev/null}
timestamp=${TIDEGATE_TIMESTAMP:-$(date +%s)} # set in tests only, as is the nonce
nonce=${TIDEGATE_NONCE-$(openssl rand -hex 16)}

path=${target%%\?*} query=
case $target in *\?*) query=${target#*\?} ;; esac
body_hash=$(openssl dgst -sha256 -r <"$file" | cut -d ' ' -f 1)
mac=$(printf 'v1\n%s\n%s\n%s\n%s\n%s\n%s' \
  "$timestamp" "$nonce" "$method" "$path" "$query" "$body_hash" |
  openssl dgst -sha256 -hmac "$TIDEGATE_SECRET" -r | cut -d ' ' -f 1)

printf 'X-API-Key: %s\nX-Timestamp: %s\nX-API-Signature: v1=%s\n' "$TIDEGATE_KEY" "$timestamp" "$mac"
[ -z "$nonce" ] || printf 'X-Nonce: %s\n' "$nonce"
