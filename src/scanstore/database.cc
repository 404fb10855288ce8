#include "scanstore/database.h"

#include <sqlite3.h>

namespace thorlog {
namespace {

constexpr int kBusyMs = 2000;
constexpr int kProgressSteps = 1000;

Failure trouble(sqlite3* database, std::string doing) {
  const int code = sqlite3_errcode(database);
  const Errc kind = code == SQLITE_FULL ? Errc::disk_full : code == SQLITE_BUSY ? Errc::busy : Errc::io;
  return fail({kind, std::move(doing) + ": " + sqlite3_errmsg(database), 0});
}

int length_of(std::string_view bytes) { return static_cast<int>(bytes.size()); }

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* database) const noexcept { sqlite3_close(database); }

Statement& Statement::begin() noexcept {
  sqlite3_reset(statement_.get());
  next_ = 1;
  return *this;
}

Statement& Statement::bind(std::string_view text) noexcept {
  if (text.data() == nullptr || text.empty()) return bind_null();
  sqlite3_bind_text(statement_.get(), next_++, text.data(), length_of(text), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) noexcept {
  sqlite3_bind_blob(statement_.get(), next_++, bytes.data() == nullptr ? "" : bytes.data(), length_of(bytes),
                    SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_number(std::int64_t number, bool null) noexcept {
  null ? sqlite3_bind_null(statement_.get(), next_) : sqlite3_bind_int64(statement_.get(), next_, number);
  ++next_;
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  Failure failure = trouble(database_, "the scan store");
  sqlite3_reset(statement_.get());
  return failure;
}

Status Statement::run() {
  auto row = step();
  while (row && *row) row = step();
  if (!row) return fail(std::move(row).error());
  return ok();
}

std::string_view Statement::text(int column) const noexcept {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view Statement::blob(int column) const noexcept {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::int64_t Statement::number(int column) const noexcept { return sqlite3_column_int64(statement_.get(), column); }

std::int64_t Statement::time(int column) const noexcept { return is_null(column) ? kNoTime : number(column); }

bool Statement::is_null(int column) const noexcept {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<Database> Database::open(const std::string& path, Mode mode) {
  sqlite3* raw = nullptr;
  const int flags = (mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                    SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Database database;
  database.database_.reset(raw);
  if (code != SQLITE_OK) return trouble(raw, "opening " + path);
  sqlite3_busy_timeout(raw, kBusyMs);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  return database;
}

Status Database::run(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return ok();
  return trouble(database_.get(), "the scan store");
}

Result<Statement> Database::prepare(std::string_view sql) {
  Statement statement;
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v3(database_.get(), sql.data(), length_of(sql), SQLITE_PREPARE_PERSISTENT, &raw, nullptr) !=
      SQLITE_OK) {
    return trouble(database_.get(), "the scan store, preparing a statement");
  }
  statement.statement_.reset(raw);
  statement.database_ = database_.get();
  return statement;
}

std::int64_t Database::changes() const noexcept { return sqlite3_changes64(database_.get()); }

void Database::limit_steps(std::uint64_t steps) {
  if (!budget_) budget_ = std::make_unique<Budget>();
  budget_->left = steps;
  const auto spend = [](void* budget) noexcept {
    auto& left = static_cast<Budget*>(budget)->left;
    if (left <= kProgressSteps) return 1;
    left -= kProgressSteps;
    return 0;
  };
  sqlite3_progress_handler(database_.get(), steps == 0 ? 0 : kProgressSteps, steps == 0 ? nullptr : +spend,
                           budget_.get());
}

}  // namespace thorlog
