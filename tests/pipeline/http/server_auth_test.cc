// The web configuration: users, headers, rate limit, and what happens when the file changes.
#include "pipeline/http/base64.h"
#include "pipeline/http/password_checker.h"
#include "tests/pipeline/http/server_fixture.h"

#include <crypt.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace troupe::http::test {
namespace {

std::string bcrypt(const std::string& password, const std::string& salt) {
  crypt_data data{};
  const char* out = crypt_r(password.c_str(), salt.c_str(), &data);
  return out != nullptr ? out : "";
}

const std::string cheap_salt = "$2b$04$abcdefghijklmnopqrstuu";

class ServerAuthTest : public server_fixture {
 protected:
  ServerAuthTest() {
    folder_ = std::filesystem::temp_directory_path() /
              ("troupe-auth-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
               "-" + std::to_string(reinterpret_cast<uintptr_t>(this)));
    std::filesystem::create_directories(folder_);
  }
  ~ServerAuthTest() override { std::filesystem::remove_all(folder_); }

  /// Replaces the file as an editor does, so that its stamp surely changes.
  void write_config(const std::string& text) {
    std::string next = folder_ / "next.yml";
    std::ofstream(next) << text;
    std::filesystem::rename(next, config_path());
  }
  std::string config_path() const { return folder_ / "web.yml"; }
  void start_with(const std::string& text, server_options o = {}) {
    write_config(text);
    o.web_config_file = config_path();
    start(std::move(o));
  }
  static std::string basic(const std::string& user, const std::string& password) {
    return "Authorization: Basic " + base64_encode(user + ":" + password) + "\r\n";
  }
  std::string users(const std::string& name = "alice", const std::string& password = "secret") {
    return "basic_auth_users:\n  " + name + ": " + bcrypt(password, cheap_salt) + "\n";
  }

  std::filesystem::path folder_;
};

TEST_F(ServerAuthTest, AsksForAPasswordOnEveryRoute) {
  server_options o;
  o.route_prefix = "/prefix";
  start_with(users(), o);
  for (std::string path : {"/", "/prefix", "/prefix/-/healthy", "/elsewhere", "/prefix/hold",
                           "//prefix//x", "/%2e%2e/prefix", "/prefix/api/v1/query?query=1"}) {
    std::string answer = get(path);
    EXPECT_EQ(status_line(answer), "HTTP/1.1 401 Unauthorized") << path;
    EXPECT_NE(answer.find("WWW-Authenticate: Basic\r\n"), answer.npos);
  }
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(status_line(ask("OPTIONS /prefix/x HTTP/1.1\r\nHost: x\r\n\r\n")),
            "HTTP/1.1 401 Unauthorized");
}

TEST_F(ServerAuthTest, LetsTheRightPasswordIn) {
  start_with(users());
  EXPECT_EQ(body_of(get("/x", basic("alice", "secret"))), "GET /x");
  EXPECT_EQ(status_line(get("/x", basic("alice", "Secret"))), "HTTP/1.1 401 Unauthorized");
  EXPECT_EQ(status_line(get("/x", basic("bob", "secret"))), "HTTP/1.1 401 Unauthorized");
  EXPECT_EQ(status_line(get("/x", basic("alice", std::string("secret\0x", 8)))),
            "HTTP/1.1 401 Unauthorized");
  EXPECT_EQ(status_line(get("/x", "Authorization: Basic !!!\r\n")), "HTTP/1.1 401 Unauthorized");
  EXPECT_EQ(status_line(get("/x", "Authorization: Bearer secret\r\n")),
            "HTTP/1.1 401 Unauthorized");
}

TEST_F(ServerAuthTest, KnowsAllBcryptVariants) {
  for (std::string variant : {"$2a$", "$2b$", "$2y$"}) {
    std::string hash = bcrypt("pw", variant + "04$abcdefghijklmnopqrstuu");
    ASSERT_EQ(hash.substr(0, 4), variant);
    start_with("basic_auth_users:\n  u: " + hash + "\n");
    EXPECT_EQ(body_of(get("/x", basic("u", "pw"))), "GET /x") << variant;
  }
}

TEST_F(ServerAuthTest, DoesNotReadTheBodyOfAStranger) {
  start_with(users());
  raw_socket s = connect();
  s.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n");
  std::string answer = s.read_all(5000);
  EXPECT_EQ(status_line(answer), "HTTP/1.1 401 Unauthorized");
  EXPECT_NE(answer.find("Connection: close"), answer.npos);
}

TEST_F(ServerAuthTest, PipelinesThroughTheCheck) {
  start_with(users());
  raw_socket s = connect();
  std::string many;
  for (int i = 0; i < 20; ++i)
    many += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n" +
            basic("alice", i % 2 == 0 ? "secret" : "wrong") + "\r\n";
  s.send(many);
  for (int i = 0; i < 20; ++i) {
    std::string answer = s.read_response();
    if (i % 2 == 0)
      ASSERT_EQ(body_of(answer), "GET /" + std::to_string(i));
    else
      ASSERT_EQ(status_line(answer), "HTTP/1.1 401 Unauthorized");
  }
}

TEST_F(ServerAuthTest, TakesAChangedFileAtOnceAndKeepsTheOldOneIfItIsBad) {
  start_with(users());
  EXPECT_EQ(status_line(get("/x", basic("alice", "secret"))), "HTTP/1.1 200 OK");
  write_config(users("alice", "changed"));
  EXPECT_EQ(status_line(get("/x", basic("alice", "secret"))), "HTTP/1.1 401 Unauthorized");
  EXPECT_EQ(status_line(get("/x", basic("alice", "changed"))), "HTTP/1.1 200 OK");
  write_config("basic_auth_user: oops\n");
  EXPECT_EQ(status_line(get("/x")), "HTTP/1.1 401 Unauthorized");
  EXPECT_EQ(status_line(get("/x", basic("alice", "changed"))), "HTTP/1.1 200 OK");
}

TEST_F(ServerAuthTest, RefusesToStartWithABadFile) {
  write_config("tls_server_config:\n  cert_file: missing.pem\n  key_file: missing.pem\n");
  server_options o;
  o.listen = {"127.0.0.1:0"};
  o.web_config_file = config_path();
  EXPECT_FALSE(try_start(o).ok());
  o.web_config_file = folder_ / "none.yml";
  EXPECT_FALSE(try_start(o).ok());
}

TEST_F(ServerAuthTest, LimitsTheRateOfAllRoutesTogether) {
  start_with("rate_limit:\n  interval: 1h\n  burst: 3\n");
  EXPECT_EQ(status_line(get("/a")), "HTTP/1.1 200 OK");
  EXPECT_EQ(status_line(get("/b")), "HTTP/1.1 200 OK");
  EXPECT_EQ(status_line(get("/-/healthy")), "HTTP/1.1 200 OK");
  std::string answer = get("/a");
  EXPECT_EQ(status_line(answer), "HTTP/1.1 429 Too Many Requests");
  EXPECT_NE(answer.find("Retry-After: "), answer.npos);
}

TEST_F(ServerAuthTest, SendsTheConfiguredHeadersWithEveryAnswer) {
  start_with(
      "http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n"
      "    Strict-Transport-Security: max-age=1\n" +
      users());
  std::string answer = get("/x");
  EXPECT_EQ(status_line(answer), "HTTP/1.1 401 Unauthorized");
  EXPECT_NE(answer.find("X-Frame-Options: sameorigin\r\n"), answer.npos) << answer;
  EXPECT_EQ(answer.find("X-Frame-Options: DENY"), answer.npos);
  EXPECT_NE(answer.find("Strict-Transport-Security: max-age=1\r\n"), answer.npos);
}

class PasswordCheckerTest : public ::testing::Test {
 protected:
  password_checker::verdict ask(const std::string& user, const std::string& hash,
                                const std::string& password) {
    std::atomic<int> got{-1};
    checker_.check(user, hash, password,
                   [&](password_checker::verdict v) { got = static_cast<int>(v); });
    EXPECT_TRUE(eventually([&] { return got >= 0; }, 20'000));
    return static_cast<password_checker::verdict>(got.load());
  }
  password_checker checker_;
  const std::string hash_ = bcrypt("pw", cheap_salt);
};

TEST_F(PasswordCheckerTest, RemembersAnswers) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ask("u", hash_, "pw"), password_checker::verdict::right);
    EXPECT_EQ(ask("u", hash_, "no"), password_checker::verdict::wrong);
  }
  EXPECT_EQ(checker_.hashed(), 2u);
}

TEST_F(PasswordCheckerTest, DoesNotMixUpFieldsOfTheKey) {
  // CVE-2022-46146: user, hash and password joined without a separator gave equal keys.
  EXPECT_EQ(ask("u", hash_, "pw"), password_checker::verdict::right);
  EXPECT_EQ(ask("u" + hash_.substr(0, 1), hash_.substr(1), "pw"), password_checker::verdict::wrong);
  EXPECT_EQ(ask("u", hash_ + "p", "w"), password_checker::verdict::wrong);
}

TEST_F(PasswordCheckerTest, WrongPasswordsDoNotPushOutRightOnes) {
  EXPECT_EQ(ask("u", hash_, "pw"), password_checker::verdict::right);
  for (int i = 0; i < 250; ++i)
    ask("u", hash_, "guess" + std::to_string(i));
  uint64_t before = checker_.hashed();
  EXPECT_EQ(ask("u", hash_, "pw"), password_checker::verdict::right);
  EXPECT_EQ(checker_.hashed(), before);
  // The oldest wrong answers were forgotten, so that memory stays bounded.
  EXPECT_EQ(ask("u", hash_, "guess0"), password_checker::verdict::wrong);
  EXPECT_EQ(checker_.hashed(), before + 1);
}

TEST_F(PasswordCheckerTest, ComputesAHashForUnknownUsersToo) {
  EXPECT_EQ(ask("nobody", "", "pw"), password_checker::verdict::wrong);
  EXPECT_EQ(checker_.hashed(), 1u);
}

TEST_F(PasswordCheckerTest, SaysBusyWhenTooManyWait) {
  std::string slow = bcrypt("pw", "$2b$11$abcdefghijklmnopqrstuu");
  std::atomic<int> busy{0};
  std::atomic<int> answered{0};
  for (int i = 0; i < 100; ++i)
    checker_.check("u", slow, std::to_string(i), [&](password_checker::verdict v) {
      ++(v == password_checker::verdict::busy ? busy : answered);
    });
  EXPECT_GE(busy, 30);
  checker_.stop();
  EXPECT_LE(answered + busy, 100);
}

}  // namespace
}  // namespace troupe::http::test
