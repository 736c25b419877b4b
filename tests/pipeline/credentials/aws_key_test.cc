#include "pipeline/credentials/aws_key.h"

#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

#include <map>

namespace troupe::credentials {
namespace {

class AwsKey : public testing::Test {
 protected:
  result<http::sigv4_key> key() {
    return aws_key(config, {[this](const std::string& name) { return variables[name]; }, &files});
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

TEST_F(AwsKey, NoneIsNoError) {
  config.region = "r";
  ASSERT_TRUE(key().ok());
  EXPECT_EQ(key()->access_key, "");
}

}  // namespace
}  // namespace troupe::credentials
