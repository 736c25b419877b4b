#include "tests/pipeline/http/test_certificates.h"

#include "pipeline/http/base64.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <atomic>

namespace troupe::http::test {
namespace {

std::string pem_of(X509* cert) {
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(out, cert);
  char* data = nullptr;
  long n = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<size_t>(n));
  BIO_free(out);
  return text;
}

std::string pem_of(EVP_PKEY* key) {
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  long n = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<size_t>(n));
  BIO_free(out);
  return text;
}

void add_extension(X509* cert, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  X509_EXTENSION* e = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  X509_add_ext(cert, e, -1);
  X509_EXTENSION_free(e);
}

X509* new_certificate(const std::string& name, EVP_PKEY* key) {
  static std::atomic<long> serial{1};
  X509* cert = X509_new();
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
  X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert), 24 * 3600);
  X509_set_pubkey(cert, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return cert;
}

}  // namespace

struct test_authority::impl {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = nullptr;
  ~impl() {
    X509_free(cert);
    EVP_PKEY_free(key);
  }
};

test_authority::test_authority(const std::string& name) : impl_(std::make_unique<impl>()) {
  impl_->cert = new_certificate(name, impl_->key);
  X509_set_issuer_name(impl_->cert, X509_get_subject_name(impl_->cert));
  add_extension(impl_->cert, impl_->cert, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(impl_->cert, impl_->cert, NID_subject_key_identifier, "hash");
  X509_sign(impl_->cert, impl_->key, EVP_sha256());
  pem_ = pem_of(impl_->cert);
}

test_authority::~test_authority() = default;

pem_pair test_authority::issue(const std::string& common_name, const std::string& names) const {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = new_certificate(common_name, key);
  X509_set_issuer_name(cert, X509_get_subject_name(impl_->cert));
  add_extension(cert, impl_->cert, NID_basic_constraints, "CA:FALSE");
  if (!names.empty())
    add_extension(cert, impl_->cert, NID_subject_alt_name, names);
  X509_sign(cert, impl_->key, EVP_sha256());
  pem_pair out{pem_of(cert), pem_of(key)};
  X509_free(cert);
  EVP_PKEY_free(key);
  return out;
}

struct test_rsa_key::impl {
  EVP_PKEY* key = EVP_RSA_gen(1024);
  ~impl() { EVP_PKEY_free(key); }
};

test_rsa_key::test_rsa_key() : impl_(std::make_unique<impl>()), pem_(pem_of(impl_->key)) {}

test_rsa_key::~test_rsa_key() = default;

bool test_rsa_key::has_signed(const std::string& jwt) const {
  const auto text = jwt.substr(0, jwt.rfind('.')), signature = jwt_part(jwt, 2);
  const auto bytes = [](const std::string& s) {
    return reinterpret_cast<const unsigned char*>(s.data());
  };
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool out =
      EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, impl_->key) == 1 &&
      EVP_DigestVerify(context, bytes(signature), signature.size(), bytes(text), text.size()) == 1;
  EVP_MD_CTX_free(context);
  return out;
}

std::string jwt_part(const std::string& jwt, int place) {
  size_t from = 0;
  for (; place > 0; --place)
    from = jwt.find('.', from) + 1;
  auto text = jwt.substr(from, jwt.find('.', from) - from);
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  return base64_decode(text).value_or("");
}

}  // namespace troupe::http::test
