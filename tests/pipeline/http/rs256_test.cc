#include "pipeline/http/rs256.h"

#include "tests/pipeline/http/test_certificates.h"

#include <gtest/gtest.h>

namespace troupe::http::test {
namespace {

TEST(Rs256, SignsHeaderAndClaims) {
  const test_rsa_key key;
  const std::string header = R"({"alg":"RS256"})", claims = R"({"iss":"me?>~"})";
  const auto jwt = signed_jwt(header, claims, secret(key.pem()));
  ASSERT_TRUE(jwt.ok()) << jwt.error().to_string();
  EXPECT_EQ(jwt_part(*jwt, 0), header);
  EXPECT_EQ(jwt_part(*jwt, 1), claims);
  EXPECT_EQ(jwt->find_first_of("+/="), jwt->npos);
  EXPECT_TRUE(key.has_signed(*jwt));
  EXPECT_FALSE(test_rsa_key().has_signed(*jwt));
}

TEST(Rs256, ABadKeyIsNotShown) {
  const std::string framed = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n";
  for (const auto& key : {std::string(), std::string("canary"), framed}) {
    const auto jwt = signed_jwt("{}", "{}", secret(key));
    EXPECT_EQ(jwt.code(), errc::invalid_argument);
    EXPECT_EQ(jwt.error().message(), "the private key is no RSA key in PEM");
  }
}

}  // namespace
}  // namespace troupe::http::test
