// From a finding to a Detection: its key, its evidence, its sentence.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <fmt/format.h>

#include <algorithm>

#include "scans/names.h"
#include "scans/summary.h"
#include "scans/watch.h"

namespace thorlog {
namespace {

constexpr std::size_t kMaxEvidence = 6;
constexpr std::size_t kMaxRaw = 2048;

// Without half a character at the end, if there were whole ones before.
std::string_view cut_text(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > most - 4 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace

// XXH3-128 of what the finding is about, each part ended by a zero byte (specs 3, rule 6). Never a time of
// processing.
std::string Watch::key_of(const Asset& asset, const Scan* scan, const Finding& finding) const {
  std::string text;
  const auto add = [&text](std::string_view part) { text.append(part).push_back('\0'); };
  add(asset.host);
  add(scan != nullptr ? scan->id : std::string_view());
  add(fmt::format("{}", scan != nullptr ? scan->core.run : 0));
  add(finding.type_name.empty() ? name_of(finding.type) : std::string_view(finding.type_name));
  add(name_of(finding.cause));
  add(finding.discriminator);
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

// The key of what was said last about the present run's end or silence; empty: nothing was.
std::string Watch::told_key(const Scan& scan) const {
  if (scan.core.told == DetectionType::custom) return {};
  Finding told{.type = scan.core.told, .cause = scan.core.told_cause};
  if (told.type == DetectionType::resume_exhausted) told.discriminator = fmt::format("{}", scan.core.deadline_wall);
  return key_of(assets_[scan.asset], &scan, told);
}

std::string_view Watch::last_module(const Scan& scan) const noexcept { return modules_.name(scan.last_module); }

void Watch::tell(std::uint32_t number, Finding finding) {
  Scan& scan = scans_[number];
  Detection detection = make(assets_[scan.asset], &scan, finding);
  send(detection);
}

void Watch::tell_asset(std::uint32_t number, Finding finding) {
  settle(assets_[number]);
  Detection detection = make(assets_[number], nullptr, finding);
  send(detection);
}

Detection Watch::make(const Asset& asset, Scan* scan, Finding& finding) {
  Detection detection;
  detection.type = finding.type;
  detection.type_name = finding.type_name.empty() ? std::string(name_of(finding.type)) : finding.type_name;
  detection.key = key_of(asset, scan, finding);
  detection.cause = name_of(finding.cause);
  detection.confidence = finding.confidence;
  detection.severity = finding.severity.empty() ? severity_of(finding.type) : std::string_view(finding.severity);
  detection.host = asset.host;
  bool mapped = false;
  const std::string_view label = sink_.asset_label(asset.host, asset.host, asset.ip, mapped);
  detection.asset = label.empty() ? asset.host : std::string(label);
  detection.max_resumes = finding.max_resumes;
  detection.deadline = finding.deadline;
  detection.resolves = std::move(finding.resolves);
  detection.level = level_of_severity(detection.severity);
  detection.log_time = time_;
  detection.flags = finding.flags;
  if (scan != nullptr) {
    const ScanCore& core = scan->core;
    detection.scan_id = scan->id;
    if (scan->group) detection.group_id = *scan->group;
    detection.run = core.run;
    detection.resumes = core.resumes;
    if (detection.max_resumes == 0)
      detection.max_resumes = core.max_resumes != 0 ? core.max_resumes : options_.max_resumes;
    if (detection.deadline == kNoTime) detection.deadline = core.deadline_wall;
    detection.arguments = scan->arguments();
    detection.first_seen = core.run_wall;
    detection.last_seen = core.last_wall;
    detection.last_module = last_module(*scan);
    detection.lines = core.lines;
    if (core.replayed) detection.flags |= flag::replayed;
  } else {
    detection.first_seen = asset.core.first_wall;
    detection.last_seen = asset.core.last_wall;
  }
  for (const RecordId& id : finding.evidence) add_evidence(detection, id);
  detection.summary =
      finding.summary.empty() ? summary_of(detection, finding.cause, options_, finding.detail) : finding.summary;
  return detection;
}

void Watch::add_evidence(Detection& detection, RecordId id) {
  if (id == RecordId{} && (seen_ == nullptr || !(seen_->id == id))) return;
  if (detection.evidence.size() >= kMaxEvidence) return;
  for (const Evidence& known : detection.evidence)
    if (known.id == id) return;
  Evidence evidence;
  if (seen_ != nullptr && seen_->id == id) {
    evidence.received = seen_->record.received;
    evidence.raw = cut_text(seen_->record.event.raw, kMaxRaw);
  } else if (!sink_.fetch(id, evidence)) {
    return;  // no longer in the journal
  }
  evidence.id = id;
  if (evidence.raw.size() > kMaxRaw) evidence.raw = cut_text(evidence.raw, kMaxRaw);
  detection.evidence.push_back(std::move(evidence));
}

void Watch::send(Detection& detection) {
  ++counters_.detections[static_cast<std::size_t>(detection.type)];
  sink_.on_detection(detection);
}

}  // namespace thorlog
