#include "outputs/webhook_signature.h"

#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <memory>

#include "thorlog/result.h"
#include "wire/digits.h"

namespace thorlog {
namespace {

constexpr std::size_t kDigest = 32;

struct FreeMac {
  void operator()(EVP_MAC* mac) const noexcept { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }
};

EVP_MAC* hmac() {
  static const std::unique_ptr<EVP_MAC, FreeMac> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  return mac.get();
}

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string hmac_sha256_hex(std::string_view key, std::string_view stamp, std::string_view body) {
  const std::unique_ptr<EVP_MAC_CTX, FreeMac> context(EVP_MAC_CTX_new(hmac()));
  char digest_name[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest_name, 0),
                                   OSSL_PARAM_construct_end()};
  std::array<unsigned char, kDigest> digest{};
  std::size_t length = 0;
  // None of these can fail but for want of memory; an unsigned body must not leave.
  THORLOG_ASSERT(EVP_MAC_init(context.get(), bytes_of(key), key.size(), parameters) == 1);
  THORLOG_ASSERT(EVP_MAC_update(context.get(), bytes_of(stamp), stamp.size()) == 1);
  THORLOG_ASSERT(EVP_MAC_update(context.get(), bytes_of("."), 1) == 1);
  THORLOG_ASSERT(EVP_MAC_update(context.get(), bytes_of(body), body.size()) == 1);
  THORLOG_ASSERT(EVP_MAC_final(context.get(), digest.data(), &length, digest.size()) == 1 && length == kDigest);
  std::string hex;
  hex.reserve(2 * kDigest);
  for (const unsigned char byte : digest) {
    hex.push_back(kLowerHex[byte >> 4]);
    hex.push_back(kLowerHex[byte & 15]);
  }
  return hex;
}

std::string signature_of(std::span<const std::string> keys, std::string_view stamp, std::string_view body) {
  std::string value;
  for (const std::string& key : keys) {
    if (!value.empty()) value += ',';
    value += "sha256=" + hmac_sha256_hex(key, stamp, body);
  }
  return value;
}

}  // namespace thorlog
