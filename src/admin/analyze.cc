#include "admin/analyze.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "admin/scan_tables.h"
#include "analyze/analysis.h"
#include "analyze/report.h"
#include "config/load.h"
#include "scans/rules.h"
#include "scans/scan_options.h"

namespace thorlog {
namespace {

constexpr int kUnreadable = 2;

// A bar on standard error while it is a terminal; gone when the work is done.
class ProgressBar {
 public:
  ProgressBar() : shown_(::isatty(STDERR_FILENO) != 0) {}

  void show(const AnalysisProgress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now < next_) return;
    next_ = now + std::chrono::milliseconds(100);
    constexpr std::size_t kWidth = 32;
    const double part =
        progress.all_bytes == 0
            ? 0.0
            : std::min(1.0, static_cast<double>(progress.bytes) / static_cast<double>(progress.all_bytes));
    const auto filled = static_cast<std::size_t>(part * kWidth);
    fmt::print(stderr, "\r[{}{}] {:3.0f} %  {:.1f} MiB  {} lines ", std::string(filled, '='),
               std::string(kWidth - filled, ' '), part * 100, static_cast<double>(progress.bytes) / 1048576,
               progress.lines);
    std::fflush(stderr);
    dirty_ = true;
  }
  ~ProgressBar() { hide(); }
  void hide() {
    if (dirty_) fmt::print(stderr, "\r\x1b[K");
    dirty_ = false;
  }

 private:
  bool shown_, dirty_ = false;
  std::chrono::steady_clock::time_point next_{};
};

// Beside the logs, or in the folder above; empty when there is none.
std::string find_assets(const std::vector<std::string>& files) {
  std::error_code none;
  for (const std::string& file : files) {
    if (file == "-") continue;
    const auto folder = std::filesystem::absolute(file, none).parent_path();
    for (const auto& place : {folder / "assets.csv", folder.parent_path() / "assets.csv"})
      if (std::filesystem::is_regular_file(place, none)) return place;
    break;
  }
  return {};
}

void complain(const std::string& text) { fmt::print(stderr, "thorlogctl: {}\n", text); }

bool complain(const std::vector<ConfigError>& errors) {
  for (const ConfigError& error : errors) fmt::print(stderr, "{}\n", error.message());
  return errors.empty();
}

// What a daemon's configuration says about lines, when one was named. False: said why.
bool read_config(const AnalyzeOptions& analyze, AnalysisOptions& to, std::string& assets) {
  if (analyze.config.empty()) return true;
  const LoadedSettings settings = load_settings(analyze.config);
  if (!settings) return complain(settings.errors());
  to.scans = scan_options(settings->scans);
  to.short_hostname = settings->identity.short_hostname;
  if (assets.empty()) assets = settings->identity.assets;
  auto groups = GroupTable::parse("scan_id,group_id\n", "groups");
  if (!settings->identity.groups.empty()) {
    const auto text = read_text_file(settings->identity.groups, std::size_t{64} << 20);
    if (text) groups = GroupTable::parse(*text, settings->identity.groups);
  }
  if (!groups) return complain(groups.error().message()), false;
  auto table = std::make_shared<GroupTable>(**groups);
  table->set_prefixes(settings->identity.group_prefixes);
  to.groups = std::move(table);
  std::vector<ConfigError> errors;
  to.rules = RuleSet::load_folder(std::string(settings->scans.rules), errors);
  return complain(errors);
}

bool read_assets(const std::string& path, AnalysisOptions& to) {
  if (path.empty()) return true;
  const auto text = read_text_file(path, std::size_t{256} << 20);
  if (!text) return complain(path + ": " + text.error().doing), false;
  auto table = AssetTable::parse(*text, path);
  if (!table) return complain(table.error().message()), false;
  to.assets = *table;
  return true;
}

// What was found: printed at once as JSON, or kept for the tables.
class Findings {
 public:
  explicit Findings(bool json) : json_(json) {}

  void add(const Detection& detection) {
    std::string event = detection_event(detection, ++told_);
    if (json_)
      fmt::print("{}\n", event);
    else if (detection.severity != "info")
      events_.push_back(std::move(event));
  }
  void add(const ScanRow& row) {
    if (row.state != ScanState::completed) ++unfinished_;
    if (json_)
      fmt::print("{}\n", scan_object(row));
    else
      scans_.emplace_back(row.last_seen, scan_object(row));
  }
  bool all_finished() const noexcept { return unfinished_ == 0; }

  // Scans, the newest first; then what is more than news, in the order of time.
  void print(const CommandOptions& options, std::uint64_t lines) {
    if (scans_.empty()) return fmt::print("no scan in {} lines\n", lines);
    std::stable_sort(scans_.begin(), scans_.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    Table scans = scan_table();
    for (const auto& [time, json] : scans_)
      if (parser.parse(json).get(root) == simdjson::SUCCESS) add_scan(scans, root["scan"]);
    fmt::print("{}", scans.text(options.width, options.colours));
    if (events_.empty()) return;
    Table detections = detection_table();
    for (const std::string& json : events_)
      if (parser.parse(json).get(root) == simdjson::SUCCESS) add_detection(detections, root);
    fmt::print("\n{}", detections.text(options.width, options.colours));
  }

 private:
  bool json_;
  std::uint64_t told_ = 0, unfinished_ = 0;
  std::vector<std::string> events_;
  std::vector<std::pair<std::int64_t, std::string>> scans_;
};

}  // namespace

int run_analyze(const CommandOptions& options, const AnalyzeOptions& analyze) {
  AnalysisOptions to;
  to.timezone = analyze.timezone;
  to.agent_timezone = analyze.agent_timezone;
  std::string assets = analyze.assets;
  if (!read_config(analyze, to, assets)) return kUnreadable;
  if (assets.empty()) assets = find_assets(analyze.files);
  if (!read_assets(assets, to)) return kUnreadable;

  ProgressBar bar;
  Findings findings(options.json);
  const auto result = thorlog::analyze(
      analyze.files, to, [&findings](const Detection& detection) { findings.add(detection); },
      [&bar](const AnalysisProgress& progress) { bar.show(progress); },
      [&findings](const ScanRow& row) { findings.add(row); });
  bar.hide();
  if (!result) return complain(result.error().message()), kUnreadable;
  if (!options.json) findings.print(options, result->lines);
  for (const std::string& trouble : result->troubles) complain(trouble);
  std::fflush(stdout);
  if (!result->troubles.empty()) return kUnreadable;
  return findings.all_finished() ? 0 : 1;
}

}  // namespace thorlog
