// What a person asks of the outputs: replays, dead letters, the life of a line. Main thread.
#include <algorithm>

#include "pipeline/pipeline.h"

namespace thorlog {

Result<OutputRunner*> Pipeline::runner_of(const std::string& output) const {
  const std::lock_guard lock(mutex_);
  std::string known;
  for (const Outlet& each : outputs_) {
    if (each.settings.name == output) return each.runner.get();  // only this thread takes outputs away
    known += (known.empty() ? "" : ", ") + each.settings.name;
  }
  return fail(
      {Errc::config, "there is no output '" + output + "'; there are: " + (known.empty() ? "none" : known), 0});
}

Status Pipeline::replay(const std::string& output, const ReplayRequest& request) {
  auto runner = runner_of(output);
  return runner ? (*runner)->replay(request) : fail(std::move(runner).error());
}

Status Pipeline::cancel_replay(const std::string& output) {
  auto runner = runner_of(output);
  if (!runner) return fail(std::move(runner).error());
  (*runner)->cancel_replay();
  return ok();
}

Status Pipeline::retry_letters(const std::string& output, std::vector<std::uint64_t> numbers) {
  auto runner = runner_of(output);
  if (!runner) return fail(std::move(runner).error());
  (*runner)->retry(std::move(numbers));
  return ok();
}

std::shared_ptr<DeadLetters> Pipeline::dead_letters(const std::string& output) {
  if (auto runner = runner_of(output)) return (*runner)->dead_letters();
  const std::vector<std::string> all = outputs_with_letters();
  if (std::find(all.begin(), all.end(), output) == all.end()) return nullptr;
  auto letters = std::make_shared<DeadLetters>(files_, settings_.state_directory + "/dead-letters/" + output,
                                               journal_->uuid(), settings_.dead_letters.max_size);
  return letters->load() ? letters : nullptr;
}

std::vector<std::string> Pipeline::outputs_with_letters() {
  auto names = files_.list(settings_.state_directory + "/dead-letters");
  return names ? *std::move(names) : std::vector<std::string>();
}

std::optional<Movement> Pipeline::movement_of(const std::string& output, std::uint64_t seq) const {
  auto runner = runner_of(output);
  return runner ? (*runner)->movement_of(seq) : std::nullopt;
}

}  // namespace thorlog
