// Writes one JSON document into a string: for the admin interface and command line, not for the hot path.
// Numbers and names are trusted, strings are escaped; invalid UTF-8 becomes U+FFFD. One thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace thorlog {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool yes) { return raw(yes ? "true" : "false"); }
  JsonWriter& value(double number);
  template <std::integral T>
  JsonWriter& value(T number) {
    return raw(std::to_string(number));
  }
  // JSON text as it stands.
  JsonWriter& raw(std::string_view json);

  template <class T>
  JsonWriter& member(std::string_view name, const T& what) {
    return key(name).value(what);
  }

  std::string take() { return std::move(out_); }
  const std::string& text() const noexcept { return out_; }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string out_;
  bool first_ = true;  // nothing stands before in this object or array
  bool after_key_ = false;
};

// Appends `text` with JSON's escapes, without the quotes.
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace thorlog
