// Models of what cuts and rewrites lines on their way (domain notes 2.2 and 2.3; compared by the fleet simulator with
// rsyslog 8.2302 and syslog-ng 3.38, whose bytes are in relay_headers_test.cc).
#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace thorlog {

// rsyslog imtcp: each break drops a byte.
inline std::vector<std::string> cut_imtcp(const std::string& line, std::size_t limit) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < line.size(); at += limit + 1) pieces.push_back(line.substr(at, limit));
  return pieces;
}

// rsyslog imptcp since 8.2304: nothing is lost.
inline std::vector<std::string> cut_exact(const std::string& line, std::size_t limit) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < line.size(); at += limit) pieces.push_back(line.substr(at, limit));
  return pieces;
}

// syslog-ng: nothing but CR, LF, NUL at an end and blanks at a beginning.
inline std::vector<std::string> cut_syslog_ng(const std::string& line, std::size_t limit) {
  std::vector<std::string> pieces;
  for (std::string& piece : cut_exact(line, limit)) {
    while (!piece.empty() && std::string_view("\r\n\0", 3).find(piece.back()) != std::string_view::npos)
      piece.pop_back();
    const std::size_t blanks = pieces.empty() ? 0 : piece.find_first_not_of(' ');
    if (blanks != std::string::npos) piece.erase(0, blanks);
    if (!piece.empty()) pieces.push_back(piece);
  }
  return pieces;
}

// What syslog-ng puts before a piece without a header.
inline std::string syslog_ng_header(const std::string& piece, const std::string& sender, const std::string& stamp) {
  const std::size_t blanks = piece.find_first_not_of(' ');
  return "<13>" + stamp + " " + sender + " " + (blanks == std::string::npos ? "" : piece.substr(blanks));
}

// And rsyslog: the first word may become a host name, the next one a tag of at most 32 bytes.
inline std::string rsyslog_header(const std::string& piece, const std::string& sender, const std::string& stamp) {
  std::string out = "<13>" + stamp + " ";
  const bool has_tag = piece.empty() || (piece[0] != '{' && piece[0] != '[');
  std::size_t end = 0;
  while (end < piece.size() && (std::isalnum(static_cast<unsigned char>(piece[end])) != 0 ||
                                std::string_view("._-").find(piece[end]) != std::string_view::npos))
    ++end;
  std::size_t at = 0;
  const bool word = end > 0 && static_cast<unsigned char>(piece[end - 1]) < 0x80 &&
                    std::isalnum(static_cast<unsigned char>(piece[end - 1])) != 0 &&
                    (end == piece.size() || piece[end] == ' ');
  if (word) {
    out += piece.substr(0, end) + " ";
    at = end < piece.size() ? end + 1 : end;
  } else {
    out += sender + " ";
  }
  std::size_t tag = at;
  if (has_tag) {
    while (tag < piece.size() && piece[tag] != ':' && piece[tag] != ' ') ++tag;
    if (tag < piece.size() && piece[tag] == ':') ++tag;
  }
  out += piece.substr(at, tag - at).substr(0, 32);
  if (tag >= piece.size() || piece[tag] != ' ') out += " ";
  return out + piece.substr(tag);
}

}  // namespace thorlog
