// What a store keeps of scans, assets and peers, and how it comes back after a restart. A blob is a version, the
// plain members as they lie in memory (only ever added to), and texts with their lengths.
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "scans/watch.h"
#include "thor/scan_key.h"

namespace thorlog {
namespace {

constexpr std::uint8_t kVersion = 1;

class BlobWriter {
 public:
  BlobWriter() { out_.push_back(static_cast<char>(kVersion)); }

  template <class T>
  void plain(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    text({reinterpret_cast<const char*>(&value), sizeof value});
  }
  void text(std::string_view bytes) {
    bytes = bytes.substr(0, 0xFFFF);
    out_.push_back(static_cast<char>(bytes.size() & 0xFF));
    out_.push_back(static_cast<char>(bytes.size() >> 8));
    out_.append(bytes);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class BlobReader {
 public:
  explicit BlobReader(std::string_view blob) : left_(blob) {
    good_ = !blob.empty() && blob[0] == static_cast<char>(kVersion);
    if (good_) left_.remove_prefix(1);
  }

  // An older program's struct was shorter: the new members keep their defaults.
  template <class T>
  void plain(T& value) {
    const std::string_view bytes = text();
    if (good_ && !bytes.empty()) std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  }
  std::string_view text() {
    if (left_.size() < 2) return fail();
    const std::size_t size =
        static_cast<unsigned char>(left_[0]) | static_cast<std::size_t>(static_cast<unsigned char>(left_[1])) << 8;
    if (left_.size() < size + 2) return fail();
    const std::string_view bytes = left_.substr(2, size);
    left_.remove_prefix(size + 2);
    return bytes;
  }
  bool good() const noexcept { return good_; }

 private:
  std::string_view fail() {
    good_ = false;
    left_ = {};
    return {};
  }

  std::string_view left_;
  bool good_ = false;
};

struct Globals {
  std::int64_t time = kNoTime, life_began = kNoTime, deaf_sum = 0;
};

struct PeerCore {
  std::int64_t last_log = kNoTime, deaf_mark = 0, dark_sum = 0, hosts_since = kNoTime;
  std::array<std::uint32_t, 8> hosts{};
  std::uint8_t host_count = 0, hosts_before = 0;
};

constexpr std::string_view kGlobal = "global";
constexpr std::string_view kPeer = "peer:";
constexpr std::string_view kInput = "input:";
constexpr std::string_view kRules = "rules";

// What was never told, or can't be known, is no cause of a state.
std::string_view row_cause(const ScanCore& core) noexcept {
  if (core.state == ScanState::suspect || core.cause == Cause::unknown) return {};
  if (core.cause == Cause::none && core.flooded && core.state <= ScanState::suspect) return name_of(Cause::log_flood);
  return name_of(core.cause);
}

bool says_something(const AssetEvidence& evidence) noexcept {
  for (const std::int64_t log : {evidence.planned_log, evidence.shutdown_log, evidence.service_log, evidence.boot_log,
                                 evidence.interrupt_log, evidence.wait_log, evidence.agent_run_log})
    if (log != kNoTime) return true;
  return evidence.exhausted != decltype(evidence.exhausted){} || evidence.errors != decltype(evidence.errors){};
}

}  // namespace

void Watch::fill_row(const Scan& scan, ScanRow& row, std::vector<ModuleRow>& modules) const {
  const ScanCore& core = scan.core;
  const Asset& asset = assets_[scan.asset];
  row.host = asset.host;
  row.scan_id = scan.id;
  if (scan.group) row.group_id = *scan.group;
  row.asset = asset.label.empty() ? std::string_view(asset.host) : asset.label;
  row.state = core.state;
  row.cause = row_cause(core);
  row.run = row.runs = core.run;
  row.resumes = core.resumes;
  row.max_resumes = core.max_resumes != 0 ? core.max_resumes : options_.max_resumes;
  row.deadline = core.deadline_wall;
  row.arguments = scan.arguments();
  row.started = core.born_wall;
  row.run_started = core.has_start ? core.run_wall : kNoTime;
  row.ended = core.ended_wall;
  row.last_seen = core.last_wall;
  row.last_module = last_module(scan);
  row.lines = core.lines;
  row.alerts = core.alerts;
  row.warnings = core.warnings;
  std::copy(core.run_levels.begin(), core.run_levels.end(), row.run_levels.begin());
  row.run_lines = core.run_lines;
  modules.clear();
  for (std::size_t n = 0; n < scan.module_count; ++n) {
    const ModuleCount& module = scan.module(n);
    modules.push_back({modules_.name(module.module), module.lines, module.first * std::int64_t{1'000'000'000},
                       module.last * std::int64_t{1'000'000'000}});
  }
  row.modules = modules;
  row.last_lines = {core.last_lines.data(), core.last_lines[1] == RecordId{} ? 1U : 2U};
  if (scan.peer != kNone) row.peer = peers_[scan.peer].address;
  row.replayed = core.replayed;
  row.closed = core.closed;
  row.applied_seq = core.applied_seq;
}

std::string Watch::scan_blob(const Scan& scan) {
  BlobWriter out;
  const Asset& asset = assets_[scan.asset];
  out.text(asset.host);
  out.text(scan.id);
  ScanCore core = scan.core;
  core.deaf = deafness(scan) - core.deaf;  // what silence does not count, whatever the sums are then
  out.plain(core);
  out.plain(scan.task);
  if (scan.pending)
    out.plain(*scan.pending);
  else
    out.text({});
  out.text(scan.arguments());
  out.text(scan.restart_arguments ? std::string_view(*scan.restart_arguments) : std::string_view());
  out.text(scan.group ? std::string_view(*scan.group) : std::string_view());
  out.text(scan.peer != kNone ? std::string_view(peers_[scan.peer].address) : std::string_view());
  out.text(last_module(scan));
  for (std::size_t n = 0; n < scan.module_count; ++n) {
    const ModuleCount& module = scan.module(n);
    out.text(modules_.name(module.module));
    out.plain(module);
  }
  return out.take();
}

std::uint32_t Watch::restore(std::string_view blob) {
  BlobReader in(blob);
  const std::string_view host = in.text(), id = in.text();
  if (!in.good() || host.empty()) return kNone;
  const std::uint64_t host_hash = name_hash(host);
  const std::uint64_t hash = scan_hash(id, host_hash);
  if (const std::uint32_t known = find_scan(host, hash, id); known != kNone) forget(known);
  Event event;
  event.canonical_host = event.host = host;
  const std::uint32_t asset = make_asset(event, host_hash);
  if (asset == kNone) return kNone;
  const std::uint32_t number = add_scan(asset, host_hash, hash, id);
  Scan& scan = scans_[number];
  in.plain(scan.core);
  in.plain(scan.task);
  ScanPending pending;
  in.plain(pending);
  scan.pending = std::make_unique<ScanPending>(pending);
  scan.set_arguments(in.text());
  if (const std::string_view text = in.text(); !text.empty())
    scan.restart_arguments = std::make_unique<std::string>(text);
  if (const std::string_view text = in.text(); !text.empty()) scan.group = std::make_unique<std::string>(text);
  set_peer(scan, peer_of(in.text()));
  if (scan.peer != kNone) peers_[scan.peer].last_scan = number;
  scan.last_module = modules_.number_of(in.text());
  while (in.good() && scan.module_count < kMaxModules) {
    const std::string_view name = in.text();
    ModuleCount module;
    in.plain(module);
    if (!in.good()) break;
    module.module = modules_.number_of(name);
    scan.add_module(module);
  }
  if (scan.module_count == 0) scan.add_module({scan.last_module, 0, 0, 0, 0});
  scan.core.candidate = false;
  restate(scan);
  scan.core.deaf = deafness(scan) - scan.core.deaf;
  assets_[asset].core.scanned = true;
  ++tracked_;
  if (scan.core.closed) closed_.emplace_back(time_, number);
  arm_scan(number);
  return number;
}

void Watch::load_scan(std::string_view blob) { restore(blob); }

void Watch::load_asset(std::string_view blob) {
  BlobReader in(blob);
  Event event;
  event.canonical_host = event.host = in.text();
  event.ip = in.text();
  if (!in.good() || event.canonical_host.empty()) return;
  const std::uint32_t number = make_asset(event, name_hash(event.canonical_host));
  if (number == kNone) return;
  Asset& asset = assets_[number];
  StoredAsset stored{asset.core, {}, asset.core};
  in.plain(stored);
  stored.marks.mapped = asset.core.mapped;
  stored.times.deaf = deaf_sum_ - stored.times.deaf;
  asset.core = {stored.times, stored.marks};
  if (says_something(stored.evidence)) asset.learn() = stored.evidence;
  if (const std::string_view text = in.text(); !text.empty())
    asset.agent_arguments = std::make_unique<std::string>(text);
  if (const std::string_view sender = in.text(); !sender.empty()) {
    const std::uint32_t peer = peer_of(sender);
    if (peer != kNone && peers_[peer].host_count == 0) {
      peers_[peer].host_count = 1;
      peers_[peer].hosts[0] = static_cast<std::uint32_t>(asset.hash);
      peers_[peer].asset = number;
      if (asset.host != peers_[peer].address) peers_[peer].named = number;
      peers_[peer].hosts_since = time_;
    }
  }
  asset.dirty = Dirty::no;
  arm_asset(number);
}

// The address that sends for this asset and for no other one; empty: unknown.
std::string_view Watch::sender_of(const Asset& asset) const noexcept {
  for (const std::uint32_t n : asset.scans) {
    const std::uint32_t peer = scans_[n].peer;
    if (peer != kNone && peers_[peer].asset == asset.number && peers_[peer].host_count == 1)
      return peers_[peer].address;
  }
  return {};
}

void Watch::load_state(std::string_view key, std::string_view blob) {
  BlobReader in(blob);
  if (key == kGlobal) {
    Globals globals;
    in.plain(globals);
    time_ = globals.time;
    life_began_ = globals.life_began;
    deaf_sum_ = globals.deaf_sum;
  } else if (key == kRules) {
    user_.load(blob);
  } else if (key.starts_with(kInput)) {
    std::pair<std::uint16_t, std::int64_t> input;
    std::int64_t sum = 0;
    in.plain(input.first);
    in.plain(sum);
    deaf_inputs_[input.first] = sum;
  } else if (key.starts_with(kPeer)) {
    const std::uint32_t number = peer_of(key.substr(kPeer.size()));
    PeerCore core;
    in.plain(core);
    if (number == kNone || !in.good()) return;
    Peer& peer = peers_[number];
    peer.last_log = core.last_log;
    peer.deaf_mark = core.deaf_mark;
    peer.dark_sum = core.dark_sum;
    peer.hosts_since = core.hosts_since;
    peer.hosts = core.hosts;
    peer.host_count = std::min<std::uint8_t>(core.host_count, static_cast<std::uint8_t>(core.hosts.size()));
    peer.hosts_before = core.hosts_before;
  }
}

void Watch::run_over(const Scan& scan) {
  ScanRow row;
  std::vector<ModuleRow> modules;
  fill_row(scan, row, modules);
  sink_.on_run_over(row);
}

// Gives what has changed; of those with nothing but new counts, as many as `most` says.
template <class Table, class Give>
void Watch::give_changed(Changed& changed, Table& table, std::size_t& most, Give give) {
  const auto give_if = [&](std::uint32_t n, Dirty how) {
    auto& one = table[n];
    if (!one.used || one.dirty != how) return false;
    give(one);
    one.dirty = Dirty::no;
    return true;
  };
  for (const std::uint32_t n : changed.state) give_if(n, Dirty::state);
  changed.state.clear();
  for (; most > 0 && changed.first < changed.counts.size(); ++changed.first) {
    if (changed.of_sweep > 0) --changed.of_sweep;
    if (give_if(changed.counts[changed.first], Dirty::counts)) --most;
  }
  if (changed.first < changed.counts.size() / 2) return;
  changed.counts.erase(changed.counts.begin(), changed.counts.begin() + static_cast<std::ptrdiff_t>(changed.first));
  changed.first = 0;
}

bool Watch::collect(std::size_t counts) {
  if (!sweeping_) {
    for (Changed* changed : {&dirty_scans_, &dirty_assets_}) {
      changed->of_sweep = changed->counts.size() - changed->first;
      // Those that were made together lie together in a store.
      std::sort(changed->counts.begin() + static_cast<std::ptrdiff_t>(changed->first), changed->counts.end());
    }
    sweeping_ = true;
  }
  std::vector<ModuleRow> modules;
  give_changed(dirty_scans_, scans_, counts, [&](Scan& scan) {
    ScanRow row;
    fill_row(scan, row, modules);
    const std::string blob = scan_blob(scan);
    row.state_blob = blob;
    sink_.on_scan(row);
  });
  give_changed(dirty_assets_, assets_, counts, [this](Asset& asset) { give_asset(asset); });
  sweeping_ = dirty_scans_.of_sweep != 0 || dirty_assets_.of_sweep != 0;
  collect_state(!sweeping_);
  leave_memory();
  return !sweeping_;
}

void Watch::give_asset(Asset& asset) {
  settle(asset);
  const AssetCore& core = asset.core;
  AssetRow row;
  row.host = asset.host;
  row.asset = asset.label.empty() ? std::string_view(asset.host) : asset.label;
  row.ip = asset.ip;
  row.first_seen = core.first_wall;
  row.last_seen = core.last_wall;
  row.thor_seen = core.thor_wall;
  row.agent_seen = core.agent_wall;
  row.system_seen = core.system_wall;
  row.booted = asset.known().boot_wall;
  row.boot_cause = name_of(asset.known().boot_cause);
  row.scans = core.scans;
  for (const std::uint32_t n : asset.scans)
    if (scans_[n].is_open() && !scans_[n].core.candidate) ++row.open_scans;
  row.silent = core.silent;
  row.applied_seq = core.applied_seq;
  BlobWriter out;
  out.text(asset.host);
  out.text(asset.ip);
  StoredAsset stored{core, asset.known(), core};
  stored.times.deaf = deaf_sum_ - core.deaf;
  out.plain(stored);
  out.text(asset.agent_arguments ? std::string_view(*asset.agent_arguments) : std::string_view());
  out.text(sender_of(asset));
  const std::string blob = out.take();
  row.state_blob = blob;
  sink_.on_asset(row);
}

void Watch::collect_state(bool peers) {
  BlobWriter out;
  out.plain(Globals{time_, life_began_, deaf_sum_});
  sink_.on_state(kGlobal, out.take());
  if (state_dirty_) {
    for (const auto& [input, sum] : deaf_inputs_) {
      BlobWriter row;
      row.plain(input);
      row.plain(sum);
      sink_.on_state(std::string(kInput) + std::to_string(input), row.take());
    }
    state_dirty_ = false;
  }
  if (user_dirty_) sink_.on_state(kRules, user_.save());
  user_dirty_ = false;
  if (!peers) return;
  for (std::uint32_t n = 0; n < peers_.end(); ++n) {
    Peer& peer = peers_[n];
    if (!peer.used || !peer.dirty || !peer.is_relay()) continue;
    BlobWriter row;
    row.plain(PeerCore{peer.last_log, peer.deaf_mark, peer.dark_sum, peer.hosts_since, peer.hosts, peer.host_count,
                       peer.hosts_before});
    sink_.on_state(std::string(kPeer) + peer.address, row.take());
    peer.dirty = false;
  }
}

// What is over and stored leaves memory after a while: recall() brings it back.
void Watch::leave_memory() {
  const std::int64_t linger = std::max(10 * options_.interrupt_grace, 2 * options_.start_merge);
  while (!closed_.empty() && closed_.front().first + linger < time_) {
    const std::uint32_t number = closed_.front().second;
    closed_.pop_front();
    const Scan& scan = scans_[number];
    if (!scan.used || !scan.core.closed) continue;
    if (scan.dirty != Dirty::no || due_of(scan) != kNoTime)
      closed_.emplace_back(time_, number);
    else
      forget(number);
  }
}

// Counts what an earlier life had seen but not stored.
void Watch::recount(const SeenRecord& seen) {
  const Event& event = seen.record.event;
  if (event.kind == Kind::detection || event.kind == Kind::audit || event.kind == Kind::life) return;
  peer_of({});  // touch() learns nothing of who sent it: that is known already
  seen_ = &seen;
  const std::uint64_t host_hash = name_hash(event.canonical_host);
  const std::uint32_t asset = asset_of(event.canonical_host, host_hash);
  if (asset != kNone) settle(assets_[asset]);
  if (asset != kNone && seen.seq > assets_[asset].core.applied_seq) touch(assets_[asset], seen);
  if (event.kind == Kind::thor) {
    const std::uint64_t hash = scan_hash(event.scan_id, host_hash);
    const std::uint32_t number = find_scan(event.canonical_host, hash, event.scan_id);
    if (number != kNone && seen.seq > scans_[number].core.applied_seq && (event.flags & flag::replayed) == 0)
      count(scans_[number], seen, modules_.number_of(event.module));
  }
  seen_ = nullptr;
}

void Watch::for_each_scan(const std::function<void(const ScanRow&)>& each) {
  std::vector<ModuleRow> modules;
  for (std::uint32_t n = 0; n < scans_.end(); ++n) {
    if (!scans_[n].used || scans_[n].core.candidate) continue;
    ScanRow row;
    fill_row(scans_[n], row, modules);
    each(row);
  }
}

}  // namespace thorlog
