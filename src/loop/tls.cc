#include "loop/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <climits>
#include <cstring>

namespace thorlog {
namespace {

// Handshakes and their alerts fit many times; a peer that makes us answer (key updates) and never reads comes here.
constexpr std::size_t kMostOutgoing = 2 * TlsStream::kFull;
constexpr std::size_t kKeepOutgoing = std::size_t{32} << 10;

// What OpenSSL says of the error that happened first; the later ones are its consequences.
std::string first_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "OpenSSL error " + std::to_string(code);
}

bool is_address(const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

// Names from certificates go into records and logs.
std::string printable(const unsigned char* bytes, int length) {
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(std::clamp(length, 0, 255)));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x21 || c > 0x7e; }, '?');
  return text;
}

std::string dns_name(X509* certificate) {
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::string found;
  for (int i = 0; found.empty() && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    found = printable(ASN1_STRING_get0_data(name->d.dNSName), ASN1_STRING_length(name->d.dNSName));
  }
  GENERAL_NAMES_free(names);
  return found;
}

std::string common_name(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* text = nullptr;
  const int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (length < 0) return {};
  std::string name = printable(text, length);
  OPENSSL_free(text);
  return name;
}

}  // namespace

// ---- the bytes that OpenSSL reads and writes

BIO_METHOD* TlsStream::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "thorlogd stream");
    THORLOG_ASSERT(made != nullptr);
    BIO_meth_set_read(made, &TlsStream::bio_read);
    BIO_meth_set_write(made, &TlsStream::bio_write);
    BIO_meth_set_ctrl(made, &TlsStream::bio_control);
    return made;
  }();
  return method;
}

int TlsStream::bio_read(BIO* bio, char* to, int size) noexcept {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self.incoming_.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t n = std::min(self.incoming_.size(), static_cast<std::size_t>(size));
  std::memcpy(to, self.incoming_.data(), n);
  self.incoming_.remove_prefix(n);
  return static_cast<int>(n);
}

int TlsStream::bio_write(BIO* bio, const char* from, int size) noexcept {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const auto bytes = static_cast<std::size_t>(size);
  if (self.outgoing_.size() + bytes > kMostOutgoing) return -1;
  self.outgoing_.append({from, bytes});
  return size;
}

long TlsStream::bio_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) noexcept {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// ---- the stream

TlsStream::TlsStream(const TlsContext& context, const std::string& host) : ssl_(SSL_new(context.ssl())) {
  THORLOG_ASSERT(ssl_ && context.is_server() == host.empty());
  BIO* bio = BIO_new(bio_method());
  THORLOG_ASSERT(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  if (context.is_server())
    SSL_set_accept_state(ssl_.get());
  else if (expect_host(host))
    shake_hands();
  else
    fail_with("'" + host + "' is no host name that a certificate could be for");
}

bool TlsStream::expect_host(const std::string& host) {
  SSL* ssl = ssl_.get();
  SSL_set_connect_state(ssl);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

void TlsStream::feed(std::string_view ciphertext) {
  incoming_ = ciphertext;
  if (state_ == State::handshake) shake_hands();
}

void TlsStream::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1)
    state_ = State::open;
  else
    static_cast<void>(goes_on(result));
}

std::size_t TlsStream::read(std::span<char> to) {
  if (state_ == State::handshake) shake_hands();
  if (state_ != State::open || to.empty()) return 0;
  ERR_clear_error();
  const int result = SSL_read(ssl_.get(), to.data(), static_cast<int>(std::min<std::size_t>(to.size(), INT_MAX)));
  if (result > 0) return static_cast<std::size_t>(result);
  static_cast<void>(goes_on(result));
  return 0;
}

std::size_t TlsStream::write(std::string_view plaintext) {
  if ((state_ != State::open && state_ != State::ended) || closing_) return 0;
  std::size_t taken = 0;
  while (taken < plaintext.size() && outgoing_.size() < kFull) {
    const std::size_t size = std::min<std::size_t>(plaintext.size() - taken, SSL3_RT_MAX_PLAIN_LENGTH);
    ERR_clear_error();
    const int result = SSL_write(ssl_.get(), plaintext.data() + taken, static_cast<int>(size));
    if (result <= 0) {
      static_cast<void>(goes_on(result));
      break;
    }
    taken += static_cast<std::size_t>(result);
  }
  return taken;
}

void TlsStream::sent(std::size_t n) noexcept {
  outgoing_.drop_front(n);
  outgoing_.release_above(kKeepOutgoing);
}

void TlsStream::close() {
  if (closing_ || state_ == State::handshake || state_ == State::failed) return;
  closing_ = true;
  ERR_clear_error();
  if (SSL_shutdown(ssl_.get()) < 0) ERR_clear_error();
}

// After a call that did not succeed: false when nothing will any more.
bool TlsStream::goes_on(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return true;
    case SSL_ERROR_ZERO_RETURN:
      incoming_ = {};
      state_ = State::ended;
      return false;
    default:
      break;
  }
  const long verified = SSL_get_verify_result(ssl_.get());
  const bool refused = ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  if (refused && verified != X509_V_OK) {
    ERR_clear_error();
    fail_with(std::string("the certificate of the peer was refused: ") + X509_verify_cert_error_string(verified));
    return false;
  }
  const int reason = ERR_GET_REASON(ERR_peek_error());
  std::string text = outgoing_.size() + SSL3_RT_MAX_PLAIN_LENGTH > kMostOutgoing
                         ? "the peer does not read what it asks for"
                         : first_reason();
  ERR_clear_error();
  if (reason >= SSL_AD_REASON_OFFSET) text = "the peer refused: " + text;
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST || reason == SSL_R_BAD_RECORD_TYPE)
    text += " (is the peer speaking without TLS?)";
  fail_with(std::move(text));
  return false;
}

void TlsStream::fail_with(std::string text) {
  incoming_ = {};
  state_ = State::failed;
  error_ = std::move(text);
}

std::string TlsStream::peer_identity() const {
  if (SSL_get_verify_result(ssl_.get()) != X509_V_OK || state_ == State::handshake) return {};
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  std::string name = dns_name(certificate);
  return name.empty() ? common_name(certificate) : name;
}

}  // namespace thorlog
