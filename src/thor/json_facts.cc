// Well-formed JSON, by simdjson's DOM: it checks the whole text, and strings come unescaped.
#include "thor/json_facts.h"

#include <charconv>
#include <simdjson.h>
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
  if (value.get(number) == simdjson::SUCCESS) return number == 1 || number == 2 || number == 3 ? static_cast<int>(number) : 0;
  return json_version(string_of(value));
}

double score_of(const dom::element& value) noexcept {
  double number = 0;
  if (value.get(number) == simdjson::SUCCESS) return number;
  return number_of(string_of(value));
}

// The first of two equal keys counts.
void set(std::string_view& fact, std::string_view value) noexcept {
  if (fact.data() == nullptr) fact = value;
}

void read_meta(const dom::object& meta, JsonFacts& facts) noexcept {
  for (const auto& field : meta) {
    const std::string_view key = field.key;
    if (key == "time") {
      set(facts.meta_time, string_of(field.value));
    } else if (key == "level") {
      set(facts.meta_level, string_of(field.value));
    } else if (key == "module") {
      set(facts.meta_module, string_of(field.value));
    } else if (key == "scan_id") {
      facts.has_meta_scan_id = true;
      set(facts.meta_scan_id, string_of(field.value));
    } else if (key == "event_id") {
      set(facts.meta_event_id, string_of(field.value));
    } else if (key == "hostname") {
      set(facts.meta_hostname, string_of(field.value));
    }
  }
}

void read_winlog(const dom::object& winlog, JsonFacts& facts, NumberText& numbers) noexcept {
  facts.has_windows = true;
  for (const auto& field : winlog) {
    const std::string_view key = field.key;
    if (key == "event_id") set(facts.event_id, text_of(field.value, numbers));
    if (key == "provider_name") set(facts.provider, string_of(field.value));
    if (key == "computer_name") set(facts.computer, string_of(field.value));
  }
}

// Winlogbeat's "event":{"code":..,"provider":..} and "host":{"name":..}; where winlog tells it too, both agree.
void read_ecs(const dom::object& object, JsonKey key, JsonFacts& facts, NumberText& numbers) noexcept {
  for (const auto& field : object) {
    const std::string_view name = field.key;
    if (key == JsonKey::event && name == "code") set(facts.event_id, text_of(field.value, numbers));
    if (key == JsonKey::event && name == "provider") set(facts.provider, string_of(field.value));
    if (key == JsonKey::host && name == "name") set(facts.computer, string_of(field.value));
  }
}

class Collect {
 public:
  Collect(JsonFacts& facts, NumberText& numbers) noexcept : facts_(facts), numbers_(numbers) {}

  void see(std::string_view name, const dom::element& value) noexcept {
    switch (const JsonKey key = json_key(name)) {
      case JsonKey::other: break;
      case JsonKey::time: set(facts_.time, string_of(value)); break;
      case JsonKey::hostname: set(facts_.hostname, string_of(value)); break;
      case JsonKey::level: facts_.has_level = true, set(facts_.level, string_of(value)); break;
      case JsonKey::module: facts_.has_module = true, set(facts_.module, string_of(value)); break;
      case JsonKey::message: facts_.has_message = true, set(facts_.message, string_of(value)); break;
      case JsonKey::scanid: facts_.has_scanid = true, set(facts_.scanid, string_of(value)); break;
      case JsonKey::uid: set(facts_.uid, string_of(value)); break;
      case JsonKey::type: facts_.has_type = true, set(facts_.type, string_of(value)); break;
      case JsonKey::component: set(facts_.component, string_of(value)); break;
      case JsonKey::pid: set(facts_.pid, text_of(value, numbers_)); break;
      case JsonKey::log_version: facts_.has_log_version = true, facts_.log_version = version_of(value); break;
      case JsonKey::version: facts_.version = version_of(value); break;
      case JsonKey::score: facts_.score = score_of(value); break;
      case JsonKey::upper_level: facts_.has_upper = true, set(facts_.upper_level, string_of(value)); break;
      case JsonKey::upper_message: set(facts_.upper_message, string_of(value)); break;
      case JsonKey::upper_module: set(facts_.upper_module, string_of(value)); break;
      case JsonKey::upper_time: set(facts_.upper_time, string_of(value)); break;
      case JsonKey::timestamp: set(facts_.windows_time, string_of(value)); break;
      case JsonKey::nx_event_id: facts_.has_windows = true, set(facts_.event_id, text_of(value, numbers_)); break;
      case JsonKey::nx_source: set(facts_.provider, string_of(value)); break;
      case JsonKey::nx_hostname: set(facts_.computer, string_of(value)); break;
      case JsonKey::nx_channel: break;
      case JsonKey::nx_message: set(facts_.windows_message, string_of(value)); break;
      case JsonKey::nx_time: set(facts_.windows_time, string_of(value)); break;
      case JsonKey::meta:
      case JsonKey::winlog:
      case JsonKey::event:
      case JsonKey::host: nested(key, value); break;
    }
  }

 private:
  void nested(JsonKey key, const dom::element& value) noexcept {
    dom::object object;
    if (value.get(object) != simdjson::SUCCESS) return;
    if (key == JsonKey::meta) {
      if (!facts_.has_meta) read_meta(object, facts_);
      facts_.has_meta = true;
    } else if (key == JsonKey::winlog) {
      read_winlog(object, facts_, numbers_);
    } else {
      read_ecs(object, key, facts_, numbers_);
    }
  }

  JsonFacts& facts_;
  NumberText& numbers_;
};

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
    Collect collect(facts, state_->numbers);
    for (const auto& field : object) collect.see(field.key, field.value);
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
