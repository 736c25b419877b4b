#include "pipeline/http/rs256.h"

#include "pipeline/http/base64.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

namespace troupe::http {
namespace {

using bio_ptr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using context_ptr = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

// An encrypted key has no password here, and none is asked for on the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

}  // namespace

result<std::string> signed_jwt(std::string_view header, std::string_view claims,
                               const secret& key) {
  const std::string& pem = key.reveal();
  const bio_ptr source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  const key_ptr rsa(PEM_read_bio_PrivateKey(source.get(), nullptr, &no_password, nullptr),
                    &EVP_PKEY_free);
  if (rsa == nullptr || EVP_PKEY_base_id(rsa.get()) != EVP_PKEY_RSA)
    return {errc::invalid_argument, "the private key is no RSA key in PEM"};
  const std::string text = base64url_encode(header) + "." + base64url_encode(claims);
  const context_ptr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::string signature(static_cast<size_t>(EVP_PKEY_size(rsa.get())), '\0');
  size_t size = signature.size();
  if (context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, rsa.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes, text.size()) != 1)
    return {errc::internal, "a token could not be signed"};
  signature.resize(size);
  return text + "." + base64url_encode(signature);
}

}  // namespace troupe::http
