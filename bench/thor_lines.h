// The lines that benchmarks read: like those of a real fleet, a median of 450 bytes of text, and THOR 11's JSON of 1
// KiB.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "thorlog/frame.h"

namespace thorlog::bench {

inline constexpr std::int64_t kReceived = 1'772'438'400'000'000'000;  // 2026-03-02 08:00:00

// Several lines of one kind, each with readable bytes behind it, so that no branch is learnt by heart.
class Lines {
 public:
  template <class Make>
  explicit Lines(Make make) {
    for (unsigned n = 0; n < kCount; ++n) {
      std::string line = make(n);
      const std::size_t size = line.size();
      bytes_ += size;
      line.append(kReadAhead, '\0');
      text_.push_back(std::move(line));
      sizes_.push_back(size);
    }
  }
  std::string_view operator[](std::size_t n) const { return {text_[n % kCount].data(), sizes_[n % kCount]}; }
  std::int64_t mean() const { return static_cast<std::int64_t>(bytes_ / kCount); }

 private:
  static constexpr unsigned kCount = 256;
  std::vector<std::string> text_;
  std::vector<std::size_t> sizes_;
  std::size_t bytes_ = 0;
};

struct Dice {
  std::uint64_t state = 88172645463325252ULL;
  unsigned operator()(unsigned below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<unsigned>((state >> 16) % below);
  }
  std::string hex(int digits) {
    std::string out;
    for (int n = 0; n < digits; ++n) out += "0123456789abcdef"[(*this)(16)];
    return out;
  }
};

inline std::string scan_of(unsigned host) { return "S-Kyb" + std::to_string(100000 + host) + "Hc"; }

inline std::string text_line(unsigned n) {
  static const char* const kModules[] = {"Filescan", "ProcessCheck", "SHIMCache", "Registry", "Amcache", "LogScan"};
  static const char* const kLevels[] = {"Info", "Info", "Info", "Notice", "Notice", "Warning", "Warning", "Alert"};
  static const char* const kMessages[] = {"Possibly Dangerous file found", "Suspicious file found", "Starting module",
                                          "Malware name found in Shim Cache Entry", "YARA rule match in log entry"};
  static const char* const kFolders[] = {"C:\\Windows\\System32\\", "C:\\Users\\neo\\Desktop\\", "/var/tmp/.cache/",
                                         "C:\\Program Files (x86)\\Common Files\\Services\\"};
  Dice dice;
  dice.state += n * 7919;
  dice(2);
  const unsigned host = dice(200);
  std::string line = "<134>Mar  2 07:59:5" + std::to_string(dice(10)) + " HOST" + std::to_string(host) + "/10.0." +
                     std::to_string(host % 4) + "." + std::to_string(host + 2) + " THOR: " + kLevels[dice(8)] +
                     ": MODULE: " + kModules[dice(6)] + " MESSAGE: " + kMessages[dice(5)] +
                     " SCANID: " + scan_of(host) + " FILE: " + kFolders[dice(4)] +
                     "mimikatz.exe SCORE: " + std::to_string(20 + dice(120)) +
                     " SIZE: " + std::to_string(dice(9000000)) + " MD5: " + dice.hex(32) + " SHA1: " + dice.hex(40);
  line += " OWNER: BUILTIN\\Administrators FIRSTBYTES: " + dice.hex(20) + " CREATED: Mon Jul 29 05:16:04 2013";
  for (int reason = 1; line.size() < 420; ++reason)
    line += " REASON_" + std::to_string(reason) +
            ": YARA rule SUSP_Encoded_PS1_Sep20 SUBSCORE: " + std::to_string(dice(90));
  return line + " UID: " + std::to_string(n);
}

inline std::string json3_line(unsigned n) {
  Dice dice;
  dice.state += n * 104729;
  dice(2);
  std::string line =
      "{\"type\":\"THOR assessment\",\"meta\":{\"time\":\"2026-03-02T08:59:59.190394329+01:00\",\"level\":"
      "\"Warning\",\"module\":\"Filescan\",\"scan_id\":\"" +
      scan_of(dice(200)) + "\",\"event_id\":\"" + dice.hex(12) + "\",\"hostname\":\"WKS10" +
      std::to_string(dice(200)) +
      "\"},\"message\":\"Suspicious file found\",\"subject\":{\"type\":\"file\",\"path\":\"C:\\\\Windows\\\\"
      "Temp\\\\" +
      dice.hex(8) + "\\\\ncat.exe\",\"size\":" + std::to_string(dice(9000000)) + ",\"md5\":\"" + dice.hex(32) +
      "\",\"sha1\":\"" + dice.hex(40) + "\",\"sha256\":\"" + dice.hex(64) + "\"},\"score\":70,\"reasons\":[";
  while (line.size() < 900)
    line +=
        "{\"type\":\"reason\",\"summary\":\"YARA rule "
        "SUSP_Encoded_PS1_Sep20\",\"signature\":{\"score\":70,\"ref\":null,"
        "\"origin\":\"internal\",\"kind\":\"\"},\"matched\":[{\"data\":\"" +
        dice.hex(24) + "\",\"offset\":4711}]},";
  line.back() = ']';
  return line + ",\"reason_count\":2,\"context\":[],\"log_version\":\"v3.0.0\"}";
}

}  // namespace thorlog::bench
