// The accounting laws, checked: what came in, what was stored, what went out, to the line (design.md, "The laws").
// Pure; a view in, a verdict out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/pipeline.h"

namespace thorlog {

struct InputAccount {
  std::string name;
  std::uint64_t received = 0, stored = 0, joined = 0, held = 0;
  std::vector<std::pair<std::string, std::uint64_t>> refused;  // by reason, those that happened
  bool balanced = false;
};

struct OutputAccount {
  std::string name;
  std::uint64_t stored = 0, acknowledged = 0, filtered = 0, pending = 0;
  std::vector<std::pair<std::string, std::uint64_t>> dropped;
  bool balanced = false;
};

struct Account {
  std::vector<InputAccount> inputs;
  std::uint64_t stored = 0;  // by the journal's own numbers, since the process started
  std::uint64_t internal = 0;
  bool journal_balanced = false;
  std::vector<OutputAccount> outputs;
  bool balanced = false;
};

Account make_account(const PipelineView& view);
std::string account_json(const Account& account);

}  // namespace thorlog
