#include "config/secret_keys.h"

#include <fmt/format.h>

#include "config/reader.h"

namespace thorlog {
namespace {

constexpr std::size_t kMostBytes = 8192;

}  // namespace

Result<std::vector<std::string>> read_secret_keys(const std::string& path) {
  auto text = read_text_file(path, kMostBytes);
  if (!text) return fail({Errc::config, fmt::format("'{}' {}", path, text.error().doing)});
  std::vector<std::string> keys;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    std::string key = text->substr(at, end - at);
    at = end + 1;
    if (key.ends_with('\r')) key.pop_back();
    if (!key.empty()) keys.push_back(std::move(key));
  }
  if (keys.empty()) return fail({Errc::config, fmt::format("'{}' holds no key", path)});
  if (keys.size() > kMostKeys)
    return fail({Errc::config, fmt::format("'{}' holds more than {} keys", path, kMostKeys)});
  for (const std::string& key : keys) {
    if (key.size() >= kLeastKeyBytes) continue;
    return fail({Errc::config, fmt::format("'{}' holds a key of less than {} bytes", path, kLeastKeyBytes)});
  }
  return keys;
}

}  // namespace thorlog
