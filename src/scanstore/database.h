// Thin RAII over SQLite: a connection and its prepared statements. One thread for each connection. Errors carry
// SQLite's own words. https://www.sqlite.org/c3ref/intro.html
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "thorlog/event.h"
#include "thorlog/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace thorlog {

class Database;

// A prepared statement. Values are bound from 1 in the order of bind(); text is borrowed until the next run().
class Statement {
 public:
  Statement() = default;

  // Begins anew; binds one value after the other. kNoTime and empty text become NULL.
  Statement& begin() noexcept;
  Statement& bind(std::string_view text) noexcept;
  Statement& bind_blob(std::string_view bytes) noexcept;
  template <std::integral T>
  Statement& bind(T number) noexcept {
    return bind_number(static_cast<std::int64_t>(number), false);
  }
  Statement& bind_time(std::int64_t ns) noexcept { return bind_number(ns, ns == kNoTime); }
  Statement& bind_null() noexcept { return bind_number(0, true); }

  // True: a row is there to be read. False: the end. An error ends the statement.
  Result<bool> step();
  // For statements without rows.
  Status run();

  // Of the present row, columns from 0; valid until the next step.
  std::string_view text(int column) const noexcept;
  std::string_view blob(int column) const noexcept;
  std::int64_t number(int column) const noexcept;
  std::int64_t time(int column) const noexcept;  // NULL: kNoTime
  bool is_null(int column) const noexcept;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  Statement& bind_number(std::int64_t number, bool null) noexcept;

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  sqlite3* database_ = nullptr;
  int next_ = 1;
};

class Database {
 public:
  enum class Mode : std::uint8_t { read_write, read_only };

  // Errors: io (can't be opened, no database), busy.
  static Result<Database> open(const std::string& path, Mode mode);

  // Several statements without values.
  Status run(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  std::int64_t changes() const noexcept;  // rows that the last statement changed
  // Statements fail once they have taken so many steps of SQLite's machine (about 10 ns each); 0: no limit.
  void limit_steps(std::uint64_t steps);

 private:
  struct Close {
    void operator()(sqlite3* database) const noexcept;
  };
  struct Budget {
    std::uint64_t left = 0;
  };
  std::unique_ptr<sqlite3, Close> database_;
  std::unique_ptr<Budget> budget_;
};

}  // namespace thorlog
