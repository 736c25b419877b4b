// Server and fetcher against each other over TLS, with certificates made on the spot.
#include "tests/pipeline/http/client_fixture.h"
#include "tests/pipeline/http/server_fixture.h"
#include "tests/pipeline/http/test_certificates.h"

#include <filesystem>
#include <fstream>

namespace troupe::http::test {
namespace {

class TlsTest : public client_fixture {
 protected:
  TlsTest() {
    folder_ = std::filesystem::temp_directory_path() /
              ("troupe-tls-" + std::to_string(reinterpret_cast<uintptr_t>(this)) + "-" +
               std::to_string(clock_.monotonic_ns()));
    std::filesystem::create_directories(folder_);
    put_server_pair(authority_.issue("server", "DNS:server.example,IP:127.0.0.1"));
    put("client_ca.pem", client_authority_.pem());
  }
  ~TlsTest() override {
    fetcher_.stop();
    if (server_)
      server_->drain(0);
    std::filesystem::remove_all(folder_);
  }

  void put(const std::string& name, const std::string& text) {
    std::string next = folder_ / "next";
    std::ofstream(next) << text;
    std::filesystem::rename(next, folder_ / name);
  }
  void put_server_pair(const pem_pair& p) {
    put("key.pem", p.key);
    put("cert.pem", p.cert);
  }
  void start(const std::string& more = "") {
    put("web.yml", "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n" + more);
    server_options o;
    o.listen = {"127.0.0.1:0"};
    o.web_config_file = folder_ / "web.yml";
    o.limits.header_timeout_ms = 1000;
    auto handle = [](request&& r, responder respond) {
      respond({.body = r.tls ? "secure" : "plain"});
    };
    server_ = std::make_unique<server>(o, handle, *files_, clock_, stats_);
    status s = server_->start();
    ASSERT_TRUE(s.ok()) << s.to_string();
    EXPECT_TRUE(server_->secure());
  }
  config::http_client_config trusting() const {
    config::http_client_config c;
    c.tls.ca = authority_.pem();
    return c;
  }
  config::http_client_config with_certificate(const pem_pair& p) const {
    auto c = trusting();
    c.tls.cert = p.cert;
    c.tls.key = secret(p.key);
    return c;
  }
  fetch_result ask(const config::http_client_config& c) {
    return get(fetcher_, to("https://" + server_->addresses()[0] + "/x", c));
  }

  std::filesystem::path folder_;
  test_authority authority_{"test authority"};
  test_authority client_authority_{"client authority"};
  registry stats_;
  std::unique_ptr<server> server_;
  asio_fetcher fetcher_{{}, clock_, nullptr};
};

TEST_F(TlsTest, TalksAndKeepsTheConnection) {
  start();
  auto e = to("https://" + server_->addresses()[0] + "/x", trusting());
  for (int i = 0; i < 5; ++i) {
    auto got = get(fetcher_, e);
    ASSERT_TRUE(got.error.ok()) << got.error.to_string();
    EXPECT_EQ(got.body, "secure");
  }
  EXPECT_EQ(fetcher_.totals().connects, 1u);
}

TEST_F(TlsTest, RefusesAnUnknownAuthority) {
  start();
  auto got = ask({});
  EXPECT_EQ(got.error.code(), errc::io_error);
  EXPECT_NE(got.error.message().find("certificate"), std::string::npos) << got.error.to_string();
  config::http_client_config careless;
  careless.tls.insecure_skip_verify = true;
  EXPECT_EQ(ask(careless).body, "secure");
}

TEST_F(TlsTest, ChecksTheServersName) {
  start();
  auto c = trusting();
  c.tls.server_name = "server.example";
  EXPECT_EQ(ask(c).body, "secure");
  c.tls.server_name = "other.example";
  auto got = ask(c);
  EXPECT_NE(got.error.message().find("mismatch"), std::string::npos) << got.error.to_string();
}

TEST_F(TlsTest, KeepsToTheVersions) {
  start("  max_version: TLS12\n");
  EXPECT_EQ(ask(trusting()).body, "secure");
  auto c = trusting();
  c.tls.min_version = "TLS13";
  EXPECT_FALSE(ask(c).error.ok());
}

TEST_F(TlsTest, AsksClientsForCertificates) {
  start("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: client_ca.pem\n");
  EXPECT_FALSE(ask(trusting()).error.ok());
  EXPECT_FALSE(ask(with_certificate(authority_.issue("stranger", ""))).error.ok());
  auto got = ask(with_certificate(client_authority_.issue("friend", "")));
  EXPECT_EQ(got.body, "secure") << got.error.to_string();
}

TEST_F(TlsTest, TakesAnyCertificateWhereOnlySomeIsRequired) {
  start("  client_auth_type: RequireAnyClientCert\n");
  EXPECT_FALSE(ask(trusting()).error.ok());
  EXPECT_EQ(ask(with_certificate(authority_.issue("stranger", ""))).body, "secure");
}

TEST_F(TlsTest, ChecksTheNamesOfClients) {
  start(
      "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: client_ca.pem\n"
      "  client_allowed_sans:\n    - scraper.example\n");
  EXPECT_FALSE(
      ask(with_certificate(client_authority_.issue("friend", "DNS:other.example"))).error.ok());
  auto got =
      ask(with_certificate(client_authority_.issue("friend", "DNS:x.example,DNS:scraper.example")));
  EXPECT_EQ(got.body, "secure") << got.error.to_string();
}

TEST_F(TlsTest, TakesANewCertificateForNewConnections) {
  start();
  EXPECT_EQ(ask(trusting()).body, "secure");
  test_authority fresh("fresh authority");
  put_server_pair(fresh.issue("server", "IP:127.0.0.1"));
  EXPECT_FALSE(ask(trusting()).error.ok());
  config::http_client_config c;
  c.tls.ca = fresh.pem();
  auto got = ask(c);
  EXPECT_EQ(got.body, "secure") << got.error.to_string();
}

TEST_F(TlsTest, EndsAHandshakeThatDoesNotCome) {
  start();
  raw_socket silent = raw_socket::connect(server_->addresses()[0]);
  bool ended = false;
  EXPECT_EQ(silent.read_all(5000, &ended), "");
  EXPECT_TRUE(ended);
  raw_socket plain = raw_socket::connect(server_->addresses()[0]);
  plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  plain.read_all(5000, &ended);
  EXPECT_TRUE(ended);
}

TEST_F(TlsTest, NamesTheFileThatCannotBeRead) {
  config::http_client_config c;
  c.tls.ca_file = folder_ / "missing.pem";
  auto made = make_client_settings(c, {files_.get(), "test"});
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message().find("missing.pem"), std::string::npos);
  c = {};
  c.tls.ca = "not a certificate";
  EXPECT_FALSE(make_client_settings(c, {files_.get(), "test"}).ok());
}

TEST_F(TlsTest, ReadsLargeBodies) {
  std::string body(3'000'000, 'z');
  put("web.yml", "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n");
  server_options o;
  o.listen = {"127.0.0.1:0"};
  o.web_config_file = folder_ / "web.yml";
  auto handle = [&](request&& r, responder respond) {
    EXPECT_EQ(r.body, body);
    respond({.body = body});
  };
  server_ = std::make_unique<server>(o, handle, *files_, clock_, stats_);
  ASSERT_TRUE(server_->start().ok());
  fetch_request r;
  r.to = to("https://" + server_->addresses()[0] + "/x", trusting());
  r.method = "POST";
  r.body = body;
  auto got = fetch(fetcher_, std::move(r));
  EXPECT_TRUE(got.error.ok()) << got.error.to_string();
  EXPECT_TRUE(got.body == body);
}

}  // namespace
}  // namespace troupe::http::test
