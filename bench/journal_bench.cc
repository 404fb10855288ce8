// The journal's cost for a record: into a batch, to the disk, and back. A usual record: 562 bytes of text, ten views.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "journal/batch.h"
#include "journal/journal.h"
#include "journal/layout.h"
#include "journal/record_codec.h"

namespace thorlog {
namespace {

std::string usual_line() {
  std::string line =
      "<134>Nov 21 12:34:56 web-srv-0042.example.org THOR: Alert: MODULE: Filescan MESSAGE: Malware file found "
      "SCANID: S-4kDZ7yQ1m8A SCORE: 140 FILE: C:\\Windows\\Temp\\svchost.exe EXT: .exe TYPE: EXE SIZE: 184320 "
      "MD5: 0123456789abcdef0123456789abcdef SHA1: 0123456789abcdef0123456789abcdef01234567 REASON_1: YARA rule ";
  line.resize(562, 'r');
  return line;
}

Record usual_record(const std::string& line) {
  Record record;
  Event& event = record.event;
  event.raw = line;
  event.kind = Kind::thor;
  event.format = Format::text;
  event.level = Level::alert;
  event.priority = 134;
  event.timestamp = 1'700'000'000'000'000'000;
  event.score = 140;
  event.host = event.raw.substr(21, 25);
  event.app_name = event.raw.substr(47, 4);
  event.module = event.raw.substr(68, 8);
  event.message = event.raw.substr(86, 18);
  event.scan_id = event.raw.substr(112, 13);
  event.canonical_host = "web-srv-0042";
  event.ip = event.raw.substr(200, 10);
  event.procid = event.raw.substr(220, 5);
  event.msgid = event.raw.substr(230, 5);
  event.uid = event.raw.substr(240, 8);
  record.input = 3;
  record.received = 1'700'000'000'000'000'000;
  record.peer = "192.0.2.117:48120";
  record.stream = 17;
  record.frame = 4711;
  return record;
}

// THORLOG_BENCH_FOLDER decides which disk is measured.
class Folder {
 public:
  Folder() {
    const char* base = std::getenv("THORLOG_BENCH_FOLDER");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/thorlog-bench-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::unique_ptr<Journal> open_journal(const std::string& folder, Durability durability, std::size_t cache) {
  static const SystemClock clock;
  JournalOptions options;
  options.folder = folder + "/journal";
  options.durability = durability;
  options.retain = 0;
  options.cache_bytes = cache;
  auto journal = Journal::open(real_file_system(), clock, options);
  if (!journal) std::abort();
  return *std::move(journal);
}

BatchRef full_batch(BatchPool& pool, std::uint64_t seed, const Record& record) {
  BatchRef batch = Batch::make(pool, seed);
  while (batch->add(record)) continue;
  return batch;
}

void count(benchmark::State& state, std::uint64_t records, std::uint64_t bytes) {
  state.SetItemsProcessed(static_cast<std::int64_t>(records));
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

// One record into a batch: encode, copy, checksum.
void batch_add(benchmark::State& state) {
  const std::string line = usual_line();
  const Record record = usual_record(line);
  BatchPool pool;
  BatchRef batch = Batch::make(pool, 42);
  std::uint64_t records = 0;
  for (auto _ : state) {
    if (!batch->add(record)) {
      batch = BatchRef();
      batch = Batch::make(pool, 42);
      batch->add(record);
    }
    ++records;
  }
  count(state, records, records * line.size());
}
BENCHMARK(batch_add);

void decode(benchmark::State& state) {
  const std::string line = usual_line();
  BatchPool pool;
  const BatchRef batch = full_batch(pool, 42, usual_record(line));
  batch->place(0, 4096, 1, 0, 7);
  std::uint64_t records = 0;
  Record record;
  BatchReader reader(*batch);
  for (auto _ : state) {
    if (!reader.next(record)) {
      reader = BatchReader(*batch);
      reader.next(record);
    }
    benchmark::DoNotOptimize(record.event.message.data());
    ++records;
  }
  count(state, records, records * line.size());
}
BENCHMARK(decode);

// Filled batches to the page cache and to one reader near the end, which lets them go; items are records.
void append(benchmark::State& state) {
  const Folder folder;
  auto journal = open_journal(folder.path(), Durability::os, 32U << 20);
  const std::string line = usual_line();
  const Record record = usual_record(line);
  BatchPool pool;
  JournalReader reader(*journal, journal->state().end);
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  for (auto _ : state) {
    const BatchRef batch = full_batch(pool, journal->checksum_seed(), record);
    records += batch->count();
    bytes += batch->bytes().size();
    if (!journal->append({&batch, 1})) state.SkipWithError("append");
    auto got = reader.next();
    benchmark::DoNotOptimize(got);
    journal->tend(journal->state().end, "");
  }
  count(state, records, bytes);
}
BENCHMARK(append)->Unit(benchmark::kMicrosecond)->UseRealTime();

// The same bytes with a bare write to a growing file: what the append is measured against.
void bare_write(benchmark::State& state) {
  const Folder folder;
  const std::string line = usual_line();
  BatchPool pool;
  const BatchRef batch = full_batch(pool, 42, usual_record(line));
  const std::span<const std::byte> all = batch->bytes();
  const iovec part{const_cast<std::byte*>(all.data()), all.size()};
  std::unique_ptr<File> file;
  std::uint64_t at = 64U << 20;
  std::uint64_t bytes = 0;
  int number = 0;
  for (auto _ : state) {
    if (at >= 64U << 20) {
      if (number > 3) std::filesystem::remove(folder.path() + "/" + std::to_string(number - 3));
      file = *real_file_system().open(folder.path() + "/" + std::to_string(++number), FileSystem::Open::create_new,
                                      FaultPoint::none);
      at = 0;
    }
    if (!file->write_at(at, {&part, 1}, FaultPoint::none, nullptr)) state.SkipWithError("write");
    at += all.size();
    bytes += all.size();
  }
  count(state, bytes / all.size() * batch->count(), bytes);
}
BENCHMARK(bare_write)->Unit(benchmark::kMicrosecond)->UseRealTime();

// durability: disk, one MiB for each append, until all of it is synced; against one MiB write plus fdatasync.
void append_synced(benchmark::State& state) {
  const Folder folder;
  auto journal = open_journal(folder.path(), Durability::disk, 32U << 20);
  const std::string line = usual_line();
  BatchPool pool;
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  for (auto _ : state) {
    std::vector<BatchRef> batches;
    for (int i = 0; i < 4; ++i) {
      batches.push_back(full_batch(pool, journal->checksum_seed(), usual_record(line)));
      bytes += batches.back()->bytes().size();
      records += batches.back()->count();
    }
    if (!journal->append(batches)) state.SkipWithError("append");
    journal->tend(journal->state().end, "");
  }
  while (journal->state().synced_seq < journal->state().end.seq) continue;
  count(state, records, bytes);
}
BENCHMARK(append_synced)->Unit(benchmark::kMicrosecond)->UseRealTime()->Iterations(500);

void bare_write_synced(benchmark::State& state) {
  const Folder folder;
  const std::vector<char> mib(1U << 20, 'x');
  const iovec part{const_cast<char*>(mib.data()), mib.size()};
  auto file = *real_file_system().open(folder.path() + "/file", FileSystem::Open::create_new, FaultPoint::none);
  std::uint64_t at = 0;
  for (auto _ : state) {
    if (!file->write_at(at, {&part, 1}, FaultPoint::none, nullptr)) state.SkipWithError("write");
    if (!file->sync_data(FaultPoint::none)) state.SkipWithError("sync");
    at += mib.size();
  }
  count(state, 0, at);
}
BENCHMARK(bare_write_synced)->Unit(benchmark::kMicrosecond)->UseRealTime()->Iterations(500);

void read_bench(benchmark::State& state, bool cached, bool decoded) {
  const Folder folder;
  constexpr std::size_t kBytes = 256U << 20;
  auto journal = open_journal(folder.path(), Durability::os, cached ? kBytes * 2 : 0);
  const std::string line = usual_line();
  BatchPool pool(kBatchBytes, 2048);
  // Holds the batches in memory.
  JournalReader holder(*journal, journal->state().end);
  const Position begin = journal->state().end;
  for (std::size_t written = 0; written < kBytes;) {
    const BatchRef batch = full_batch(pool, journal->checksum_seed(), usual_record(line));
    written += batch->bytes().size();
    if (!journal->append({&batch, 1})) state.SkipWithError("append");
  }
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  JournalReader reader(*journal, begin);
  Record record;
  for (auto _ : state) {
    auto batch = reader.next();
    if (!batch || !*batch) {
      reader.seek(begin);
      continue;
    }
    bytes += (*batch)->bytes().size();
    records += (*batch)->count();
    if (!decoded) continue;
    BatchReader each(**batch);
    while (each.next(record)) benchmark::DoNotOptimize(record.event.message.data());
  }
  count(state, records, bytes);
}

void read_cached(benchmark::State& state) { read_bench(state, true, true); }
BENCHMARK(read_cached)->Unit(benchmark::kMicrosecond);
void read_disk(benchmark::State& state) { read_bench(state, false, false); }
BENCHMARK(read_disk)->Unit(benchmark::kMicrosecond);
void read_disk_decoded(benchmark::State& state) { read_bench(state, false, true); }
BENCHMARK(read_disk_decoded)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace thorlog
