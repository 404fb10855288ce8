#include "outputs/webhook_answer.h"

#include <algorithm>

#include "outputs/target_codes.h"
#include "wire/escape.h"

namespace thorlog {
namespace {

constexpr std::size_t kShownAnswer = 200;

std::string shown(std::string_view bytes) {
  ByteBuffer out;
  append_terminal(out, bytes.substr(0, kShownAnswer));
  return std::string(out.view());
}

std::string status_text(const HttpAnswer& answer) {
  std::string text = "HTTP " + std::to_string(answer.status);
  if (answer.status >= 300 && answer.status < 400) text += ", a redirect, which is never followed";
  if (!answer.text.empty()) text += ", " + shown(answer.text);
  return text;
}

Judgement by_status(const HttpAnswer& answer) {
  const long status = answer.status;
  if (status >= 200 && status < 300) return {};
  Judgement judged{Outcome::hold, Retry::denied, 0, status_text(answer)};
  if (refuses_the_record(status)) {
    judged.outcome = Outcome::refused;
  } else if (status == 429) {
    judged.outcome = Outcome::retry;
    judged.reason = Retry::throttled;
  } else if (passes_by_itself(status) || status >= 500 || status < 200) {
    judged.outcome = Outcome::retry;
    judged.reason = Retry::server_error;
  }
  if (judged.outcome == Outcome::retry && answer.retry_after_s > 0)
    judged.wait_s = static_cast<std::uint32_t>(std::min<std::int64_t>(answer.retry_after_s, kMostRetryAfter));
  return judged;
}

// A handshake that broke off is the network's doing; one that was refused is not.
bool broke_off(const HttpAnswer& answer) {
  return answer.error.find("reset by peer") != std::string::npos ||
         answer.error.find("SSL_ERROR_SYSCALL") != std::string::npos || answer.error.find("EOF") != std::string::npos;
}

Judgement by_result(const HttpAnswer& answer) {
  const auto retry = [&](Retry reason) { return Judgement{Outcome::retry, reason, 0, answer.error}; };
  switch (answer.result) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return retry(Retry::resolve);
    case CURLE_COULDNT_CONNECT:
      return retry(Retry::connect);
    case CURLE_OPERATION_TIMEDOUT:
      return retry(Retry::timeout);
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      return retry(Retry::reset);
    case CURLE_SSL_CONNECT_ERROR:
      if (broke_off(answer)) return retry(Retry::reset);
      [[fallthrough]];
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_INITFAILED:
      return {Outcome::hold, Retry::tls, 0, answer.error};
    case CURLE_URL_MALFORMAT:
      return {Outcome::hold, Retry::denied, 0, answer.error};
    default:
      return retry(Retry::closed);  // half an answer, none at all, or no HTTP
  }
}

}  // namespace

Judgement judge(const HttpAnswer& answer) {
  const bool whole = answer.result == CURLE_OK || (answer.cut && answer.status != 0);
  return whole ? by_status(answer) : by_result(answer);
}

}  // namespace thorlog
