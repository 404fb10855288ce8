#include "scanstore/schema.h"

#include <string>

namespace thorlog {
namespace {

constexpr std::int64_t kVersion = 1;

// WAL: readers never wait for the writer, and a commit is one append. synchronous=NORMAL: a power cut can take the
// last commits, never the file; what they held is read from the journal again, since the cursor was in them.
constexpr const char* kPragmas = R"(
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
PRAGMA temp_store=MEMORY;
PRAGMA cache_size=-16384;
PRAGMA journal_size_limit=67108864;
)";

// A scan's row is its last run; `run` keeps each one for itself. The columns are what people ask by, the blob is what
// the scan watch wants back. A detection's columns come out of its JSON object, so that they can't contradict it.
constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scan(
  host TEXT NOT NULL, scan_id TEXT NOT NULL, group_id TEXT, asset TEXT, state TEXT NOT NULL, cause TEXT,
  run INTEGER, runs INTEGER, resumes INTEGER, max_resumes INTEGER, deadline INTEGER, arguments TEXT,
  started INTEGER, ended INTEGER, last_seen INTEGER, last_module TEXT, lines INTEGER, alerts INTEGER, warnings INTEGER,
  peer TEXT, replayed INTEGER, closed INTEGER, applied_seq INTEGER, blob BLOB, UNIQUE(host, scan_id));
CREATE INDEX IF NOT EXISTS scan_by_state ON scan(state, last_seen);
CREATE INDEX IF NOT EXISTS scan_by_asset ON scan(asset, last_seen);
CREATE INDEX IF NOT EXISTS scan_by_id ON scan(scan_id);
CREATE INDEX IF NOT EXISTS scan_by_time ON scan(last_seen);
CREATE INDEX IF NOT EXISTS scan_open ON scan(host) WHERE closed = 0;
CREATE TABLE IF NOT EXISTS run(
  host TEXT NOT NULL, scan_id TEXT NOT NULL, run INTEGER NOT NULL, state TEXT NOT NULL, cause TEXT, started INTEGER,
  ended INTEGER, last_seen INTEGER, last_module TEXT, arguments TEXT, lines INTEGER, levels TEXT, modules TEXT,
  last_lines TEXT, PRIMARY KEY(host, scan_id, run)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asset(
  host TEXT PRIMARY KEY, asset TEXT, ip TEXT, first_seen INTEGER, last_seen INTEGER, thor_seen INTEGER,
  agent_seen INTEGER, system_seen INTEGER, booted INTEGER, boot_cause TEXT, open_scans INTEGER, scans INTEGER,
  silent INTEGER, applied_seq INTEGER, blob BLOB);
CREATE INDEX IF NOT EXISTS asset_by_time ON asset(last_seen);
CREATE INDEX IF NOT EXISTS asset_by_label ON asset(asset);
CREATE TABLE IF NOT EXISTS state(key TEXT PRIMARY KEY, blob BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS detection(
  key TEXT PRIMARY KEY, body TEXT NOT NULL, summary TEXT, level INTEGER, host TEXT, group_id TEXT, flags INTEGER,
  decided INTEGER, partition INTEGER, offset INTEGER, seq INTEGER, received INTEGER,
  acknowledged INTEGER, acknowledged_by TEXT,
  type TEXT GENERATED ALWAYS AS (json_extract(body, '$.type')) STORED,
  asset TEXT GENERATED ALWAYS AS (json_extract(body, '$.asset')) STORED,
  scan_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.scan_id')) STORED);
CREATE INDEX IF NOT EXISTS detection_by_time ON detection(decided);
CREATE INDEX IF NOT EXISTS detection_by_type ON detection(type, decided);
CREATE INDEX IF NOT EXISTS detection_by_asset ON detection(asset, decided);
CREATE INDEX IF NOT EXISTS detection_by_scan ON detection(scan_id, decided);
CREATE INDEX IF NOT EXISTS detection_by_place ON detection(offset) WHERE offset IS NOT NULL;
CREATE TABLE IF NOT EXISTS outbox(key TEXT PRIMARY KEY, floor INTEGER) WITHOUT ROWID;
)";

Result<std::int64_t> version_of(Database& database) {
  auto statement = database.prepare("PRAGMA user_version");
  if (!statement) return fail(std::move(statement).error());
  auto row = statement->begin().step();
  if (!row) return fail(std::move(row).error());
  return statement->number(0);
}

}  // namespace

Status make_schema(Database& database) {
  if (Status set = database.run(kPragmas); !set) return set;
  auto version = version_of(database);
  if (!version) return fail(std::move(version).error());
  if (*version > kVersion) {
    return fail(
        {Errc::config, "the scan store was written by a newer thorlogd; move STATE/scans away to begin anew", 0});
  }
  if (Status made = database.run(kTables); !made) return made;
  return database.run(("PRAGMA user_version=" + std::to_string(kVersion)).c_str());
}

}  // namespace thorlog
