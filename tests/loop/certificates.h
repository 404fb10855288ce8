// Real certificates for tests: an authority, and what it issues, as PEM files in a folder that goes with it.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>

#include "base/temp_folder.h"
#include "thorlog/result.h"

namespace thorlog {

class TestAuthority {
 public:
  struct Leaf {
    std::string certificate, key;  // files
  };
  struct Wish {
    std::string name = "test";          // CN
    std::string alternatives = {};      // "DNS:localhost,IP:127.0.0.1"
    long from = -3600, until = 86'400;  // seconds from now
  };

  explicit TestAuthority(const std::string& name = "Test authority") {
    key_.reset(EVP_EC_gen("P-256"));
    certificate_ = make({name, "", -3600, 86'400}, key_.get(), true);
    write("ca.pem", certificate_.get());
  }
  const std::string& folder() const { return folder_.path(); }
  std::string file() const { return folder_ / "ca.pem"; }

  // Files stem.pem and stem.key; those of the same stem are replaced.
  Leaf issue(const std::string& stem, const Wish& wish) const {
    const Key key(EVP_EC_gen("P-256"));
    write(stem + ".pem", make(wish, key.get(), false).get());
    std::FILE* file = std::fopen((folder_ / (stem + ".key")).c_str(), "w");
    THORLOG_ASSERT(file != nullptr);
    THORLOG_ASSERT(PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    std::fclose(file);
    return {folder_ / (stem + ".pem"), folder_ / (stem + ".key")};
  }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Certificate = std::unique_ptr<X509, Free>;

  Certificate make(const Wish& wish, EVP_PKEY* key, bool authority) const {
    Certificate made(X509_new());
    X509* raw = made.get();
    X509_set_version(raw, 2);
    static long serial = 1;
    ASN1_INTEGER_set(X509_get_serialNumber(raw), serial++);
    X509_gmtime_adj(X509_getm_notBefore(raw), wish.from);
    X509_gmtime_adj(X509_getm_notAfter(raw), wish.until);
    X509_set_pubkey(raw, key);
    X509_NAME* subject = X509_get_subject_name(raw);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(wish.name.data()),
                               static_cast<int>(wish.name.size()), -1, 0);
    X509_set_issuer_name(raw, authority ? subject : X509_get_subject_name(certificate_.get()));
    add(raw, NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!wish.alternatives.empty()) add(raw, NID_subject_alt_name, wish.alternatives);
    THORLOG_ASSERT(X509_sign(raw, key_.get(), EVP_sha256()) > 0);
    return made;
  }

  static void add(X509* certificate, int what, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
    THORLOG_ASSERT(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  void write(const std::string& name, X509* certificate) const {
    std::FILE* file = std::fopen((folder_ / name).c_str(), "w");
    THORLOG_ASSERT(file != nullptr && PEM_write_X509(file, certificate) == 1);
    std::fclose(file);
  }

  TempFolder folder_;
  Key key_;
  Certificate certificate_;
};

}  // namespace thorlog
