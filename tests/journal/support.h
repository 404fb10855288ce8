// What the journal's tests share: records of all shapes, and short ways to write and read.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/is_ok.h"
#include "base/temp_folder.h"
#include "journal/batch.h"
#include "journal/cursor.h"
#include "journal/journal.h"

namespace thorlog {

std::vector<std::string> segments_in(const std::string& folder);  // paths, by base

// Memory for a record's views: a record made by random_record() lives as long as this.
struct RecordMemory {
  std::string raw;
  std::vector<std::string> texts;
  std::vector<Piece> pieces;
};
Record random_record(std::mt19937_64& random, RecordMemory& memory, std::size_t most_raw = 2000);
void expect_same(const Record& got, const Record& wanted);

// A plain record around a line.
Record line_record(const std::string& line);
BatchRef batch_of(const Journal& journal, const std::vector<std::string>& lines);
void append_lines(Journal& journal, const std::vector<std::string>& lines, Room room = Room::inputs);

struct ReadLine {
  std::uint64_t seq = 0;
  std::uint64_t offset = 0;
  std::string raw;
  bool operator==(const ReadLine&) const = default;
};
std::ostream& operator<<(std::ostream& out, const ReadLine& line);
// Everything from a position to the end.
std::vector<ReadLine> read_all(Journal& journal, Position from = {});
std::vector<ReadLine> read_on(JournalReader& reader);

struct JournalWorld {
  TempFolder folder;
  ManualClock clock;
  JournalOptions options;
  JournalWorld();
  std::unique_ptr<Journal> open();
  std::string journal_folder() const { return options.folder; }
  std::string segments_folder() const { return options.folder + "/p00"; }
};

// Prints gtest failures for Results.
}  // namespace thorlog
