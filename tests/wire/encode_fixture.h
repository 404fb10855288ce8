// Lines as the parser would hand them on, and a small reader for what the JSON encoder wrote.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/encode_line.h"

namespace thorlog::test {

// 2025-10-08 11:37:54 UTC
inline constexpr std::int64_t kStamp = 1'759'923'474'000'000'000;

// A stored record with everything it refers to. The views of the event lie in `raw`, as the parser's do.
struct Line {
  explicit Line(std::string bytes) : raw(std::move(bytes)) {
    record.event.raw = raw;
    record.event.timestamp = kStamp;
    record.received = kStamp + 1'500'000'025;
    record.peer = "10.0.0.7:40000";
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  // The first place where the text stands in raw.
  std::string_view in_raw(std::string_view text) {
    const std::size_t at = raw.find(text);
    EXPECT_NE(at, std::string::npos) << text;
    return at == std::string::npos ? std::string_view() : std::string_view(raw).substr(at, text.size());
  }

  StoredRecord stored() const { return {record, 0, 4096, 17, "6f1d", "net", asset, extra_flags}; }

  std::string raw;
  Record record;
  std::string asset;
  std::uint32_t extra_flags = 0;
};

inline constexpr std::string_view kThorLine =
    "<190>Oct  8 11:37:54 arch.corp.example/10.1.1.1 THOR: Alert: MODULE: Filescan MESSAGE: Malware \"x\" found "
    "SCANID: S-KybbdhFvHhc FILE: C:\\temp\\1.exe SCORE: 130";

inline void make_thor(Line& line) {
  Event& event = line.record.event;
  event.kind = Kind::thor;
  event.format = Format::text;
  event.level = Level::alert;
  event.priority = 190;
  event.score = 130;
  event.host = line.in_raw("arch.corp.example");
  event.ip = line.in_raw("10.1.1.1");
  event.app_name = line.in_raw("THOR");
  event.module = line.in_raw("Filescan");
  event.message = line.in_raw("Malware \"x\" found");
  event.scan_id = line.in_raw("S-KybbdhFvHhc");
  event.canonical_host = "arch";
}

inline std::string encode(const Line& line, LineFormat format, LineFraming framing = LineFraming::none,
                          FieldSource fields = nullptr) {
  LineEncoder encoder({format, framing, fields});
  ByteBuffer out;
  encoder.append(line.stored(), out);
  return std::string(out.view());
}

// Reads a JSON object of one level: strings decoded, everything else as its text. Adds a failure where it is none.
class JsonReader {
 public:
  using Members = std::vector<std::pair<std::string, std::string>>;

  static Members read(std::string_view text) {
    JsonReader reader(text);
    Members members = reader.object();
    EXPECT_TRUE(reader.ok_ && reader.at_ == text.size()) << "no JSON from byte " << reader.at_ << " on: " << text;
    return members;
  }
  static std::string value(std::string_view text, std::string_view key) {
    for (const auto& [name, value] : read(text)) {
      if (name == key) return value;
    }
    return "(absent)";
  }

 private:
  explicit JsonReader(std::string_view text) : text_(text) {}

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  Members object() {
    Members members;
    ok_ = take('{');
    if (take('}')) return members;
    do {
      std::string key = string();
      ok_ = ok_ && take(':');
      const bool is_text = at_ < text_.size() && text_[at_] == '"';
      members.emplace_back(std::move(key), is_text ? string() : other());
    } while (ok_ && take(','));
    ok_ = ok_ && take('}');
    return members;
  }
  std::string other() {
    const std::size_t begin = at_;
    int depth = 0;
    while (at_ < text_.size() && (depth > 0 || (text_[at_] != ',' && text_[at_] != '}'))) {
      if (text_[at_] == '"') {
        string();
        continue;
      }
      depth += text_[at_] == '{' || text_[at_] == '[' ? 1 : text_[at_] == '}' || text_[at_] == ']' ? -1 : 0;
      ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }
  std::string string() {
    std::string result;
    ok_ = ok_ && take('"');
    while (ok_ && at_ < text_.size() && text_[at_] != '"') {
      const char c = text_[at_++];
      ok_ = static_cast<unsigned char>(c) >= 0x20;
      result += c == '\\' ? escaped() : std::string(1, c);
    }
    ok_ = ok_ && take('"');
    return result;
  }
  std::string escaped() {
    const char letter = at_ < text_.size() ? text_[at_++] : '?';
    if (letter == 'u') {
      const unsigned long code = std::stoul(std::string(text_.substr(at_, 4)), nullptr, 16);
      at_ += 4;
      ok_ = ok_ && code < 0x80;  // the encoder has no other
      return std::string(1, static_cast<char>(code));
    }
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
    const std::size_t i = kLetters.find(letter);
    ok_ = ok_ && i != std::string_view::npos;
    return ok_ ? std::string(1, kBytes[i]) : std::string();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace thorlog::test
