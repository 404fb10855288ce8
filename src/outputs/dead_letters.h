// The dead letters of one output: records that its target will never take, each whole and with the target's answer,
// in a file of its own below STATE/dead-letters/OUTPUT (docs/journal-format.md, "Dead letters"). A letter lies synced
// on the disk when put() says so, and stays until it is dropped or was sent again. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "wire/stored_record.h"

namespace thorlog {

// What is known of a letter besides the record itself.
struct LetterHead {
  std::string id;          // "PARTITION-OFFSET" of the record
  std::string journal_id;  // of the journal that it was read from
  std::uint64_t seq = 0;
  std::int64_t parked = 0;  // wall clock, ns since 1970
  std::uint32_t tries = 1;  // times that the target has refused it
  std::string reason;       // ours, in a few words: "refused", "oversize"
  std::string answer;       // the target's, as far as it had one; at most 4 KiB are kept
  std::string input;        // name of the input it came by
  std::uint64_t bytes = 0;  // of the file
};

// A letter with its record, as Batch and BatchReader know records.
struct Letter {
  LetterHead head;
  std::string record;  // encoded (journal/record_codec.h), its checksum seeded with 0
  // Views into this letter and `pieces`; false: the bytes are damaged.
  bool decode(Record& record_out, std::vector<Piece>& pieces) const;
};

class DeadLetters {
 public:
  // `folder`: STATE/dead-letters/OUTPUT; made when the first letter comes. `journal_id`: of the running journal.
  DeadLetters(FileSystem& files, std::string folder, std::string journal_id, std::uint64_t max_bytes);
  // Looks at what an earlier life left. Errors: io.
  Status load();

  // True when the record with this number of the running journal is among them.
  bool has(std::uint64_t seq) const;
  // Stores the record, or another try of one that is there already. Errors: disk_full (of these letters, or of the
  // disk; the text says which and what to do), io. Then nothing is kept of it.
  Status put(const StoredRecord& record, std::string_view reason, std::string_view answer, std::int64_t now);

  // Oldest first, at most so many.
  std::vector<LetterHead> list(std::size_t most) const;
  // All letters with this id (more than one only when there was another journal before).
  std::vector<Letter> find(std::string_view id) const;
  // The letter of this number of the running journal.
  std::optional<Letter> read(std::uint64_t seq) const;
  Status remove(const LetterHead& head);

  std::vector<std::uint64_t> numbers() const;  // of those of the running journal, rising
  std::uint64_t count() const;
  std::uint64_t bytes() const;
  std::uint64_t max_bytes() const noexcept { return max_bytes_; }

 private:
  std::string name_of(std::string_view journal_id, std::uint64_t seq) const;
  Status make_folder();
  std::optional<Letter> read_file_named(const std::string& name) const;

  FileSystem& files_;
  const std::string folder_;
  const std::string journal_id_;
  const std::uint64_t max_bytes_;
  mutable std::mutex mutex_;                    // guards what follows, and the folder
  std::map<std::string, std::uint64_t> sizes_;  // file name to bytes
  std::uint64_t bytes_ = 0;
};

}  // namespace thorlog
