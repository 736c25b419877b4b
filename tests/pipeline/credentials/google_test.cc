#include "tests/pipeline/credentials/talk_kit.h"
#include "tests/pipeline/http/test_certificates.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace troupe::credentials {
namespace {

class Google : public TalkTest {
 protected:
  http::transfer_spec begin_talk() { return begin(google_grants(config, around())); }
  config::google_iam_config config{"/g.json"};
};

TEST_F(Google, AServiceAccountSignsAToken) {
  const http::test::test_rsa_key key;
  files.put("/g.json",
            boost::json::serialize(boost::json::object{{"type", "service_account"},
                                                       {"client_email", "a@p.example"},
                                                       {"private_key_id", "k1"},
                                                       {"private_key", key.pem()},
                                                       {"quota_project_id", "p"},
                                                       {"token_uri", "http://127.0.0.1:1/token"}}));
  const auto ask = begin_talk();
  EXPECT_EQ(ask.url, "http://127.0.0.1:1/token");
  const auto form = form_of(ask);
  EXPECT_EQ(form.at("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
  const auto& jwt = form.at("assertion");
  EXPECT_EQ(http::test::jwt_part(jwt, 0), R"({"alg":"RS256","typ":"JWT","kid":"k1"})");
  EXPECT_EQ(http::test::jwt_part(jwt, 1),
            R"({"iss":"a@p.example","scope":"https://www.googleapis.com/auth/monitoring.write",)"
            R"("aud":"http://127.0.0.1:1/token","iat":1440938150,"exp":1440941750})");
  EXPECT_TRUE(key.has_signed(jwt));
  answer(200, R"({"access_token":"T","expires_in":3599,"token_type":"Bearer"})");
  const auto headers = authorized();
  EXPECT_EQ(header_of(headers, "Authorization"), "Bearer T");
  EXPECT_EQ(header_of(headers, "X-Goog-User-Project"), "p");
  begin_talk();
  answer(400, R"({"error":"invalid_grant","error_description":"Invalid JWT Signature."})");
  EXPECT_EQ(why.message(), "the token server answered 400: invalid_grant: Invalid JWT Signature.");
}

TEST_F(Google, AUsersRefreshToken) {
  config.credentials_file.clear();
  variables["GOOGLE_APPLICATION_CREDENTIALS"] = "/user.json";
  files.put(
      "/user.json",
      R"({"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r"})");
  const auto ask = begin_talk();
  EXPECT_EQ(ask.url, "https://oauth2.googleapis.com/token");
  EXPECT_EQ(form_of(ask), (std::map<std::string, std::string>{{"grant_type", "refresh_token"},
                                                              {"client_id", "c"},
                                                              {"client_secret", "s"},
                                                              {"refresh_token", "r"}}));
}

TEST_F(Google, TheMetadataServerWithoutAFile) {
  config.credentials_file.clear();
  auto ask = begin_talk();
  EXPECT_EQ(ask.url,
            "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token?"
            "scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fmonitoring.write");
  EXPECT_EQ(line_of(ask, "Metadata-Flavor"), "Google");
  variables["GCE_METADATA_HOST"] = "127.0.0.1:1";
  EXPECT_TRUE(begin_talk().url.starts_with("http://127.0.0.1:1/computeMetadata/"));
  files.put("/h/.config/gcloud/application_default_credentials.json",
            R"({"type":"authorized_user"})");
  EXPECT_EQ(form_of(begin_talk()).at("grant_type"), "refresh_token");
}

TEST_F(Google, WhatAFileMustBe) {
  begin_talk();
  EXPECT_EQ(why.code(), errc::not_found);
  files.put("/g.json", "[]");
  begin_talk();
  EXPECT_EQ(why.message(), "/g.json is no JSON object");
  files.put("/g.json", R"({"type":"external_account"})");
  begin_talk();
  EXPECT_EQ(why.message(),
            "/g.json: credentials of type \"external_account\" are not supported, only "
            "service_account and authorized_user");
  files.put("/g.json", R"({"type":"service_account","private_key":"canary"})");
  begin_talk();
  EXPECT_EQ(why.message(), "the private key is no RSA key in PEM");
}

}  // namespace
}  // namespace troupe::credentials
