#include "thorlog/scan_watch.h"

#include <utility>

namespace thorlog {

struct ScanWatch::State {
  ScanOptions options;
  ScanSink& sink;
  std::shared_ptr<const RuleSet> rules;
  ScanWatchCounters counters;
};

ScanWatch::ScanWatch(const ScanOptions& options, ScanSink& sink, std::shared_ptr<const RuleSet> rules)
    : state_(new State{options, sink, std::move(rules), {}}) {}
ScanWatch::~ScanWatch() = default;

void ScanWatch::see(const SeenRecord& record) { static_cast<void>(record); }
void ScanWatch::advance(std::int64_t log_time) { static_cast<void>(log_time); }
std::int64_t ScanWatch::next_due() const noexcept { return kNoTime; }
void ScanWatch::deaf(std::uint16_t input, std::int64_t from, std::int64_t to) {
  static_cast<void>(input), static_cast<void>(from), static_cast<void>(to);
}
void ScanWatch::collect(bool counts) { static_cast<void>(counts); }
void ScanWatch::load_scan(std::string_view state_blob) { static_cast<void>(state_blob); }
void ScanWatch::load_asset(std::string_view state_blob) { static_cast<void>(state_blob); }
void ScanWatch::load_state(std::string_view key, std::string_view blob) {
  static_cast<void>(key), static_cast<void>(blob);
}
void ScanWatch::recount(const SeenRecord& record) { static_cast<void>(record); }
void ScanWatch::set_options(const ScanOptions& options) { state_->options = options; }
void ScanWatch::set_rules(std::shared_ptr<const RuleSet> rules) { state_->rules = std::move(rules); }
const ScanWatchCounters& ScanWatch::counters() const noexcept { return state_->counters; }
void ScanWatch::for_each_scan(const std::function<void(const ScanRow&)>& each) const { static_cast<void>(each); }

}  // namespace thorlog
