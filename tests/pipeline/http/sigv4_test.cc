#include "pipeline/http/sigv4.h"

#include <gtest/gtest.h>

namespace troupe::http {
namespace {

constexpr int64_t example_ms = 1'440'938'160'000;  // 2015-08-30T12:36:00Z

sigv4_key example(std::string service) {
  return {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", "us-east-1",
          std::move(service)};
}

// The example of AWS' documentation, "Signing AWS requests with Signature Version 4".
TEST(SigV4, DocumentedExample) {
  const auto got = sign_v4(
      example("iam"), "GET", "iam.amazonaws.com", "/?Action=ListUsers&Version=2010-05-08",
      {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}}, "", example_ms);
  EXPECT_EQ(find_header(got, "x-amz-date"), "20150830T123600Z");
  EXPECT_EQ(find_header(got, "authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

// Of AWS' test suite for implementers (aws-sig-v4-test-suite).
TEST(SigV4, TestSuite) {
  const auto signature = [](const headers& got) {
    const auto text = find_header(got, "Authorization");
    return std::string(text.substr(text.rfind('=') + 1));
  };
  const auto key = example("service");
  const std::string host = "example.amazonaws.com";
  EXPECT_EQ(signature(sign_v4(key, "GET", host, "/", {}, "", example_ms)),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_EQ(signature(sign_v4(key, "POST", host, "/", {}, "", example_ms)),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  EXPECT_EQ(
      signature(sign_v4(key, "GET", host, "/?Param2=value2&Param1=value1", {}, "", example_ms)),
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST(SigV4, TheTokenOfTemporaryCredentialsIsSigned) {
  auto key = example("aps");
  key.session_token = "token";
  const auto got = sign_v4(key, "POST", "h", "/api/v1/remote_write", {}, "x", example_ms);
  EXPECT_EQ(find_header(got, "X-Amz-Security-Token"), "token");
  EXPECT_NE(find_header(got, "Authorization").find("host;x-amz-date;x-amz-security-token"),
            std::string_view::npos);
}

}  // namespace
}  // namespace troupe::http
