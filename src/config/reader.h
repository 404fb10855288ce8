// Reads values out of a YAML tree and collects what is wrong with them. One Reader for one file, one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"

namespace thorlog {

// A value with its place in the file.
struct Scalar {
  std::string text;
  Place place;
};

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  void error(Place place, std::string text);
  // "unknown WHAT 'given'OF: did you mean 'x'?", or the list of what is known.
  void unknown(Place place, std::string_view what, std::string_view given, std::span<const std::string_view> known,
               std::string_view of = {});

  // The text of a scalar, or what `{ env: NAME }` or `{ file: PATH }` stands for. `key` and `wanted` ("a size such as
  // 4MiB") are for the error of anything else.
  std::optional<Scalar> scalar(const YamlNode& node, std::string_view key, std::string_view wanted);
  // The scalars of a list, or the one scalar in its place. What is wrong is told and left out.
  std::vector<Scalar> scalars(const YamlNode& node, std::string_view key, std::string_view wanted);
  // False, and told, when the node is no map.
  bool expect_map(const YamlNode& node, std::string_view key);

  // Tells when the path is no file (no folder) that can be read.
  void check_readable(const Scalar& path);
  void check_folder(const Scalar& path);

  std::vector<ConfigError>& errors() { return errors_; }
  const std::string& file() const { return file_; }

 private:
  std::optional<Scalar> from_environment(const Scalar& name);
  std::optional<Scalar> from_file(const Scalar& path);

  std::string file_;
  std::vector<ConfigError> errors_;
};

// True for `{ env: NAME }` and `{ file: PATH }`.
bool is_reference(const YamlNode& node) noexcept;

// The whole file, at most `limit` bytes. The error says what is wrong in words that follow the path.
Result<std::string> read_text_file(const std::string& path, std::size_t limit);

}  // namespace thorlog
