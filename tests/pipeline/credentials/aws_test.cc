#include "pipeline/credentials/sts.h"
#include "tests/pipeline/credentials/talk_kit.h"

#include <gmock/gmock.h>

namespace troupe::credentials {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string good_answer =
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"
    "<AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser><Credentials>"
    "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>temp&amp;secret</SecretAccessKey>"
    "<SessionToken>temp-token</SessionToken><Expiration>2015-08-30T12:51:00Z</Expiration>"
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>";

class Aws : public TalkTest {
 protected:
  Aws() {
    config.region = "eu-west-1";
    config.access_key = "AKIA";
    config.secret_key = secret("base-secret");
  }
  http::transfer_spec begin_role() {
    source = aws_grants(config, around());
    return begin(source);
  }
  config::sigv4_config config;
  http::grant_source_ptr source;
};

TEST_F(Aws, KeysSignWithoutAQuestion) {
  begin_role();
  const auto headers = authorized();
  EXPECT_THAT(header_of(headers, "Authorization"),
              StartsWith("AWS4-HMAC-SHA256 Credential=AKIA/20150830/eu-west-1/aps/aws4_request, "
                         "SignedHeaders=host;x-amz-date, Signature="));
  EXPECT_EQ(header_of(headers, "X-Amz-Security-Token"), "");
}

TEST_F(Aws, ARoleIsAssumedWithTheKey) {
  config.role_arn = "arn:aws:iam::1:role/example";
  config.external_id = "ext id";
  const auto ask = begin_role();
  EXPECT_EQ(ask.url, "https://sts.eu-west-1.amazonaws.com/");
  EXPECT_EQ(ask.method, "POST");
  const auto form = form_of(ask);
  EXPECT_EQ(form.at("Action"), "AssumeRole");
  EXPECT_EQ(form.at("Version"), "2011-06-15");
  EXPECT_EQ(form.at("RoleArn"), "arn:aws:iam::1:role/example");
  EXPECT_EQ(form.at("ExternalId"), "ext id");
  EXPECT_EQ(form.at("RoleSessionName"), "1440938160000000000");
  EXPECT_EQ(ask.body.find("secret"), ask.body.npos);
  EXPECT_EQ(line_of(ask, "X-Amz-Date"), "20150830T123600Z");
  EXPECT_THAT(line_of(ask, "Authorization"),
              StartsWith("AWS4-HMAC-SHA256 Credential=AKIA/20150830/eu-west-1/sts/aws4_request, "
                         "SignedHeaders=content-type;host;x-amz-date, Signature="));
  answer(200, good_answer);
  const auto headers = authorized();
  EXPECT_EQ(given->lifetime_ms, 900'000);
  EXPECT_EQ(header_of(headers, "X-Amz-Security-Token"), "temp-token");
  EXPECT_THAT(header_of(headers, "Authorization"),
              HasSubstr("Credential=ASIA/20150830/eu-west-1/aps/aws4_request, "
                        "SignedHeaders=host;x-amz-date;x-amz-security-token, "));
  const http::sigv4_key temporary{"ASIA", "temp&secret", "temp-token", "eu-west-1", "aps"};
  const auto expected =
      http::sign_v4(temporary, "POST", "receiver.example", "/api/v1/write", {}, "body", now_ms);
  EXPECT_EQ(header_of(headers, "Authorization"), header_of(expected, "Authorization"));
}

TEST_F(Aws, ARefusalSaysWhy) {
  config.role_arn = "arn";
  begin_role();
  answer(403,
         "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User is not\n"
         "authorized</Message></Error></ErrorResponse>");
  EXPECT_EQ(why.code(), errc::unavailable);
  EXPECT_EQ(why.message(), "STS answered 403: AccessDenied: User is not authorized");
  begin(source);
  answer(502, "bad gateway");
  EXPECT_EQ(why.message(), "STS answered 502");
  for (const auto* bad : {"", "<a/>", "<Credentials/>", "<Credentials><AccessKeyId>A</AccessKeyId>",
                          "{\"AccessKeyId\":1}"}) {
    begin(source);
    answer(200, bad);
    EXPECT_EQ(why.message(), "STS: the answer has no credentials") << bad;
  }
}

TEST_F(Aws, AWebIdentityStandsForAKey) {
  config.access_key.clear();
  config.secret_key = {};
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/token";
  variables["AWS_ROLE_ARN"] = "arn:pod";
  variables["AWS_ROLE_SESSION_NAME"] = "pod";
  begin_role();
  EXPECT_EQ(why.code(), errc::not_found);
  files.put("/token", "the.jwt\n");
  config.role_arn = "arn:other";
  auto ask = begin_role();
  auto form = form_of(ask);
  EXPECT_EQ(form.at("Action"), "AssumeRoleWithWebIdentity");
  EXPECT_EQ(form.at("RoleArn"), "arn:pod");
  EXPECT_EQ(form.at("RoleSessionName"), "pod");
  EXPECT_EQ(form.at("WebIdentityToken"), "the.jwt");
  EXPECT_EQ(line_of(ask, "Authorization"), "");
  ask = answer(200, good_answer);
  form = form_of(ask);
  EXPECT_EQ(form.at("Action"), "AssumeRole");
  EXPECT_EQ(form.at("RoleArn"), "arn:other");
  EXPECT_THAT(line_of(ask, "Authorization"), HasSubstr("Credential=ASIA/"));
  EXPECT_EQ(line_of(ask, "X-Amz-Security-Token"), "temp-token");
  answer(200, good_answer);
  EXPECT_TRUE(given);
}

const std::string key_answer =
    R"({"Code":"Success","AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t",)"
    R"("Expiration":"2015-08-30T18:36:00Z"})";

class AwsMachine : public Aws {
 protected:
  AwsMachine() {
    config.access_key.clear();
    config.secret_key = {};
  }
};

TEST_F(AwsMachine, AMachineOfEc2IsAskedForItsRole) {
  auto ask = begin_role();
  EXPECT_EQ(ask.method, "PUT");
  EXPECT_EQ(ask.url, "http://169.254.169.254/latest/api/token");
  EXPECT_EQ(line_of(ask, "X-aws-ec2-metadata-token-ttl-seconds"), "21600");
  ask = answer(200, "token");
  EXPECT_EQ(ask.url, "http://169.254.169.254/latest/meta-data/iam/security-credentials/");
  EXPECT_EQ(line_of(ask, "X-aws-ec2-metadata-token"), "token");
  ask = answer(200, "my role\nother");
  EXPECT_EQ(ask.url, "http://169.254.169.254/latest/meta-data/iam/security-credentials/my%20role");
  answer(200, key_answer);
  EXPECT_EQ(given->lifetime_ms, 6 * 3'600'000);
  EXPECT_EQ(header_of(authorized(), "X-Amz-Security-Token"), "t");
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1/";
  EXPECT_EQ(begin_role().url, "http://127.0.0.1:1/latest/api/token");
  answer(403, "");
  EXPECT_EQ(why.message(), "the metadata server answered 403");
  begin_role();
  answer(200, "two\r\nlines");
  EXPECT_EQ(why.message(), "the metadata server's token is no header value");
  variables["AWS_EC2_METADATA_DISABLED"] = "true";
  begin_role();
  EXPECT_EQ(why.message(),
            "no credentials in the block, the environment or the shared credentials file");
  config.profile = "p";
  begin_role();
  EXPECT_EQ(why.message(), "no credentials of profile \"p\" in the shared credentials file");
}

TEST_F(AwsMachine, AContainerIsToldWhomToAsk) {
  config.role_arn = "arn:other";
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/token";
  files.put("/token", "jwt\n");
  auto ask = begin_role();
  EXPECT_EQ(ask.url, "http://169.254.170.23/v1/credentials");
  EXPECT_EQ(line_of(ask, "Authorization"), "jwt");
  EXPECT_EQ(form_of(answer(200, key_answer)).at("RoleArn"), "arn:other");
  begin_role();
  answer(200, R"({"AccessKeyId":"A"})");
  EXPECT_EQ(why.message(), "the metadata server's answer has no credentials");
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://thief.example/";
  begin_role();
  EXPECT_EQ(why.message(), "AWS_CONTAINER_CREDENTIALS_FULL_URI is no https URL");
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/x";
  EXPECT_EQ(begin_role().url, "http://169.254.170.2/v2/x");
}

TEST_F(Aws, WhereTheServiceIs) {
  const auto url = [this](const std::string& region, bool fips) {
    return sts_url(region, fips, around());
  };
  EXPECT_EQ(url("us-east-1", true), "https://sts-fips.us-east-1.amazonaws.com/");
  EXPECT_EQ(url("us-gov-west-1", true), "https://sts.us-gov-west-1.amazonaws.com/");
  EXPECT_EQ(url("cn-north-1", false), "https://sts.cn-north-1.amazonaws.com.cn/");
  variables["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1";
  EXPECT_EQ(url("us-east-1", false), "http://127.0.0.1:1");
  variables["AWS_ENDPOINT_URL_STS"] = "http://127.0.0.1:2";
  EXPECT_EQ(url("us-east-1", true), "http://127.0.0.1:2");
  variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  EXPECT_EQ(url("us-east-1", false), "https://sts.us-east-1.amazonaws.com/");
}

}  // namespace
}  // namespace troupe::credentials
