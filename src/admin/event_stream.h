// Server-sent events: the journal's records as they are stored, narrowed by a query, to any number of clients. Each
// client has a reader of its own; one that reads slowly waits, and never holds anything else up. Main loop's thread.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "admin/http_server.h"
#include "outputs/match.h"
#include "pipeline/pipeline.h"

namespace thorlog {

// What a client asked for: the contract's narrowing (kind, level, module, asset, host, scan, type, input, since).
struct EventQuery {
  std::vector<MatchEntry> match;  // empty: everything
  std::int64_t since = 0;         // wall clock, ns: records received before are left out; 0: only new ones
  bool fields = false;

  // Errors say which parameter is wrong.
  static Result<EventQuery> from(const HttpRequest& request, std::int64_t now);
};

// "15m", "2h", "7d" before `now`, or an RFC 3339 time; ns since 1970.
Result<std::int64_t> parse_since(std::string_view text, std::int64_t now);

class EventStreams {
 public:
  EventStreams(Loop& loop, Pipeline& pipeline);
  ~EventStreams();

  Status add(const EventQuery& query, std::shared_ptr<HttpStream> client);
  // Something was stored. Any thread, cheap.
  void wake() noexcept;

 private:
  class Client;
  void pump();

  Pipeline& pipeline_;
  std::list<std::unique_ptr<Client>> clients_;
  Wake stored_;
  Timer timer_;
  std::atomic<bool> any_{false};
};

}  // namespace thorlog
