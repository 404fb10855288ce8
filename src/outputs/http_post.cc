#include "outputs/http_post.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>

namespace thorlog {
namespace {

constexpr long kConnectMs = 10'000;

template <class T>
void set(CURL* easy, CURLoption option, T value) {
  // Fails only for what this libcurl was built without; without TLS checks we must not go on.
  THORLOG_ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

Failure tls_wrong(const std::string& what) {
  char text[256] = {};
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return fail({Errc::config, what + ": " + text, 0});
}

}  // namespace

HttpPost::HttpPost(CurlLoop& loop, const HttpTarget& target) : loop_(loop), target_(target), easy_(curl_easy_init()) {
  THORLOG_ASSERT(easy_ != nullptr);
  set_options();
}

HttpPost::~HttpPost() {
  if (under_way_) loop_.remove(easy_.get());
}

void HttpPost::set_options() {
  CURL* const easy = easy_.get();
  set(easy, CURLOPT_PRIVATE, this);
  set(easy, CURLOPT_URL, target_.url.c_str());
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_POST, 1L);
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_PROXY, "");  // none, whatever the environment says
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_NOPROGRESS, 1L);
  set(easy, CURLOPT_QUICK_EXIT, 1L);  // a name server that hangs shall not keep us from stopping
  set(easy, CURLOPT_TIMEOUT_MS, target_.timeout_ms);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, std::min(target_.timeout_ms, kConnectMs));
  set(easy, CURLOPT_ERRORBUFFER, error_);
  set(easy, CURLOPT_WRITEFUNCTION, &HttpPost::on_body);
  set(easy, CURLOPT_WRITEDATA, this);
  set(easy, CURLOPT_HEADERFUNCTION, &HttpPost::on_header);
  set(easy, CURLOPT_HEADERDATA, this);
  set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  set(easy, CURLOPT_SSLVERSION,
      static_cast<long>(target_.only_tls_1_3 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
  if (!target_.ca.empty()) {
    set(easy, CURLOPT_SSL_CTX_FUNCTION, &HttpPost::on_tls);
    set(easy, CURLOPT_SSL_CTX_DATA, this);
  }
  if (!target_.certificate.empty()) {
    set(easy, CURLOPT_SSLCERT, target_.certificate.c_str());
    set(easy, CURLOPT_SSLKEY, target_.key.c_str());
  }
}

void HttpPost::start(std::string_view body, const std::vector<std::string>& headers) {
  curl_slist* list = nullptr;
  const auto add = [&list](const char* line) { list = curl_slist_append(list, line); };
  add("Expect:");  // no round trip before the body
  add("Accept:");
  for (const std::string& line : target_.headers) add(line.c_str());
  for (const std::string& line : headers) add(line.c_str());
  headers_.reset(list);
  CURL* const easy = easy_.get();
  set(easy, CURLOPT_HTTPHEADER, list);
  set(easy, CURLOPT_POSTFIELDS, body.data());
  set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  error_[0] = '\0';
  text_.clear();
  body_bytes_ = 0;
  header_bytes_ = 0;
  under_way_ = true;
  loop_.add(easy);
}

HttpAnswer HttpPost::finish(CURLcode result) {
  under_way_ = false;
  HttpAnswer answer;
  answer.result = result;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  answer.cut = result == CURLE_WRITE_ERROR && (body_bytes_ > kMostAnswer || header_bytes_ > kMostHeaders);
  curl_off_t wait = 0;
  if (curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &wait) == CURLE_OK) answer.retry_after_s = wait;
  answer.text = text_;
  answer.error = error_[0] != '\0' ? error_ : curl_easy_strerror(result);
  return answer;
}

HttpPost* HttpPost::of(CURL* transfer) noexcept {
  char* self = nullptr;
  curl_easy_getinfo(transfer, CURLINFO_PRIVATE, &self);
  return reinterpret_cast<HttpPost*>(self);
}

std::size_t HttpPost::on_body(char* bytes, std::size_t size, std::size_t count, void* self) noexcept {
  auto* me = static_cast<HttpPost*>(self);
  const std::size_t length = size * count;
  me->body_bytes_ += length;
  if (me->text_.size() < kKeptAnswer) me->text_.append(bytes, std::min(length, kKeptAnswer - me->text_.size()));
  return me->body_bytes_ > kMostAnswer ? 0 : length;
}

std::size_t HttpPost::on_header(char* /*bytes*/, std::size_t size, std::size_t count, void* self) noexcept {
  auto* me = static_cast<HttpPost*>(self);
  me->header_bytes_ += size * count;
  return me->header_bytes_ > kMostHeaders ? 0 : size * count;
}

// libcurl has put the system's authorities into the context; ours come on top.
CURLcode HttpPost::on_tls(CURL* /*transfer*/, void* context, void* self) noexcept {
  const auto* me = static_cast<HttpPost*>(self);
  if (SSL_CTX_load_verify_file(static_cast<SSL_CTX*>(context), me->target_.ca.c_str()) == 1) return CURLE_OK;
  ERR_clear_error();
  return CURLE_SSL_CACERT_BADFILE;
}

Status check_tls_files(const HttpTarget& target) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  if (!context) return tls_wrong("making a TLS context");
  if (!target.ca.empty() && SSL_CTX_load_verify_file(context.get(), target.ca.c_str()) != 1)
    return tls_wrong("no certificate of an authority can be read from '" + target.ca + "'");
  if (target.certificate.empty()) return ok();
  if (SSL_CTX_use_certificate_chain_file(context.get(), target.certificate.c_str()) != 1)
    return tls_wrong("no certificate can be read from '" + target.certificate + "'");
  if (SSL_CTX_use_PrivateKey_file(context.get(), target.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1)
    return tls_wrong("'" + target.key + "' is not the key of '" + target.certificate + "'");
  return ok();
}

}  // namespace thorlog
