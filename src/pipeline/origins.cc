#include "pipeline/origins.h"

#include <algorithm>
#include <map>

#include "base/log.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kFirstWindow = 1U << 16;  // records
constexpr std::uint64_t kMostRecords = 1U << 22;

using Sources = std::map<std::string, std::string, std::less<>>;  // "kafka:3" to "kafka:3:1200"

// Of this stretch; a later record of a source replaces an earlier one.
Status look(Journal& journal, std::uint16_t input, std::uint64_t from, std::uint64_t to, Sources& found) {
  JournalReader reader(journal, {0, from});
  Record record;
  for (;;) {
    auto batch = reader.next();
    if (!batch) return fail(std::move(batch).error());
    if (!*batch || (*batch)->base_seq() >= to) return ok();
    BatchReader records(**batch);
    while (records.next(record)) {
      if (record.input != input || record.origin.empty()) continue;
      const std::string_view place = record.origin.substr(0, record.origin.find(';'));
      found.insert_or_assign(std::string(place.substr(0, place.rfind(':'))), std::string(place));
    }
  }
}

}  // namespace

std::vector<std::string> newest_origins(Journal& journal, std::uint16_t input) {
  const JournalState state = journal.state();
  Sources newest;
  std::uint64_t to = state.end.seq;
  for (std::uint64_t window = kFirstWindow; to > state.first.seq && state.end.seq - to < kMostRecords; window *= 2) {
    const std::uint64_t from = to - std::min(window, to - state.first.seq);
    Sources found;
    if (Status looked = look(journal, input, from, to, found); !looked) {
      log(Severity::error, "journal", "looking for where sources were: " + looked.error().message());
      break;
    }
    newest.merge(found);  // what is known already is newer
    to = from;
  }
  std::vector<std::string> origins;
  for (auto& [source, origin] : newest) origins.push_back(std::move(origin));
  return origins;
}

}  // namespace thorlog
