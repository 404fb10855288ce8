// What the watch remembers of a scan, an asset and a peer. Plain values; who changes them is watch.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "scans/slab.h"
#include "thorlog/scan_watch.h"

namespace thorlog {

enum class Cause : std::uint8_t {
  none,
  reboot,
  agent_stop,
  os_shutdown,
  boot,
  resume,
  max_runtime,
  low_memory,
  disk_full,
  log_flood,
  user,
  crash,
  agent_error,
  silence,
  av_edr_suspected,
  killed_externally,
  asset_offline,
  not_resumed,
  unknown,
  info_suppressed,
  clean,
  dirty
};
std::string_view name_of(Cause cause) noexcept;

// One module's part in a run. Seconds since 1970.
struct ModuleCount {
  std::uint16_t module = 0;  // Modules
  std::uint16_t unused = 0;
  std::uint32_t lines = 0, first = 0, last = 0;
};

// What may have stopped a scan that is `stopping`.
namespace stop {
inline constexpr std::uint8_t interrupt = 1;  // the agent's interrupt
inline constexpr std::uint8_t wait = 2;       // the agent waits for it
inline constexpr std::uint8_t planned = 4;    // a shutdown was announced
inline constexpr std::uint8_t shutdown = 8;   // the machine is shutting down
}  // namespace stop

// The part of a scan that is stored as it lies in memory: members are only ever added at the end. Times without
// `wall` are log time; kNoTime: none.
struct ScanCore {
  std::int64_t last_log = kNoTime;
  std::int64_t last_wall = kNoTime;
  std::int64_t deaf = 0;  // how deaf we had been to its peer and input when it spoke last
  std::array<RecordId, 2> last_lines{};
  std::uint64_t applied_seq = 0;
  std::uint64_t lines = 0;
  std::uint32_t alerts = 0, warnings = 0, run_lines = 0;
  std::array<std::uint32_t, 7> run_levels{};
  std::uint32_t stream = 0;      // of its last line
  std::uint32_t run_stream = 0;  // of the first line of the present run
  std::uint16_t input = 0;
  std::uint16_t module_now = 0;  // place of the last module in `modules`

  ScanState state = ScanState::starting;
  Cause cause = Cause::none;
  DetectionType told = DetectionType::custom;  // what was said last about its end or silence; custom: nothing
  Cause told_cause = Cause::none;
  bool has_start = false;  // the start of the present run was seen
  bool info_seen = false;
  bool flooded = false;  // THOR reduced its log by itself
  bool replayed = false;
  bool candidate = false;  // not yet a scan: fewer than three lines, and no start
  bool service = false;    // Thunderstorm: has no life to watch
  bool closed = false;
  bool loop_told = false;
  bool near_told = false;
  bool old_spoke = false;     // while a restart is pending: the old run's stream went on
  std::uint8_t parallel = 0;  // runs beside the first one
  std::uint8_t stop_bits = 0;

  std::uint32_t run = 1, resumes = 0, max_resumes = 0;
  std::int64_t deadline_wall = kNoTime;  // parsed
  std::int64_t born_log = kNoTime;       // first line
  std::int64_t born_wall = kNoTime;
  std::int64_t run_log = kNoTime;    // first line of the run
  std::int64_t start_log = kNoTime;  // its start banner
  std::int64_t run_wall = kNoTime;
  std::int64_t ended_wall = kNoTime;
  std::int64_t closed_log = kNoTime;
  std::array<std::int64_t, 3> starts{kNoTime, kNoTime, kNoTime};  // of runs in a row that did not complete

  // What waits to be decided, and until when; what it stands on is in ScanPending.
  std::int64_t stop_due = kNoTime, restart_due = kNoTime, recover_due = kNoTime, abort_due = kNoTime;
};

// Only scans that something is to be decided of have one. Stored as ScanCore is.
struct ScanPending {
  std::int64_t stop_log = kNoTime;
  std::array<RecordId, 2> stop_lines{};
  std::int64_t restart_log = kNoTime, restart_wall = kNoTime, before_restart = kNoTime;
  RecordId restart_line{};
  std::uint32_t restart_stream = 0, restart_lines = 0;
  std::int64_t abort_log = kNoTime;
  RecordId abort_line{};
  std::array<RecordId, 3> consumer_lines{};
  Cause abort_cause = Cause::none;
  std::uint8_t consumers = 0;
};

inline constexpr std::size_t kMaxModules = 20;
inline constexpr std::size_t kMaxArguments = 2048;

enum class Dirty : std::uint8_t { no, counts, state };

inline constexpr ScanState kNotCounted{0xFF};

// What a plain line needs stands together, so that it waits for one page of memory: the first cache line, the next
// two with the front of `core`, and that of its module's count.
struct alignas(64) Scan {
  static constexpr std::size_t kInside = 6;  // modules that need no memory of their own

  std::uint64_t hash = 0;               // of host and id
  std::int64_t newest_stamp = kNoTime;  // of plain lines that the asset was not told of
  std::int64_t armed = kNoTime;
  std::uint32_t number = kNone;  // its own
  std::uint32_t asset = kNone;
  std::uint32_t peer = kNone;
  std::uint32_t host_hash = 0;    // as in Peer::hosts
  std::uint16_t last_module = 0;  // Modules
  Dirty dirty = Dirty::no;
  std::uint8_t module_count = 0;
  std::array<std::uint16_t, kInside> module_numbers{};  // of the first modules
  ScanState counted = kNotCounted;                      // as counters() has it
  bool used = false;
  bool restated : 1 = false;    // counters() will look at it
  bool plain : 1 = false;       // its next line only counts, if that says nothing (plain_lines.cc)
  bool owes_asset : 1 = false;  // plain lines came that its asset was not told of
  bool grouped : 1 = false;     // while `plain`: it has a group
  bool named : 1 = false;       // while `plain`: its asset has another name than its peer's address

  ScanCore core;
  std::array<ModuleCount, kInside> modules_inside{};
  std::unique_ptr<std::array<ModuleCount, kMaxModules - kInside>> modules_more;
  std::unique_ptr<ScanPending> pending;
  std::string id;
  std::unique_ptr<std::string> arguments_text;
  std::unique_ptr<std::string> restart_arguments;  // of a run that may be another one
  std::unique_ptr<std::string> group;
  std::uint64_t task = 0;  // hash of the agent's task uuid; 0: unknown

  ScanPending& wait() {
    if (!pending) pending = std::make_unique<ScanPending>();
    return *pending;
  }
  bool is_open() const noexcept { return core.state <= ScanState::suspect && !core.closed; }
  std::string_view arguments() const noexcept {
    return arguments_text ? std::string_view(*arguments_text) : std::string_view();
  }
  void set_arguments(std::string_view text) {
    arguments_text = text.empty() ? nullptr : std::make_unique<std::string>(text);
  }

  // In the order in which they first spoke.
  ModuleCount& module(std::size_t n) noexcept {
    return n < kInside ? modules_inside[n] : (*modules_more)[n - kInside];
  }
  const ModuleCount& module(std::size_t n) const noexcept {
    return n < kInside ? modules_inside[n] : (*modules_more)[n - kInside];
  }
  // `module_count`: it has not spoken.
  std::size_t find_module(std::uint16_t wanted) const noexcept {
    const std::size_t inside = std::min<std::size_t>(module_count, kInside);
    for (std::size_t n = 0; n < inside; ++n)
      if (module_numbers[n] == wanted) return n;
    for (std::size_t n = kInside; n < module_count; ++n)
      if (module(n).module == wanted) return n;
    return module_count;
  }
  void add_module(const ModuleCount& count) {
    if (module_count < kInside)
      module_numbers[module_count] = count.module;
    else if (!modules_more)
      modules_more = std::make_unique<std::array<ModuleCount, kMaxModules - kInside>>();
    module(module_count++) = count;
  }
};
static_assert(sizeof(Scan) == 512);
inline constexpr std::size_t kPlainBytes = 192;  // but for the module's count

struct AssetTimes {
  std::int64_t first_wall = kNoTime, last_wall = kNoTime;
  std::int64_t last_log = kNoTime;  // any kind of line
  std::int64_t thor_wall = kNoTime, agent_wall = kNoTime, system_wall = kNoTime;
  std::int64_t other_log = kNoTime;   // last line that is not THOR's
  std::int64_t system_log = kNoTime;  // last line of its operating system
  std::int64_t last_stamp = kNoTime;  // the newest stamp that a line of it bore
  std::int64_t deaf = 0;
  std::uint64_t applied_seq = 0;
};

// What its agent and its operating system said. Many assets have neither.
struct AssetEvidence {
  std::int64_t planned_log = kNoTime, shutdown_log = kNoTime, service_log = kNoTime;
  RecordId planned_line{}, shutdown_line{};
  std::int64_t boot_log = kNoTime, boot_last = kNoTime, boot_due = kNoTime, boot_wall = kNoTime;
  std::uint64_t boot_hash = 0;
  std::array<RecordId, 3> boot_lines{};
  std::uint8_t boot_count = 0;
  bool boot_dirty = false;
  Cause boot_cause = Cause::none;  // of the last boot, once decided
  bool boot_told = false;
  bool boot_heard = false;  // its operating system had spoken before

  std::int64_t interrupt_log = kNoTime, wait_log = kNoTime, stop_due = kNoTime;
  RecordId interrupt_line{}, wait_line{};
  std::int64_t agent_run_log = kNoTime;
  std::uint64_t agent_run_task = 0;
  bool agent_resumes = false;

  std::array<std::uint64_t, 2> exhausted{};  // hashes of deadlines that were told
  std::array<std::uint64_t, 4> errors{};     // hashes of the agent's errors that were told
  std::array<std::int64_t, 4> errors_log{};  // and when
};

struct AssetMarks {
  bool mapped = false, scanned = false, agent = false, silent = false;
  std::uint32_t scans = 0;
};

// Stored as it lies in memory: members are only ever added at the end.
struct StoredAsset {
  AssetTimes times;
  AssetEvidence evidence;
  AssetMarks marks;
};
static_assert(sizeof(StoredAsset) == 408);

struct AssetCore : AssetTimes, AssetMarks {};

struct Asset {
  // What each line looks at, together.
  AssetCore core;
  std::uint64_t hash = 0;
  std::int64_t armed = kNoTime;
  std::uint32_t number = kNone;  // its own
  Dirty dirty = Dirty::no;
  bool used = false;
  std::vector<std::uint32_t> scans;  // in memory
  std::string host;
  std::string label;  // empty: the host is its label
  std::string ip;
  std::unique_ptr<AssetEvidence> evidence;
  std::unique_ptr<std::string> agent_arguments;  // of the last task

  const AssetEvidence& known() const noexcept {
    static const AssetEvidence kNothing;
    return evidence ? *evidence : kNothing;
  }
  AssetEvidence& learn() {
    if (!evidence) evidence = std::make_unique<AssetEvidence>();
    return *evidence;
  }
};
inline constexpr std::size_t kTouchedBytes = 192;  // by a line: all up to its host

// A sender by its address. One that carries many hosts is a relay: when it falls silent, nobody died.
struct Peer {
  // What each line looks at, together.
  std::int64_t last_log = kNoTime;
  std::int64_t deaf_mark = 0;     // how deaf we had been to everything when it spoke last
  std::int64_t dark_sum = 0;      // how long it has been dark in all
  std::int64_t judged = kNoTime;  // when was_busy was found out
  std::int64_t hosts_since = kNoTime;
  std::uint32_t sender = 0;         // sender_hash() of its address
  std::uint32_t last_scan = kNone;  // that spoke by it last
  std::uint32_t asset = kNone;      // the first that it carried
  std::uint32_t named = kNone;      // the last that has a name other than this address
  std::uint8_t host_count = 0, hosts_before = 0;
  bool dark = false, used = false, dirty = false;
  bool was_busy = false;  // several of its scans spoke shortly before it fell silent
  std::array<std::uint32_t, 8> hosts{};
  std::string address;
  std::uint64_t hash = 0;
  std::vector<std::uint32_t> scans;  // in memory

  bool is_relay() const noexcept { return host_count >= 5 || hosts_before >= 5; }
};

}  // namespace thorlog
