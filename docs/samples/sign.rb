# Signs a request for Tidegate, scheme v1. Ruby 2.7 or newer, nothing to install.
#
#   ruby sign.rb POST /api/v1/orders order.json | curl -H @- --data-binary @order.json URL
#
# Key and secret come from TIDEGATE_KEY and TIDEGATE_SECRET.
require "openssl"
require "securerandom"

# Headers for one request. `target` is path and query exactly as sent; `body` is what is sent.
def sign(key:, secret:, method:, target:, body: "", timestamp: nil, nonce: nil)
  timestamp ||= Time.now.to_i.to_s
  nonce ||= SecureRandom.uuid
  path, query = target.split("?", 2)
  body_hash = OpenSSL::Digest::SHA256.hexdigest(body)
  text = ["v1", timestamp, nonce, method, path, query.to_s, body_hash].join("\n")
  headers = {
    "X-API-Key" => key,
    "X-Timestamp" => timestamp,
    "X-API-Signature" => "v1=" + OpenSSL::HMAC.hexdigest("SHA256", secret, text),
  }
  headers["X-Nonce"] = nonce unless nonce.empty?
  headers
end

if __FILE__ == $PROGRAM_NAME
  method, target, file = ARGV
  headers = sign(
    key: ENV.fetch("TIDEGATE_KEY"),
    secret: ENV.fetch("TIDEGATE_SECRET"),
    method: method,
    target: target,
    body: file ? File.binread(file) : "",
    timestamp: ENV["TIDEGATE_TIMESTAMP"], # set in tests only, as is the nonce
    nonce: ENV["TIDEGATE_NONCE"],
  )
  headers.each { |name, value| puts "#{name}: #{value}" }
end
