// What people ask of the scan store: scans, one scan's page, assets, detections, as JSON. A connection of its own,
// opened read-only for each question; it never waits for the writer (WAL) and ends after a bounded number of steps.
// Any thread, one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scanstore/database.h"

namespace thorlog {

// Empty lists and kNoTime narrow nothing. The newest come first.
struct ScanFilter {
  std::vector<std::string> states = {}, assets = {}, scans = {}, types = {}, groups = {};
  std::int64_t since = kNoTime;  // of last_seen; of detections: when it was found
  std::uint64_t limit = 1000;
};
inline constexpr std::uint64_t kMostRows = 100'000;

class ScanQueries {
 public:
  ScanQueries(std::string path, std::string journal_id)
      : path_(std::move(path)), journal_id_(std::move(journal_id)) {}

  // {"scans":[…]}, {"assets":[…]}, {"detections":[…]}; each detection is a JSON event of the contract.
  // Errors: io; busy: it would take too long, narrow it.
  Result<std::string> scans(const ScanFilter& filter) const;
  Result<std::string> assets(const ScanFilter& filter) const;
  Result<std::string> detections(const ScanFilter& filter) const;
  // {"scan":…,"runs":[…],"detections":[…]}; empty: there is no such scan.
  Result<std::string> scan(const std::string& asset, const std::string& scan_id) const;
  // The key of the detection with this event id ("0-4096") or this key; empty: there is none.
  Result<std::string> detection_key(const std::string& id) const;

 private:
  std::string path_;
  std::string journal_id_;
};

}  // namespace thorlog
