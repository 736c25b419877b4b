// Certificates made on the spot: an authority and what it signs. For TLS tests.
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

}  // namespace troupe::http::test
