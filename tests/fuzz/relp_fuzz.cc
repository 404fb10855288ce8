// Any bytes as RELP, cut anywhere: the reader stays within its limit, and says the same however they are cut.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire/relp.h"

namespace {

using namespace thorlog;

// What was read, one after the other, with the pieces of long data joined.
std::string read_in_chunks(std::string_view bytes, std::size_t chunk, std::size_t max_data) {
  RelpReader reader(max_data);
  std::string seen;
  for (std::size_t at = 0; at < bytes.size(); at += chunk) {
    const std::string piece(bytes.substr(at, chunk));
    const std::string padded = piece + std::string(kReadAhead, '\0');
    reader.feed(std::string_view(padded).substr(0, piece.size()));
    RelpFrame frame;
    RelpReader::Step step;
    while ((step = reader.next(frame)) == RelpReader::Step::frame) {
      if (frame.data.size() > max_data) std::abort();
      if (frame.first)
        seen += std::to_string(frame.txnr) + '/' + std::to_string(static_cast<int>(frame.command)) + '/';
      seen += frame.data;
      if (frame.last) seen += '\n';
      RelpResponse response;
      RelpOffers offers;
      read_relp_response(frame.data, response);
      read_relp_offers(frame.data, offers);
    }
    if (reader.held() > max_data + 4 * kReadAhead + 64) std::abort();
    if (step == RelpReader::Step::broken) return seen.append(reader.error());
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t max_data = 1 + data[1] % 100;
  const std::string whole = read_in_chunks(bytes, bytes.size() + 1, max_data);
  if (read_in_chunks(bytes, 1 + data[0] % 16, max_data) != whole) std::abort();
  return 0;
}
