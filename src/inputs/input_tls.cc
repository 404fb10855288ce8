#include "inputs/input_tls.h"

namespace thorlog {
namespace {

TlsOptions::Ask ask_of(ClientAuth client_auth) noexcept {
  if (client_auth == ClientAuth::require) return TlsOptions::Ask::require;
  return client_auth == ClientAuth::request ? TlsOptions::Ask::request : TlsOptions::Ask::nothing;
}

}  // namespace

Result<SharedTls> make_input_tls(const InputSettings& settings) {
  const bool has_tls = settings.tls && (settings.type == InputType::tls || settings.type == InputType::relp);
  if (!has_tls) return SharedTls();
  const TlsSettings& tls = *settings.tls;
  auto made = TlsContext::make({TlsOptions::Side::server, tls.certificate, tls.key, tls.ca, ask_of(tls.client_auth),
                                tls.min_version == TlsVersion::v1_3});
  if (made) return made;
  Error error = std::move(made).error();
  error.doing = "input '" + settings.name + "', tls: " + error.doing;
  return fail(std::move(error));
}

Status check_input_tls(std::span<const InputSettings> inputs) {
  for (const InputSettings& settings : inputs) {
    if (const auto made = make_input_tls(settings); !made) return fail(made.error());
  }
  return ok();
}

}  // namespace thorlog
