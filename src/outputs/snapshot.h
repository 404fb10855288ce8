// What an output tells about itself: one consistent picture. Plain values, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "journal/cursor.h"
#include "outputs/latency.h"
#include "outputs/replay.h"

namespace thorlog {

enum class OutputState : std::uint8_t {
  connecting,  // the first try is under way
  streaming,   // the target takes what we have
  idle,        // everything stored was sent
  retrying,    // the target is away; tried again with back-off
  holding,     // needs a person: a full disk, a refusal that won't go away by itself. Tried again all the same
  full,        // connected, but the target has taken nothing for a second
  stopped,
  count
};
std::string_view name_of(OutputState state) noexcept;

// Why something had to be tried again.
enum class Retry : std::uint8_t {
  resolve,
  connect,
  timeout,
  closed,
  reset,
  refused,
  write,
  disk_full,
  tls,           // a certificate, or what else a handshake stumbles over
  throttled,     // HTTP 429
  server_error,  // HTTP 5xx, 408, 409, 425
  denied,        // HTTP 401, 403, 404 and other refusals that need a person
  topic,         // Kafka: it is missing, or takes nothing
  count
};
std::string_view name_of(Retry reason) noexcept;
inline constexpr std::size_t kRetryReasons = static_cast<std::size_t>(Retry::count);

// One broker of a Kafka cluster, as the client sees it.
struct BrokerFigures {
  std::string name;   // "host:port"
  std::string state;  // librdkafka's word: "UP", "DOWN", "CONNECT", "AUTH_REQ", ...
  bool is_bootstrap = false;
  std::uint64_t requests = 0;     // waiting to be sent or answered
  double round_trip_seconds = 0;  // mean of the last second
  bool is_up() const noexcept { return state == "UP"; }
};

// What a sink tells beside what all have. Never changed once it is shared.
struct SinkFigures {
  std::vector<BrokerFigures> brokers;
  std::uint64_t in_flight_records = 0;  // handed to the client, not reported
  std::uint64_t in_flight_bytes = 0;
};

struct OutputSnapshot {
  std::string name;
  std::string target;  // where it goes to, as the operator knows it
  OutputState state = OutputState::stopped;

  // stored = acknowledged + filtered + pending + dropped, all counted since books.start_seq
  CursorBooks books;
  std::uint64_t stored = 0;
  std::uint64_t pending = 0;
  Position position;                // everything before it is settled
  std::int64_t oldest_pending = 0;  // log time of the oldest record not settled; 0: none, or not read yet

  std::array<std::uint64_t, kRetryReasons> retries{};
  std::uint64_t possibly_lost_bytes = 0;  // the kernel of a peer that died had acknowledged them long ago
  std::uint64_t repeated_bytes = 0;       // sent to a peer that died, and sent again: possible duplicates
  std::string last_error;
  std::int64_t last_error_at = 0;              // wall clock, ns
  double rate = 0;                             // records settled a second, over the last seconds
  LatencyHistogram latency;                    // received to acknowledged
  std::shared_ptr<const SinkFigures> figures;  // may be empty
  std::uint64_t dead_letters = 0;
  std::uint64_t dead_letter_bytes = 0;
  ReplayProgress replay;
};

}  // namespace thorlog
