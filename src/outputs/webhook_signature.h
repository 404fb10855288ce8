// The signature of a webhook's body: who has the key can tell that it is ours, whole, and new. HMAC-SHA256 (RFC 2104)
// over the time stamp, a dot and the body. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace thorlog {

// 64 hexadecimal digits.
std::string hmac_sha256_hex(std::string_view key, std::string_view stamp, std::string_view body);

// "sha256=...", for two keys "sha256=...,sha256=...": value of the header X-Thorlog-Signature.
std::string signature_of(std::span<const std::string> keys, std::string_view stamp, std::string_view body);

}  // namespace thorlog
