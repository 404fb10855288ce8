#include "thor/host_name.h"

#include <array>
#include <bit>
#include <cstring>

#include "thor/lex.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace thorlog {
namespace {

// Letters, digits, ".", "-", "_", and whatever is no ASCII.
constexpr std::array<bool, 256> kHostBytes = [] {
  std::array<bool, 256> table{};
  for (int n = 0; n < 256; ++n) {
    const char c = static_cast<char>(n);
    table[static_cast<std::size_t>(n)] =
        n >= 0x80 || lex::is_letter(c) || lex::is_digit(c) || c == '-' || c == '.' || c == '_';
  }
  return table;
}();

#if defined(__SSE2__)
__m128i at_most(__m128i bytes, char from, unsigned char width) noexcept {
  const __m128i offset = _mm_sub_epi8(bytes, _mm_set1_epi8(from));
  return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(static_cast<char>(width))), offset);
}

// Each bit: that byte is none of kHostBytes.
unsigned strange_bytes(const char* text) noexcept {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  const __m128i letter = at_most(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 25);
  const __m128i digit = at_most(bytes, '0', 9);
  const __m128i sign = _mm_or_si128(at_most(bytes, '-', 1), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_')));
  const __m128i good = _mm_or_si128(_mm_or_si128(letter, digit), _mm_or_si128(sign, bytes));  // top bit: no ASCII
  return ~static_cast<unsigned>(_mm_movemask_epi8(good)) & 0xFFFFU;
}

// Each bit: that byte is none of kAddressBytes.
unsigned no_address_bytes(const char* text) noexcept {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  const __m128i hex = at_most(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 5);
  const __m128i digit = at_most(bytes, '0', 10);  // ':' follows '9'
  const __m128i good = _mm_or_si128(_mm_or_si128(hex, digit), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')));
  return ~static_cast<unsigned>(_mm_movemask_epi8(good)) & 0xFFFFU;
}
#endif

constexpr std::array<bool, 256> kAddressBytes = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("0123456789abcdefABCDEF.:")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// Hexadecimal digits, dots and colons, then a zone or nothing. Cut addresses pass: "127" was one.
bool is_address_part(std::string_view text, std::size_t readable) noexcept {
  std::size_t at = 0;
#if defined(__SSE2__)
  for (; at < text.size() && at + 16 <= readable; at += 16) {
    const unsigned strange = no_address_bytes(text.data() + at);
    if (strange == 0) continue;
    at += static_cast<std::size_t>(std::countr_zero(strange));
    break;
  }
  if (at > text.size()) at = text.size();
#endif
  while (at < text.size() && kAddressBytes[static_cast<unsigned char>(text[at])]) ++at;
  return at == text.size() || text[at] == '%';
}

}  // namespace

bool is_host_token(std::string_view word, std::size_t readable) noexcept {
  std::size_t at = 0;
#if defined(__SSE2__)
  for (; at < word.size() && at + 16 <= readable; at += 16) {
    const unsigned strange = strange_bytes(word.data() + at);
    if (strange == 0) continue;
    at += static_cast<std::size_t>(std::countr_zero(strange));
    break;
  }
  if (at > word.size()) at = word.size();
#endif
  while (at < word.size() && kHostBytes[static_cast<unsigned char>(word[at])]) ++at;
  if (at == word.size()) return at != 0;
  if (word[at] == '/') return is_address_part(word.substr(at + 1), readable - at - 1);
  return is_ip_literal(word);
}

namespace {
std::string_view without_zone(std::string_view ip) noexcept { return ip.substr(0, lex::find_ahead<'%'>(ip)); }
}  // namespace

HostParts split_host(std::string_view token) noexcept {
  const std::size_t slash = lex::find_ahead<'/'>(token);
  if (slash == token.size()) {
    if (is_ip_literal(token)) return {token, without_zone(token)};
    return {token, {}};
  }
  return {token.substr(0, slash), without_zone(token.substr(slash + 1))};
}

bool is_ip_literal(std::string_view text) noexcept {
  text = text.substr(0, text.find('%'));
  int dots = 0;
  int colons = 0;
  int run = 0;
  bool hex = false;
  for (const char c : text) {
    if (c == '.') {
      if (run == 0 || run > 3) return false;
      ++dots;
      run = 0;
    } else if (c == ':') {
      if (run > 4) return false;
      ++colons;
      run = 0;
    } else if (lex::is_hex(c)) {
      hex = hex || !lex::is_digit(c);
      ++run;
    } else {
      return false;
    }
  }
  if (colons >= 2) return colons <= 8 && (dots == 0 || dots == 3) && run <= 4;
  return colons == 0 && dots == 3 && !hex && run > 0 && run <= 3;
}

std::string_view canonical_host(std::string_view host, bool short_name, HostBuffer& buffer) noexcept {
  if (host.size() > kLongestHost) host = host.substr(0, kLongestHost);
  if (host.empty()) return {};
  char* const text = buffer.bytes;
  std::memcpy(text, host.data(), host.size());
  std::size_t dot = host.size();
#if defined(__SSE2__)
  for (std::size_t at = 0; at < host.size(); at += 16) {
    __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + at));
    const auto dots = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.'))));
    if (dots != 0 && dot == host.size()) dot = at + static_cast<std::size_t>(std::countr_zero(dots));
    bytes = _mm_or_si128(bytes, _mm_and_si128(at_most(bytes, 'A', 25), _mm_set1_epi8(0x20)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(text + at), bytes);
  }
#else
  for (std::size_t at = 0; at < host.size(); ++at) {
    if (text[at] == '.' && dot == host.size()) dot = at;
    text[at] = lex::to_lower(text[at]);
  }
#endif
  if (!short_name || dot >= host.size() || dot == 0) return {text, host.size()};
  const bool literal = (lex::is_digit(text[0]) || host.find(':') != std::string_view::npos) && is_ip_literal(host);
  return {text, literal ? host.size() : dot};
}

}  // namespace thorlog
