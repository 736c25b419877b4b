#include "tests/pipeline/credentials/talk_kit.h"

#include <gmock/gmock.h>

namespace troupe::credentials {
namespace {

using testing::HasSubstr;

class Azure : public TalkTest {
 protected:
  http::transfer_spec begin_talk() {
    const auto source = azure_grants(config, around());
    EXPECT_TRUE(source.ok());
    return begin(*source);
  }
  config::azuread_config config;
};

TEST_F(Azure, AClientSecret) {
  config.oauth = {"id", secret("S"), "ten/ant"};
  auto ask = begin_talk();
  EXPECT_EQ(ask.url, "https://login.microsoftonline.com/ten%2Fant/oauth2/v2.0/token");
  auto form = form_of(ask);
  EXPECT_EQ(form.at("grant_type"), "client_credentials");
  EXPECT_EQ(form.at("client_id"), "id");
  EXPECT_EQ(form.at("client_secret"), "S");
  EXPECT_EQ(form.at("scope"), "https://monitor.azure.com//.default");
  EXPECT_TRUE(ask.proxy.proxy_from_environment);
  answer(200, R"({"token_type":"Bearer","expires_in":3599,"access_token":"T"})");
  EXPECT_EQ(header_of(authorized(), "Authorization"), "Bearer T");
  EXPECT_EQ(given->lifetime_ms, 3'599'000);
  config.cloud = "AzureGovernment";
  config.scope = "own";
  ask = begin_talk();
  EXPECT_EQ(ask.url, "https://login.microsoftonline.us/ten%2Fant/oauth2/v2.0/token");
  EXPECT_EQ(form_of(ask).at("scope"), "own");
  answer(401, R"({"error":"invalid_client","error_description":"AADSTS7000215: Invalid."})");
  EXPECT_EQ(why.message(),
            "the token server answered 401: invalid_client: AADSTS7000215: Invalid.");
  config.cloud = "Mars";
  EXPECT_EQ(azure_grants(config, around()).code(), errc::invalid_argument);
}

TEST_F(Azure, AWorkloadIdentityReadsItsTokenEveryTime) {
  config.workload_identity = {"id", "tenant", "/token"};
  begin_talk();
  EXPECT_EQ(why.code(), errc::not_found);
  files.put("/token", "jwt1\n");
  EXPECT_EQ(form_of(begin_talk()).at("client_assertion"), "jwt1");
  files.put("/token", "jwt2");
  variables["AZURE_AUTHORITY_HOST"] = "http://127.0.0.1:1";
  const auto ask = begin_talk();
  EXPECT_EQ(ask.url, "http://127.0.0.1:1/tenant/oauth2/v2.0/token");
  const auto form = form_of(ask);
  EXPECT_EQ(form.at("client_assertion"), "jwt2");
  EXPECT_EQ(form.at("client_assertion_type"),
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  variables["AZURE_AUTHORITY_HOST"] = "http://login.example";
  begin_talk();
  EXPECT_EQ(why.message(), "AZURE_AUTHORITY_HOST is no https URL");
}

TEST_F(Azure, AManagedIdentityOfAMachine) {
  config.managed_identity = {"id"};
  const auto ask = begin_talk();
  EXPECT_EQ(ask.method, "GET");
  EXPECT_EQ(ask.url,
            "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&"
            "resource=https%3A%2F%2Fmonitor.azure.com%2F&client_id=id");
  EXPECT_EQ(line_of(ask, "Metadata"), "true");
  EXPECT_FALSE(ask.proxy.proxy_from_environment);
  answer(200, R"({"access_token":"T","expires_in":"86399","expires_on":"1441024560"})");
  EXPECT_EQ(given->lifetime_ms, 86'399'000);
  variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = "http://127.0.0.1:1/";
  EXPECT_THAT(begin_talk().url, HasSubstr("http://127.0.0.1:1/metadata/identity/oauth2/token?"));
}

TEST_F(Azure, AManagedIdentityOfAService) {
  config.managed_identity = {"id"};
  variables["MSI_ENDPOINT"] = "http://127.0.0.1:1/msi";
  begin_talk();
  EXPECT_EQ(why.message(), "managed identities of Cloud Shell are not supported");
  variables["MSI_SECRET"] = "m";
  auto ask = begin_talk();
  EXPECT_EQ(ask.url,
            "http://127.0.0.1:1/msi?api-version=2017-09-01&"
            "resource=https%3A%2F%2Fmonitor.azure.com%2F&clientid=id");
  EXPECT_EQ(line_of(ask, "secret"), "m");
  variables["IDENTITY_ENDPOINT"] = "http://127.0.0.1:2/token?a=b";
  variables["IDENTITY_HEADER"] = "h";
  ask = begin_talk();
  EXPECT_EQ(ask.url,
            "http://127.0.0.1:2/token?a=b&api-version=2019-08-01&"
            "resource=https%3A%2F%2Fmonitor.azure.com%2F&client_id=id");
  EXPECT_EQ(line_of(ask, "X-IDENTITY-HEADER"), "h");
  answer(200, R"({"access_token":"T","expires_on":"1440941760"})");
  EXPECT_EQ(given->lifetime_ms, 3'600'000);
  variables["IDENTITY_SERVER_THUMBPRINT"] = "t";
  begin_talk();
  EXPECT_EQ(why.message(), "managed identities of Service Fabric are not supported");
  variables["IDENTITY_HEADER"] = "";
  variables["IMDS_ENDPOINT"] = "http://127.0.0.1:3";
  begin_talk();
  EXPECT_EQ(why.message(), "managed identities of Azure Arc are not supported");
}

TEST_F(Azure, TheSdkTakesTheFirstWayThatIsComplete) {
  config.sdk.emplace();
  EXPECT_THAT(begin_talk().url, HasSubstr("http://169.254.169.254/"));
  variables["AZURE_CLIENT_ID"] = "id";
  EXPECT_THAT(begin_talk().url, HasSubstr("&client_id=id"));
  variables["AZURE_FEDERATED_TOKEN_FILE"] = "/token";
  files.put("/token", "jwt");
  config.sdk->tenant_id = "own";
  EXPECT_THAT(begin_talk().url, HasSubstr("/own/oauth2"));
  variables["AZURE_TENANT_ID"] = "tenant";
  EXPECT_THAT(begin_talk().url, HasSubstr("/own/oauth2"));
  variables["AZURE_CLIENT_SECRET"] = "S";
  const auto ask = begin_talk();
  EXPECT_THAT(ask.url, HasSubstr("/tenant/oauth2"));
  EXPECT_EQ(form_of(ask).at("client_secret"), "S");
  variables["AZURE_TOKEN_CREDENTIALS"] = "managedidentitycredential";
  EXPECT_THAT(begin_talk().url, HasSubstr("http://169.254.169.254/"));
  answer(400, R"({"error":"invalid_request","error_description":"Identity not found"})");
  EXPECT_EQ(why.message(),
            "sdk (of its ways EnvironmentCredential with AZURE_CLIENT_SECRET, "
            "WorkloadIdentityCredential and ManagedIdentityCredential are supported): the token "
            "server answered 400: invalid_request: Identity not found");
  variables["AZURE_TOKEN_CREDENTIALS"] = "dev";
  begin_talk();
  EXPECT_EQ(why.code(), errc::unsupported);
  variables["AZURE_TOKEN_CREDENTIALS"] = "prod";
  variables["AZURE_CLIENT_SECRET"] = "";
  variables["AZURE_CLIENT_CERTIFICATE_PATH"] = "/c";
  begin_talk();
  EXPECT_THAT(std::string(why.message()),
              HasSubstr("AZURE_CLIENT_CERTIFICATE_PATH is not supported"));
}

}  // namespace
}  // namespace troupe::credentials
