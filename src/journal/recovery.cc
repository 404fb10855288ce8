#include "journal/recovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "journal/record_codec.h"
#include "journal/scanner.h"

namespace thorlog {
namespace {

constexpr std::size_t kWindow = 1U << 20;
constexpr std::size_t kMaxQuarantined = 64;  // files; a rotting disk must not fill itself with copies

struct Candidate {
  std::shared_ptr<Segment> segment;
  std::unique_ptr<File> file;
  SegmentHeader header;
  bool header_sound = false;
  std::uint64_t limit = 0;  // what lies behind it was written again to another segment
  bool replaced = false;    // all of it was
};

class Recovery {
 public:
  Recovery(FileSystem& files, const std::string& folder, const std::string& quarantine, std::uint16_t partition,
           const Uuid& journal_id, const Checksum& checksum, std::uint64_t usual_bytes)
      : files_(files),
        folder_(folder),
        quarantine_(quarantine),
        partition_(partition),
        journal_id_(journal_id),
        checksum_(checksum),
        usual_bytes_(std::max(usual_bytes, kSegmentHeaderSize + kSegmentFooterSize)) {}

  Result<Recovered> run() {
    if (auto done = open_all(); !done) return fail(std::move(done).error());
    for (const Candidate& newer : candidates_) apply_replacement(newer.header);
    for (Candidate& candidate : candidates_) {
      if (auto done = take(candidate); !done) return fail(std::move(done).error());
    }
    return std::move(result_);
  }

 private:
  Status open_all() {
    auto names = files_.list(folder_);
    if (!names) return fail(std::move(names).error());
    for (const std::string& name : *names) {
      const auto base = base_of_segment_name(name);
      if (!base) continue;
      if (auto done = open_one(name, *base); !done) return done;
    }
    return ok();
  }

  Status open_one(const std::string& name, std::uint64_t base) {
    Candidate candidate;
    candidate.segment = std::make_shared<Segment>();
    candidate.segment->path = folder_ + "/" + name;
    auto file = files_.open(candidate.segment->path, FileSystem::Open::read_write, FaultPoint::none);
    if (!file) return fail(std::move(file).error());
    candidate.file = *std::move(file);
    auto header = read_header(*candidate.file, checksum_);
    if (!header) return fail(std::move(header).error());
    candidate.header_sound = header->has_value() && (*header)->base_offset == base;
    if (candidate.header_sound) {
      candidate.header = **header;
    } else if (auto guessed = guess_header(candidate, base); !guessed) {
      return guessed;
    }
    Segment& segment = *candidate.segment;
    segment.partition = partition_;
    segment.base = base;
    segment.reserved = candidate.header.reserved_bytes;
    segment.previous_end_seq = candidate.header.previous_end_seq;
    segment.created = candidate.header.created;
    candidate.limit = base + segment.reserved;
    result_.next_base = std::max(result_.next_base, base + segment.reserved);
    candidates_.push_back(std::move(candidate));
    return ok();
  }

  // A header that can't be read: its name says the base, its batches say the rest.
  Status guess_header(Candidate& candidate, std::uint64_t base) {
    auto size = candidate.file->size();
    if (!size) return fail(std::move(size).error());
    candidate.header.base_offset = base;
    candidate.header.reserved_bytes = std::max(round_up(*size, 4096), usual_bytes_);
    return ok();
  }

  void apply_replacement(const SegmentHeader& newer) {
    if (newer.replaces_from == 0) return;
    for (Candidate& older : candidates_) {
      const std::uint64_t base = older.segment->base;
      if (base == newer.replaces_base && base < newer.base_offset) {
        older.limit = std::clamp(newer.replaces_from, base + kSegmentHeaderSize, older.limit);
      }
      // Whatever was begun between the two lies in the newer one as well.
      older.replaced = older.replaced || (base > newer.replaces_base && base < newer.base_offset);
    }
  }

  Status take(Candidate& candidate) {
    Segment& segment = *candidate.segment;
    if (candidate.replaced) {
      candidate.file.reset();
      return files_.remove(segment.path, FaultPoint::unlink);
    }
    auto footer = read_footer(*candidate.file, segment.base, checksum_);
    if (!footer) return fail(std::move(footer).error());
    const bool sealed = candidate.header_sound && footer->has_value() && candidate.header.first_seq > 0 &&
                        (*footer)->last_seq + 1 >= candidate.header.first_seq && (*footer)->end <= candidate.limit;
    if (sealed) {
      take_sealed(candidate, **footer);
    } else if (auto done = take_open(candidate); !done) {
      return done;
    } else if (!segment.sealed) {
      return ok();  // it held nothing and is gone
    }
    result_.end_seq = segment.end_seq;
    result_.last_stored = std::max(result_.last_stored, segment.last_stored);
    segment.known_damage = segment.end_seq - segment.first_seq - segment.records;
    result_.damaged += segment.known_damage;
    result_.segments.push_back(candidate.segment);
    return ok();
  }

  void take_sealed(const Candidate& candidate, const SegmentFooter& footer) {
    Segment& segment = *candidate.segment;
    begin_seq(segment, candidate.header.first_seq);
    segment.end = footer.end;
    segment.end_seq = std::max(footer.last_seq + 1, segment.first_seq);
    segment.records = std::min(footer.records, segment.end_seq - segment.first_seq);
    segment.min_time = footer.min_time;
    segment.max_time = footer.max_time;
    segment.last_stored = footer.last_stored;
    segment.sealed = true;
    segment.disk_bytes = footer.end - segment.base + kSegmentFooterSize;
  }

  // Numbers between the end of the segment before and this one's begin: a tail that a crash took (the header says
  // where the log ended then), or files that are gone.
  void begin_seq(Segment& segment, std::uint64_t first_seq) {
    const bool oldest = result_.segments.empty();
    segment.first_seq = oldest ? first_seq : std::max(first_seq, result_.end_seq);
    if (segment.previous_end_seq == 0 || segment.previous_end_seq > segment.first_seq) {
      segment.previous_end_seq = oldest ? segment.first_seq : result_.end_seq;
    }
    if (oldest || segment.previous_end_seq <= result_.end_seq) return;
    const std::uint64_t missing = segment.previous_end_seq - result_.end_seq;
    result_.damaged += missing;
    log(Severity::error, "journal",
        fmt::format("{} records before {} are missing: a segment file is gone or unreadable", missing, segment.path));
  }

  // Batch by batch; then it gets its footer.
  Status take_open(Candidate& candidate) {
    Segment& segment = *candidate.segment;
    Scanner scanner(*candidate.file, segment.base, checksum_, kWindow);
    scanner.go_to(segment.base + kSegmentHeaderSize, candidate.limit);
    const std::uint64_t first_seq = candidate.header.first_seq;
    std::uint64_t life = candidate.header.life;
    bool begun = false;
    if (first_seq > 0) {
      begin_seq(segment, first_seq);
      begun = true;
    }
    segment.end = scanner.position();
    segment.end_seq = begun ? segment.first_seq : 0;
    for (;;) {
      const std::uint64_t least = begun ? segment.end_seq : (result_.segments.empty() ? 1 : result_.end_seq);
      auto found = scanner.next(true, least);
      if (!found) return fail(std::move(found).error());
      if (*found == Scanner::Found::end) break;
      if (*found == Scanner::Found::damage) {
        quarantine(*candidate.file, segment, scanner.damage_begin(), scanner.position(), "damage");
        continue;
      }
      if (life == 0) life = scanner.header().life;
      if (scanner.header().life != life) break;  // left over from another one: not of this segment
      if (!begun) {
        const std::uint64_t here = scanner.header().base_seq;
        begin_seq(segment, result_.segments.empty() ? here : result_.end_seq);
        segment.end_seq = segment.first_seq;
        begun = true;
      }
      add_batch(segment, scanner);
    }
    if (!begun) return take_unused(candidate);
    return finish_open(candidate);
  }

  void add_batch(Segment& segment, const Scanner& scanner) {
    const BatchHeader& header = scanner.header();
    const BatchContent content = inspect_batch(scanner.body(), header.count, checksum_);
    segment.end = scanner.position();
    last_begin_ = scanner.position() - header.bytes;
    last_seq_ = header.base_seq;
    last_count_ = header.count;
    last_content_ = content;
    segment.end_seq = header.base_seq + header.count;
    segment.records += content.sound;
    segment.min_time = std::min(segment.min_time, content.min_received);
    segment.max_time = std::max(segment.max_time, content.max_received);
    segment.last_stored = std::max(segment.last_stored, header.stored);
  }

  // Nothing readable in it and no number of its own: a segment made ahead of need, or a file that was being made.
  Status take_unused(Candidate& candidate) {
    Segment& segment = *candidate.segment;
    if (candidate.header_sound) {
      begin_seq(segment, result_.end_seq);
      segment.end_seq = segment.first_seq;
      return finish_open(candidate);
    }
    auto tail = torn_bytes(*candidate.file, segment, segment.base);
    if (!tail) return fail(std::move(tail).error());
    if (*tail > 0) {
      quarantine(*candidate.file, segment, segment.base, segment.base + *tail, "unreadable segment");
    } else {
      // Never finished, so nothing was ever stored in it: its place may be taken again.
      result_.next_base = 0;
      for (const Candidate& other : candidates_) {
        if (&other != &candidate)
          result_.next_base = std::max(result_.next_base, other.segment->base + other.segment->reserved);
      }
      segment.reserved = 0;
    }
    candidate.file.reset();
    return files_.remove(segment.path, FaultPoint::unlink);
  }

  Status finish_open(Candidate& candidate) {
    Segment& segment = *candidate.segment;
    cut_torn_batch(segment);
    auto torn = torn_bytes(*candidate.file, segment, segment.end);
    if (!torn) return fail(std::move(torn).error());
    if (*torn > 0 && candidate.limit == segment.base + segment.reserved) {
      quarantine(*candidate.file, segment, segment.end, segment.end + *torn, "torn tail");
    }
    if (candidate.header.first_seq != segment.first_seq) {
      SegmentHeader header = candidate.header;
      header.first_seq = segment.first_seq;
      header.previous_end_seq = segment.previous_end_seq;
      if (auto done = repair_header(candidate, header); !done) return done;
    }
    last_count_ = 0;
    return seal_segment(*candidate.file, segment, checksum_);
  }

  Status repair_header(Candidate& candidate, SegmentHeader header) {
    header.partition = partition_;
    header.journal_id = journal_id_;
    seal_header(header, checksum_);
    return rewrite_header(*candidate.file, header);
  }

  // The last batch may be written in part: its records up to the last sound one stay, the others were never there. A
  // batch of which nothing is left goes altogether.
  void cut_torn_batch(Segment& segment) {
    if (last_count_ == 0 || last_content_.last == last_count_) return;
    segment.end_seq = last_seq_ + last_content_.last;
    if (last_content_.last == 0) segment.end = last_begin_;
    log(Severity::warning, "journal",
        fmt::format("the last batch in {} is torn: {} of its {} records are there", segment.path, last_content_.sound,
                    last_count_));
  }

  // How many bytes from `from` on are not zero up to the last such one; 0: a clean end (or a footer without its cut).
  Result<std::uint64_t> torn_bytes(const File& file, const Segment& segment, std::uint64_t from) {
    std::vector<std::byte> buffer(kWindow);
    std::uint64_t torn = 0;
    for (std::uint64_t at = from - segment.base;;) {
      auto got = file.read_at(at, buffer.data(), buffer.size());
      if (!got) return fail(std::move(got).error());
      if (at == from - segment.base && *got >= sizeof(SegmentFooter) && is_footer(buffer.data(), from)) return torn;
      for (std::size_t i = *got; i > 0; --i) {
        if (buffer[i - 1] == std::byte{0}) continue;
        torn = at + i - (from - segment.base);
        break;
      }
      if (*got < buffer.size()) return torn;
      at += *got;
    }
  }

  bool is_footer(const std::byte* at, std::uint64_t offset) const {
    const auto footer = header_at<SegmentFooter>(at);
    return footer.magic == kFooterMagic && footer.end == offset && is_sealed(footer, checksum_);
  }

  // Keeps a copy for whoever wants to look into it. Best effort: what is wrong here must not stop the start.
  void quarantine(const File& file, const Segment& segment, std::uint64_t from, std::uint64_t to,
                  std::string_view what) {
    const std::string path = fmt::format("{}/p{:02}-{:020}-{}.bin", quarantine_, segment.partition, from, to - from);
    const bool copied = copy_out(file, segment, from, to, path);
    log(Severity::warning, "journal",
        fmt::format("{}: {} of {} bytes at offset {}, {}", segment.path, what, to - from, from,
                    copied ? "copied to " + path : "not copied"));
  }

  bool copy_out(const File& file, const Segment& segment, std::uint64_t from, std::uint64_t to,
                const std::string& path) {
    if (!files_.make_folder(quarantine_)) return false;
    auto names = files_.list(quarantine_);
    if (!names || names->size() >= kMaxQuarantined) return false;
    auto copy = files_.open(path, FileSystem::Open::create, FaultPoint::none);
    if (!copy) return false;
    std::vector<std::byte> buffer(kWindow);
    for (std::uint64_t at = from; at < to;) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), to - at));
      auto got = file.read_at(at - segment.base, buffer.data(), size);
      if (!got || *got == 0) return static_cast<bool>(got);
      const iovec part{buffer.data(), *got};
      if (!(*copy)->write_at(at - from, {&part, 1}, FaultPoint::none, nullptr)) return false;
      at += *got;
    }
    return true;
  }

  FileSystem& files_;
  const std::string& folder_;
  const std::string& quarantine_;
  const std::uint16_t partition_;
  const Uuid& journal_id_;
  const Checksum& checksum_;
  const std::uint64_t usual_bytes_;
  std::vector<Candidate> candidates_;
  Recovered result_;
  // Of the open segment being looked at: its last batch.
  std::uint64_t last_begin_ = 0;
  std::uint64_t last_seq_ = 0;
  std::uint32_t last_count_ = 0;
  BatchContent last_content_;
};

}  // namespace

BatchContent inspect_batch(std::span<const std::byte> bytes, std::uint32_t count, const Checksum& checksum) noexcept {
  BatchContent content;
  std::size_t at = std::min(sizeof(BatchHeader), bytes.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::span<const std::byte> rest = bytes.subspan(at);
    const std::size_t length = record_length(rest);
    if (length == 0) break;
    at += length;
    if (!is_record_sound(rest.first(length), checksum)) continue;
    const auto received = header_at<RecordHeader>(rest.data()).received;
    ++content.sound;
    content.last = i + 1;
    content.min_received = std::min(content.min_received, received);
    content.max_received = std::max(content.max_received, received);
  }
  return content;
}

Result<Recovered> recover(FileSystem& files, const std::string& folder, const std::string& quarantine,
                          std::uint16_t partition, const Uuid& journal_id, const Checksum& checksum,
                          std::uint64_t usual_bytes) {
  return Recovery(files, folder, quarantine, partition, journal_id, checksum, usual_bytes).run();
}

Result<bool> has_segments(FileSystem& files, const std::string& folder) {
  auto names = files.list(folder);
  if (!names) return fail(std::move(names).error());
  return std::any_of(names->begin(), names->end(),
                     [](const std::string& name) { return base_of_segment_name(name).has_value(); });
}

Result<Uuid> find_journal_id(FileSystem& files, const std::string& folder) {
  auto names = files.list(folder);
  if (!names) return fail(std::move(names).error());
  for (auto name = names->rbegin(); name != names->rend(); ++name) {
    if (!base_of_segment_name(*name)) continue;
    auto file = files.open(folder + "/" + *name, FileSystem::Open::read, FaultPoint::none);
    if (!file) return fail(std::move(file).error());
    SegmentHeader raw;
    auto got = (*file)->read_at(0, &raw, sizeof raw);
    if (!got) return fail(std::move(got).error());
    if (*got != sizeof raw) continue;
    auto header = read_header(**file, Checksum(Checksum::seed_of(raw.journal_id)));
    if (!header) return fail(std::move(header).error());
    if (header->has_value()) return raw.journal_id;
  }
  return Uuid{};
}

}  // namespace thorlog
