// How an output's settings become the client's side of TLS.
#pragma once

#include "config/settings.h"
#include "loop/tls.h"

namespace thorlog {

inline bool uses_tls(const OutputSettings& settings) noexcept {
  if (settings.addresses.empty()) return false;
  const Transport transport = settings.addresses.front().transport;
  return transport == Transport::tls || transport == Transport::relps;
}

inline TlsOptions client_tls(const OutputSettings& settings) {
  const TlsSettings tls = settings.tls.value_or(TlsSettings{});
  TlsOptions options;
  options.side = TlsOptions::Side::client;
  options.certificate = tls.certificate;
  options.key = tls.key;
  options.ca = tls.ca;
  options.only_1_3 = tls.min_version == TlsVersion::v1_3;
  return options;
}

}  // namespace thorlog
