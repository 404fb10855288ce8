// Names of machines as lines write them: "server44.local.net/10.1.2.3", "host/", "host/fe80::1%eth0", "10.0.0.1".
#pragma once

#include <cstddef>
#include <string_view>

namespace thorlog {

// Whether a word of a header can be HOST or HOST/IP. A program's tag ("sshd[1]:", "postfix/smtpd:") can't: text
// behind a tag is that program's, whatever it quotes. `readable`: bytes that may be read from its beginning, at least
// its size.
bool is_host_token(std::string_view word, std::size_t readable) noexcept;
inline bool is_host_token(std::string_view word) noexcept { return is_host_token(word, word.size()); }

// "host/ip" apart. A zone ("%eth0") means something on the sender's machine only and is left out of ip.
struct HostParts {
  std::string_view host, ip;
};
// `token` has kReadAhead readable bytes behind it.
HostParts split_host(std::string_view token) noexcept;

bool is_ip_literal(std::string_view text) noexcept;

// rsyslog's templates take HOST/IP for a tag and cut it here when they put the sender's name before it (F25).
inline constexpr std::size_t kRsyslogTag = 32;

inline constexpr std::size_t kLongestHost = 255;
struct HostBuffer {
  char bytes[kLongestHost + 17] = {};
};

// The canonical name: lower case, before the first dot if `short_name` and it is no IP literal. It stands in `buffer`
// until the next call. Longer names than kLongestHost are cut.
std::string_view canonical_host(std::string_view host, bool short_name, HostBuffer& buffer) noexcept;

}  // namespace thorlog
