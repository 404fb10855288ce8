#include "scanstore/scan_store.h"

#include <fmt/format.h>

#include "base/log.h"
#include "scanstore/scan_texts.h"
#include "scanstore/schema.h"

namespace thorlog {
namespace {

constexpr const char* kPutScan = R"(
INSERT INTO scan(host, scan_id, group_id, asset, state, cause, run, runs, resumes, max_resumes, deadline, arguments,
  started, ended, last_seen, last_module, lines, alerts, warnings, peer, replayed, closed, applied_seq, blob)
VALUES(?1, coalesce(?2, ''), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
  ?22, ?23, ?24)
ON CONFLICT(host, scan_id) DO UPDATE SET group_id = ?3, asset = ?4, state = ?5, cause = ?6, run = ?7, runs = ?8,
  resumes = ?9, max_resumes = ?10, deadline = ?11, arguments = ?12, started = ?13, ended = ?14, last_seen = ?15,
  last_module = ?16, lines = ?17, alerts = ?18, warnings = ?19, peer = ?20, replayed = ?21, closed = ?22,
  applied_seq = ?23, blob = ?24)";

constexpr const char* kPutRun = R"(
INSERT INTO run(host, scan_id, run, state, cause, started, ended, last_seen, last_module, arguments, lines, levels,
  modules, last_lines)
VALUES(?1, coalesce(?2, ''), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
ON CONFLICT(host, scan_id, run) DO UPDATE SET state = ?4, cause = ?5, started = ?6, ended = ?7, last_seen = ?8,
  last_module = ?9, arguments = ?10, lines = ?11, levels = ?12, modules = ?13, last_lines = ?14)";

constexpr const char* kPutAsset = R"(
INSERT INTO asset(host, asset, ip, first_seen, last_seen, thor_seen, agent_seen, system_seen, booted, boot_cause,
  open_scans, scans, silent, applied_seq, blob)
VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
ON CONFLICT(host) DO UPDATE SET asset = ?2, ip = ?3, first_seen = ?4, last_seen = ?5, thor_seen = ?6, agent_seen = ?7,
  system_seen = ?8, booted = ?9, boot_cause = ?10, open_scans = ?11, scans = ?12, silent = ?13, applied_seq = ?14,
  blob = ?15)";

constexpr const char* kPutDetection = R"(
INSERT INTO detection(key, body, summary, level, host, group_id, flags, decided) VALUES(?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(key) DO NOTHING)";

// The journal is right: one that the store does not know (it was set aside) is made from the record.
constexpr const char* kMark = R"(
INSERT INTO detection(key, body, summary, level, host, group_id, flags, decided, partition, offset, seq, received)
VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?8)
ON CONFLICT(key) DO UPDATE SET partition = ?9, offset = ?10, seq = ?11, received = ?8 WHERE offset IS NULL)";

constexpr const char* kOutbox = R"(
SELECT d.key, d.body, d.summary, d.level, d.host, d.scan_id, d.group_id, d.flags FROM outbox o
JOIN detection d ON d.key = o.key ORDER BY d.decided, d.rowid)";

constexpr int kPruneRows = 500;

void set_aside(FileSystem& files, const std::string& path, const char* ending, const std::string& why) {
  log(Severity::error, "scans",
      fmt::format("{}: {}; it is kept as {}{} and made anew from the journal", path, why, path, ending));
  for (const char* part : {"", "-wal", "-shm"}) {
    if (!files.exists(path + part)) continue;
    if (Status moved = files.rename(path + part, path + ending + part, FaultPoint::none); !moved) {
      log(Severity::error, "scans", moved.error().message());
    }
  }
}

}  // namespace

Record record_of(const DetectionRecord& detection) {
  Record record;
  Event& event = record.event;
  event.kind = Kind::detection;
  event.raw = detection.json;
  event.message = detection.summary;
  event.level = detection.level;
  event.flags = detection.flags;
  event.host = event.canonical_host = detection.host;
  event.scan_id = detection.scan_id;
  event.group_id = detection.group_id;
  record.detection_key = detection.key;
  return record;
}

struct ScanStore::State {
  explicit State(Database the_database) : database(std::move(the_database)) {}

  Status prepare();
  Result<std::string> meta(std::string_view key);
  Status read_marks();
  void keep(Status status) {
    if (!status && trouble.has_value()) trouble = std::move(status);
  }

  Database database;
  Statement put_scan, put_run, put_asset, put_state, drop_state, put_detection, put_outbox, mark, drop_outbox,
      acknowledge, put_meta, recall, outbox;
  ScanMarks marks;
  bool is_new = true;
  Status trouble = ok();  // of the transaction that is open
};

ScanStore::ScanStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
ScanStore::~ScanStore() = default;
bool ScanStore::is_new() const noexcept { return state_->is_new; }
const ScanMarks& ScanStore::marks() const noexcept { return state_->marks; }

Status ScanStore::State::prepare() {
  const std::pair<Statement*, const char*> all[] = {
      {&put_scan, kPutScan},
      {&put_run, kPutRun},
      {&put_asset, kPutAsset},
      {&put_state, "INSERT INTO state(key, blob) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET blob = ?2"},
      {&drop_state, "DELETE FROM state WHERE key = ?"},
      {&put_detection, kPutDetection},
      {&put_outbox, "INSERT OR IGNORE INTO outbox(key, floor) VALUES(?, ?)"},
      {&mark, kMark},
      {&drop_outbox, "DELETE FROM outbox WHERE key = ?"},
      {&acknowledge, "UPDATE detection SET acknowledged = ?2, acknowledged_by = ?3 WHERE key = ?1"},
      {&put_meta, "INSERT INTO meta(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2"},
      {&recall, "SELECT blob FROM scan WHERE host = ?1 AND scan_id = coalesce(?2, '')"},
      {&outbox, kOutbox},
  };
  for (const auto& [statement, sql] : all) {
    auto prepared = database.prepare(sql);
    if (!prepared) return fail(std::move(prepared).error());
    *statement = *std::move(prepared);
  }
  return ok();
}

Result<std::string> ScanStore::State::meta(std::string_view key) {
  auto query = database.prepare("SELECT value FROM meta WHERE key = ?");
  if (!query) return fail(std::move(query).error());
  auto row = query->begin().bind(key).step();
  if (!row) return fail(std::move(row).error());
  return *row ? std::string(query->text(0)) : std::string();
}

Status ScanStore::State::read_marks() {
  auto text = meta("marks");
  if (!text) return fail(std::move(text).error());
  is_new = text->empty();
  marks = parse_marks(*text);
  return ok();
}

Result<std::unique_ptr<ScanStore>> ScanStore::open(FileSystem& files, const std::string& state_folder,
                                                   const std::string& journal_id) {
  const std::string path = path_in(state_folder);
  if (Status made = files.make_folder(state_folder + "/scans"); !made) return fail(std::move(made).error());
  for (int attempt = 0;; ++attempt) {
    const auto open_once = [&]() -> Result<std::unique_ptr<State>> {
      auto database = Database::open(path, Database::Mode::read_write);
      if (!database) return fail(std::move(database).error());
      if (Status made = make_schema(*database); !made) return fail(std::move(made).error());
      auto state = std::make_unique<State>(*std::move(database));
      if (Status ready = state->prepare(); !ready) return fail(std::move(ready).error());
      if (Status read = state->read_marks(); !read) return fail(std::move(read).error());
      return state;
    };
    auto state = open_once();
    if (!state) {
      const Errc code = state.error().code;
      if (attempt > 0 || code == Errc::disk_full || code == Errc::config) return fail(std::move(state).error());
      set_aside(files, path, ".bad", state.error().message());
      continue;
    }
    auto known = (*state)->meta("journal_id");
    if (!known) return fail(std::move(known).error());
    if (!known->empty() && *known != journal_id) {
      state->reset();
      if (attempt > 1) return fail({Errc::io, path + " can't be moved away", 0});
      set_aside(files, path, ".other", "it belongs to another journal");
      continue;
    }
    if (Status put = (*state)->put_meta.begin().bind("journal_id").bind(journal_id).run(); !put) {
      return fail(std::move(put).error());
    }
    return std::unique_ptr<ScanStore>(new ScanStore(*std::move(state)));
  }
}

void ScanStore::begin() {
  state_->trouble = ok();
  state_->keep(state_->database.run("BEGIN IMMEDIATE"));
}

void ScanStore::put_scan(const ScanRow& row) {
  Statement& put = state_->put_scan.begin();
  put.bind(row.host).bind(row.scan_id).bind(row.group_id).bind(row.asset.empty() ? row.host : row.asset);
  put.bind(name_of(row.state)).bind(row.cause).bind(row.run).bind(row.runs).bind(row.resumes).bind(row.max_resumes);
  put.bind_time(row.deadline).bind(row.arguments).bind_time(row.started).bind_time(row.ended);
  put.bind_time(row.last_seen).bind(row.last_module).bind(row.lines).bind(row.alerts).bind(row.warnings);
  put.bind(row.peer).bind(row.replayed).bind(row.closed).bind(row.applied_seq).bind_blob(row.state_blob);
  state_->keep(put.run());
}

void ScanStore::put_run(const ScanRow& row) {
  const std::string levels = levels_text(row), modules = modules_text(row), lines = last_lines_text(row);
  Statement& put = state_->put_run.begin();
  put.bind(row.host).bind(row.scan_id).bind(row.run).bind(name_of(row.state)).bind(row.cause);
  put.bind_time(row.run_started).bind_time(row.ended).bind_time(row.last_seen).bind(row.last_module);
  put.bind(row.arguments).bind(row.run_lines).bind(levels).bind(modules).bind(lines);
  state_->keep(put.run());
}

void ScanStore::put_asset(const AssetRow& row) {
  Statement& put = state_->put_asset.begin();
  put.bind(row.host).bind(row.asset.empty() ? row.host : row.asset).bind(row.ip).bind_time(row.first_seen);
  put.bind_time(row.last_seen).bind_time(row.thor_seen).bind_time(row.agent_seen).bind_time(row.system_seen);
  put.bind_time(row.booted).bind(row.boot_cause).bind(row.open_scans).bind(row.scans).bind(row.silent);
  put.bind(row.applied_seq).bind_blob(row.state_blob);
  state_->keep(put.run());
}

void ScanStore::put_state(std::string_view key, std::string_view blob) {
  if (blob.empty()) return state_->keep(state_->drop_state.begin().bind(key).run());
  state_->keep(state_->put_state.begin().bind(key).bind_blob(blob).run());
}

bool ScanStore::put_detection(const Detection& detection, std::uint64_t floor_seq) {
  const std::string body = detection_json(detection);
  Statement& put = state_->put_detection.begin();
  put.bind(detection.key).bind(body).bind(detection.summary).bind(static_cast<int>(detection.level));
  put.bind(detection.host).bind(detection.group_id).bind(detection.flags).bind(detection.log_time);
  Status done = put.run();
  const bool is_new = done && state_->database.changes() == 1;
  state_->keep(std::move(done));
  if (is_new) state_->keep(state_->put_outbox.begin().bind(detection.key).bind(floor_seq).run());
  return is_new;
}

void ScanStore::mark_stored(const DetectionRecord& record, RecordId id, std::uint64_t seq, std::int64_t received) {
  Statement& mark = state_->mark.begin();
  mark.bind(record.key).bind(record.json).bind(record.summary).bind(static_cast<int>(record.level));
  mark.bind(record.host).bind(record.group_id).bind(record.flags).bind(received);
  mark.bind(id.partition).bind(id.offset).bind(seq);
  state_->keep(mark.run());
  state_->keep(state_->drop_outbox.begin().bind(record.key).run());
}

void ScanStore::acknowledge(std::string_view key, std::int64_t when, std::string_view by) {
  state_->keep(state_->acknowledge.begin().bind(key).bind(when).bind(by).run());
}

Status ScanStore::commit(const ScanMarks& marks) {
  State& state = *state_;
  if (state.trouble) state.keep(state.put_meta.begin().bind("marks").bind(marks_text(marks)).run());
  if (state.trouble) state.keep(hit_fault(FaultPoint::outbox_commit));
  if (state.trouble) state.keep(state.database.run("COMMIT"));
  if (!state.trouble) {
    [[maybe_unused]] const Status undone = state.database.run("ROLLBACK");
    return fail(Error(state.trouble.error()));
  }
  state.marks = marks;
  state.is_new = false;
  return ok();
}

Status ScanStore::load(const std::function<void(std::string_view)>& scan,
                       const std::function<void(std::string_view)>& asset,
                       const std::function<void(std::string_view, std::string_view)>& state) {
  const auto each = [this](const char* sql, const auto& give) -> Status {
    auto query = state_->database.prepare(sql);
    if (!query) return fail(std::move(query).error());
    query->begin();
    for (;;) {
      auto row = query->step();
      if (!row) return fail(std::move(row).error());
      if (!*row) return ok();
      give(*query);
    }
  };
  if (Status read = each("SELECT key, blob FROM state", [&](Statement& row) { state(row.text(0), row.blob(1)); });
      !read) {
    return read;
  }
  if (Status read = each("SELECT blob FROM asset", [&](Statement& row) { asset(row.blob(0)); }); !read) return read;
  return each("SELECT blob FROM scan WHERE closed = 0", [&](Statement& row) { scan(row.blob(0)); });
}

Result<std::vector<DetectionRecord>> ScanStore::outbox() {
  std::vector<DetectionRecord> waiting;
  Statement& query = state_->outbox.begin();
  for (;;) {
    auto row = query.step();
    if (!row) return fail(std::move(row).error());
    if (!*row) return waiting;
    DetectionRecord& one = waiting.emplace_back();
    one.key = query.text(0);
    one.json = query.text(1);
    one.summary = query.text(2);
    one.level = static_cast<Level>(query.number(3));
    one.host = query.text(4);
    one.scan_id = query.text(5);
    one.group_id = query.text(6);
    one.flags = static_cast<std::uint32_t>(query.number(7));
  }
}

bool ScanStore::recall(std::string_view host, std::string_view scan_id, std::string& blob) {
  Statement& query = state_->recall.begin().bind(host).bind(scan_id);
  auto row = query.step();
  if (!row || !*row) return false;
  blob = query.blob(0);
  query.begin();
  return true;
}

Result<bool> ScanStore::prune(std::int64_t before) {
  std::int64_t removed = 0;
  // The oldest first, both by the index of time; the runs of those scans go with them.
  constexpr const char* kRuns =
      "DELETE FROM run WHERE (host, scan_id) IN (SELECT host, scan_id FROM scan WHERE closed = 1 AND last_seen < ?1 "
      "ORDER BY last_seen, rowid LIMIT ?2)";
  constexpr const char* kScans =
      "DELETE FROM scan WHERE rowid IN (SELECT rowid FROM scan WHERE closed = 1 AND last_seen < ?1 "
      "ORDER BY last_seen, rowid LIMIT ?2)";
  constexpr const char* kDetections =
      "DELETE FROM detection WHERE rowid IN (SELECT rowid FROM detection WHERE decided < ?1 AND NOT EXISTS "
      "(SELECT 1 FROM outbox WHERE outbox.key = detection.key) ORDER BY decided LIMIT ?2)";
  for (const char* sql : {kRuns, kScans, kDetections}) {
    auto statement = state_->database.prepare(sql);
    if (!statement) return fail(std::move(statement).error());
    if (Status done = statement->begin().bind(before).bind(kPruneRows).run(); !done)
      return fail(std::move(done).error());
    removed += state_->database.changes();
  }
  return removed > 0;
}

}  // namespace thorlog
