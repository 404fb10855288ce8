// What an answer of a webhook's server, or none, means for the events of the post (specs 4, "Errors of a target").
// Pure.
#pragma once

#include <cstdint>
#include <string>

#include "outputs/http_post.h"
#include "outputs/snapshot.h"

namespace thorlog {

enum class Outcome : std::uint8_t {
  delivered,
  retry,    // will pass by itself: network, timeout, 408, 409, 425, 429, 5xx
  hold,     // needs a person: 401, 403, 404, a bad certificate, a redirect, any other refusal of who or where we are
  refused,  // of these very events: 400, 413, 422. Halved, and parked when it is one
};

struct Judgement {
  Outcome outcome = Outcome::delivered;
  Retry reason = Retry::server_error;  // of retry and hold
  std::uint32_t wait_s = 0;            // what the server asked for (Retry-After); 0: nothing
  std::string text;                    // for the log and the dead letter: "HTTP 429, invalid_payload"
};

// The longest Retry-After that is believed.
inline constexpr std::uint32_t kMostRetryAfter = 3600;

Judgement judge(const HttpAnswer& answer);

}  // namespace thorlog
