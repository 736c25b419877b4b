#include "config/check.h"

#include "tests/config/config_fixture.h"

#include <gtest/gtest.h>

namespace troupe::config {
namespace {

class check_test : public ::testing::Test {
 protected:
  check_test() { EXPECT_TRUE(fs_.create_directories("/e/r").ok()); }

  int check(std::vector<std::string> files, bool syntax_only = false) {
    out_.clear();
    err_.clear();
    return check_config_files({std::move(files), syntax_only}, fs_, no_environment(), out_, err_);
  }

  support::sim_file_system fs_{1};
  std::string out_, err_;
};

TEST_F(check_test, good_files) {
  fs_.put("/e/a.yml", "rule_files: [r/*.yml]\nscrape_configs: [{job_name: a}]\n");
  fs_.put("/e/r/x.yml",
          "groups: [{name: g, rules: [{record: a, expr: b}, {alert: c, expr: d}]}]\n");
  fs_.put("/e/b.yml", "");
  EXPECT_EQ(check({"/e/a.yml", "/e/b.yml"}), 0);
  EXPECT_EQ(out_,
            "Checking /e/a.yml\n"
            "  SUCCESS: 1 rule files found\n"
            "Checking /e/r/x.yml\n"
            "  SUCCESS: 2 rules found\n"
            " SUCCESS: /e/a.yml is valid prometheus config file syntax\n\n"
            "Checking /e/b.yml\n"
            " SUCCESS: /e/b.yml is valid prometheus config file syntax\n\n");
  EXPECT_EQ(err_, "");
}

TEST_F(check_test, every_error_of_every_file) {
  fs_.put("/e/a.yml", "a: 1\nb: 2\n");
  fs_.put("/e/b.yml", "scrape_configs: [{job_name: x, scheme: [y]}]\n");
  EXPECT_EQ(check({"/e/a.yml", "/e/b.yml", "/e/c.yml"}), 1);
  EXPECT_EQ(err_.substr(0, err_.find("/e/c.yml")),
            "  FAILED: /e/a.yml:1:1: a: unknown field\n"
            "  FAILED: /e/a.yml:2:1: b: unknown field\n"
            "  FAILED: /e/b.yml:1:40: scrape_configs[0].scheme: must be a string, not a list\n"
            "  FAILED: ");
  EXPECT_EQ(out_, "Checking /e/a.yml\nChecking /e/b.yml\nChecking /e/c.yml\n");
}

TEST_F(check_test, files_that_are_named_must_exist) {
  fs_.put("/e/a.yml",
          "rule_files: [r/none.yml, r/*.yml]\n"
          "scrape_config_files: [jobs.yml]\n"
          "scrape_configs:\n"
          "- job_name: x\n"
          "  basic_auth: {password_file: pw}\n"
          "  tls_config: {ca_file: ca, cert_file: cert, key_file: key}\n"
          "  http_headers: {X-A: {files: [h]}}\n"
          "  file_sd_configs: [{files: [none.yml, bad.yml]}]\n"
          "  static_configs: [{targets: [a, a]}]\n"
          "- job_name: y\n"
          "  authorization: {credentials_file: token}\n");
  fs_.put("/e/ca", "");
  fs_.put("/e/bad.yml", "- target: [a]\n");
  EXPECT_EQ(check({"/e/a.yml"}), 1);
  EXPECT_EQ(err_,
            "  WARNING: /e/a.yml: scrape config file \"/e/jobs.yml\": no such file\n"
            "  WARNING: /e/a.yml: basic_auth password file \"/e/pw\": no such file\n"
            "  WARNING: /e/a.yml: http header file \"/e/h\": no such file\n"
            "  WARNING: /e/a.yml: file \"/e/none.yml\" for file_sd in scrape job \"x\" does not "
            "exist\n"
            "  WARNING: /e/a.yml: target \"a\" is listed twice in \"x\"\n"
            "  FAILED: /e/a.yml: rule file \"/e/r/none.yml\" does not point to an existing file\n"
            "  FAILED: /e/a.yml: error checking client cert file \"/e/cert\": no such file\n"
            "  FAILED: /e/a.yml: error checking client key file \"/e/key\": no such file\n"
            "  FAILED: /e/a.yml: /e/bad.yml:1:3: [0].target: unknown field\n"
            "  FAILED: /e/a.yml: error checking authorization credentials file \"/e/token\": no "
            "such file\n");
  EXPECT_EQ(check({"/e/a.yml"}, true), 0) << err_;
}

// tests/e2e/promtool_test.py compares the verdicts with promtool's.
TEST_F(check_test, files_that_promtool_does_not_look_for_are_told) {
  const std::string client =
      "{authorization: {credentials_file: t}, tls_config: {ca_file: a, "
      "cert_file: c, key_file: k}";
  fs_.put("/e/a.yml", "remote_write: [" + client + ", url: 'http://x'}]\n" + "remote_read: [" +
                          client + ", url: 'http://x'}]\n" + "alerting: {alertmanagers: [" +
                          client + "}]}\n" +
                          "scrape_configs:\n- job_name: a\n  http_sd_configs: [" + client +
                          ", url: 'http://x'}]\n");
  EXPECT_EQ(check({"/e/a.yml"}), 0);
  size_t told = 0;
  for (size_t at = 0; (at = err_.find("WARNING: /e/a.yml: ", at)) != std::string::npos; ++at)
    ++told;
  EXPECT_EQ(told, 16u) << err_;
  fs_.put("/e/k.yml",
          "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, api_server: "
          "'http://k', authorization: {credentials_file: t}, tls_config: {cert_file: c, key_file: "
          "k}}]}]\n");
  EXPECT_EQ(check({"/e/k.yml"}), 1);
  EXPECT_NE(err_.find("FAILED: /e/k.yml: error checking client cert file"), std::string::npos);
  EXPECT_NE(err_.find("WARNING: /e/k.yml: authorization credentials file"), std::string::npos);
}

TEST_F(check_test, expressions_are_checked_by_who_can) {
  fs_.put("/e/a.yml", "rule_files: [r/x.yml]\n");
  fs_.put("/e/r/x.yml", "groups: [{name: g, rules: [{record: a, expr: \"b(\"}]}]\n");
  load_options o = no_environment();
  o.check_expression = [](std::string_view) {
    return status(errc::invalid_argument, "1:3: parse error: unclosed left parenthesis");
  };
  EXPECT_EQ(check_config_files({{"/e/a.yml"}, false}, fs_, o, out_, err_), 1);
  EXPECT_EQ(err_,
            "  FAILED: /e/r/x.yml:1:40: groups[0].rules[0].expr: could not parse expression: 1:3: "
            "parse error: unclosed left parenthesis\n");
}

}  // namespace
}  // namespace troupe::config
