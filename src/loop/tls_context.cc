// What a TLS context is made of: the files, and what is allowed.
#include <openssl/err.h>

#include <cerrno>
#include <cstdio>

#include "loop/tls.h"

namespace thorlog {
namespace {

Failure wrong(std::string what, int sys = 0) {
  ERR_clear_error();
  return fail({Errc::config, std::move(what), sys});
}

std::string named(const char* key, const std::string& file) { return std::string("`") + key + "` '" + file + "'"; }

// OpenSSL's own words for a file that is not there help nobody.
Status readable(const char* key, const std::string& file) {
  std::FILE* opened = std::fopen(file.c_str(), "re");
  if (opened == nullptr) return wrong("reading " + named(key, file), errno);
  char byte = 0;
  const bool has_bytes = std::fread(&byte, 1, 1, opened) == 1;
  const int error = std::ferror(opened) != 0 ? errno : 0;
  std::fclose(opened);
  if (error != 0) return wrong("reading " + named(key, file), error);
  if (!has_bytes) return wrong(named(key, file) + " is empty: it must hold PEM text");
  return ok();
}

Status load_own(SSL_CTX* context, const TlsOptions& options) {
  if (options.certificate.empty() && options.key.empty() && options.side == TlsOptions::Side::client) return ok();
  if (options.certificate.empty()) return wrong("`certificate` is missing: name the PEM file of this side");
  if (options.key.empty()) return wrong("`key` is missing: name the PEM file that belongs to `certificate`");
  if (Status is = readable("certificate", options.certificate); !is) return is;
  if (Status is = readable("key", options.key); !is) return is;
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1)
    return wrong(named("certificate", options.certificate) + " holds no certificate in PEM form that can be used");
  // A key behind a passphrase would have OpenSSL ask on the terminal.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    const bool mismatch = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
                          ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH;
    if (!mismatch)
      return wrong(named("key", options.key) +
                   " holds no key in PEM form that can be used; one with a passphrase can't be");
    return wrong(named("key", options.key) + " is not the key of " + named("certificate", options.certificate));
  }
  if (SSL_CTX_check_private_key(context) != 1)
    return wrong(named("key", options.key) + " is not the key of " + named("certificate", options.certificate));
  return ok();
}

Status load_authorities(SSL_CTX* context, const TlsOptions& options) {
  const bool is_server = options.side == TlsOptions::Side::server;
  if (options.ca.empty()) {
    if (is_server && options.ask != TlsOptions::Ask::nothing)
      return wrong("`client_auth` needs `ca`: name the PEM file of whom to believe");
    if (!is_server && SSL_CTX_set_default_verify_paths(context) != 1)
      return wrong("the system's certificate authorities can't be read: name a PEM file as `ca`");
    return ok();
  }
  if (Status is = readable("ca", options.ca); !is) return is;
  if (SSL_CTX_load_verify_file(context, options.ca.c_str()) != 1)
    return wrong(named("ca", options.ca) + " holds no certificate of an authority in PEM form");
  if (is_server) SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(options.ca.c_str()));  // hints
  return ok();
}

int verify_mode(const TlsOptions& options) noexcept {
  if (options.side == TlsOptions::Side::client || options.ask == TlsOptions::Ask::request) return SSL_VERIFY_PEER;
  if (options.ask == TlsOptions::Ask::require) return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  return SSL_VERIFY_NONE;
}

void restrict_protocol(SSL_CTX* context, const TlsOptions& options) {
  SSL_CTX_set_min_proto_version(context, options.only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);  // idle connections hold no record buffers
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  // Without it a client that resumes a session with its certificate would be refused.
  static constexpr unsigned char kSessions[] = "thorlogd";
  SSL_CTX_set_session_id_context(context, kSessions, sizeof kSessions - 1);
  SSL_CTX_set_verify(context, verify_mode(options), nullptr);
  SSL_CTX_set_verify_depth(context, 8);
}

}  // namespace

Result<SharedTls> TlsContext::make(const TlsOptions& options) {
  const bool is_server = options.side == TlsOptions::Side::server;
  SSL_CTX* raw = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
  if (raw == nullptr) return wrong("making a TLS context");
  const std::shared_ptr<const TlsContext> made(new TlsContext(raw, is_server));
  restrict_protocol(raw, options);
  if (Status loaded = load_own(raw, options); !loaded) return fail(std::move(loaded).error());
  if (Status loaded = load_authorities(raw, options); !loaded) return fail(std::move(loaded).error());
  ERR_clear_error();
  return made;
}

}  // namespace thorlog
