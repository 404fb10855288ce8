#include "outputs/dead_letters.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "base/json_writer.h"
#include "journal/names.h"
#include "journal/record_codec.h"

namespace thorlog {
namespace {

constexpr std::string_view kSuffix = ".letter";
constexpr std::string_view kUnfinished = ".new";  // of replace_file()
constexpr std::size_t kSeqDigits = 20;
constexpr std::size_t kMostAnswer = 4096;
constexpr std::size_t kMostBytes = 1U << 30;  // of a letter; a record is shorter by far

// Letters are rarely read and must be readable without us: one line of JSON, then the record's bytes.
std::string head_line(const LetterHead& head, std::size_t record_bytes) {
  JsonWriter out;
  out.begin_object().member("version", 1).member("id", head.id).member("journal_id", head.journal_id);
  out.member("seq", head.seq).member("parked_ns", head.parked).member("tries", head.tries);
  out.member("reason", head.reason).member("answer", head.answer).member("input", head.input);
  out.member("record_bytes", record_bytes).end_object();
  return out.take() + "\n";
}

std::string text_of(const simdjson::dom::element& from, std::string_view key) {
  std::string_view value;
  return from[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

std::uint64_t number_of(const simdjson::dom::element& from, std::string_view key) {
  std::uint64_t value = 0;
  return from[key].get(value) == simdjson::SUCCESS ? value : 0;
}

std::optional<Letter> parse(std::string_view bytes) {
  const std::size_t line = bytes.find('\n');
  if (line == std::string_view::npos) return std::nullopt;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(bytes.data(), line).get(root) != simdjson::SUCCESS || number_of(root, "version") != 1) {
    return std::nullopt;
  }
  Letter letter;
  letter.head = {.id = text_of(root, "id"),
                 .journal_id = text_of(root, "journal_id"),
                 .seq = number_of(root, "seq"),
                 .parked = static_cast<std::int64_t>(number_of(root, "parked_ns")),
                 .tries = static_cast<std::uint32_t>(number_of(root, "tries")),
                 .reason = text_of(root, "reason"),
                 .answer = text_of(root, "answer"),
                 .input = text_of(root, "input"),
                 .bytes = bytes.size()};
  if (bytes.size() - line - 1 != number_of(root, "record_bytes")) return std::nullopt;
  letter.record = bytes.substr(line + 1);
  return letter;
}

std::string encode(const Record& record, const Checksum& checksum) {
  // Records are written as words of eight bytes.
  std::vector<std::uint64_t> room(encoded_bound(record) / 8 + 1);
  auto* const to = reinterpret_cast<std::byte*>(room.data());
  const std::size_t size = encode_record(record, checksum, to);
  return {reinterpret_cast<const char*>(to), size};
}

// The least that a text of UTF-8 must keep to stay one: no code point is cut.
std::string_view at_most(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return text.substr(0, bytes);
}

}  // namespace

bool Letter::decode(Record& record_out, std::vector<Piece>& pieces) const {
  const auto bytes = std::as_bytes(std::span(record));
  return record_length(bytes) == bytes.size() && is_record_sound(bytes, Checksum()) &&
         decode_record(bytes, record_out, pieces);
}

DeadLetters::DeadLetters(FileSystem& files, std::string folder, std::string journal_id, std::uint64_t max_bytes)
    : files_(files), folder_(std::move(folder)), journal_id_(std::move(journal_id)), max_bytes_(max_bytes) {}

// The journal's id stands in front, so that a new journal's numbers meet none of an old one's.
std::string DeadLetters::name_of(std::string_view journal_id, std::uint64_t seq) const {
  return fmt::format("{}-{:020}{}", journal_id, seq, kSuffix);
}

Status DeadLetters::load() {
  const std::lock_guard lock(mutex_);
  sizes_.clear();
  bytes_ = 0;
  if (!files_.exists(folder_)) return ok();
  auto names = files_.list(folder_);
  if (!names) return fail(std::move(names).error());
  for (const std::string& name : *names) {
    const std::string path = folder_ + "/" + name;
    if (name.ends_with(kUnfinished)) {
      // It never counted. Left where it can't be removed: it is in nobody's way.
      [[maybe_unused]] const bool removed = files_.remove(path, FaultPoint::none).has_value();
      continue;
    }
    if (!name.ends_with(kSuffix)) continue;
    auto file = files_.open(path, FileSystem::Open::read, FaultPoint::none);
    if (!file) return fail(std::move(file).error());
    auto size = (*file)->size();
    if (!size) return fail(std::move(size).error());
    sizes_[name] = *size;
    bytes_ += *size;
  }
  return ok();
}

bool DeadLetters::has(std::uint64_t seq) const {
  const std::lock_guard lock(mutex_);
  return !sizes_.empty() && sizes_.contains(name_of(journal_id_, seq));
}

Status DeadLetters::put(const StoredRecord& record, std::string_view reason, std::string_view answer,
                        std::int64_t now) {
  const std::lock_guard lock(mutex_);
  const std::string name = name_of(journal_id_, record.seq);
  const auto before = sizes_.find(name);
  LetterHead head;
  head.id = fmt::format("{}-{}", record.partition, record.offset);
  head.journal_id = journal_id_;
  head.seq = record.seq;
  head.parked = now;
  if (before != sizes_.end()) {
    if (const auto old = read_file_named(name)) head.tries = old->head.tries + 1;
  }
  head.reason = reason;
  head.answer = at_most(answer, kMostAnswer);
  head.input = record.input_name;
  const std::string body = encode(record.record, Checksum());
  const std::string bytes = head_line(head, body.size()) + body;
  const std::uint64_t instead_of = before != sizes_.end() ? before->second : 0;
  if (bytes_ - instead_of + bytes.size() > max_bytes_) {
    return fail(
        {Errc::disk_full,
         fmt::format("the dead letters in {} take {} of at most {} bytes (dead_letters.max_size): retry or drop "
                     "some with thorlogctl dead-letter",
                     folder_, bytes_, max_bytes_),
         0});
  }
  if (auto passed = files_.pass(FaultPoint::park_write); !passed) return passed;
  if (auto made = make_folder(); !made) return made;
  if (auto wrote = replace_file(files_, folder_, name, bytes); !wrote) {
    [[maybe_unused]] const bool removed =
        files_.remove(folder_ + "/" + name + std::string(kUnfinished), FaultPoint::none).has_value();
    return wrote;
  }
  bytes_ += bytes.size() - instead_of;
  sizes_[name] = bytes.size();
  return ok();
}

Status DeadLetters::make_folder() {
  if (files_.exists(folder_)) return ok();
  if (auto made = files_.make_folder(folder_); !made) return made;
  const std::string above = folder_.substr(0, folder_.rfind('/'));
  if (auto synced = files_.sync_folder(above, FaultPoint::dir_sync); !synced) return synced;
  return files_.sync_folder(above.substr(0, above.rfind('/')), FaultPoint::dir_sync);
}

std::optional<Letter> DeadLetters::read_file_named(const std::string& name) const {
  auto bytes = read_file(files_, folder_ + "/" + name, kMostBytes);
  if (!bytes) return std::nullopt;
  return parse(*bytes);
}

std::vector<LetterHead> DeadLetters::list(std::size_t most) const {
  const std::lock_guard lock(mutex_);
  std::vector<LetterHead> heads;
  for (const auto& [name, size] : sizes_) {
    if (heads.size() >= most) break;
    auto letter = read_file_named(name);
    if (!letter) {  // damaged: it must be seen all the same
      letter.emplace();
      letter->head.reason = "the file " + folder_ + "/" + name + " can't be read";
      letter->head.bytes = size;
    }
    heads.push_back(std::move(letter->head));
  }
  std::stable_sort(heads.begin(), heads.end(),
                   [](const LetterHead& a, const LetterHead& b) { return a.parked < b.parked; });
  return heads;
}

std::vector<Letter> DeadLetters::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  std::vector<Letter> found;
  for (const auto& [name, size] : sizes_) {
    auto letter = read_file_named(name);
    if (letter && letter->head.id == id) found.push_back(*std::move(letter));
  }
  return found;
}

std::optional<Letter> DeadLetters::read(std::uint64_t seq) const {
  const std::lock_guard lock(mutex_);
  const std::string name = name_of(journal_id_, seq);
  if (!sizes_.contains(name)) return std::nullopt;
  return read_file_named(name);
}

Status DeadLetters::remove(const LetterHead& head) {
  const std::lock_guard lock(mutex_);
  const std::string name = name_of(head.journal_id, head.seq);
  const auto found = sizes_.find(name);
  if (found == sizes_.end()) return ok();  // it is gone already
  if (auto removed = files_.remove(folder_ + "/" + name, FaultPoint::none); !removed) return removed;
  bytes_ -= found->second;
  sizes_.erase(found);
  return files_.sync_folder(folder_, FaultPoint::dir_sync);
}

std::vector<std::uint64_t> DeadLetters::numbers() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::uint64_t> found;
  for (const auto& [name, size] : sizes_) {
    if (!name.starts_with(journal_id_) || name.size() != journal_id_.size() + 1 + kSeqDigits + kSuffix.size())
      continue;
    std::uint64_t seq = 0;
    const char* const at = name.data() + journal_id_.size() + 1;
    if (std::from_chars(at, at + kSeqDigits, seq).ec == std::errc()) found.push_back(seq);
  }
  return found;  // the map is in the order of the digits
}

std::uint64_t DeadLetters::count() const {
  const std::lock_guard lock(mutex_);
  return sizes_.size();
}

std::uint64_t DeadLetters::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace thorlog
