#include "wire/escape.h"

#include <algorithm>
#include <array>
#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "wire/clean_copy.h"
#include "wire/digits.h"
#include "wire/utf8.h"

namespace thorlog {
namespace {

// What is escaped at once: room is made for the worst of it only.
constexpr std::size_t kChunk = 4096;

constexpr auto kHexEscapes = [] {
  std::array<std::array<char, 4>, 256> table{};
  for (std::size_t i = 0; i < 256; ++i) table[i] = {'\\', 'x', kUpperHex[i >> 4], kUpperHex[i & 15]};
  return table;
}();

char* put_hex_escape(char* to, unsigned char byte) noexcept {
  std::memcpy(to, kHexEscapes[byte].data(), 4);
  return to + 4;
}

// Line-escapes up to `stop`, where 4 bytes for each and kCopySlack are writable. Windows paths put several
// backslashes into one block, so what a block says about its bytes is used for all of them.
char* put_line_escaped(char* to, const char* from, const char* stop) noexcept {
  while (stop - from >= 32) {
    const Block block = Block::load(from);
    block.store(to);
    unsigned found = LineSpecial::found(block).mask();
    if (found == 0) {
      from += 16;
      to += 16;
      continue;
    }
    int done = 0;
    do {
      const int at = std::countr_zero(found);
      Block::load(from + done).store(to);
      to = put_hex_escape(to + (at - done), static_cast<unsigned char>(from[at]));
      done = at + 1;
      found &= found - 1;
    } while (found != 0);
    Block::load(from + done).store(to);  // reads into the next block, which is there
    to += 16 - done;
    from += 16;
  }
  for (;;) {
    copy_clean<LineSpecial>(from, stop, to);
    if (from == stop) return to;
    to = put_hex_escape(to, static_cast<unsigned char>(*from++));
  }
}

#if defined(__x86_64__)
// The same with blocks of 32 bytes: half the time on lines of paths.
[[gnu::target("avx2")]] char* put_line_escaped_avx2(char* to, const char* from, const char* stop) noexcept {
  const __m256i highest = _mm256_set1_epi8(0x1F);
  const __m256i backslash = _mm256_set1_epi8('\\');
  while (stop - from >= 64) {
    const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), block);
    const __m256i special = _mm256_or_si256(_mm256_cmpeq_epi8(_mm256_min_epu8(block, highest), block),
                                            _mm256_cmpeq_epi8(block, backslash));
    auto found = static_cast<unsigned>(_mm256_movemask_epi8(special));
    int done = 0;
    for (; found != 0; found &= found - 1) {
      const int at = std::countr_zero(found);
      to = put_hex_escape(to + (at - done), static_cast<unsigned char>(from[at]));
      done = at + 1;
      // Reads into the next block, which is there.
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + done)));
    }
    to += 32 - done;
    from += 32;
  }
  // Mostly the rest needs no escapes: two blocks that overlap hold it, and their bytes tell.
  const auto left = static_cast<std::size_t>(stop - from);
  if (left < 32) return put_line_escaped(to, from, stop);
  const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  const __m256i last = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(stop - 32));
  const __m256i low = _mm256_min_epu8(_mm256_min_epu8(first, last), highest);
  const __m256i special =
      _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(low, first), _mm256_cmpeq_epi8(low, last)),
                      _mm256_or_si256(_mm256_cmpeq_epi8(first, backslash), _mm256_cmpeq_epi8(last, backslash)));
  if (_mm256_movemask_epi8(special) != 0) return put_line_escaped(to, from, stop);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), first);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + left - 32), last);
  return to + left;
}
#endif

using PutLineEscaped = char* (*)(char* to, const char* from, const char* stop) noexcept;
const PutLineEscaped kPutLineEscaped = [] {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return put_line_escaped_avx2;
#endif
  return put_line_escaped;
}();

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool is_control(unsigned char byte) noexcept { return byte < 0x20 || byte == 0x7F; }

// Walks through text that must leave as UTF-8. `special` writes its form of an ASCII byte of the set, at most 4
// bytes.
template <class Set, class Special>
void append_utf8(ByteBuffer& out, std::string_view text, Special special) {
  const char* from = text.data();
  const char* const end = from + text.size();
  while (from < end) {
    const char* const stop = from + std::min(static_cast<std::size_t>(end - from), kChunk);
    char* to = out.reserve(4 * static_cast<std::size_t>(stop - from) + kCopySlack);
    while (from < stop) {
      copy_clean<Set>(from, stop, to);
      if (from == stop) break;
      const auto byte = static_cast<unsigned char>(*from);
      if (byte < 0x80) {
        to = special(to, byte);
        ++from;
        continue;
      }
      const Utf8Step step = utf8_step(from, end);  // may reach past `stop`
      const char* const source = step.valid ? from : kReplacement.data();
      const std::size_t length = step.valid ? step.length : kReplacement.size();
      std::memcpy(to, source, length);
      to += length;
      from += step.length;
    }
    out.commit_to(to);
  }
}

char* put_behind_backslash(char* to, char byte) noexcept {
  to[0] = '\\';
  to[1] = byte;
  return to + 2;
}

// Invisible, or able to make text read as something else (Unicode bidirectional controls, zero-width characters,
// line and paragraph separators, tag characters).
bool is_deceptive(char32_t code) noexcept {
  return code == 0x00AD || code == 0x061C || code == 0x180E || (code >= 0x200B && code <= 0x200F) ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF ||
         (code >= 0xFFF9 && code <= 0xFFFB) || (code >= 0xE0000 && code <= 0xE007F);
}

char* put_code_escape(char* to, char32_t code) noexcept {
  *to++ = '\\';
  *to++ = 'u';
  *to++ = '{';
  int shift = 20;
  while (shift > 12 && code >> shift == 0) shift -= 4;  // at least four digits
  for (; shift >= 0; shift -= 4) *to++ = kUpperHex[code >> shift & 15U];
  *to++ = '}';
  return to;
}

std::string_view cut_at_code_point(std::string_view value, std::size_t limit) noexcept {
  if (value.size() <= limit) return value;
  while (limit > 0 && (static_cast<unsigned char>(value[limit]) & 0xC0U) == 0x80U) --limit;
  return value.substr(0, limit);
}

}  // namespace

void append_line_escaped(ByteBuffer& out, std::string_view bytes) {
  const char* from = bytes.data();
  const char* const end = from + bytes.size();
  while (from != end) {
    const char* const stop = from + std::min(static_cast<std::size_t>(end - from), kChunk);
    char* const to = out.reserve(4 * static_cast<std::size_t>(stop - from) + kCopySlack);
    out.commit_to(kPutLineEscaped(to, from, stop));
    from = stop;
  }
}

std::string unescape_line(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] == 'x') {
      const int high = hex_digit(text[i + 2]);
      const int low = hex_digit(text[i + 3]);
      if (high >= 0 && low >= 0) {
        bytes.push_back(static_cast<char>(high << 4 | low));
        i += 3;
        continue;
      }
    }
    bytes.push_back(text[i]);
  }
  return bytes;
}

void append_param_value(ByteBuffer& out, std::string_view value) {
  append_utf8<ParamSpecial>(out, value, [](char* to, unsigned char byte) {
    return is_control(byte) ? put_hex_escape(to, byte) : put_behind_backslash(to, static_cast<char>(byte));
  });
}

void append_structured_data(ByteBuffer& out, std::string_view elements) {
  append_utf8<NotPlainText>(out, elements, [](char* to, unsigned char byte) { return put_hex_escape(to, byte); });
}

void append_header_field(ByteBuffer& out, std::string_view value, std::size_t limit) {
  if (value.empty()) return out.push_back('-');
  value = value.substr(0, limit);
  char* to = out.reserve(value.size());
  for (const char c : value) *to++ = c > ' ' && c < 0x7F ? c : '_';
  out.commit_to(to);
}

void append_cef_header(ByteBuffer& out, std::string_view value, std::size_t limit) {
  append_utf8<CefSpecial>(out, cut_at_code_point(value, limit), [](char* to, unsigned char byte) {
    if (byte == '\\' || byte == '|') return put_behind_backslash(to, static_cast<char>(byte));
    *to = is_control(byte) ? ' ' : static_cast<char>(byte);
    return to + 1;
  });
}

void append_cef_value(ByteBuffer& out, std::string_view value) {
  append_utf8<CefSpecial>(out, value, [](char* to, unsigned char byte) {
    if (byte == '\\' || byte == '=') return put_behind_backslash(to, static_cast<char>(byte));
    if (byte == '\n') return put_behind_backslash(to, 'n');
    if (byte == '\r') return put_behind_backslash(to, 'r');
    if (is_control(byte)) return put_hex_escape(to, byte);
    *to = static_cast<char>(byte);
    return to + 1;
  });
}

void append_cef_as_it_is(ByteBuffer& out, std::string_view text) {
  append_utf8<NotPlainText>(out, text, [](char* to, unsigned char byte) {
    if (byte == '\n') return put_behind_backslash(to, 'n');
    if (byte == '\r') return put_behind_backslash(to, 'r');
    return put_hex_escape(to, byte);
  });
}

void append_terminal(ByteBuffer& out, std::string_view text) {
  const char* from = text.data();
  const char* const end = from + text.size();
  while (from != end) {
    const char* const stop = from + std::min(static_cast<std::size_t>(end - from), kChunk);
    // The worst is \u{E0001}: 9 bytes for 4; and \xHH for one. The last code point may reach past `stop`.
    char* to = out.reserve(4 * static_cast<std::size_t>(stop - from) + kCopySlack + 16);
    while (from < stop) {
      copy_clean<NotPlainText>(from, stop, to);
      if (from == stop) break;
      const Utf8Step step = utf8_step(from, end);
      if (!step.valid || step.code < 0xA0) {
        // C1 controls are two bytes in UTF-8; shown as the one byte that they mean.
        if (step.valid) {
          to = put_hex_escape(to, static_cast<unsigned char>(step.code));
        } else {
          for (int i = 0; i < step.length; ++i) to = put_hex_escape(to, static_cast<unsigned char>(from[i]));
        }
      } else if (is_deceptive(step.code)) {
        to = put_code_escape(to, step.code);
      } else {
        std::memcpy(to, from, step.length);
        to += step.length;
      }
      from += step.length;
    }
    out.commit_to(to);
  }
}

bool is_valid_utf8(std::string_view bytes) noexcept {
  const char* from = bytes.data();
  const char* const end = from + bytes.size();
  while (from != end) {
    if (end - from >= 16 && Block::load(from).mask() == 0) {
      from += 16;
      continue;
    }
    const Utf8Step step = utf8_step(from, end);
    if (!step.valid) return false;
    from += step.length;
  }
  return true;
}

}  // namespace thorlog
