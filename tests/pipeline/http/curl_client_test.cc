// Fetches through libcurl: a tiny proxy, a tiny token server, and the same rules as for direct
// ones.
#include "pipeline/http/curl_client.h"

#include "pipeline/http/base64.h"
#include "pipeline/http/grant.h"
#include "pipeline/http/gzip_encoder.h"
#include "tests/pipeline/http/client_fixture.h"

namespace troupe::http::test {
namespace {

class CurlClientTest : public client_fixture {
 protected:
  config::http_client_config through(const fake_target& proxy) const {
    config::http_client_config c;
    c.proxy.proxy_url = "http://" + proxy.address();
    return c;
  }
  curl_client client_{{}, clock_};
};

TEST_F(CurlClientTest, AsksTheProxyForPlainTargets) {
  std::string head;
  fake_target proxy([&](raw_socket& s) {
    head = read_head(s);
    s.send(ok_response("through the proxy"));
  });
  auto c = through(proxy);
  c.http_headers["X-Api-Key"].values = {"k"};
  auto e = to("http://target.example:9100/metrics?x=1", c, {{"Accept", "text/plain"}});
  EXPECT_TRUE(e->needs_curl());
  auto got = get(client_, e);
  EXPECT_TRUE(got.error.ok()) << got.error.to_string();
  EXPECT_EQ(got.token, 7u);
  EXPECT_EQ(got.code, 200);
  EXPECT_EQ(got.body, "through the proxy");
  EXPECT_EQ(got.content_type, "text/plain");
  EXPECT_EQ(head.substr(0, head.find("\r\n")),
            "GET http://target.example:9100/metrics?x=1 HTTP/1.1");
  EXPECT_NE(head.find("\r\nHost: target.example:9100\r\n"), head.npos) << head;
  EXPECT_NE(head.find("\r\nX-Api-Key: k\r\n"), head.npos);
  EXPECT_NE(head.find("\r\nAccept: text/plain\r\n"), head.npos);
  EXPECT_NE(head.find("\r\nUser-Agent: troupe-test\r\n"), head.npos);
}

TEST_F(CurlClientTest, OpensATunnelForSecureTargets) {
  std::string head;
  fake_target proxy([&](raw_socket& s) {
    head = read_head(s);
    s.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  });
  auto c = through(proxy);
  c.proxy.proxy_connect_header["X-Proxy-Key"] = {secret("p")};
  c.http_headers["X-Api-Key"].values = {"canary"};
  auto got = get(client_, to("https://target.example/", c));
  EXPECT_FALSE(got.error.ok());
  EXPECT_EQ(head.substr(0, head.find("\r\n")), "CONNECT target.example:443 HTTP/1.1");
  EXPECT_NE(head.find("\r\nX-Proxy-Key: p\r\n"), head.npos) << head;
  EXPECT_EQ(head.find("canary"), head.npos);
}

TEST_F(CurlClientTest, GoesAroundTheProxyWhereToldTo) {
  fake_target proxy([](raw_socket& s) { s.send("HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n"); });
  fake_target target([](raw_socket& s) {
    read_head(s);
    s.send(ok_response("direct"));
  });
  auto c = through(proxy);
  c.proxy.no_proxy = "127.0.0.0/8,other.example";
  EXPECT_EQ(get(client_, to(target.url(), c)).body, "direct");
  EXPECT_EQ(proxy.connections(), 0);
}

TEST_F(CurlClientTest, DecodesWithinTheLimits) {
  std::string packed = gzip(std::string(1'000'000, 'a'));
  fake_target proxy([&](raw_socket& s) {
    read_head(s);
    s.send(ok_response(packed, "Content-Encoding: gzip\r\n"));
  });
  auto e = to("http://target.example/", through(proxy));
  auto got = get(client_, e);
  EXPECT_EQ(got.body.size(), 1'000'000u) << got.error.to_string();
  fetch_request r;
  r.to = e;
  r.max_body_bytes = 500'000;
  EXPECT_EQ(fetch(client_, std::move(r)).error.code(), errc::out_of_bounds);
}

TEST_F(CurlClientTest, StopsAtTheBodyLimitAndTheDeadline) {
  fake_target proxy([](raw_socket& s) {
    bool hang = read_head(s).find("/hang") != std::string::npos;
    if (hang) {
      s.read_all(5000);
      return;
    }
    s.send("HTTP/1.0 200 OK\r\n\r\n");
    while (s.send(std::string(65'536, 'p'))) {
    }
  });
  fetch_request r;
  r.to = to("http://target.example/endless", through(proxy));
  r.max_body_bytes = 1 << 20;
  auto got = fetch(client_, std::move(r));
  EXPECT_EQ(got.error.code(), errc::out_of_bounds);
  EXPECT_EQ(got.error.message(), "body size limit of 1048576 bytes exceeded");
  auto hung = get(client_, to("http://target.example/hang", through(proxy)), 200);
  EXPECT_EQ(hung.error.code(), errc::timeout);
}

TEST_F(CurlClientTest, LeaksNothingByRedirects) {
  std::string seen;
  fake_target proxy([&](raw_socket& s) {
    for (std::string head; !(head = read_head(s)).empty();) {
      if (head.find("thief.example") == head.npos) {
        s.send(
            "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://thief.example/\r\n\r\n");
        continue;
      }
      seen = head;
      s.send(ok_response("stolen?"));
    }
  });
  auto c = through(proxy);
  c.http_headers["X-Api-Key"].secrets = {secret("canary-key")};
  c.authorization.emplace();
  c.authorization->credentials = secret("canary-token");
  auto got = get(client_, to("http://target.example/", c, {{"X-Custom", "canary"}}));
  EXPECT_EQ(got.body, "stolen?") << got.error.to_string();
  EXPECT_EQ(seen.find("canary"), seen.npos) << seen;
}

TEST_F(CurlClientTest, FetchesATokenOnceAndUsesIt) {
  std::string asked;
  int tokens = 0;
  fake_target issuer([&](raw_socket& s) {
    asked = read_head(s);
    asked += s.read_until("audience=aud");
    ++tokens;
    s.send(ok_response(R"({"access_token":"the-token","token_type":"bearer","expires_in":3600})"));
  });
  std::mutex lock;
  std::vector<std::string> heads;
  fake_target target([&](raw_socket& s) {
    for (std::string head; !(head = read_head(s)).empty();) {
      std::lock_guard guard(lock);
      heads.push_back(head);
      s.send(ok_response("x"));
    }
  });
  config::http_client_config c;
  c.oauth2.emplace();
  c.oauth2->client_id = "id";
  c.oauth2->client_secret = secret("pass word");
  c.oauth2->scopes = {"a", "b"};
  c.oauth2->audience = "aud";
  c.oauth2->token_url = issuer.url("/token");
  auto e = to(target.url(), c);
  collector all;
  std::vector<fetch_request> batch(5);
  for (auto& r : batch)
    r.to = e;
  client_.fetch(std::move(batch), all.done());
  for (const auto& r : all.wait(5))
    EXPECT_EQ(r.code, 200) << r.error.to_string();
  EXPECT_EQ(get(client_, e).code, 200);
  EXPECT_EQ(tokens, 1);
  EXPECT_NE(asked.find("Authorization: Basic " + base64_encode("id:pass%20word") + "\r\n"),
            asked.npos)
      << asked;
  EXPECT_NE(asked.find("grant_type=client_credentials&scope=a%20b&audience=aud"), asked.npos)
      << asked;
  std::lock_guard guard(lock);
  ASSERT_EQ(heads.size(), 6u);
  for (const auto& head : heads)
    EXPECT_NE(head.find("\r\nAuthorization: Bearer the-token\r\n"), head.npos) << head;
}

TEST_F(CurlClientTest, SaysWhyThereIsNoToken) {
  fake_target issuer([&](raw_socket& s) {
    std::string head = read_head(s);
    s.send(head.find("/denied") != head.npos
               ? "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
               : ok_response("{}"));
  });
  config::http_client_config c;
  c.oauth2.emplace();
  c.oauth2->token_url = issuer.url("/denied");
  EXPECT_EQ(get(client_, to("http://127.0.0.1:1/", c)).error.message(),
            "oauth2: cannot fetch token: the token server answered 401");
  c.oauth2->token_url = issuer.url("/empty");
  EXPECT_EQ(get(client_, to("http://127.0.0.1:1/", c)).error.message(),
            "oauth2: cannot fetch token: the token server's answer has no access_token");
  c.oauth2->grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer";
  EXPECT_EQ(make_client_settings(c, {files_.get(), "t"}).code(), errc::unsupported);
}

TEST_F(CurlClientTest, AServersReasonIsPartOfTheError) {
  fake_target issuer([&](raw_socket& s) {
    read_head(s);
    const std::string why = R"({"error":"invalid_client","error_description":"no such\nclient"})";
    s.send("HTTP/1.1 400 Bad Request\r\nContent-Length: " + std::to_string(why.size()) +
           "\r\n\r\n" + why);
  });
  config::http_client_config c;
  c.oauth2.emplace();
  c.oauth2->token_url = issuer.url("/");
  EXPECT_EQ(get(client_, to("http://127.0.0.1:1/", c)).error.message(),
            "oauth2: cannot fetch token: the token server answered 400: invalid_client: "
            "no such client");
}

/// A token behind two questions.
class two_step_source final : public grant_source {
 public:
  explicit two_step_source(std::string url) : url_(std::move(url)) {}
  std::string_view name() const override { return "two steps"; }
  result<grant_step> begin(int64_t) const override {
    return grant_step(question{
        ask("/first"), [this](const fetch_result& first, int64_t) { return second(first.body); }});
  }

 private:
  transfer_spec ask(const std::string& path) const {
    transfer_spec out;
    out.url = url_ + path;
    return out;
  }
  result<grant_step> second(const std::string& word) const {
    return grant_step(
        question{ask("/" + word), [](const fetch_result& got, int64_t) -> result<grant_step> {
                   TROUPE_TRY(got.error);
                   return grant_step(bearer_grant(secret(got.body), 60'000));
                 }});
  }
  std::string url_;
};

TEST_F(CurlClientTest, RequestsBringTheirOwnSourceOfGrants) {
  std::mutex lock;
  std::vector<std::string> asked;
  fake_target issuer([&](raw_socket& s) {
    for (std::string head; !(head = read_head(s)).empty();) {
      std::lock_guard guard(lock);
      asked.push_back(head.substr(0, head.find(" HTTP")));
      s.send(ok_response(asked.size() == 1 ? "second" : "the-token"));
    }
  });
  std::string seen;
  fake_target target([&](raw_socket& s) {
    seen = read_head(s);
    s.send(ok_response("x"));
  });
  fetch_request r;
  r.to = to(target.url());
  r.grants = std::make_shared<const two_step_source>("http://" + issuer.address());
  routing_fetcher both(std::make_unique<asio_fetcher>(fetcher_options{}, clock_, nullptr),
                       std::make_unique<curl_client>(curl_options{}, clock_));
  EXPECT_EQ(fetch(both, std::move(r)).code, 200);
  both.stop();
  std::lock_guard guard(lock);
  EXPECT_EQ(asked, (std::vector<std::string>{"GET /first", "GET /second"}));
  EXPECT_NE(seen.find("\r\nAuthorization: Bearer the-token\r\n"), seen.npos) << seen;
}

TEST_F(CurlClientTest, RoutesEachFetchToTheClientThatCanServeIt) {
  fake_target proxy([](raw_socket& s) {
    read_head(s);
    s.send(ok_response("proxied"));
  });
  fake_target target([](raw_socket& s) {
    read_head(s);
    s.send(ok_response("direct"));
  });
  routing_fetcher both(std::make_unique<asio_fetcher>(fetcher_options{}, clock_, nullptr),
                       std::make_unique<curl_client>(curl_options{}, clock_));
  collector c;
  std::vector<fetch_request> batch(2);
  batch[0].to = to("http://target.example/", through(proxy));
  batch[0].token = 1;
  batch[1].to = to(target.url());
  batch[1].token = 2;
  both.fetch(std::move(batch), c.done());
  for (const auto& r : c.wait(2))
    EXPECT_EQ(r.body, r.token == 1 ? "proxied" : "direct") << r.error.to_string();
  both.stop();
}

TEST_F(CurlClientTest, StopFailsWhatIsInFlight) {
  fake_target proxy([](raw_socket& s) { s.read_all(10'000); });
  collector c;
  std::vector<fetch_request> batch(3);
  for (auto& r : batch)
    r.to = to("http://target.example/", through(proxy));
  client_.fetch(std::move(batch), c.done());
  ASSERT_TRUE(eventually([&] { return proxy.connections() > 0; }));
  client_.stop();
  for (const auto& r : c.wait(3))
    EXPECT_EQ(r.error.code(), errc::canceled);
  EXPECT_EQ(get(client_, to("http://x/", through(proxy))).error.code(), errc::canceled);
}

}  // namespace
}  // namespace troupe::http::test
