// The record: an event and how it came, as the journal stores it (docs/journal-format.md). Plain values with views.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "thorlog/event.h"

namespace thorlog {

// One part of a joined line, in order; the first has nothing stripped but a transport's own header.
struct Piece {
  std::uint32_t length = 0;    // bytes it gave to raw
  std::uint32_t delay_ms = 0;  // after the first piece
  std::string_view stripped;   // the bytes taken off in front: a header that a relay had made up, a part marker
};

struct Record {
  Event event;

  std::uint16_t input = 0;         // number of the configured input (journal/NAMES); 0: internal
  std::int64_t received = 0;       // wall clock of the first byte, ns since 1970
  std::string_view peer;           // "ip:port", "[ip]:port" or a path
  std::string_view peer_identity;  // verified name from the certificate
  std::uint32_t stream = 0;        // number of the connection (or UDP peer) within this life of the daemon
  std::uint32_t frame = 0;         // number of the frame within the stream, for the order
  // Where a restartable source was: "file:INODE:OFFSET", "kafka:PARTITION:OFFSET". Of a record that another thorlogd
  // made, then ";JOURNAL_ID/ID", its name there.
  std::string_view origin;
  std::string_view detection_key;
  std::span<const Piece> pieces;  // empty when the line came whole
  std::uint16_t parts = 1;        // number of pieces
};

}  // namespace thorlog
