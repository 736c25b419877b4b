// Certificates and keys made on the spot: an authority and what it signs, and a key of RSA.
#pragma once

#include <memory>
#include <string>

namespace troupe::http::test {

struct pem_pair {
  std::string cert;
  std::string key;
};

/// A self-signed authority (EC P-256) with a name of its own.
class test_authority {
 public:
  explicit test_authority(const std::string& name);
  ~test_authority();
  const std::string& pem() const { return pem_; }
  /// `names` as OpenSSL writes them: "DNS:a.example,IP:127.0.0.1".
  pem_pair issue(const std::string& common_name, const std::string& names) const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
  std::string pem_;
};

/// An RSA key, and whether a token (RFC 7515) is signed with it.
class test_rsa_key {
 public:
  test_rsa_key();
  ~test_rsa_key();
  const std::string& pem() const { return pem_; }
  bool has_signed(const std::string& jwt) const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
  std::string pem_;
};
/// A part of a token, by its place from 0, decoded.
std::string jwt_part(const std::string& jwt, int place);

}  // namespace troupe::http::test
