// Lines that rules of users look for.
#include <fmt/format.h>

#include "scans/names.h"
#include "scans/watch.h"
#include "thor/scan_key.h"

namespace thorlog {

void Watch::user_line(const SeenRecord& seen) {
  const Event& event = seen.record.event;
  if (event.canonical_host.empty()) return;
  StoredRecord stored{seen.record,
                      static_cast<std::uint16_t>(seen.id.partition),
                      seen.id.offset,
                      seen.seq,
                      {},
                      sink_.input_name(seen.record.input),
                      {},
                      0};
  bool mapped = false;
  if (user_.needs_asset()) stored.asset = sink_.asset_label(event.canonical_host, event.host, event.ip, mapped);
  user_.match(stored, [&](std::size_t rule) { rule_hit(rule, seen); });
}

void Watch::rule_hit(std::size_t number, const SeenRecord& seen) {
  const UserRule& rule = user_.rule(number);
  const Event& event = seen.record.event;
  ++counters_.rule_hits;
  user_dirty_ = true;
  const std::uint64_t host_hash = name_hash(event.canonical_host);
  const std::uint64_t hash = scan_hash(event.scan_id, host_hash);
  if (!user_.count(number, rule.per == CountPer::scan ? hash : host_hash, seen.log_time)) return;

  const std::uint32_t asset = make_asset(event, host_hash);
  if (asset == kNone) return;
  bool mapped = false;
  std::string label(sink_.asset_label(event.canonical_host, event.host, event.ip, mapped));
  if (label.empty()) label = event.canonical_host;
  Finding finding;
  finding.confidence = rule.confidence;
  finding.type_name = rule.type;
  finding.severity = rule.severity;
  finding.summary = summary_of(rule, event, {label, event.scan_id, rule.count});
  finding.discriminator = fmt::format("{} {:016x}", rule.name, name_hash(event.raw));
  finding.evidence = {seen.id};
  finding.flags = event.flags & flag::replayed;
  const std::uint32_t scan = find_scan(event.canonical_host, hash, event.scan_id);
  if (scan != kNone && !scans_[scan].core.candidate)
    tell(scan, std::move(finding));
  else
    tell_asset(asset, std::move(finding));
}

}  // namespace thorlog
