// Well-formed JSON, by simdjson's DOM: it checks the whole text, and strings come unescaped.
#include "thor/json_facts.h"

#include <simdjson.h>
#include <charconv>
#include <string>

#include "thor/json_keys.h"
#include "thor/json_tolerant.h"
#include "thor/parse_work.h"

namespace thorlog {
namespace {

namespace dom = simdjson::dom;

// Numbers become text, because ids are text.
class NumberText {
 public:
  std::string_view of(std::int64_t value) noexcept {
    if (used_ + 24 > sizeof room_) return {};
    char* const begin = room_ + used_;
    const auto [end, error] = std::to_chars(begin, room_ + sizeof room_, value);
    if (error != std::errc()) return {};
    used_ = static_cast<std::size_t>(end - room_);
    return {begin, static_cast<std::size_t>(end - begin)};
  }
  void clear() noexcept { used_ = 0; }

 private:
  char room_[128] = {};
  std::size_t used_ = 0;
};

std::string_view string_of(const dom::element& value) noexcept {
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS ? text : std::string_view();
}

std::string_view text_of(const dom::element& value, NumberText& numbers) noexcept {
  std::int64_t number = 0;
  if (value.get(number) == simdjson::SUCCESS) return numbers.of(number);
  return string_of(value);
}

int version_of(const dom::element& value) noexcept {
  double number = 0;
  if (value.get(number) == simdjson::SUCCESS)
    return number == 1 || number == 2 || number == 3 ? static_cast<int>(number) : 0;
  return json_version(string_of(value));
}

double score_of(const dom::element& value) noexcept {
  double number = 0;
  if (value.get(number) == simdjson::SUCCESS) return number;
  return number_of(string_of(value));
}

void read_members(JsonPlace place, const dom::object& object, JsonFacts& facts, NumberText& numbers) noexcept {
  for (const auto& field : object) {
    const JsonMember& member = json_member(place, field.key);
    if (member.kind == JsonMember::none) continue;
    dom::object inner;
    switch (member.kind) {
      case JsonMember::text:
        // The first of two equal keys counts.
        if ((facts.*member.fact).data() == nullptr) facts.*member.fact = text_of(field.value, numbers);
        break;
      case JsonMember::object:
        if (field.value.get(inner) != simdjson::SUCCESS) continue;
        read_members(member.place, inner, facts, numbers);  // one level deep: inner ones have no objects that matter
        break;
      case JsonMember::log_version:
        facts.log_version = version_of(field.value);
        break;
      case JsonMember::version:
        facts.version = version_of(field.value);
        break;
      case JsonMember::score:
        facts.score = score_of(field.value);
        break;
      case JsonMember::none:
        break;
    }
    if (member.seen != nullptr) facts.*member.seen = true;
  }
}

}  // namespace

struct JsonReader::State {
  dom::parser parser;
  NumberText numbers;
  TolerantJson tolerant;
};

JsonReader::JsonReader() : state_(std::make_unique<State>()) {}
JsonReader::~JsonReader() = default;

JsonFacts JsonReader::read(std::string_view text) {
  // The tape of one huge line must not stay for ever.
  constexpr std::size_t kKeptCapacity = std::size_t{4} << 20;
  if (state_->parser.capacity() > kKeptCapacity && text.size() < kKeptCapacity) state_->parser = dom::parser();

  JsonFacts facts;
  state_->numbers.clear();
  dom::element document;
  dom::object object;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const simdjson::error_code error = state_->parser.parse(bytes, text.size(), false).get(document);
  if (error == simdjson::SUCCESS && document.get(object) == simdjson::SUCCESS) {
    facts.valid = facts.object = true;
    read_members(JsonPlace::top, object, facts, state_->numbers);
    return facts;
  }
  facts = state_->tolerant.read(text);
  // Whole but for a number that simdjson has no room for.
  facts.valid = facts.valid && error == simdjson::NUMBER_ERROR;
  return facts;
}

int json_version(std::string_view text) noexcept {
  if (!text.empty() && (text[0] == 'v' || text[0] == 'V')) text.remove_prefix(1);
  if (text.empty() || text[0] < '1' || text[0] > '3') return 0;
  for (const char c : text)
    if ((c < '0' || c > '9') && c != '.') return 0;
  return text.size() == 1 || text[1] == '.' ? text[0] - '0' : 0;
}

}  // namespace thorlog
