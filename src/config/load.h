// From a YAML file to Settings. Strict: whatever is not exactly right is an error with its place, and all of them are
// told at once. Touches nothing but the files it reads. Any thread; not for the hot path.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.h"

namespace thorlog {

struct ConfigError {
  std::string file;
  int line = 0;  // from 1; 0: the file as a whole
  int column = 0;
  std::string text;  // what is wrong and what to do

  // "thorlogd.yaml:12:5: unknown key 'lisen': did you mean 'listen'?"
  std::string message() const;
  bool operator==(const ConfigError&) const = default;
};

// Either the settings or at least one error, in the order of the file.
class [[nodiscard]] LoadedSettings {
 public:
  explicit LoadedSettings(Settings settings) : state_(std::move(settings)) {}
  explicit LoadedSettings(std::vector<ConfigError> errors) : state_(std::move(errors)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  const Settings& operator*() const& { return std::get<0>(state_); }
  Settings&& operator*() && { return std::get<0>(std::move(state_)); }
  const Settings* operator->() const { return &std::get<0>(state_); }
  const std::vector<ConfigError>& errors() const { return std::get<1>(state_); }

 private:
  std::variant<Settings, std::vector<ConfigError>> state_;
};

// At most this much is read; a configuration that is longer is refused.
inline constexpr std::size_t kMaxConfigBytes = 1U << 20;

// Told at once at most; a file with more is no configuration.
inline constexpr std::size_t kMaxConfigErrors = 100;

LoadedSettings load_settings(const std::string& path);
// `name` stands for the file in errors; relative `{ file: PATH }` values are read from the working folder.
LoadedSettings load_settings_text(std::string_view text, const std::string& name);

}  // namespace thorlog
