// The way of a record through the watch.
#include "scans/watch.h"
#include "thor/scan_key.h"

#include "base/peer_address.h"

namespace thorlog {
namespace {

constexpr std::uint32_t kMostPeers = 200'000;
constexpr std::uint32_t kMostCrashLooks = 1000;  // between two life records

bool begins_life(const Event& event) noexcept {
  return event.kind == Kind::life && event.raw.find(R"("moment":"start")") != std::string_view::npos;
}

}  // namespace

Watch::Watch(const ScanOptions& options, ScanSink& sink, std::shared_ptr<const RuleSet> rules)
    : options_(options),
      sink_(sink),
      rules_(rules ? std::move(rules) : RuleSet::built_in()),
      modules_(rules_->signals()),
      user_(rules_->user_rules()),
      unmapped_(4096) {}

void Watch::see(const SeenRecord& seen) {
  const Event& event = seen.record.event;
  // What was due before this record was stored comes first; the same moment is still the record's. After a downtime
  // nothing is due before we know that it was one.
  const bool due = timers_.next() != kNoTime && timers_.next() < seen.log_time && seen.log_time > time_;
  if (due && !begins_life(event)) fire(seen.log_time - 1);
  const std::int64_t before = time_;
  if (seen.log_time > time_) time_ = seen.log_time;
  if (awaits_first_ && event.kind < Kind::detection) hear_first(seen.log_time);
  seen_ = &seen;
  switch (event.kind) {
    case Kind::thor:
      thor_line(seen);
      break;
    case Kind::agent:
      agent_line(seen);
      break;
    case Kind::os:
      os_line(seen);
      break;
    case Kind::syslog:
      other_line(seen);
      break;
    case Kind::management:
      management_line(seen);
      break;
    case Kind::life:
      life_line(seen, before);
      break;
    case Kind::detection:
    case Kind::audit:
      break;
  }
  if (!user_.empty() && event.kind < Kind::detection) user_line(seen);
  seen_ = nullptr;
}

// In steps, each a few records behind the one before, so that none waits for memory: the places in the indexes; what
// stands there; what that refers to.
void Watch::expect(const Record& record) noexcept {
  constexpr std::size_t kStep = ScanWatch::kAhead / 3;
  const auto before = [this](std::size_t steps) -> Expected& {
    return expected_[(next_expected_ - steps * kStep) % expected_.size()];
  };
  const Event& event = record.event;
  Expected& fresh = before(0);
  fresh = {};
  if (event.kind < Kind::detection) {
    const std::uint64_t host = name_hash(event.canonical_host);
    if (event.kind == Kind::thor) {
      fresh.scan_hash = scan_hash(event.scan_id, host);
      scan_index_.fetch(fresh.scan_hash);
    } else {
      fresh.asset_hash = host;
      asset_index_.fetch(host);
    }
    if (record.peer != expected_peer_) {
      expected_peer_ = record.peer;
      fresh.peer_hash = name_hash(peer_address(record.peer));
      peer_index_.fetch(fresh.peer_hash);
    }
  }

  Expected& second = before(1);
  if (second.scan_hash != 0) second.scan = scan_index_.guess(second.scan_hash);
  if (second.scan != kNone) scans_.fetch(second.scan, 0, sizeof(Scan));
  if (second.asset_hash != 0) fetch_asset(asset_index_.guess(second.asset_hash));
  if (second.peer_hash != 0) {
    if (const std::uint32_t peer = peer_index_.guess(second.peer_hash); peer != kNone)
      peers_.fetch(peer, 0, sizeof(Peer));
  }

  if (const Expected& third = before(2); third.scan != kNone) fetch_asset(scans_[third.scan].asset);
  ++next_expected_;
}

// What a line changes of it: its times, and what stands around its name.
void Watch::fetch_asset(std::uint32_t number) const noexcept {
  if (number == kNone) return;
  assets_.fetch(number, 0, kTouchedBytes);
}

void Watch::advance(std::int64_t log_time) {
  if (timers_.next() != kNoTime && timers_.next() <= log_time) fire(log_time);
  if (log_time > time_) time_ = log_time;
}

// A start of the daemon: what happened since the last record we know of nobody heard.
void Watch::life_line(const SeenRecord& seen, std::int64_t before) {
  crash_looks_ = 0;
  std::fill(unmapped_.begin(), unmapped_.end(), 0);
  if (!begins_life(seen.record.event)) return;
  if (before != kNoTime) add_deaf(before, seen.log_time, 0);
  life_began_ = seen.log_time;
  awaits_first_ = before != kNoTime;
  state_dirty_ = true;
}

void Watch::other_line(const SeenRecord& seen) {
  const Event& event = seen.record.event;
  const std::uint64_t hash = name_hash(event.canonical_host);
  hear(peer_of(seen.record.peer), event, hash);
  if (event.app_name.empty() && !event.raw.empty() &&
      (event.raw[0] == 'p' || event.raw[0] == 'f' || event.raw[0] == '['))
    crash_line(seen);
  if ((event.flags & (flag::orphan | flag::ambiguous | flag::replayed)) != 0) return;
  const std::uint32_t number = asset_for_line(event, hash);
  if (number != kNone) touch(assets_[number], seen);
}

// A Go program that dies prints its last words without a header, on the stream of its scan.
void Watch::crash_line(const SeenRecord& seen) {
  if (rules_->signals().match(seen.record.event).signal != Signal::crash) return;
  const std::uint32_t peer = peer_of(seen.record.peer);
  if (peer == kNone || ++crash_looks_ > kMostCrashLooks) return;
  const std::uint32_t number = peers_[peer].last_scan;
  if (number == kNone || !scans_[number].used) return;
  const Scan& scan = scans_[number];
  if (scan.core.stream != seen.record.stream || scan.core.input != seen.record.input || !scan.is_open()) return;
  wait_for_abort(number, Cause::crash, seen.id, seen.log_time + options_.interrupt_grace / 4);
}

std::uint32_t Watch::asset_of(std::string_view host, std::uint64_t hash) const {
  return asset_index_.find(hash, [&](std::uint32_t n) { return assets_[n].host == host; });
}

std::uint32_t Watch::make_asset(const Event& event, std::uint64_t hash) {
  const std::uint32_t found = asset_of(event.canonical_host, hash);
  if (found != kNone) return found;
  if (assets_.size() >= std::size_t{2} * options_.max_scans && !drop_asset()) return kNone;
  const std::uint32_t number = assets_.add();
  Asset& asset = assets_[number];
  asset.used = true;
  asset.number = number;
  asset.host = event.canonical_host;
  asset.hash = hash;
  asset.ip = event.ip.substr(0, 64);
  bool mapped = false;
  const std::string_view label = sink_.asset_label(event.canonical_host, event.host, event.ip, mapped);
  if (label != event.canonical_host) asset.label = label;
  asset.core.mapped = mapped;
  asset_index_.add(hash, number);
  mark(asset, Dirty::state);
  return number;
}

// Room for a new asset: the first one in a few that nobody needs. False: there is none.
bool Watch::drop_asset() {
  for (int tries = 0; tries < 64 && assets_.end() != 0; ++tries) {
    drop_at_ = drop_at_ + 1 < assets_.end() ? drop_at_ + 1 : 0;
    Asset& asset = assets_[drop_at_];
    if (!asset.used || !asset.scans.empty() || asset.core.mapped || asset.dirty != Dirty::no) continue;
    asset_index_.remove(asset.hash, drop_at_);
    assets_.remove(drop_at_);
    return true;
  }
  return false;
}

// The asset of a line that by itself makes none: known, or in the table of assets.
std::uint32_t Watch::asset_for_line(const Event& event, std::uint64_t hash) {
  if (event.canonical_host.empty()) return kNone;
  const std::uint32_t number = asset_of(event.canonical_host, hash);
  if (number != kNone) return number;
  std::uint64_t& unmapped = unmapped_[hash % unmapped_.size()];
  if (unmapped == hash) return kNone;
  bool mapped = false;
  sink_.asset_label(event.canonical_host, event.host, event.ip, mapped);
  if (mapped) return make_asset(event, hash);
  unmapped = hash;
  return kNone;
}

// A line that names no host is its sender's, when that sent for one machine only and has that machine's address.
std::uint32_t Watch::asset_of_sender(const Event& event, std::uint32_t number) {
  if (!event.host.empty() || number == kNone) return kNone;
  const Peer& peer = peers_[number];
  if (peer.host_count != 1 || peer.asset == kNone || !assets_[peer.asset].used) return kNone;
  const Asset& asset = assets_[peer.asset];
  if (peer.hosts[0] != static_cast<std::uint32_t>(asset.hash)) return kNone;
  if (asset.ip == peer.address) return peer.asset;
  bool mapped = false;
  const std::string_view label = sink_.asset_label({}, {}, peer.address, mapped);
  return !label.empty() && label == asset.label ? peer.asset : kNone;
}

void Watch::touch(Asset& asset, const SeenRecord& seen) {
  settle(asset);
  if (last_peer_ != kNone) {
    Peer& peer = peers_[last_peer_];
    if (peer.host_count == 1) peer.asset = asset.number;
    if (peer.named != asset.number && asset.host != peer.address) peer.named = asset.number;
  }
  AssetCore& core = asset.core;
  const Event& event = seen.record.event;
  core.last_log = seen.log_time;
  core.last_wall = seen.record.received;
  core.deaf = deaf_sum_;
  core.applied_seq = seen.seq;
  if (core.first_wall == kNoTime) core.first_wall = seen.record.received;
  if (event.timestamp != kNoTime && event.timestamp > core.last_stamp &&
      ((event.flags & flag::clock_skew) == 0 || (event.flags & flag::replayed) != 0))
    core.last_stamp = event.timestamp;
  if (event.kind == Kind::thor) {
    core.thor_wall = seen.record.received;
  } else {
    core.other_log = seen.log_time;
    if (event.kind == Kind::agent) {
      core.agent_wall = seen.record.received;
    } else {
      core.system_wall = seen.record.received;
      core.system_log = seen.log_time;
    }
  }
  if (core.silent) {
    core.silent = false;
    mark(asset, Dirty::state);
  }
  if (asset.dirty == Dirty::no) mark(asset, Dirty::counts);
  if (asset.armed == kNoTime) arm_asset(asset.number);
}

std::uint32_t Watch::known_peer(std::string_view address, std::uint64_t hash) const {
  return peer_index_.find(hash, [&](std::uint32_t n) { return peers_[n].address == address; });
}

// Lines without a host made an asset of their sender's address. When it has turned out to be a machine whose name we
// know, that one is silent, or not.
bool Watch::is_known_by_name(const Asset& asset) const {
  if (asset.label.empty()) return false;
  const std::uint32_t peer = known_peer(asset.host, name_hash(asset.host));
  if (peer == kNone || peers_[peer].named == kNone) return false;
  const Asset& named = assets_[peers_[peer].named];
  return named.used && named.label == asset.label;
}

std::uint32_t Watch::peer_of(std::string_view peer) {
  if (peer == last_peer_text_) return last_peer_;
  if (peer.empty()) {
    last_peer_text_.clear();
    return last_peer_ = kNone;
  }
  const std::string_view address = peer_address(peer);
  const std::uint64_t hash = name_hash(address);
  std::uint32_t number = known_peer(address, hash);
  if (number == kNone) {
    if (peers_.size() >= kMostPeers) {
      last_peer_text_ = peer;
      return last_peer_ = kNone;
    }
    number = peers_.add();
    Peer& made = peers_[number];
    made.used = true;
    made.address = address.substr(0, 256);
    made.hash = hash;
    made.sender = sender_hash(peer);
    peer_index_.add(hash, number);
  }
  last_peer_ = number;
  last_peer_text_ = peer;
  return number;
}

// A peer speaks: which hosts it carries, and whether it had been dark.
void Watch::hear(std::uint32_t number, const Event& event, std::uint64_t host_hash) {
  if (number == kNone) return;
  Peer& peer = peers_[number];
  const std::int64_t now = seen_->log_time;
  peer.dark_sum += dark_gap(number);
  peer.judged = kNoTime;
  if (peer.dark) {
    peer.dark = false;
    --counters_.dark_peers;
    sink_.on_dark_peer(peer.address, false);
  }
  peer.last_log = now;
  peer.deaf_mark = deaf_sum_;
  if (peer.hosts_since == kNoTime || now - peer.hosts_since > day()) {
    peer.hosts_before = peer.hosts_since != kNoTime && now - peer.hosts_since < 2 * day() ? peer.host_count : 0;
    peer.host_count = 0;
    peer.hosts_since = now;
  }
  if (event.host.empty()) return;
  const auto short_hash = static_cast<std::uint32_t>(host_hash);
  for (std::size_t n = 0; n < peer.host_count; ++n)
    if (peer.hosts[n] == short_hash) return;
  if (peer.host_count < peer.hosts.size()) peer.hosts[peer.host_count++] = short_hash;
  peer.dirty = true;
}

void Watch::mark(Scan& scan, Dirty how) {
  if (how == Dirty::state) {
    scan.plain = false;
    restate(scan);
  }
  if (how <= scan.dirty || scan.core.candidate) return;
  dirty_scans_.add(scan.number, how);
  scan.dirty = how;
}

void Watch::mark(Asset& asset, Dirty how) {
  if (how <= asset.dirty) return;
  dirty_assets_.add(asset.number, how);
  asset.dirty = how;
}

void Watch::set_options(const ScanOptions& options) {
  options_ = options;
  arm_all();
}

void Watch::set_rules(std::shared_ptr<const RuleSet> rules) {
  const std::string counted = user_.save();
  rules_ = rules ? std::move(rules) : RuleSet::built_in();
  user_ = UserRules(rules_->user_rules());
  user_.load(counted);
  modules_.set_signals(rules_->signals());
}

}  // namespace thorlog
