// The address of a webhook, taken apart: what a person wrote is checked here, and a secret in it is shown nowhere.
// Plain values, any thread. Asks no name server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "thorlog/result.h"

namespace thorlog {

struct WebUrl {
  bool secure = true;  // https
  std::string host;    // a name or an IP address, without brackets
  std::uint16_t port = 443;

  // "https://hooks.example:8443": without the path, which is the password of many webhooks.
  std::string origin() const;
  bool operator==(const WebUrl&) const = default;
};

// "https://hooks.example/services/T0/B0/x". Errors, config: another scheme, a name and password in it (they belong
// into a header), a fragment, a blank or control character, a port that is none.
Result<WebUrl> parse_web_url(std::string_view text);

}  // namespace thorlog
