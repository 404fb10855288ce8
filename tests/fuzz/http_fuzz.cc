// Requests of any bytes, fed in pieces of any size: the same requests and refusals as in one piece, within the
// limits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "admin/http.h"

namespace {

using thorlog::HttpReader;

constexpr std::size_t kMaxBody = 4096;

// What was read as one text, so that two ways to feed can be compared.
std::string requests_of(std::string_view wire, std::size_t step) {
  HttpReader reader(kMaxBody);
  std::string all;
  for (std::size_t at = 0; at < wire.size(); at += step) {
    HttpReader::State state = reader.feed(wire.substr(at, step));
    while (state == HttpReader::State::complete) {
      const thorlog::HttpRequest& request = reader.request();
      if (request.body.size() > kMaxBody || request.method.empty()) std::abort();
      if (request.path.size() > HttpReader::kMaxHeader) std::abort();
      all.append(request.method).append(" ").append(request.path);
      for (const auto& [name, value] : request.query) all.append("?").append(name).append("=").append(value);
      all.append("\n").append(request.host).append("\n").append(request.body).append(request.keep_alive ? "k" : "c");
      state = reader.reset();
    }
    if (state == HttpReader::State::refused) {
      if (reader.refused_status() < 400 || reader.refused_status() > 599) std::abort();
      return all + "refused";
    }
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (requests_of(wire, 1 + data[0] % 61) != requests_of(wire, wire.size())) std::abort();
  return 0;
}
