-- Our work in lua-nginx-module, with LuaJIT's FFI to libcrypto: Debian has neither lua-resty-string
-- nor lua-resty-openssl. A function of the folder that the rig fills.
local ffi = require "ffi"
local cjson = require "cjson.safe"
local b64 = require "ngx.base64"
local lrucache = require "resty.lrucache"
ffi.cdef[[
typedef struct evp_md_st EVP_MD; typedef struct evp_md_ctx_st EVP_MD_CTX; typedef struct evp_pkey_st EVP_PKEY;
typedef struct bio_st BIO; typedef struct evp_pkey_ctx_st EVP_PKEY_CTX; typedef struct engine_st ENGINE;
const EVP_MD *EVP_sha256(void);
unsigned char *HMAC(const EVP_MD *m, const void *key, int klen, const unsigned char *d, size_t n, unsigned char *md, unsigned int *mdlen);
BIO *BIO_new_mem_buf(const void *buf, int len);
EVP_PKEY *PEM_read_bio_PUBKEY(BIO *bp, EVP_PKEY **x, void *cb, void *u);
EVP_MD_CTX *EVP_MD_CTX_new(void); int EVP_MD_CTX_reset(EVP_MD_CTX *ctx);
int EVP_DigestVerifyInit(EVP_MD_CTX *ctx, EVP_PKEY_CTX **pctx, const EVP_MD *type, ENGINE *e, EVP_PKEY *pkey);
int EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t siglen, const unsigned char *tbs, size_t tbslen);
int CRYPTO_memcmp(const void *a, const void *b, size_t len);
]]
local C = ffi.C
return function(folder)
local M = {}
local sha256 = C.EVP_sha256()
local md, mdlen = ffi.new("unsigned char[64]"), ffi.new("unsigned int[1]")
local secrets = {}
for l in io.lines(folder .. "keys.tsv") do local k, t, s = l:match("^(%S+)\t(%S+)\t(%S+)"); secrets[k] = ngx.decode_base64(s) end
local f = io.open(folder .. "public.pem"); local pem = f:read("*a"); f:close()
local pkey = C.PEM_read_bio_PUBKEY(C.BIO_new_mem_buf(pem, #pem), nil, nil, nil)
assert(pkey ~= nil)
local ctx = C.EVP_MD_CTX_new()
local hex = {}; for i = 0, 255 do hex[i] = string.format("%02x", i) end
local function deny(code, msg) ngx.status = code; ngx.header["Content-Type"] = "application/json"; ngx.print('{"error":"' .. msg .. '"}'); return ngx.exit(code) end
function M.hmac()
  local v = ngx.var
  local sec = secrets[v.http_x_api_key]
  local ts, sig = v.http_x_timestamp, v.http_x_signature
  if not sec or not ts or not sig then return deny(401, "missing") end
  local age = ngx.time() - (tonumber(ts) or 0)
  if age > 300 or age < -300 then return deny(401, "stale") end
  ngx.req.read_body()
  local body = ngx.req.get_body_data() or ""
  local m = ts .. "." .. body
  C.HMAC(sha256, sec, #sec, m, #m, md, mdlen)
  local t = {}
  for i = 0, 31 do t[i + 1] = hex[md[i]] end
  local mine = table.concat(t)
  if #sig ~= 64 or C.CRYPTO_memcmp(mine, sig, 64) ~= 0 then return deny(401, "bad_signature") end
end
local cache = lrucache.new(20000)
local function verify(tok)
  local h, p, s = tok:match("^([%w_-]+)%.([%w_-]+)%.([%w_-]+)$")
  if not h then return nil end
  local hd = cjson.decode(b64.decode_base64url(h)); if not hd or hd.alg ~= "RS256" then return nil end
  local sig = b64.decode_base64url(s); if not sig then return nil end
  local tbs = h .. "." .. p
  C.EVP_MD_CTX_reset(ctx)
  if C.EVP_DigestVerifyInit(ctx, nil, sha256, nil, pkey) ~= 1 then return nil end
  if C.EVP_DigestVerify(ctx, sig, #sig, tbs, #tbs) ~= 1 then return nil end
  local c = cjson.decode(b64.decode_base64url(p))
  if not c or c.iss ~= "https://issuer.example.com" or c.aud ~= "api" then return nil end
  return c
end
function M.jwt(use_cache)
  local a = ngx.var.http_authorization
  if not a or a:sub(1, 7) ~= "Bearer " then return deny(401, "missing") end
  local tok = a:sub(8)
  local c = use_cache and cache:get(tok)
  if not c then c = verify(tok); if not c then return deny(401, "bad_token") end; if use_cache then cache:set(tok, c, 300) end end
  if type(c.exp) ~= "number" or c.exp < ngx.time() then return deny(401, "expired") end
  ngx.var.token_subject = c.sub
  ngx.var.token_tier = c.tier
end
return M
end
