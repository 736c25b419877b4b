// Canaries in every text of a client configuration: none may come out unless it is declared public.
#include "config/schema.h"
#include "config/yaml_printer.h"
#include "tests/config/config_fixture.h"

#include <gtest/gtest.h>

namespace troupe::config {
namespace {

// Reads as if every key were there, with a canary in every text; notes which keys are public.
class canary_planter final : public fields {
 public:
  std::string canary(std::string_view key) {
    planted.push_back("canary" + std::to_string(planted.size()) + "_" + std::string(key));
    return planted.back();
  }
  std::vector<std::string> planted;
  std::vector<std::string> open;  ///< planted where a description says it may be printed

  bool reading() const override { return true; }
  bool has(std::string_view) const override { return true; }
  void invalid(std::string_view, std::string) override {}
  void display(std::string_view, const display_value&) override {}
  void text(std::string_view key, std::string& v, shown s, when) override { plant(key, v, s); }
  void secret_text(std::string_view key, secret& v) override {
    // The old spelling of authorization excludes the new one.
    if (!key.starts_with("bearer_token"))
      v = secret(canary(key));
  }
  void url(std::string_view key, std::string& v) override {
    v = "http://" + canary(key) + ":" + canary(key) + "@host/p?k=" + canary(key);
  }
  void path(std::string_view key, std::string& v) override {
    if (!key.starts_with("bearer_token"))
      plant(key, v, shown::yes);
  }
  void flag(std::string_view, bool&, when) override {}
  void integer(std::string_view, int64_t&, when) override {}
  void count(std::string_view, uint64_t&, when) override {}
  void number(std::string_view, double&, when) override {}
  void duration(std::string_view, int64_t&, when) override {}
  void bytes(std::string_view, uint64_t&, when) override {}
  void texts(std::string_view key, std::vector<std::string>& v, shown s) override {
    v.resize(1);
    plant(key, v[0], s);
  }
  void paths(std::string_view key, std::vector<std::string>& v) override {
    v.resize(1);
    plant(key, v[0], shown::yes);
  }
  void secrets(std::string_view key, std::vector<secret>& v) override {
    v.assign(1, secret(canary(key)));
  }
  void text_map(std::string_view key, std::map<std::string, std::string>& v, shown s) override {
    plant(key, v["name"], s);
  }
  void secret_map(std::string_view key, std::map<std::string, secret>& v) override {
    v["name"] = secret(canary(key));
  }
  void texts_map(std::string_view key, std::map<std::string, std::vector<std::string>>& v,
                 shown s) override {
    v["name"].resize(1);
    plant(key, v["name"][0], s);
  }
  void secrets_map(std::string_view key, std::map<std::string, std::vector<secret>>& v) override {
    v["name"].assign(1, secret(canary(key)));
  }
  void pick(std::string_view, size_t&, std::span<const std::string_view>, when, bool) override {}
  void picks(std::string_view, std::vector<size_t>&, std::span<const std::string_view>) override {}
  bool enter(std::string_view, when) override { return true; }
  size_t enter_list(std::string_view, size_t) override { return 1; }
  bool enter_item(size_t) override { return true; }
  std::optional<std::vector<std::string>> enter_map(std::string_view,
                                                    const std::vector<std::string>&) override {
    return std::vector<std::string>{"X-Name"};
  }
  void leave() override {}

 private:
  void plant(std::string_view key, std::string& v, shown s) {
    v = canary(key);
    if (s == shown::yes)
      open.push_back(v);
  }
};

template <class T>
void expect_no_leak(std::string_view what) {
  T c;
  canary_planter planter;
  describe(planter, c);
  ASSERT_GT(planter.planted.size(), planter.open.size()) << what;
  yaml_printer printer;
  describe(printer, c);
  const auto text = printer.text();
  for (const auto& canary : planter.planted) {
    const bool may_show =
        std::find(planter.open.begin(), planter.open.end(), canary) != planter.open.end();
    EXPECT_EQ(text.find(canary) != std::string::npos, may_show) << what << ": " << canary << "\n"
                                                                << text;
  }
}

TEST(secrets, no_canary_comes_out) {
  expect_no_leak<http_client_config>("http client");
  expect_no_leak<oauth2_config>("oauth2");
  expect_no_leak<http_sd_config>("http_sd");
  expect_no_leak<job_draft>("job");
  expect_no_leak<alertmanager_config>("alertmanager");
  expect_no_leak<remote_write_config>("remote_write");
  expect_no_leak<remote_read_config>("remote_read");
  expect_no_leak<tracing_config>("tracing");
  expect_no_leak<web_config>("web");
}

// What may be printed, by name: a new public text must be added here on purpose.
TEST(secrets, public_texts_are_a_pinned_list) {
  http_client_config c;
  canary_planter planter;
  describe(planter, c);
  std::set<std::string> keys;
  for (const auto& o : planter.open)
    keys.insert(o.substr(o.find('_') + 1));
  EXPECT_EQ(keys, (std::set<std::string>{"audience",
                                         "ca",
                                         "ca_file",
                                         "cert",
                                         "cert_file",
                                         "client_certificate_key_file",
                                         "client_certificate_key_id",
                                         "client_id",
                                         "client_secret_file",
                                         "credentials_file",
                                         "files",
                                         "grant_type",
                                         "iss",
                                         "key_file",
                                         "max_version",
                                         "min_version",
                                         "no_proxy",
                                         "password_file",
                                         "scopes",
                                         "server_name",
                                         "signature_algorithm",
                                         "type",
                                         "username",
                                         "username_file",
                                         "values"}));
}

TEST(secrets, whole_files_do_not_leak) {
  const auto loaded = load_text(
      "scrape_configs:\n"
      "- job_name: a\n"
      "  basic_auth: {username: u, password: CANARY}\n"
      "  tls_config: {cert_file: a, key: CANARY}\n"
      "  proxy_url: http://u:CANARY@p\n"
      "  proxy_connect_header: {A: [CANARY]}\n"
      "  http_headers: {X-A: {secrets: [CANARY]}}\n"
      "  http_sd_configs: [{url: \"http://CANARY@h/?t=CANARY\", authorization: {credentials: "
      "CANARY}}]\n"
      "  consul_sd_configs: [{token: CANARY, password: CANARY, server: \"http://u:CANARY@h\"}]\n"
      "  stackit_sd_configs: [{project: p, private_key: CANARY, service_account_key: CANARY}]\n"
      "  ovhcloud_sd_configs: [{application_key: a, application_secret: CANARY, consumer_key: "
      "CANARY, service: vps}]\n"
      "  triton_sd_configs: [{account: a, dns_suffix: b, endpoint: c, tls_config: {cert_file: d, "
      "key: CANARY}}]\n"
      "- job_name: b\n"
      "  bearer_token: CANARY\n"
      "- job_name: c\n"
      "  oauth2: {client_id: a, client_secret: CANARY, token_url: \"http://u:CANARY@h\", "
      "endpoint_params: {password: CANARY}, claims: {a: CANARY}}\n"
      "alerting: {alertmanagers: [{sigv4: {access_key: a, secret_key: CANARY}}]}\n"
      "remote_write: [{url: \"http://u:CANARY@h\", headers: {X-Token: CANARY}, azuread: {oauth: "
      "{client_id: a, client_secret: CANARY, tenant_id: b}}}]\n"
      "tracing: {endpoint: \"h:1\", headers: {X-Token: CANARY}}\n");
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  const auto text = to_yaml(*loaded.value);
  EXPECT_EQ(text.find("CANARY"), std::string::npos) << text;
  EXPECT_NE(text.find("password: <secret>"), std::string::npos) << text;
}

TEST(secrets, errors_do_not_quote_them) {
  EXPECT_EQ(errors_of("scrape_configs:\n- job_name: a\n  basic_auth: {password: [CANARY]}\n"),
            "c.yml:3:26: scrape_configs[0].basic_auth.password: must be a string, not a list");
  const auto text = errors_of(
      "scrape_configs:\n- job_name: a\n  basic_auth: CANARY\n  authorization: CANARY\n"
      "  proxy_connect_header: CANARY\n  http_headers: {X-A: {secrets: CANARY}}\n"
      "  http_sd_configs: [{url: \"CANARY@h\"}]\n");
  EXPECT_EQ(text.find("CANARY"), std::string::npos) << text;
}

}  // namespace
}  // namespace troupe::config
