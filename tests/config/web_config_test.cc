#include "config/web_config.h"

#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

namespace troupe::config {
namespace {

constexpr std::string_view hash = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";

std::string errors_of_web(std::string_view text) {
  diagnostics errors;
  const auto r = parse_web_config(text, "/e/web.yml", errors);
  EXPECT_EQ(r.ok(), errors.empty());
  return join(errors);
}

web_config must_parse(std::string_view text) {
  diagnostics errors;
  auto r = parse_web_config(text, "/e/web.yml", errors);
  EXPECT_TRUE(r.ok()) << join(errors);
  return r.ok() ? *r : web_config{};
}

TEST(web_config_file, empty_is_valid) {
  EXPECT_EQ(must_parse(""), web_config{});
  EXPECT_FALSE(must_parse("").use_tls);
}

TEST(web_config_file, reads_every_key) {
  const auto c = must_parse(
      "tls_server_config:\n"
      "  cert_file: a.crt\n"
      "  key_file: /k/a.key\n"
      "  client_ca_file: ca.crt\n"
      "  client_auth_type: RequireAndVerifyClientCert\n"
      "  client_allowed_sans: [a.b]\n"
      "  min_version: TLS13\n"
      "  max_version: TLS13\n"
      "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n"
      "  curve_preferences: [X25519, CurveP521]\n"
      "  prefer_server_cipher_suites: false\n"
      "http_server_config:\n"
      "  http2: false\n"
      "  headers: {X-Frame-Options: DENY, X-Content-Type-Options: nosniff, X-XSS-Protection: "
      "\"1\", "
      "Content-Security-Policy: x, Strict-Transport-Security: y}\n"
      "basic_auth_users: {alice: \"" +
      std::string(hash) +
      "\"}\n"
      "rate_limit: {interval: 1s, burst: 20}\n");
  EXPECT_TRUE(c.use_tls);
  EXPECT_EQ(c.tls.cert_file, "/e/a.crt");
  EXPECT_EQ(c.tls.key_file, "/k/a.key");
  EXPECT_EQ(c.tls.client_ca_file, "/e/ca.crt");
  EXPECT_EQ(c.tls.client_auth_type, "RequireAndVerifyClientCert");
  EXPECT_EQ(c.tls.client_allowed_sans.size(), 1u);
  EXPECT_EQ(c.tls.min_version, "TLS13");
  EXPECT_EQ(c.tls.curve_preferences.size(), 2u);
  EXPECT_FALSE(c.tls.prefer_server_cipher_suites);
  EXPECT_FALSE(c.http2);
  EXPECT_EQ(c.headers.size(), 5u);
  EXPECT_EQ(c.basic_auth_users.at("alice").reveal(), hash);
  EXPECT_EQ(c.rate_limit, (web_rate_limit{1000, 20}));
}

TEST(web_config_file, good_variants) {
  const std::string tls = "tls_server_config: {cert_file: a, key_file: b";
  for (const auto& text : std::vector<std::string>{
           tls + "}\n", "tls_server_config: {cert: a, key: b}\n",
           tls + ", client_auth_type: RequireAnyClientCert, client_allowed_sans: [x]}\n",
           tls + ", client_auth_type: VerifyClientCertIfGiven, client_ca: x}\n",
           tls + ", client_auth_type: NoClientCert}\n",
           tls + ", cipher_suites: [TLS_AES_256_GCM_SHA384]}\nhttp_server_config: {http2: false}\n",
           "basic_auth_users: {}\n", "http_server_config: {headers: {X-Frame-Options: \"\"}}\n",
           "rate_limit: {interval: 0s, burst: 0}\n"})
    EXPECT_EQ(errors_of_web(text), "") << text;
  EXPECT_EQ(must_parse(tls + ", client_auth_type: RequireClientCert}\n").tls.client_auth_type,
            "RequireAnyClientCert");
  EXPECT_TRUE(must_parse("http_server_config: {http2: true}\n").http2_asked);
  EXPECT_FALSE(must_parse("http_server_config: {}\n").http2_asked);
}

TEST(web_config_file, bad_variants) {
  const std::string tls = "tls_server_config: {cert_file: a, key_file: b";
  const std::pair<std::string, std::string> cases[] = {
      {"junk: 1\n", "/e/web.yml:1:1: junk: unknown field"},
      {"tls_server_config: {cert_file: a}\n",
       "/e/web.yml:1:1: tls_server_config: missing one of key or key_file"},
      {"tls_server_config: {key: a}\n",
       "/e/web.yml:1:1: tls_server_config: missing one of cert or cert_file"},
      {"tls_server_config: {client_auth_type: RequireAnyClientCert}\n",
       "/e/web.yml:1:1: tls_server_config: missing one of cert or cert_file\n"
       "/e/web.yml:1:1: tls_server_config: missing one of key or key_file"},
      {tls + ", client_ca_file: c}\n",
       "/e/web.yml:1:1: tls_server_config: client CA's have been configured without a Client Auth "
       "Policy"},
      {tls + ", client_auth_type: Maybe}\n",
       "/e/web.yml:1:48: tls_server_config.client_auth_type: invalid client_auth_type: Maybe"},
      {tls + ", client_auth_type: RequestClientCert, client_allowed_sans: [x]}\n",
       "/e/web.yml:1:85: tls_server_config.client_allowed_sans: client_allowed_sans requires "
       "client_auth_type to be one of RequireAnyClientCert or RequireAndVerifyClientCert"},
      {tls + ", min_version: TLS111}\n",
       "/e/web.yml:1:48: tls_server_config.min_version: unknown TLS version: TLS111"},
      {tls + ", min_version: TLS13, max_version: TLS12}\n",
       "/e/web.yml:1:68: tls_server_config.max_version: must not be lower than min_version"},
      {tls + ", cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}\nhttp_server_config: {http2: false}\n",
       "/e/web.yml:1:64: tls_server_config.cipher_suites[0]: unknown cipher: "
       "TLS_RSA_WITH_RC4_128_SHA"},
      {tls + ", cipher_suites: [TLS_AES_256_GCM_SHA384]}\n",
       "/e/web.yml:1:48: tls_server_config.cipher_suites: HTTP/2 requires "
       "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256; add one "
       "or set http_server_config.http2 to false"},
      {tls + ", curve_preferences: [CurveP257]}\n",
       "/e/web.yml:1:68: tls_server_config.curve_preferences[0]: unknown curve: CurveP257"},
      {"http_server_config: {headers: {Server: x}}\n",
       "/e/web.yml:1:32: http_server_config.headers.Server: HTTP header \"Server\" can not be "
       "configured"},
      {"http_server_config: {headers: {X-Frame-Options: allow}}\n",
       "/e/web.yml:1:32: http_server_config.headers.X-Frame-Options: invalid value, must be deny "
       "or sameorigin"},
      {"http_server_config: {headers: {X-Content-Type-Options: sniff}}\n",
       "/e/web.yml:1:32: http_server_config.headers.X-Content-Type-Options: invalid value, must be "
       "nosniff"},
      {"http_server_config: {headers: {X-XSS-Protection: \"a\\nb\"}}\n",
       "/e/web.yml:1:32: http_server_config.headers.X-XSS-Protection: must be one line"},
      {"basic_auth_users: {a: plain}\n",
       "/e/web.yml:1:20: basic_auth_users.a: the password must be a bcrypt hash"},
      {"basic_auth_users: {a: \"$2y$99$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG\"}\n",
       "/e/web.yml:1:20: basic_auth_users.a: the password must be a bcrypt hash"},
      {"basic_auth_users: {\"a:b\": \"" + std::string(hash) + "\"}\n",
       "/e/web.yml:1:20: basic_auth_users[\"a:b\"]: a user's name must not be empty or hold a "
       "colon"},
      {"basic_auth_users: [a]\n",
       "/e/web.yml:1:19: basic_auth_users: must be a mapping, not a list"},
      {"rate_limit: {interval: fast}\n",
       "/e/web.yml:1:24: rate_limit.interval: not a valid duration string: \"fast\""},
      {"rate_limit: {interval: 1s}\n",
       "/e/web.yml:1:1: rate_limit.burst: must be at least 1, or every request is refused"},
      {"rate_limit: {burst: -1}\n", "/e/web.yml:1:14: rate_limit.burst: must be at least 0"}};
  for (const auto& [text, errors] : cases)
    EXPECT_EQ(errors_of_web(text), errors) << text;
}

TEST(web_config_file, is_loaded_from_disk) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("/e").ok());
  EXPECT_EQ(load_web_config(fs, "/e/none.yml").code(), errc::not_found);
  fs.put("/e/web.yml", "http_server_config: {http2: 5}\n");
  EXPECT_EQ(load_web_config(fs, "/e/web.yml").error().message(),
            "/e/web.yml:1:29: http_server_config.http2: must be true or false, not \"5\"");
  fs.put("/e/web.yml", "http_server_config: {http2: no}\n");
  EXPECT_FALSE(load_web_config(fs, "/e/web.yml")->http2);
}

}  // namespace
}  // namespace troupe::config
