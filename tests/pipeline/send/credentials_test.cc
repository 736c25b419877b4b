#include "pipeline/send/credentials.h"

#include "pipeline/http/endpoint.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

#include <map>

namespace troupe::send {
namespace {

class AwsKey : public testing::Test {
 protected:
  result<http::sigv4_key> key() {
    return aws_key(
        config, [this](const std::string& name) { return variables[name]; }, files);
  }
  config::sigv4_config config;
  std::map<std::string, std::string> variables{{"HOME", "/h"}};
  support::sim_file_system files{1};
};

TEST_F(AwsKey, OfTheBlock) {
  config.region = "eu-west-1";
  config.access_key = "A";
  config.secret_key = secret("S");
  variables["AWS_ACCESS_KEY_ID"] = "B";
  ASSERT_TRUE(key().ok());
  EXPECT_EQ(key()->access_key, "A");
  EXPECT_EQ(key()->secret_key, "S");
  EXPECT_EQ(key()->service, "aps");
}

TEST_F(AwsKey, OfTheEnvironment) {
  variables["AWS_ACCESS_KEY_ID"] = "B";
  variables["AWS_SECRET_ACCESS_KEY"] = "S";
  variables["AWS_SESSION_TOKEN"] = "T";
  EXPECT_EQ(key().code(), errc::invalid_argument);
  variables["AWS_REGION"] = "us-east-1";
  ASSERT_TRUE(key().ok());
  EXPECT_EQ(key()->session_token, "T");
  EXPECT_EQ(key()->region, "us-east-1");
}

TEST_F(AwsKey, OfTheSharedFiles) {
  files.put("/h/.aws/credentials",
            "[default]\naws_access_key_id = D\naws_secret_access_key = S\n"
            "# other\n[prod]\r\naws_access_key_id=P\r\naws_secret_access_key=Q\r\n");
  files.put("/h/.aws/config", "[default]\nregion = a\n[profile prod]\nregion = b\n");
  ASSERT_TRUE(key().ok());
  EXPECT_EQ(key()->access_key, "D");
  EXPECT_EQ(key()->region, "a");
  config.profile = "prod";
  ASSERT_TRUE(key().ok());
  EXPECT_EQ(key()->secret_key, "Q");
  EXPECT_EQ(key()->region, "b");
}

TEST_F(AwsKey, RolesAreToldToBeMissing) {
  config.role_arn = "arn";
  EXPECT_EQ(key().code(), errc::unsupported);
}

TEST(AzureAd, OauthIsAClientCredentialsGrant) {
  config::remote_write_config c;
  c.azuread.emplace();
  EXPECT_EQ(client_of(c).code(), errc::unsupported);
  c.azuread->oauth = {"id", secret("S"), "tenant"};
  const auto client = client_of(c);
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(client->oauth2->token_url,
            "https://login.microsoftonline.com/tenant/oauth2/v2.0/token");
  EXPECT_EQ(client->oauth2->scopes,
            std::vector<std::string>{"https://monitor.azure.com//.default"});
  c.azuread.reset();
  c.google_iam.emplace();
  EXPECT_EQ(client_of(c).code(), errc::unsupported);
}

}  // namespace
}  // namespace troupe::send
