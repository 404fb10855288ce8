#include "support.h"

#include <algorithm>
#include <cmath>

namespace thorlog {

std::vector<std::string> segments_in(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".seg") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

namespace {

constexpr std::string_view Event::*kTexts[] = {&Event::host,           &Event::ip,
                                               &Event::app_name,       &Event::procid,
                                               &Event::msgid,          &Event::structured_data,
                                               &Event::module,         &Event::message,
                                               &Event::scan_id,        &Event::uid,
                                               &Event::canonical_host, &Event::group_id};

std::size_t below(std::mt19937_64& random, std::size_t limit) { return static_cast<std::size_t>(random() % limit); }

std::string random_text(std::mt19937_64& random, std::size_t most) {
  std::string text(1 + below(random, most), '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

}  // namespace

Record random_record(std::mt19937_64& random, RecordMemory& memory, std::size_t most_raw) {
  memory.raw = below(random, 20) == 0 ? std::string() : random_text(random, most_raw);
  memory.texts.clear();
  memory.texts.reserve(100);
  memory.pieces.clear();
  Record record;
  Event& event = record.event;
  event.raw = memory.raw;
  const auto text = [&](std::size_t most) -> std::string_view {
    return memory.texts.emplace_back(random_text(random, most));
  };
  for (const auto field : kTexts) {
    switch (below(random, 3)) {
      case 0:
        break;
      case 1:
        if (!memory.raw.empty()) {
          const std::size_t at = below(random, memory.raw.size());
          event.*field = event.raw.substr(at, 1 + below(random, memory.raw.size() - at));
        }
        break;
      default:
        event.*field = text(below(random, 30) == 0 ? 70'000 : 60);
    }
  }
  event.kind = static_cast<Kind>(below(random, 8));
  event.format = static_cast<Format>(below(random, 8));
  event.level = static_cast<Level>(below(random, 7));
  event.priority = below(random, 2) == 0 ? kNoPriority : static_cast<std::uint8_t>(below(random, 192));
  event.flags = static_cast<std::uint32_t>(random());
  if (below(random, 2) == 0) event.timestamp = static_cast<std::int64_t>(random());
  if (below(random, 2) == 0) event.score = static_cast<double>(below(random, 10'000)) / 7;
  record.input = static_cast<std::uint16_t>(random());
  record.received = static_cast<std::int64_t>(random());
  if (below(random, 2) == 0) record.peer = text(50);
  if (below(random, 2) == 0) record.peer_identity = text(300);
  record.stream = below(random, 2) == 0 ? 0 : static_cast<std::uint32_t>(random());
  record.frame = below(random, 2) == 0 ? 0 : static_cast<std::uint32_t>(random());
  if (below(random, 2) == 0) record.origin = text(80);
  if (below(random, 2) == 0) record.detection_key = text(32);
  record.parts = static_cast<std::uint16_t>(random());
  for (std::size_t i = below(random, 5); i > 0; --i) {
    Piece piece;
    piece.length = static_cast<std::uint32_t>(random());
    piece.delay_ms = static_cast<std::uint32_t>(random());
    if (below(random, 2) == 0) piece.stripped = text(100);
    memory.pieces.push_back(piece);
  }
  record.pieces = memory.pieces;
  return record;
}

void expect_same(const Record& got, const Record& wanted) {
  EXPECT_EQ(got.event.raw, wanted.event.raw);
  for (const auto field : kTexts) EXPECT_EQ(got.event.*field, wanted.event.*field);
  EXPECT_EQ(got.event.kind, wanted.event.kind);
  EXPECT_EQ(got.event.format, wanted.event.format);
  EXPECT_EQ(got.event.level, wanted.event.level);
  EXPECT_EQ(got.event.priority, wanted.event.priority);
  EXPECT_EQ(got.event.flags, wanted.event.flags);
  EXPECT_EQ(got.event.timestamp, wanted.event.timestamp);
  EXPECT_EQ(got.event.has_score(), wanted.event.has_score());
  if (wanted.event.has_score()) {
    EXPECT_EQ(got.event.score, wanted.event.score);
  }
  EXPECT_EQ(got.input, wanted.input);
  EXPECT_EQ(got.received, wanted.received);
  EXPECT_EQ(got.peer, wanted.peer);
  EXPECT_EQ(got.peer_identity, wanted.peer_identity);
  EXPECT_EQ(got.stream, wanted.stream);
  EXPECT_EQ(got.frame, wanted.frame);
  EXPECT_EQ(got.origin, wanted.origin);
  EXPECT_EQ(got.detection_key, wanted.detection_key);
  EXPECT_EQ(got.parts, wanted.parts);
  ASSERT_EQ(got.pieces.size(), wanted.pieces.size());
  for (std::size_t i = 0; i < wanted.pieces.size(); ++i) {
    EXPECT_EQ(got.pieces[i].length, wanted.pieces[i].length);
    EXPECT_EQ(got.pieces[i].delay_ms, wanted.pieces[i].delay_ms);
    EXPECT_EQ(got.pieces[i].stripped, wanted.pieces[i].stripped);
  }
}

Record line_record(const std::string& line) {
  Record record;
  record.event.raw = line;
  record.event.message = record.event.raw.substr(line.size() / 2);
  record.peer = "192.0.2.1:514";
  record.received = 1'700'000'000'000'000'000;
  return record;
}

BatchRef batch_of(const Journal& journal, const std::vector<std::string>& lines) {
  BatchRef batch = Batch::make(4096, journal.checksum_seed());
  for (const std::string& line : lines) {
    if (batch->add(line_record(line))) continue;
    // Room for one more: into a bigger one.
    BatchRef bigger = Batch::make(batch->capacity() * 2 + 2 * line.size() + 1024, journal.checksum_seed());
    std::size_t again = 0;
    for (; &lines[again] != &line; ++again) EXPECT_TRUE(bigger->add(line_record(lines[again])));
    EXPECT_TRUE(bigger->add(line_record(line)));
    batch = bigger;
  }
  return batch;
}

void append_lines(Journal& journal, const std::vector<std::string>& lines, Room room) {
  const BatchRef batch = batch_of(journal, lines);
  ASSERT_TRUE(is_ok(journal.append({&batch, 1}, room)));
}

std::ostream& operator<<(std::ostream& out, const ReadLine& line) {
  return out << line.seq << "@" << line.offset << " " << line.raw.substr(0, 20);
}

std::vector<ReadLine> read_on(JournalReader& reader) {
  std::vector<ReadLine> lines;
  const std::uint64_t from = reader.position().seq;
  for (;;) {
    auto batch = reader.next();
    EXPECT_TRUE(is_ok(batch));
    if (!batch || !*batch) return lines;
    BatchReader records(**batch);
    Record record;
    while (records.next(record)) {
      if (records.seq() < from) continue;
      lines.push_back({records.seq(), records.offset(), std::string(record.event.raw)});
    }
  }
}

std::vector<ReadLine> read_all(Journal& journal, Position from) {
  JournalReader reader(journal, from);
  return read_on(reader);
}

JournalWorld::JournalWorld() {
  options.folder = folder / "state/journal";
  options.segment_bytes = 1U << 20;
  options.max_bytes = 64U << 20;
}

std::unique_ptr<Journal> JournalWorld::open() {
  auto journal = Journal::open(real_file_system(), clock, options);
  EXPECT_TRUE(is_ok(journal));
  return journal ? *std::move(journal) : nullptr;
}

}  // namespace thorlog
