#include "thorlog/scan_watch.h"

#include "scans/watch.h"

namespace thorlog {

struct ScanWatch::State : Watch {
  using Watch::Watch;
};

ScanWatch::ScanWatch(const ScanOptions& options, ScanSink& sink, std::shared_ptr<const RuleSet> rules)
    : state_(std::make_unique<State>(options, sink, std::move(rules))) {}
ScanWatch::~ScanWatch() = default;

void ScanWatch::see(const SeenRecord& record) { state_->see(record); }
std::size_t ScanWatch::pass(std::span<const RecordHint> hints, std::size_t from, const BatchPlace& place) {
  return state_->pass(hints, from, place);
}
bool ScanWatch::may_pass() const noexcept { return state_->may_pass(); }
void ScanWatch::expect(const Record& record) noexcept { state_->expect(record); }
void ScanWatch::advance(std::int64_t log_time) { state_->advance(log_time); }
std::int64_t ScanWatch::next_due() const noexcept { return state_->next_due(); }
void ScanWatch::deaf(std::uint16_t input, std::int64_t from, std::int64_t to) { state_->deaf(input, from, to); }
bool ScanWatch::collect(std::size_t counts) { return state_->collect(counts); }
void ScanWatch::load_scan(std::string_view state_blob) { state_->load_scan(state_blob); }
void ScanWatch::load_asset(std::string_view state_blob) { state_->load_asset(state_blob); }
void ScanWatch::load_state(std::string_view key, std::string_view blob) { state_->load_state(key, blob); }
void ScanWatch::recount(const SeenRecord& record) { state_->recount(record); }
void ScanWatch::set_options(const ScanOptions& options) { state_->set_options(options); }
void ScanWatch::set_rules(std::shared_ptr<const RuleSet> rules) { state_->set_rules(std::move(rules)); }
const ScanWatchCounters& ScanWatch::counters() const noexcept { return state_->counters(); }
void ScanWatch::for_each_scan(const std::function<void(const ScanRow&)>& each) const { state_->for_each_scan(each); }

}  // namespace thorlog
