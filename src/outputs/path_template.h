// The path of a file output: "/var/log/thorlogd/{asset}/{date}.log". What stands in the records is chosen by
// strangers, so a value may only ever name one plain file or folder (specs 4, "File paths"). One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "thorlog/result.h"
#include "wire/stored_record.h"

namespace thorlog {

// Appends `value` if it is [a-z0-9._-], 1 to 64 bytes, without a dot in front. Else: lower case, everything else '_',
// cut, and a hash of the value as it was, so that two hosts never share a file by accident. `no_number_at_end`: also
// what ends as a rotated file does (".1", ".gz") gets the hash.
void append_safe_name(std::string& out, std::string_view value, bool no_number_at_end = false);

class PathTemplate {
 public:
  // Errors (config): unknown placeholder, "..", a name that could become too long.
  static Result<PathTemplate> parse(std::string_view path);

  // The folder before the first placeholder: the operator's own words, never left by any record.
  const std::string& root() const noexcept { return root_; }
  bool is_literal() const noexcept { return literal_; }  // no placeholder but {date}
  bool needs_asset() const noexcept { return needs_asset_; }

  // The path below root(). {date} is the UTC day on which the record was received: our own clock, so that no sender
  // chooses it.
  void expand(const StoredRecord& record, std::string& out);
  // The same with `_overflow` for everything that senders choose.
  void expand_overflow(const StoredRecord& record, std::string& out);
  // False: certainly the same path as the last expand() gave.
  bool may_differ(const StoredRecord& record) const noexcept;

 private:
  enum class Field : std::uint8_t { text, asset, host, scan_id, group_id, input, kind, date };
  struct Part {
    Field field = Field::text;
    std::string text;
    bool last = false;  // nothing of the file's name stands behind it
  };

  Status check_lengths() const;
  void append_part(const Part& part, const StoredRecord& record, bool overflow, std::string& out);
  void set_day(std::int64_t received) noexcept;

  std::string root_;
  std::vector<Part> parts_;
  bool literal_ = true;
  bool needs_asset_ = false;
  std::int64_t day_ = -1;  // the day that date_ is, in days since 1970
  std::string date_;
};

}  // namespace thorlog
