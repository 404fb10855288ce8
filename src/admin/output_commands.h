// thorlogctl's commands about outputs: dead letters, replays, the life of a line (see commands.h).
#pragma once

#include <string>
#include <vector>

#include "admin/commands.h"

namespace thorlog {

struct LetterOptions {
  std::string output;
  std::vector<std::string> ids;
  bool all = false;
};
int run_letter_list(const CommandOptions& options, const LetterOptions& letters);
int run_letter_retry(const CommandOptions& options, const LetterOptions& letters);
int run_letter_drop(const CommandOptions& options, const LetterOptions& letters);

struct ReplayOptions {
  std::string output, since, until, scan, asset, rate;
  bool cancel = false;
};
int run_replay(const CommandOptions& options, const ReplayOptions& replay);

int run_explain(const CommandOptions& options, const std::string& id);

}  // namespace thorlog
