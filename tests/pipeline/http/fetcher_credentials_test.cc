// Credentials: sent where they belong, read when used, and never further than that.
#include "tests/pipeline/http/client_fixture.h"

#include <filesystem>
#include <fstream>

namespace troupe::http::test {
namespace {

class CredentialsTest : public client_fixture {
 protected:
  CredentialsTest() {
    folder_ = std::filesystem::temp_directory_path() /
              ("troupe-cred-" + std::to_string(reinterpret_cast<uintptr_t>(this)) + "-" +
               std::to_string(clock_.monotonic_ns()));
    std::filesystem::create_directories(folder_);
  }
  ~CredentialsTest() override { std::filesystem::remove_all(folder_); }

  std::string put(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  /// The request head that a fetch with this configuration sends.
  std::string head_for(const config::http_client_config& c, const std::string& userinfo = "") {
    std::string head;
    fake_target target([&](raw_socket& s) {
      head = read_head(s);
      s.send(ok_response("x", "Connection: close\r\n"));
    });
    auto got = get(fetcher_, to("http://" + userinfo + target.address() + "/", c));
    EXPECT_TRUE(got.error.ok()) << got.error.to_string();
    return head;
  }
  static bool has(const std::string& head, const std::string& line) {
    return head.find("\r\n" + line + "\r\n") != head.npos;
  }
  static config::http_client_config everything() {
    config::http_client_config c;
    c.basic_auth.emplace();
    c.basic_auth->username = "user";
    c.basic_auth->password = secret("canary-password");
    c.http_headers["X-Api-Key"].secrets = {secret("canary-key")};
    return c;
  }

  std::filesystem::path folder_;
  asio_fetcher fetcher_{{}, clock_, nullptr};
};

TEST_F(CredentialsTest, SendsBasicAuthentication) {
  EXPECT_TRUE(has(head_for(everything()), "Authorization: Basic dXNlcjpjYW5hcnktcGFzc3dvcmQ="));
  EXPECT_TRUE(has(head_for(everything()), "X-Api-Key: canary-key"));
  EXPECT_TRUE(has(head_for({}, "a:b%40c@"), "Authorization: Basic YTpiQGM="));
}

TEST_F(CredentialsTest, ReadsFilesWhenTheyAreUsed) {
  config::http_client_config c;
  c.authorization.emplace();
  c.authorization->credentials_file = put("token", "first\n");
  c.http_headers["X-File"].files = {put("header", "from file \n")};
  EXPECT_TRUE(has(head_for(c), "Authorization: Bearer first"));
  put("token", "second");
  std::string head = head_for(c);
  EXPECT_TRUE(has(head, "Authorization: Bearer second"));
  EXPECT_TRUE(has(head, "X-File: from file"));
}

TEST_F(CredentialsTest, FailsTheFetchIfAFileCannotBeUsed) {
  fake_target target([](raw_socket& s) { read_head(s); });
  config::http_client_config c;
  c.authorization.emplace();
  c.authorization->credentials_file = folder_ / "missing";
  auto got = get(fetcher_, to(target.url(), c));
  EXPECT_EQ(got.error.code(), errc::not_found);
  c.authorization->credentials_file = put("huge", std::string(70'000, 't'));
  EXPECT_EQ(get(fetcher_, to(target.url(), c)).error.code(), errc::resource_exhausted);
  c.authorization->credentials_file = put("split", "canary\r\nX-Injected: 1");
  got = get(fetcher_, to(target.url(), c));
  EXPECT_EQ(got.error.code(), errc::invalid_argument);
  EXPECT_EQ(got.error.message().find("canary"), std::string::npos);
}

TEST_F(CredentialsTest, FollowsARedirectOnTheSameOriginWithEverything) {
  std::string second;
  fake_target target([&](raw_socket& s) {
    read_head(s);
    s.send("HTTP/1.1 307 Temporary Redirect\r\nLocation: ../new?x=1\r\nContent-Length: 0\r\n\r\n");
    second = read_head(s);
    s.send(ok_response("there"));
  });
  auto got = get(fetcher_, to(target.url("/a/b"), everything()));
  EXPECT_EQ(got.body, "there");
  EXPECT_EQ(second.substr(0, second.find("\r\n")), "GET /new?x=1 HTTP/1.1");
  EXPECT_TRUE(has(second, "X-Api-Key: canary-key"));
  EXPECT_NE(second.find("Authorization: "), second.npos);
  EXPECT_EQ(target.connections(), 1);
}

TEST_F(CredentialsTest, TellsNothingToAnotherOrigin) {
  std::string seen;
  fake_target thief([&](raw_socket& s) {
    seen = read_head(s);
    s.send(ok_response("stolen?"));
  });
  fake_target target([&](raw_socket& s) {
    read_head(s);
    s.send("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + thief.url() + "\r\n\r\n");
  });
  auto e =
      to(target.url(), everything(), {{"Accept", "text/plain"}, {"X-Custom", "canary-custom"}});
  fetch_request r;
  r.to = e;
  r.header_fields = {{"Cookie", "canary-cookie"}};
  auto got = fetch(fetcher_, std::move(r));
  EXPECT_EQ(got.body, "stolen?");
  EXPECT_EQ(seen.find("canary"), seen.npos) << seen;
  EXPECT_EQ(seen.find("Authorization"), seen.npos);
  EXPECT_EQ(seen.find("Cookie"), seen.npos);
  EXPECT_TRUE(has(seen, "Accept: text/plain"));
  EXPECT_TRUE(has(seen, "Host: " + thief.address()));
}

TEST_F(CredentialsTest, DoesNotTakeThemUpAgainOnTheWayBack) {
  std::string last;
  std::string home;
  fake_target away([&](raw_socket& s) {
    read_head(s);
    s.send("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + home + "\r\n\r\n");
  });
  fake_target target([&](raw_socket& s) {
    std::string head = read_head(s);
    if (head.find("/back") == head.npos)
      s.send("HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: " +
             away.url() + "\r\n\r\n");
    else
      last = head, s.send(ok_response("x"));
  });
  home = target.url("/back");
  EXPECT_EQ(get(fetcher_, to(target.url(), everything())).body, "x");
  EXPECT_EQ(last.find("canary"), last.npos);
  EXPECT_EQ(last.find("Authorization"), last.npos);
}

TEST_F(CredentialsTest, LeavesARedirectAloneWhenToldTo) {
  fake_target target([](raw_socket& s) {
    read_head(s);
    s.send("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
  });
  config::http_client_config c;
  c.follow_redirects = false;
  EXPECT_EQ(get(fetcher_, to(target.url(), c)).code, 302);
}

TEST_F(CredentialsTest, TurnsAPostIntoAGetWhereHttpSaysSo) {
  std::string second;
  fake_target target([&](raw_socket& s) {
    read_head(s);
    s.read_until("body");
    s.send("HTTP/1.1 303 See Other\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    second = read_head(s);
    s.send(ok_response("x"));
  });
  fetch_request r;
  r.to = to(target.url());
  r.method = "POST";
  r.body = "body";
  EXPECT_EQ(fetch(fetcher_, std::move(r)).body, "x");
  EXPECT_EQ(second.substr(0, 4), "GET ");
  EXPECT_EQ(second.find("Content-Length"), second.npos);
}

TEST_F(CredentialsTest, RefusesHeadersThatWouldSplit) {
  EXPECT_FALSE(make_endpoint("http://x/", settings(), {{"X-A", "1\r\nX-B: 2"}}).ok());
  EXPECT_FALSE(make_endpoint("http://x/", settings(), {{"X A", "1"}}).ok());
  fetch_request r;
  r.to = to("http://127.0.0.1:1/");
  r.header_fields = {{"X-A", "1\nX-B: 2"}};
  EXPECT_EQ(fetch(fetcher_, std::move(r)).error.code(), errc::invalid_argument);
}

}  // namespace
}  // namespace troupe::http::test
