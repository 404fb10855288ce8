#include "wire/relp.h"

#include <array>
#include <charconv>

#include "wire/digits.h"

namespace thorlog {
namespace {

// "999999999 serverclose 999999999 " is the longest header of a command that we know; unknown ones have 32 letters.
constexpr std::size_t kMaxHeader = 9 + 1 + 32 + 1 + 9 + 1;
constexpr std::size_t kMaxSoftware = 255;

struct Name {
  std::string_view text;
  RelpCommand command;
};
constexpr std::array<Name, 5> kNames = {{{"open", RelpCommand::open},
                                         {"close", RelpCommand::close},
                                         {"syslog", RelpCommand::syslog},
                                         {"rsp", RelpCommand::rsp},
                                         {"serverclose", RelpCommand::serverclose}}};

RelpCommand command_of(std::string_view text) noexcept {
  for (const Name& name : kNames) {
    if (name.text == text) return name.command;
  }
  return RelpCommand::other;
}

bool is_word(std::string_view text) noexcept {
  if (text.empty() || text.size() > 32) return false;
  for (const char c : text) {
    if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z')) return false;
  }
  return true;
}

template <class T>
bool read_number(std::string_view text, T& value) noexcept {
  if (text.empty() || text.size() > 9) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// Takes the text before the first `mark` off the front, with the mark; all of it when there is none.
std::string_view take_until(std::string_view& text, char mark) noexcept {
  const std::size_t at = text.find(mark);
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return before;
}

}  // namespace

void RelpReader::feed(std::string_view bytes) { input_ = bytes; }

RelpReader::Step RelpReader::next(RelpFrame& frame) {
  if (given_carry_) {
    given_carry_ = false;
    std::string().swap(carry_);
  }
  for (;;) {
    switch (state_) {
      case State::header:
        if (const Step step = read_header(); step != Step::frame) return step;
        if (total_ == 0) return give({}, frame);
        break;
      case State::data:
        return read_data(frame);
      case State::end:
        if (const Step step = read_end(); step != Step::frame) return step;
        break;
      case State::broken:
        return Step::broken;
    }
  }
}

RelpReader::Step RelpReader::fail(std::string_view why) {
  state_ = State::broken;
  error_ = why;
  std::string().swap(carry_);
  return Step::broken;
}

// Up to the blank behind DATALEN, or to the LF where that is 0. `frame`: the header is complete.
RelpReader::Step RelpReader::read_header() {
  while (!input_.empty()) {
    const char c = input_.front();
    const bool ends = (c == ' ' && carry_.find(' ') != carry_.rfind(' ')) || c == '\n';
    if (ends) {
      if (const std::string_view wrong = parse_header(carry_); !wrong.empty()) return fail(wrong);
      if (total_ != 0 && c == '\n') return fail("a frame ended before its data");
      if (c == ' ') input_.remove_prefix(1);  // also before no data: librelp writes none there, others do
      carry_.clear();
      left_ = total_;
      piece_left_ = false;
      state_ = State::data;
      return Step::frame;
    }
    if (carry_.size() >= kMaxHeader) return fail("a frame's header is too long");
    carry_.push_back(c);
    input_.remove_prefix(1);
  }
  return Step::more;
}

// What is wrong with it; empty: nothing.
std::string_view RelpReader::parse_header(std::string_view header) {
  const std::string_view number = take_until(header, ' ');
  const std::string_view command = take_until(header, ' ');
  if (!read_number(number, txnr_)) return "a frame begins with no transaction number";
  if (!is_word(command)) return "a frame's command is no word";
  if (!read_number(header, total_)) return "a frame's length is no number";
  command_ = command_of(command);
  return {};
}

RelpReader::Step RelpReader::read_data(RelpFrame& frame) {
  const std::size_t wanted = left_ < max_data_ ? left_ : max_data_;
  if (carry_.empty() && input_.size() >= wanted) {
    const std::string_view data = input_.substr(0, wanted);
    input_.remove_prefix(wanted);
    return give(data, frame);
  }
  const std::size_t missing = wanted - carry_.size();
  const std::size_t taken = input_.size() < missing ? input_.size() : missing;
  carry_.append(input_.data(), taken);
  input_.remove_prefix(taken);
  if (taken < missing) return Step::more;
  carry_.append(kReadAhead, '\0');
  given_carry_ = true;
  return give(std::string_view(carry_).substr(0, wanted), frame);
}

RelpReader::Step RelpReader::give(std::string_view data, RelpFrame& frame) {
  left_ -= data.size();
  frame = {txnr_, command_, data, !piece_left_, left_ == 0, total_};
  piece_left_ = true;
  if (left_ == 0) state_ = State::end;
  return Step::frame;
}

RelpReader::Step RelpReader::read_end() {
  if (input_.empty()) return Step::more;
  if (input_.front() != '\n') return fail("a frame does not end where it says");
  input_.remove_prefix(1);
  state_ = State::header;
  return Step::frame;
}

void append_relp(std::uint32_t txnr, std::string_view command, std::string_view data, ByteBuffer& to) {
  char* at = to.reserve(kMaxHeader + command.size() + data.size() + 2 * kMaxDigits);
  at = put_decimal(at, txnr);
  *at++ = ' ';
  at = put_text(at, command);
  *at++ = ' ';
  at = put_decimal(at, data.size());
  if (!data.empty()) {
    *at++ = ' ';
    at = put_text(at, data);
  }
  *at++ = '\n';
  to.commit_to(at);
}

void append_relp_response(std::uint32_t txnr, unsigned code, std::string_view text, std::string_view more,
                          ByteBuffer& to) {
  std::string data = std::to_string(code);
  data.append(" ").append(text);
  if (!more.empty()) data.append("\n").append(more);
  append_relp(txnr, "rsp", data, to);
}

bool read_relp_response(std::string_view data, RelpResponse& response) noexcept {
  response = {};
  if (data.empty()) {
    response.code = 200;
    return true;
  }
  std::string_view line = take_until(data, '\n');
  response.more = data;
  if (!read_number(take_until(line, ' '), response.code)) return false;
  response.text = line;
  return true;
}

bool read_relp_offers(std::string_view data, RelpOffers& offers) noexcept {
  offers = {};
  bool versioned = false;
  while (!data.empty()) {
    std::string_view value = take_until(data, '\n');
    const std::string_view name = take_until(value, '=');
    if (name == "relp_version") versioned = read_number(value, offers.version);
    if (name == "relp_software") offers.software = value.substr(0, kMaxSoftware);
    while (name == "commands" && !value.empty()) offers.syslog = take_until(value, ',') == "syslog" || offers.syslog;
  }
  return versioned;
}

std::string_view relp_offers() noexcept { return "relp_version=0\nrelp_software=thorlogd\ncommands=syslog"; }

}  // namespace thorlog
