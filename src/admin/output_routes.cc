#include "admin/output_routes.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>

#include "admin/event_stream.h"
#include "admin/explain.h"
#include "base/json_writer.h"
#include "wire/text_time.h"

namespace thorlog {
namespace {

constexpr std::size_t kMostLetters = 1000;
constexpr std::uint64_t kMostRate = 1'000'000;
constexpr std::string_view kExplain = "/api/v1/explain/";

HttpResponse refusal(const Error& error) {
  const int status = error.code == Errc::busy ? 409 : error.code == Errc::config ? 400 : 500;
  return HttpResponse::problem(status, error.message());
}

// Parameters of the query, or members of a JSON body: a call by curl is convenient with either.
class Parameters {
 public:
  // False: the body is there and no JSON object.
  bool read(const HttpRequest& request) {
    for (const auto& [name, value] : request.query) values_.emplace_back(name, value);
    if (request.body.empty()) return true;
    simdjson::dom::parser parser;
    simdjson::dom::object object;
    if (parser.parse(request.body).get(object) != simdjson::SUCCESS) return false;
    for (const auto& [name, value] : object) {
      std::string_view text;
      simdjson::dom::array list;
      if (value.get(text) == simdjson::SUCCESS) {
        values_.emplace_back(name, text);
      } else if (value.get(list) == simdjson::SUCCESS) {
        for (const simdjson::dom::element each : list) {
          if (each.get(text) == simdjson::SUCCESS) values_.emplace_back(name, text);
        }
      } else {
        values_.emplace_back(name, simdjson::minify(value));
      }
    }
    return true;
  }
  std::string get(std::string_view name) const {
    for (const auto& [known, value] : values_) {
      if (known == name) return value;
    }
    return {};
  }
  std::vector<std::string> all(std::string_view name) const {
    std::vector<std::string> found;
    for (const auto& [known, value] : values_) {
      if (known == name) found.push_back(value);
    }
    return found;
  }
  // The first name that is none of these; empty: all are known.
  std::string unknown(std::initializer_list<std::string_view> known) const {
    for (const auto& [name, value] : values_) {
      if (std::find(known.begin(), known.end(), name) == known.end()) return name;
    }
    return {};
  }

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

std::string time_text(std::int64_t time) {
  StampCache stamps;
  char text[kMaxStampLength];
  return {text, stamps.append_rfc3339_nano(text, time)};
}

void audit(Pipeline& pipeline, std::string_view action, std::string_view output, const HttpPeer& peer,
           std::uint64_t count) {
  JsonWriter out;
  out.begin_object().member("action", action).member("by", peer.unix_socket ? "admin socket" : "admin port");
  out.member("output", output).member("count", count).end_object();
  pipeline.audit(out.take());
}

void write_letter(JsonWriter& out, const std::string& output, const LetterHead& head) {
  out.begin_object().member("output", output).member("id", head.id).member("seq", head.seq);
  out.member("journal_id", head.journal_id).member("parked", time_text(head.parked)).member("tries", head.tries);
  out.member("reason", head.reason).member("answer", head.answer).member("input", head.input);
  out.member("bytes", head.bytes).end_object();
}

HttpResponse list_letters(Pipeline& pipeline, const HttpRequest& request) {
  const std::string wanted(request.parameter("output"));
  const std::string limit(request.parameter("limit"));
  std::size_t most = kMostLetters;
  if (!limit.empty() && std::from_chars(limit.data(), limit.data() + limit.size(), most).ec != std::errc()) {
    return HttpResponse::problem(400, "limit: a number is expected");
  }
  std::vector<std::string> outputs = pipeline.outputs_with_letters();
  if (!wanted.empty()) outputs = {wanted};
  JsonWriter out;
  out.begin_object().key("outputs").begin_array();
  std::vector<std::pair<std::string, LetterHead>> heads;
  for (const std::string& output : outputs) {
    const auto letters = pipeline.dead_letters(output);
    if (!letters) {
      if (wanted.empty()) continue;
      return HttpResponse::problem(404,
                                   "there is no output '" + output + "', and none of that name left dead letters");
    }
    out.begin_object().member("output", output).member("letters", letters->count());
    out.member("bytes", letters->bytes()).member("max_bytes", letters->max_bytes()).end_object();
    for (LetterHead& head : letters->list(std::min(most, kMostLetters))) heads.emplace_back(output, std::move(head));
  }
  out.end_array().key("letters").begin_array();
  for (const auto& [output, head] : heads) write_letter(out, output, head);
  return HttpResponse::json(out.end_array().end_object().take() + "\n");
}

// What `id=` and `all=` name. `problem`: an id that is none of them.
std::vector<LetterHead> chosen(const DeadLetters& letters, const Parameters& parameters, std::string& problem) {
  if (parameters.get("all") == "true") return letters.list(std::numeric_limits<std::size_t>::max());
  std::vector<LetterHead> heads;
  for (const std::string& id : parameters.all("id")) {
    const std::vector<Letter> found = letters.find(id);
    if (found.empty()) problem = "there is no dead letter " + id + ": see thorlogctl dead-letter list";
    for (const Letter& letter : found) heads.push_back(letter.head);
  }
  if (heads.empty() && problem.empty()) problem = "which ones? Name ids, or say all=true";
  return heads;
}

HttpResponse change_letters(Pipeline& pipeline, const HttpRequest& request, const HttpPeer& peer, bool retry) {
  Parameters parameters;
  if (!parameters.read(request)) return HttpResponse::problem(400, "the body is no JSON object");
  if (const std::string name = parameters.unknown({"output", "id", "all"}); !name.empty()) {
    return HttpResponse::problem(400, "'" + name + "' is no parameter of this call");
  }
  const std::string output = parameters.get("output");
  const auto letters = pipeline.dead_letters(output);
  if (!letters) return HttpResponse::problem(404, "output: '" + output + "' has no dead letters");
  std::string problem;
  const std::vector<LetterHead> heads = chosen(*letters, parameters, problem);
  if (!problem.empty()) return HttpResponse::problem(404, problem);
  std::uint64_t done = 0;
  if (retry) {
    std::vector<std::uint64_t> numbers;
    for (const LetterHead& head : heads) {
      if (head.journal_id == pipeline.journal().uuid()) numbers.push_back(head.seq);
    }
    done = numbers.size();
    if (done == 0 && !heads.empty()) {
      return HttpResponse::problem(409, "these letters are of an earlier journal: they can only be dropped");
    }
    if (Status asked = pipeline.retry_letters(output, std::move(numbers)); !asked) return refusal(asked.error());
  } else {
    for (const LetterHead& head : heads) {
      if (Status removed = letters->remove(head); !removed) return refusal(removed.error());
      ++done;
    }
  }
  audit(pipeline, retry ? "dead-letter retry" : "dead-letter drop", output, peer, done);
  JsonWriter out;
  out.begin_object().member(retry ? "retried" : "dropped", done).end_object();
  return HttpResponse::json(out.take() + "\n");
}

Result<ReplayRequest> replay_request(const Parameters& parameters, std::int64_t now) {
  ReplayRequest request;
  const std::string since = parameters.get("since");
  if (since.empty()) return fail({Errc::config, "since: from when? A duration (2h) or an RFC 3339 time", 0});
  auto from = parse_since(since, now);
  if (!from) return fail(std::move(from).error());
  request.since = *from;
  if (const std::string until = parameters.get("until"); !until.empty()) {
    auto to = parse_since(until, now);
    if (!to) return fail(std::move(to).error());
    request.until = *to;
  }
  if (request.until < request.since) return fail({Errc::config, "until: it lies before since", 0});
  request.scan = parameters.get("scan");
  request.asset = parameters.get("asset");
  for (char& c : request.asset) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (const std::string rate = parameters.get("rate"); !rate.empty()) {
    const auto [end, error] = std::from_chars(rate.data(), rate.data() + rate.size(), request.rate);
    if (error != std::errc() || *end != '\0' || request.rate == 0 || request.rate > kMostRate) {
      return fail(
          {Errc::config, fmt::format("rate: a number of records a second from 1 to {} is expected", kMostRate), 0});
    }
  }
  return request;
}

HttpResponse replay(Pipeline& pipeline, const Clock& clock, const HttpRequest& request, const HttpPeer& peer) {
  Parameters parameters;
  if (!parameters.read(request)) return HttpResponse::problem(400, "the body is no JSON object");
  if (const std::string name = parameters.unknown({"output", "since", "until", "scan", "asset", "rate", "cancel"});
      !name.empty()) {
    return HttpResponse::problem(400, "'" + name + "' is no parameter of this call");
  }
  const std::string output = parameters.get("output");
  JsonWriter out;
  if (parameters.get("cancel") == "true") {
    if (Status cancelled = pipeline.cancel_replay(output); !cancelled) return refusal(cancelled.error());
    audit(pipeline, "replay cancel", output, peer, 0);
    out.begin_object().member("cancelled", true).end_object();
    return HttpResponse::json(out.take() + "\n");
  }
  auto wanted = replay_request(parameters, clock.wall());
  if (!wanted) return refusal(wanted.error());
  if (Status started = pipeline.replay(output, *wanted); !started) return refusal(started.error());
  audit(pipeline, "replay", output, peer, 1);
  out.begin_object().member("started", true).member("output", output).member("since", time_text(wanted->since));
  out.member("rate", wanted->rate).end_object();
  return HttpResponse::json(out.take() + "\n");
}

HttpResponse forbidden() {
  return HttpResponse::problem(403, "operating calls need the admin socket, as root or the daemon's user");
}

}  // namespace

std::optional<HttpResponse> output_route(Pipeline& pipeline, const Clock& clock, const HttpRequest& request,
                                         const HttpPeer& peer) {
  const std::string& path = request.path;
  if (request.method == "GET" && path == "/api/v1/dead-letters") return list_letters(pipeline, request);
  if (request.method == "GET" && path.starts_with(kExplain)) return explain(pipeline, path.substr(kExplain.size()));
  const bool retry = path == "/api/v1/dead-letters/retry";
  if (request.method != "POST") return std::nullopt;
  if (retry || path == "/api/v1/dead-letters/drop") {
    return peer.may_operate ? change_letters(pipeline, request, peer, retry) : forbidden();
  }
  if (path == "/api/v1/replay") return peer.may_operate ? replay(pipeline, clock, request, peer) : forbidden();
  return std::nullopt;
}

}  // namespace thorlog
