#include "pipeline/http/tls.h"

#include "config/http_client_config.h"
#include "config/web_config.h"
#include "storage/base/file_system.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstring>

namespace troupe::http {
namespace {

constexpr uint64_t max_pem_bytes = 1 << 20;

template <class T, auto Free>
struct free_with {
  void operator()(T* p) const { Free(p); }
};
using bio_ptr = std::unique_ptr<BIO, free_with<BIO, BIO_free_all>>;
using x509_ptr = std::unique_ptr<X509, free_with<X509, X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, free_with<EVP_PKEY, EVP_PKEY_free>>;

status tls_failure(std::string_view what) {
  return {errc::invalid_argument, std::string(what) + ": " + tls_error_text()};
}

bio_ptr open_pem(const std::string& pem) {
  return bio_ptr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

int no_password(char*, int, int, void*) {
  return 0;
}

status use_certificate(SSL_CTX* context, const tls_material& pem) {
  bio_ptr in = open_pem(pem.cert);
  x509_ptr leaf(PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1)
    return tls_failure("bad certificate");
  for (;;) {
    X509* next = PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr);
    if (next == nullptr)
      break;
    if (SSL_CTX_add0_chain_cert(context, next) != 1) {
      X509_free(next);
      return tls_failure("bad certificate chain");
    }
  }
  ERR_clear_error();
  bio_ptr key_in = open_pem(pem.key);
  key_ptr key(PEM_read_bio_PrivateKey(key_in.get(), nullptr, no_password, nullptr));
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return tls_failure("bad private key");
  return ok_status();
}

/// `announce`: also tell clients which authorities a server accepts.
status use_authorities(SSL_CTX* context, const std::string& pem, bool announce) {
  bio_ptr in = open_pem(pem);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  int count = 0;
  for (;; ++count) {
    x509_ptr ca(PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr));
    if (!ca)
      break;
    if (X509_STORE_add_cert(store, ca.get()) != 1 ||
        (announce && SSL_CTX_add_client_CA(context, ca.get()) != 1))
      return tls_failure("bad CA certificate");
  }
  if (count == 0)
    return tls_failure("no CA certificate found");
  ERR_clear_error();
  return ok_status();
}

/// "TLS12" to OpenSSL's number; 0 for "".
result<int> version_number(const std::string& name) {
  if (name.empty())
    return 0;
  if (name == "TLS10")
    return TLS1_VERSION;
  if (name == "TLS11")
    return TLS1_1_VERSION;
  if (name == "TLS12")
    return TLS1_2_VERSION;
  if (name == "TLS13")
    return TLS1_3_VERSION;
  return {errc::invalid_argument, "unknown TLS version \"" + name + "\""};
}

status set_versions(SSL_CTX* context, const std::string& min, const std::string& max) {
  TROUPE_ASSIGN(int low, version_number(min));
  TROUPE_ASSIGN(int high, version_number(max));
  if (low == 0)
    low = TLS1_2_VERSION;
  if (high != 0 && high < low)
    return {errc::invalid_argument, "max_version is below min_version"};
  SSL_CTX_set_min_proto_version(context, low);
  SSL_CTX_set_max_proto_version(context, high);
  // The old versions sign with SHA-1, which the default security level refuses.
  if (low < TLS1_2_VERSION)
    SSL_CTX_set_security_level(context, 0);
  return ok_status();
}

struct cipher_name {
  std::string_view standard;
  const char* openssl;  ///< nullptr: TLS 1.3, always on
};
constexpr cipher_name cipher_names[] = {
    {"TLS_AES_128_GCM_SHA256", nullptr},
    {"TLS_AES_256_GCM_SHA384", nullptr},
    {"TLS_CHACHA20_POLY1305_SHA256", nullptr},
    {"TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"},
    {"TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"},
    {"TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"},
    {"TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"},
    {"TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
};

status set_ciphers(SSL_CTX* context, const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    const cipher_name* found = nullptr;
    for (const auto& c : cipher_names)
      if (c.standard == name)
        found = &c;
    if (found == nullptr)
      return {errc::unsupported, "cipher suite \"" + name + "\" is not supported"};
    if (found->openssl != nullptr)
      list.append(list.empty() ? "" : ":").append(found->openssl);
  }
  if (!list.empty() && SSL_CTX_set_cipher_list(context, list.c_str()) != 1)
    return tls_failure("cipher_suites");
  return ok_status();
}

status set_curves(SSL_CTX* context, const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    const char* curve = name == "CurveP256"   ? "P-256"
                        : name == "CurveP384" ? "P-384"
                        : name == "CurveP521" ? "P-521"
                        : name == "X25519"    ? "X25519"
                                              : nullptr;
    if (curve == nullptr)
      return {errc::unsupported, "curve \"" + name + "\" is not supported"};
    list.append(list.empty() ? "" : ":").append(curve);
  }
  if (!list.empty() && SSL_CTX_set1_groups_list(context, list.c_str()) != 1)
    return tls_failure("curve_preferences");
  return ok_status();
}

/// Go's modes that take any certificate, or none.
int accept_any(int, X509_STORE_CTX*) {
  return 1;
}

status set_client_auth(SSL_CTX* context, const std::string& type) {
  if (type.empty() || type == "NoClientCert")
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  else if (type == "RequestClientCert")
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any);
  else if (type == "RequireAnyClientCert" || type == "RequireClientCert")
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
  else if (type == "VerifyClientCertIfGiven")
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  else if (type == "RequireAndVerifyClientCert")
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  else
    return {errc::invalid_argument, "unknown client_auth_type \"" + type + "\""};
  return ok_status();
}

int choose_http11(SSL*, const unsigned char** out, unsigned char* out_size,
                  const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr unsigned char http11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, http11, 9, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

result<tls_context> new_context(const SSL_METHOD* method) {
  tls_context context(SSL_CTX_new(method), SSL_CTX_free);
  if (!context)
    return tls_failure("no TLS context");
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  return context;
}

template <class Config>
result<tls_material> read_files(const Config& from, const std::string& ca,
                                const std::string& ca_file, file_system& files) {
  tls_material out{ca, from.cert, from.key.reveal()};
  if (!ca_file.empty()) {
    TROUPE_ASSIGN(out.ca, read_file(files, ca_file, max_pem_bytes));
  }
  if (!from.cert_file.empty()) {
    TROUPE_ASSIGN(out.cert, read_file(files, from.cert_file, max_pem_bytes));
  }
  if (!from.key_file.empty()) {
    TROUPE_ASSIGN(out.key, read_file(files, from.key_file, max_pem_bytes));
  }
  return out;
}

bool is_ip_address(const std::string& host) {
  unsigned char buffer[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), buffer) == 1 ||
         inet_pton(AF_INET6, host.c_str(), buffer) == 1;
}

std::string text_of(const ASN1_STRING* s) {
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)),
                     static_cast<size_t>(ASN1_STRING_length(s)));
}

std::string ip_text(const ASN1_OCTET_STRING* ip) {
  char buffer[INET6_ADDRSTRLEN] = "";
  int family = ASN1_STRING_length(ip) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(ip) != 16)
    return {};
  inet_ntop(family, ASN1_STRING_get0_data(ip), buffer, sizeof buffer);
  return buffer;
}

}  // namespace

result<tls_material> read_material(const config::tls_config& from, file_system& files) {
  return read_files(from, from.ca, from.ca_file, files);
}

result<tls_material> read_material(const config::web_tls_config& from, file_system& files) {
  return read_files(from, from.client_ca, from.client_ca_file, files);
}

result<tls_context> make_client_context(const config::tls_config& from, const tls_material& pem) {
  TROUPE_ASSIGN(tls_context context, new_context(TLS_client_method()));
  TROUPE_TRY(set_versions(context.get(), from.min_version, from.max_version));
  if (pem.ca.empty())
    SSL_CTX_set_default_verify_paths(context.get());
  else
    TROUPE_TRY(use_authorities(context.get(), pem.ca, false));
  if (!pem.cert.empty() || !pem.key.empty())
    TROUPE_TRY(use_certificate(context.get(), pem));
  SSL_CTX_set_verify(context.get(), from.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                     nullptr);
  constexpr unsigned char http11[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context.get(), http11, 9);
  ERR_clear_error();
  return context;
}

result<tls_context> make_server_context(const config::web_tls_config& from,
                                        const tls_material& pem) {
  TROUPE_ASSIGN(tls_context context, new_context(TLS_server_method()));
  TROUPE_TRY(set_versions(context.get(), from.min_version, from.max_version));
  TROUPE_TRY(set_ciphers(context.get(), from.cipher_suites));
  TROUPE_TRY(set_curves(context.get(), from.curve_preferences));
  TROUPE_TRY(use_certificate(context.get(), pem));
  TROUPE_TRY(set_client_auth(context.get(), from.client_auth_type));
  if (!pem.ca.empty())
    TROUPE_TRY(use_authorities(context.get(), pem.ca, true));
  if (from.prefer_server_cipher_suites)
    SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Without a context id a verified session cannot be resumed and the handshake would fail.
  constexpr unsigned char id[] = "troupe";
  SSL_CTX_set_session_id_context(context.get(), id, sizeof id - 1);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_http11, nullptr);
  ERR_clear_error();
  return context;
}

status prepare_client(SSL* ssl, const client_tls& how) {
  if (is_ip_address(how.server_name)) {
    if (how.verify &&
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), how.server_name.c_str()) != 1)
      return tls_failure("server name");
    return ok_status();
  }
  if (SSL_set_tlsext_host_name(ssl, how.server_name.c_str()) != 1)
    return tls_failure("server name");
  if (how.verify && SSL_set1_host(ssl, how.server_name.c_str()) != 1)
    return tls_failure("server name");
  return ok_status();
}

tls_peer describe_peer(SSL* ssl) {
  tls_peer out;
  x509_ptr cert(SSL_get1_peer_certificate(ssl));
  if (!cert)
    return out;
  X509_NAME* subject = X509_get_subject_name(cert.get());
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0)
    out.common_name = text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  std::unique_ptr<GENERAL_NAMES, free_with<GENERAL_NAMES, GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(cert.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS || name->type == GEN_EMAIL || name->type == GEN_URI)
      out.alternative_names.push_back(text_of(name->d.ia5));
    else if (name->type == GEN_IPADD)
      out.alternative_names.push_back(ip_text(name->d.iPAddress));
  }
  return out;
}

std::string tls_error_text() {
  unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0)
    return "no reason given";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

}  // namespace troupe::http
