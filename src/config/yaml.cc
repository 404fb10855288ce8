#include "config/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <list>
#include <optional>
#include <sstream>
#include <unordered_map>

namespace thorlog {
namespace {

constexpr std::size_t kMaxNodes = 50'000;
constexpr std::size_t kMaxDepth = 32;

// Leaves yaml-cpp's parser; caught in parse_yaml().
struct Refused {
  Place place;
  std::string text;
};

Place place_of(const YAML::Mark& mark) { return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1}; }

// Makes the tree of yaml-cpp's events. yaml-cpp's own nodes silently keep one of two equal keys, so they are no help.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, const std::string& file, std::vector<ConfigError>& errors)
      : text_(text), file_(file), errors_(errors) {}

  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      throw Refused{place_of(mark), "a second document begins here: one file is one configuration"};
  }
  void OnDocumentEnd() override {}

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    throw Refused{place_of(mark),
                  fmt::format("anchors are not used here: write the value instead of '&{}'", name.substr(0, 40))};
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{place_of(mark), "aliases are not used here: write the value again"};
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(mark, "?", YamlNode::Kind::null, {}); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    check_closed(mark);
    if (expects_key()) {
      check_tag(mark, tag);
      open_.back().key = Key{value, place_of(mark)};
      return;
    }
    add(mark, tag, YamlNode::Kind::scalar, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(add(mark, tag, YamlNode::Kind::list, {}));
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(add(mark, tag, YamlNode::Kind::map, {}));
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct Key {
    std::string text;
    Place place;
  };
  struct Open {
    YamlNode* node;  // stays where it is: its parent does not grow while it is open
    std::optional<Key> key;
    std::unordered_map<std::string, int> lines_of_keys;
  };

  static void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Refused{place_of(mark), fmt::format("tags are not used here: leave '{}' out", tag.substr(0, 80))};
  }

  // yaml-cpp takes a quote that is still open at the end of the file for closed: half a file would load.
  void check_closed(const YAML::Mark& mark) {
    for (; line_ < mark.line; ++line_) line_at_ = text_.find('\n', line_at_) + 1;
    const std::size_t at = line_at_ + static_cast<std::size_t>(mark.column);
    if (at >= text_.size() || (text_[at] != '"' && text_[at] != '\'')) return;
    const char quote = text_[at];
    for (std::size_t i = at + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\' && quote == '"') {
        ++i;
      } else if (text_[i] == quote) {
        if (quote == '"' || i + 1 >= text_.size() || text_[i + 1] != quote) return;
        ++i;  // '' stands for one quote
      }
    }
    throw Refused{place_of(mark), "this quote is never closed"};
  }

  bool expects_key() const {
    return !open_.empty() && open_.back().node->is(YamlNode::Kind::map) && !open_.back().key;
  }

  void open(YamlNode* node) {
    if (open_.size() >= kMaxDepth) throw Refused{node->place, "this is nested too deeply"};
    open_.push_back({node, {}, {}});
  }

  YamlNode* add(const YAML::Mark& mark, const std::string& tag, YamlNode::Kind kind, const std::string& text) {
    Place place = place_of(mark);
    // yaml-cpp puts "nothing" where the next thing begins.
    if (kind == YamlNode::Kind::null && !open_.empty() && open_.back().key) place = open_.back().key->place;
    check_tag(mark, tag);
    if (++nodes_ > kMaxNodes) throw Refused{place, "the file has too many values"};
    if (expects_key()) throw Refused{place, "a key must be a word"};
    YamlNode* node = &root_;
    if (!open_.empty()) node = open_.back().node->is(YamlNode::Kind::list) ? new_item() : new_value();
    node->kind = kind;
    node->place = place;
    node->text = text;
    return node;
  }

  YamlNode* new_item() { return &open_.back().node->items.emplace_back(); }

  YamlNode* new_value() {
    Open& map = open_.back();
    Key key = *std::move(map.key);
    map.key.reset();
    const auto [first, is_new] = map.lines_of_keys.emplace(key.text, key.place.line);
    if (!is_new) {
      if (errors_.size() < kMaxConfigErrors)
        errors_.push_back({file_, key.place.line, key.place.column,
                           fmt::format("'{}' stands here a second time (first in line {}): keep one of the two",
                                       key.text.substr(0, 80), first->second)});
      return &repeated_.emplace_back();
    }
    return &map.node->entries.emplace_back(YamlEntry{std::move(key.text), key.place, {}}).value;
  }

  std::string_view text_;
  int line_ = 0;  // the line of the last scalar, and where it begins in the text
  std::size_t line_at_ = 0;
  std::string file_;
  std::vector<ConfigError>& errors_;
  int documents_ = 0;
  std::size_t nodes_ = 0;
  YamlNode root_;
  std::list<YamlNode> repeated_;  // values of repeated keys: read, then forgotten
  std::vector<Open> open_;
};

struct Wrong {
  std::size_t at;
  std::string text;
};

// The length of the UTF-8 character at `at`, 0 when there is none (RFC 3629: no overlong forms, no surrogates).
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(at);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  unsigned low = 0x80, high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (byte(at + 1) < low || byte(at + 1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (byte(at + i) < 0x80 || byte(at + i) > 0xBF) return 0;
  return length;
}

// What yaml-cpp would take in its own way: bytes that are no text, and tabs that look like spaces.
std::optional<Wrong> wrong_bytes(std::string_view text) {
  bool indenting = true;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '\t' && indenting) return Wrong{at, "a tab stands here as indentation: use spaces"};
    if (c == '\n') indenting = true;
    if (c != '\n' && c != ' ') indenting = false;
    if ((c < 32 && c != '\n' && c != '\r' && c != '\t') || c == 127)
      return Wrong{at, fmt::format("the control character 0x{:02x} stands here: this is no text file", c)};
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return Wrong{at, fmt::format("the byte 0x{:02x} is no UTF-8: save the file as UTF-8", c)};
    at += length;
  }
  return std::nullopt;
}

ConfigError error_at(std::string_view text, const std::string& file, const Wrong& wrong) {
  ConfigError error{file, 1, 1, wrong.text};
  for (std::size_t i = 0; i < wrong.at; ++i) {
    error.column = text[i] == '\n' ? 1 : error.column + 1;
    if (text[i] == '\n') ++error.line;
  }
  return error;
}

}  // namespace

const YamlEntry* YamlNode::find(std::string_view key) const noexcept {
  for (const auto& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

YamlNode parse_yaml(std::string_view text, const std::string& file, std::vector<ConfigError>& errors) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (const auto wrong = wrong_bytes(text)) {
    errors.push_back(error_at(text, file, *wrong));
    return {};
  }
  TreeBuilder builder(text, file, errors);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take();
  } catch (const Refused& refused) {
    errors.push_back({file, refused.place.line, refused.place.column, refused.text});
  } catch (const YAML::Exception& exception) {
    const Place place = place_of(exception.mark);
    errors.push_back({file, place.line, place.column, fmt::format("this is no YAML: {}", exception.msg)});
  }
  return {};
}

}  // namespace thorlog
