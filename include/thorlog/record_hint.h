// What the worker that read a line tells the scan watch of it, in memory only, so that most lines need not be read a
// second time: nearly all of them only count. A record without one (it was read from a disk) is read in full. Plain
// values, any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "thorlog/record.h"

namespace thorlog {

struct RecordHint {
  // How scans, hosts, modules and senders are found: hashes of their names.
  std::uint64_t key = 0;     // of a THOR line: its host and scan id; of any other one: its host
  std::uint64_t module = 0;  // 0: none
  std::uint64_t head = 0;    // the first eight bytes of the message; 0: there is none
  std::int64_t received = 0;
  std::int64_t stamp = kNoTime;  // the line's own; kNoTime also when it is not to be believed
  std::uint32_t at = 0;          // where the record begins, in bytes of its batch
  std::uint32_t stream = 0;
  std::uint32_t sender = 0;  // of the address of its peer; 0: it has none
  std::uint16_t input = 0;
  Level level = Level::none;
  bool is_thor : 1 = false;
  bool ordinary : 1 = false;  // a THOR line that nothing is doubtful about, with host, scan id and sender
  bool grouped : 1 = false;   // it has a group id
};
static_assert(sizeof(RecordHint) == 56);  // it stands beside every record in memory

// `sender`: sender_hash(record.peer). `at` is the batch's to fill in.
RecordHint hint_of(const Record& record, std::uint32_t sender) noexcept;

// Of its address, without the port; 0: `peer` is empty.
std::uint32_t sender_hash(std::string_view peer) noexcept;

std::uint64_t name_hash(std::string_view name) noexcept;

}  // namespace thorlog
