// What is looked for in a JSON object, whoever wrote it: THOR (three versions), the agent, the appliances, Windows
// shippers. One pass over the object collects it; what it means is decided elsewhere.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>

namespace thorlog {

// Strings are unescaped; empty: not there (or empty). Valid until the reader's next call.
struct JsonFacts {
  bool valid = false;   // it is one whole, well-formed object
  bool object = false;  // it begins as one

  // THOR 1 and 2, and the agent
  std::string_view time, hostname, level, module, message, scanid, uid, type, component, pid;
  bool has_scanid = false, has_level = false, has_module = false, has_message = false;
  // THOR 3
  bool has_meta = false;
  std::string_view meta_time, meta_hostname, meta_level, meta_module, meta_scan_id, meta_event_id;
  bool has_meta_scan_id = false;
  // "log_version", and "version" as some tools rewrite it: 1 to 3, 0 for another or none
  bool has_log_version = false;
  int log_version = 0;
  int version = 0;
  double score = std::numeric_limits<double>::quiet_NaN();

  // Management Center
  std::string_view upper_level, upper_message, upper_module, upper_time;
  bool has_upper = false;

  // Windows: Winlogbeat and NXLog
  bool has_windows = false;
  std::string_view event_id, provider, computer, windows_time, windows_message;
};

class JsonReader {
 public:
  JsonReader();
  ~JsonReader();

  // `text` begins with "{" and has kReadAhead readable bytes behind it. Blanks behind the object are none of its
  // business. A broken object is read as far as it is intact: facts behind the break are not believed, because there
  // the text of a value may look like structure.
  JsonFacts read(std::string_view text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "v3.0.0", "v3", "3", "3.0": the major version if it is 1 to 3, else 0.
int json_version(std::string_view text) noexcept;

}  // namespace thorlog
