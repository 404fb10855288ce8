// A CEF line's parts as they stand, escapes and all. Internal to src/thor.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace thorlog {

class CefFields {
 public:
  // version, vendor, product, device version, signature id, name, severity
  std::array<std::string_view, 7> header;

  // `body` begins with "CEF:". False: the line ends within the header.
  bool split(std::string_view body) noexcept;

  // The next key=value of the extension; false: there is none.
  bool next(std::string_view& key, std::string_view& value) noexcept;

 private:
  static std::size_t key_length(std::string_view text) noexcept;
  std::string_view rest_;
};

void append_cef_unescaped(std::string& out, std::string_view text);

}  // namespace thorlog
