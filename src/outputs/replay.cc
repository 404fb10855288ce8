#include "outputs/replay.h"

#include <simdjson.h>

#include <array>

#include "base/json_writer.h"

namespace thorlog {
namespace {

constexpr std::array<std::string_view, 4> kStates = {"none", "running", "done", "cancelled"};

}  // namespace

std::string_view name_of(ReplayState state) noexcept { return kStates[static_cast<std::size_t>(state)]; }

std::string replay_json(const ReplayProgress& progress) {
  JsonWriter out;
  out.begin_object().member("state", name_of(progress.state));
  out.member("since_ns", progress.request.since).member("until_ns", progress.request.until);
  out.member("scan", progress.request.scan).member("asset", progress.request.asset);
  out.member("rate", progress.request.rate);
  out.member("first_seq", progress.first_seq).member("end_seq", progress.end_seq);
  out.member("offset", progress.position.offset).member("seq", progress.position.seq);
  out.member("sent", progress.sent).member("acknowledged", progress.acknowledged).member("refused", progress.refused);
  out.member("answer", progress.answer);
  out.member("started_ns", progress.started).member("ended_ns", progress.ended);
  out.member("letters_waiting", progress.letters_waiting).member("letters_delivered", progress.letters_delivered);
  return out.member("letters_refused", progress.letters_refused).end_object().take();
}

std::optional<ReplayProgress> parse_replay(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
  bool sound = true;
  const auto number = [&](std::string_view key, auto& to) {
    std::int64_t value = 0;
    sound = root[key].get(value) == simdjson::SUCCESS && sound;
    to = static_cast<std::remove_reference_t<decltype(to)>>(value);
  };
  const auto text = [&](std::string_view key, std::string& to) {
    std::string_view value;
    sound = root[key].get(value) == simdjson::SUCCESS && sound;
    to = value;
  };
  ReplayProgress progress;
  number("since_ns", progress.request.since);
  number("until_ns", progress.request.until);
  text("scan", progress.request.scan);
  text("asset", progress.request.asset);
  number("rate", progress.request.rate);
  number("first_seq", progress.first_seq);
  number("end_seq", progress.end_seq);
  number("offset", progress.position.offset);
  number("seq", progress.position.seq);
  number("sent", progress.sent);
  number("acknowledged", progress.acknowledged);
  number("refused", progress.refused);
  text("answer", progress.answer);
  number("started_ns", progress.started);
  if (!sound || progress.request.rate == 0) return std::nullopt;
  progress.state = ReplayState::running;
  return progress;
}

}  // namespace thorlog
