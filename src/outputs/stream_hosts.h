// The key of lines that name no host, as the last words of a program that dies or an agent's bare lines: the host
// that spoke last on their stream, else the only one that speaks from their address. So they go where the lines of
// their scan go. Bounded: who is pushed out by another is forgotten. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "thorlog/record.h"

namespace thorlog {

class StreamHosts {
 public:
  // The host that the record's line names; else the one that is known for it; else what the record itself has, its
  // peer's address or nothing. The view is good until the next call.
  std::string_view host_of(const Record& record);

 private:
  static constexpr std::size_t kSlots = 4096;
  struct Slot {
    std::uint64_t of = 0;  // a stream's number, an address's hash
    std::uint8_t length = 0;
    bool several = false;  // hosts have spoken: a relay's address
    std::array<char, 54> host;

    std::string_view name() const noexcept { return {host.data(), length}; }
    void take(std::string_view name) noexcept;
  };

  void learn(const Record& record, std::uint64_t address);

  std::vector<Slot> streams_{kSlots};
  std::vector<Slot> addresses_{kSlots};
};

}  // namespace thorlog
