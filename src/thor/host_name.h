// Names of machines as lines write them: "server44.local.net/10.1.2.3", "host/", "host/fe80::1%eth0", "10.0.0.1".
#pragma once

#include <string_view>

namespace thorlog {

// Whether a word of a header can be HOST or HOST/IP. A program's tag ("sshd[1]:", "postfix/smtpd:") can't: text behind
// a tag is that program's, whatever it quotes.
bool is_host_token(std::string_view word) noexcept;

// "host/ip" apart. A zone ("%eth0") means something on the sender's machine only and is left out of ip.
struct HostParts {
  std::string_view host, ip;
};
HostParts split_host(std::string_view token) noexcept;

bool is_ip_literal(std::string_view text) noexcept;

// The canonical name: lower case, before the first dot if `short_name` and it is no IP literal. Room for the lower
// case is `buffer`; the answer is a view of `host` where nothing had to change. Longer names than kLongestHost are cut.
inline constexpr std::size_t kLongestHost = 255;
std::string_view canonical_host(std::string_view host, bool short_name, char (&buffer)[kLongestHost + 1]) noexcept;

}  // namespace thorlog
