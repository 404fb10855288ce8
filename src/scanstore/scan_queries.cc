#include "scanstore/scan_queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "scans/scan_json.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kSteps = 50'000'000;  // some hundred milliseconds

constexpr const char* kScanColumns =
    "host, scan_id, group_id, asset, state, cause, run, runs, resumes, max_resumes, deadline, arguments, started, "
    "ended, "
    "last_seen, last_module, lines, alerts, warnings";
constexpr const char* kDetectionColumns =
    "key, body, summary, level, host, asset, scan_id, group_id, flags, decided, partition, offset, seq, received, "
    "acknowledged, acknowledged_by";

// A SELECT that grows condition by condition, with its values in order.
class Query {
 public:
  explicit Query(std::string begin) : sql_(std::move(begin)) {}

  void any_of(std::string_view column, const std::vector<std::string>& values) {
    if (values.empty()) return;
    condition();
    sql_ += fmt::format("{} IN (", column);
    for (std::size_t i = 0; i < values.size(); ++i) sql_ += i == 0 ? "?" : ",?";
    sql_ += ")";
    texts_.insert(texts_.end(), values.begin(), values.end());
  }
  // For columns of which few values exist: a unary plus keeps SQLite from choosing their index where `other`
  // conditions find fewer rows.
  void any_of_few(std::string_view column, const std::vector<std::string>& values, bool other) {
    any_of(other ? "+" + std::string(column) : std::string(column), values);
  }
  // The label of an asset, or its host.
  void asset(const std::vector<std::string>& values, bool host_too) {
    if (values.empty()) return;
    condition();
    std::string marks;
    for (std::size_t i = 0; i < values.size(); ++i) marks += i == 0 ? "?" : ",?";
    sql_ += host_too ? fmt::format("(asset IN ({0}) OR host IN ({0}))", marks) : fmt::format("asset IN ({})", marks);
    for (int times = host_too ? 2 : 1; times > 0; --times) texts_.insert(texts_.end(), values.begin(), values.end());
  }
  void since(std::string_view column, std::int64_t time) {
    if (time == kNoTime) return;
    condition();
    sql_ += fmt::format("{} >= {}", column, time);
  }
  void newest_first(std::string_view column, std::uint64_t limit) {
    sql_ += fmt::format(" ORDER BY {} DESC LIMIT {}", column, std::min(limit, kMostRows));
  }

  template <class Give>
  Status each(Database& database, Give give) {
    auto statement = database.prepare(sql_);
    if (!statement) return fail(std::move(statement).error());
    statement->begin();
    for (const std::string& text : texts_) statement->bind(std::string_view(text));
    for (;;) {
      auto row = statement->step();
      if (!row) return fail({Errc::busy, row.error().message() + " (narrow it, by --since for example)", 0});
      if (!*row) return ok();
      give(*statement);
    }
  }

 private:
  void condition() {
    sql_ += first_ ? " WHERE " : " AND ";
    first_ = false;
  }
  std::string sql_;
  std::vector<std::string> texts_;
  bool first_ = true;
};

ScanState state_of(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ScanState::lost); ++i) {
    if (name_of(static_cast<ScanState>(i)) == name) return static_cast<ScanState>(i);
  }
  return ScanState::running;
}

ScanRow scan_of(const Statement& row) {
  ScanRow scan;
  scan.host = row.text(0);
  scan.scan_id = row.text(1);
  scan.group_id = row.text(2);
  scan.asset = row.text(3);
  scan.state = state_of(row.text(4));
  scan.cause = row.text(5);
  scan.run = static_cast<std::uint32_t>(row.number(6));
  scan.runs = static_cast<std::uint32_t>(row.number(7));
  scan.resumes = static_cast<std::uint32_t>(row.number(8));
  scan.max_resumes = static_cast<std::uint32_t>(row.number(9));
  scan.deadline = row.time(10);
  scan.arguments = row.text(11);
  scan.started = row.time(12);
  scan.ended = row.time(13);
  scan.last_seen = row.time(14);
  scan.last_module = row.text(15);
  scan.lines = static_cast<std::uint64_t>(row.number(16));
  scan.alerts = static_cast<std::uint64_t>(row.number(17));
  scan.warnings = static_cast<std::uint64_t>(row.number(18));
  return scan;
}

void append_flags(JsonWriter& out, std::uint32_t flags) {
  if (flags == 0) return;
  out.key("flags").begin_array();
  for (int bit = 0; bit < flag::count; ++bit) {
    if ((flags >> bit & 1U) != 0) out.value(flag_name(bit));
  }
  out.end_array();
}

// The JSON event of the contract; `id` and `seq` are missing until it is in the journal.
void append_detection(JsonWriter& out, const Statement& row, const std::string& journal_id) {
  out.begin_object();
  if (!row.is_null(11)) {
    out.member("id", fmt::format("{}-{}", row.number(10), row.number(11))).member("journal_id", journal_id);
    out.member("seq", row.number(12));
  }
  time_member(out, "received", row.is_null(13) ? row.time(9) : row.time(13));
  out.member("input", "internal").member("kind", "detection");
  text_member(out, "host", row.text(4));
  text_member(out, "asset", row.text(5).empty() ? row.text(4) : row.text(5));
  text_member(out, "scan_id", row.text(6));
  text_member(out, "group_id", row.text(7));
  text_member(out, "level", name_of(static_cast<Level>(row.number(3))));
  text_member(out, "message", row.text(2));
  append_flags(out, static_cast<std::uint32_t>(row.number(8)));
  out.key("detection").raw(row.text(1));
  text_member(out, "raw", row.text(2));
  time_member(out, "acknowledged", row.time(14));
  text_member(out, "acknowledged_by", row.text(15));
  out.end_object();
}

Result<Database> open(const std::string& path) {
  auto database = Database::open(path, Database::Mode::read_only);
  if (database) database->limit_steps(kSteps);
  return database;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

// Labels are as their table writes them, host names in lower case: both spellings are looked for.
std::vector<std::string> with_lower(const std::vector<std::string>& names) {
  std::vector<std::string> all = names;
  for (const std::string& name : names) {
    if (lower(name) != name) all.push_back(lower(name));
  }
  return all;
}

Status append_detections(JsonWriter& out, Database& database, Query& query, const std::string& journal_id) {
  out.key("detections").begin_array();
  Status done = query.each(database, [&](const Statement& row) { append_detection(out, row, journal_id); });
  out.end_array();
  return done;
}

void append_json_or(JsonWriter& out, std::string_view name, std::string_view json) {
  if (!json.empty()) out.key(name).raw(json);
}

}  // namespace

Result<std::string> ScanQueries::scans(const ScanFilter& filter) const {
  auto database = open(path_);
  if (!database) return fail(std::move(database).error());
  Query query(fmt::format("SELECT {} FROM scan", kScanColumns));
  query.any_of_few("state", filter.states, !filter.assets.empty() || !filter.scans.empty());
  query.asset(with_lower(filter.assets), true);
  query.any_of("scan_id", filter.scans);
  query.any_of("group_id", filter.groups);
  query.since("last_seen", filter.since);
  query.newest_first("last_seen", filter.limit);
  JsonWriter out;
  out.begin_object().key("scans").begin_array();
  if (Status done = query.each(*database, [&](const Statement& row) { append_scan(out, scan_of(row)); }); !done) {
    return fail(std::move(done).error());
  }
  return out.end_array().end_object().take();
}

Result<std::string> ScanQueries::scan(const std::string& asset, const std::string& scan_id) const {
  auto database = open(path_);
  if (!database) return fail(std::move(database).error());
  Query query(fmt::format("SELECT {} FROM scan", kScanColumns));
  query.asset(with_lower({asset}), true);
  query.any_of("scan_id", {scan_id});
  query.newest_first("last_seen", 1);
  JsonWriter out;
  std::string host;
  out.begin_object();
  Status done = query.each(*database, [&](const Statement& row) {
    host = row.text(0);
    out.key("scan");
    append_scan(out, scan_of(row));
  });
  if (!done) return fail(std::move(done).error());
  if (host.empty()) return std::string();
  Query runs(
      "SELECT run, state, cause, started, ended, last_seen, last_module, arguments, lines, levels, modules, "
      "last_lines "
      "FROM run");
  runs.any_of("host", {host});
  runs.any_of("scan_id", {scan_id});
  runs.newest_first("run", kMostRows);
  out.key("runs").begin_array();
  done = runs.each(*database, [&](const Statement& row) {
    out.begin_object().member("run", row.number(0));
    text_member(out, "state", row.text(1));
    text_member(out, "cause", row.text(2));
    time_member(out, "started", row.time(3));
    time_member(out, "ended", row.time(4));
    time_member(out, "last_seen", row.time(5));
    text_member(out, "last_module", row.text(6));
    text_member(out, "arguments", row.text(7));
    out.member("lines", row.number(8));
    append_json_or(out, "levels", row.text(9));
    append_json_or(out, "modules", row.text(10));
    append_json_or(out, "last_lines", row.text(11));
    out.end_object();
  });
  if (!done) return fail(std::move(done).error());
  out.end_array();
  Query found(fmt::format("SELECT {} FROM detection", kDetectionColumns));
  found.any_of("scan_id", {scan_id});
  found.any_of("host", {host});
  found.newest_first("decided", kMostRows);
  if (done = append_detections(out, *database, found, journal_id_); !done) return fail(std::move(done).error());
  return out.end_object().take();
}

Result<std::string> ScanQueries::assets(const ScanFilter& filter) const {
  auto database = open(path_);
  if (!database) return fail(std::move(database).error());
  Query query(
      "SELECT host, asset, ip, first_seen, last_seen, thor_seen, agent_seen, system_seen, booted, boot_cause, "
      "open_scans, "
      "scans, silent FROM asset");
  query.asset(with_lower(filter.assets), true);
  query.since("last_seen", filter.since);
  query.newest_first("last_seen", filter.limit);
  JsonWriter out;
  out.begin_object().key("assets").begin_array();
  Status done = query.each(*database, [&](const Statement& row) {
    out.begin_object();
    text_member(out, "asset", row.text(1));
    text_member(out, "host", row.text(0));
    text_member(out, "ip", row.text(2));
    time_member(out, "first_seen", row.time(3));
    time_member(out, "last_seen", row.time(4));
    time_member(out, "thor_seen", row.time(5));
    time_member(out, "agent_seen", row.time(6));
    time_member(out, "system_seen", row.time(7));
    time_member(out, "booted", row.time(8));
    text_member(out, "boot_cause", row.text(9));
    out.member("open_scans", row.number(10)).member("scans", row.number(11));
    out.member("silent", row.number(12) != 0).end_object();
  });
  if (!done) return fail(std::move(done).error());
  return out.end_array().end_object().take();
}

Result<std::string> ScanQueries::detections(const ScanFilter& filter) const {
  auto database = open(path_);
  if (!database) return fail(std::move(database).error());
  Query query(fmt::format("SELECT {} FROM detection", kDetectionColumns));
  query.any_of_few("type", filter.types, !filter.assets.empty() || !filter.scans.empty());
  query.asset(with_lower(filter.assets), false);
  query.any_of("scan_id", filter.scans);
  query.any_of("group_id", filter.groups);
  query.since("decided", filter.since);
  query.newest_first("decided", filter.limit);
  JsonWriter out;
  out.begin_object();
  if (Status done = append_detections(out, *database, query, journal_id_); !done)
    return fail(std::move(done).error());
  return out.end_object().take();
}

Result<std::string> ScanQueries::detection_key(const std::string& id) const {
  auto database = open(path_);
  if (!database) return fail(std::move(database).error());
  Query query("SELECT key FROM detection");
  const std::size_t dash = id.find('-');
  std::uint64_t offset = 0;
  if (dash != std::string::npos) {
    const auto [end, error] = std::from_chars(id.data() + dash + 1, id.data() + id.size(), offset);
    if (error != std::errc() || end != id.data() + id.size()) return std::string();
    query.any_of("partition", {id.substr(0, dash)});
    query.any_of("offset", {std::to_string(offset)});
  } else {
    query.any_of("key", {id});
  }
  std::string key;
  Status done = query.each(*database, [&](const Statement& row) { key = row.text(0); });
  if (!done) return fail(std::move(done).error());
  return key;
}

}  // namespace thorlog
