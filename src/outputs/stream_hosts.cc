#include "outputs/stream_hosts.h"

#include <xxhash.h>

#include <cstring>

#include "base/peer_address.h"

namespace thorlog {
namespace {

std::uint64_t address_hash(std::string_view peer) noexcept {
  const std::string_view address = peer_address(peer);
  return address.empty() ? 0 : XXH3_64bits(address.data(), address.size());
}

}  // namespace

void StreamHosts::Slot::take(std::string_view name) noexcept {
  // A name that is too long for a slot is no host that could be remembered.
  length = name.size() <= host.size() ? static_cast<std::uint8_t>(name.size()) : 0;
  std::memcpy(host.data(), name.data(), length);
}

std::string_view StreamHosts::host_of(const Record& record) {
  const std::uint64_t address = address_hash(record.peer);
  if (!record.event.host.empty()) {
    learn(record, address);
    return record.event.canonical_host;
  }
  const Slot& stream = streams_[record.stream % kSlots];
  if (record.stream != 0 && stream.of == record.stream && stream.length != 0) return stream.name();
  const Slot& sender = addresses_[address % kSlots];
  if (address != 0 && sender.of == address && !sender.several && sender.length != 0) return sender.name();
  return record.event.canonical_host;
}

void StreamHosts::learn(const Record& record, std::uint64_t address) {
  const std::string_view host = record.event.canonical_host;
  if (Slot& stream = streams_[record.stream % kSlots];
      record.stream != 0 && (stream.of != record.stream || stream.name() != host)) {
    stream.of = record.stream;
    stream.take(host);
  }
  Slot& sender = addresses_[address % kSlots];
  if (address == 0) return;
  if (sender.of != address) {
    sender.of = address;
    sender.several = false;
    sender.take(host);
  } else if (sender.name() != host) {
    sender.several = true;
  }
}

}  // namespace thorlog
