#include "pipeline/http/server.h"

#include "pipeline/http/bounded_decoder.h"
#include "tests/pipeline/http/server_fixture.h"

namespace troupe::http::test {
namespace {

using ServerTest = server_fixture;

/// The payload of a chunked body; "" if it is not one.
std::string unchunk(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t line = text.find("\r\n");
    if (line == text.npos)
      return {};
    size_t n = std::strtoul(std::string(text.substr(0, line)).c_str(), nullptr, 16);
    if (n == 0)
      return out;
    out += text.substr(line + 2, n);
    text.remove_prefix(line + 2 + n + 2);
  }
  return {};
}

std::string streamed_body() {
  std::string out = "first,";
  for (int i = 0; i < 1000; ++i)
    out += std::to_string(i) + ",";
  return out;
}

TEST_F(ServerTest, AnswersAndSetsTheUsualHeaders) {
  start();
  std::string answer = get("/api/v1/query?query=up%7Ba%3D%22b%22%7D&time=1+2");
  EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
  EXPECT_EQ(body_of(answer), "GET /api/v1/query query=up{a=\"b\"} time=1 2");
  EXPECT_NE(answer.find("\r\nDate: "), answer.npos);
  EXPECT_NE(answer.find("\r\nX-Content-Type-Options: nosniff\r\n"), answer.npos);
  EXPECT_NE(answer.find("\r\nX-Frame-Options: DENY\r\n"), answer.npos);
}

TEST_F(ServerTest, PutsFormParametersBeforeThoseOfTheUrl) {
  start();
  std::string answer =
      ask("POST /q?a=url&b=2 HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n"
          "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n\r\na=form");
  EXPECT_EQ(body_of(answer), "POST /q a=form a=url b=2 [a=form]");
}

TEST_F(ServerTest, NormalisesThePathOnceBeforeAnythingLooksAtIt) {
  start();
  EXPECT_EQ(body_of(get("//api///v1/./x")), "GET /api/v1/x");
  EXPECT_EQ(body_of(get("/a/../../etc/passwd")), "GET /etc/passwd");
  EXPECT_EQ(body_of(get("/a/%2e%2E/b")), "GET /b");
  EXPECT_EQ(body_of(get("/a%2f..%2f-/healthy")), "GET /-/healthy");
  EXPECT_EQ(body_of(get("/%252e%252e/b")), "GET /%2e%2e/b");
  EXPECT_EQ(body_of(get("http://evil.example/x?y=z")), "GET /x y=z");
  EXPECT_EQ(status_line(get("/a%00b")), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(status_line(get("/a%zz")), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(status_line(get("*")), "HTTP/1.1 400 Bad Request");
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  raw_socket s = connect();
  std::string many = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n";
  for (int i = 0; i < 100; ++i)
    many += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  s.send(many);
  ASSERT_TRUE(eventually([&] { return held() == 1; }));
  held_[0]({.body = "held"});
  EXPECT_EQ(body_of(s.read_response()), "held");
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(body_of(s.read_response()), "GET /" + std::to_string(i));
}

TEST_F(ServerTest, StreamsInChunks) {
  start();
  raw_socket s = connect();
  s.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(s.read_until("\r\n\r\n").find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_EQ(unchunk(s.read_until("0\r\n\r\n")), streamed_body());
  s.send("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(s.read_response()), "GET /next");
}

TEST_F(ServerTest, EndsAStreamByClosingForHttp10) {
  start();
  raw_socket s = connect();
  s.send("GET /stream HTTP/1.0\r\n\r\n");
  bool ended = false;
  EXPECT_EQ(body_of(s.read_all(5000, &ended)), streamed_body());
  EXPECT_TRUE(ended);
}

TEST_F(ServerTest, CompressesWhatIsWorthIt) {
  start();
  bounded_decoder decoder(nullptr);
  std::string answer = get("/large?n=50000", "Accept-Encoding: deflate, gzip\r\n");
  EXPECT_NE(answer.find("Content-Encoding: gzip\r\n"), answer.npos);
  auto body = decoder.decode(encoding::gzip, body_of(answer));
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(body->data, std::string(50'000, 'l'));
  EXPECT_EQ(get("/large?n=100", "Accept-Encoding: gzip\r\n").find("Content-Encoding"),
            std::string::npos);
  EXPECT_EQ(get("/large?n=50000", "Accept-Encoding: gzip;q=0\r\n").find("Content-Encoding"),
            std::string::npos);
}

TEST_F(ServerTest, CompressesLargeBodiesAndStreamsPieceByPiece) {
  start();
  bounded_decoder decoder(nullptr);
  for (std::string path : {"/large?n=3000000", "/stream"}) {
    raw_socket s = connect();
    s.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
    EXPECT_NE(s.read_until("\r\n\r\n").find("Content-Encoding: gzip"), std::string::npos);
    auto body = decoder.decode(encoding::gzip, unchunk(s.read_until("0\r\n\r\n")));
    ASSERT_TRUE(body.ok()) << body.error().to_string();
    EXPECT_EQ(body->data, path == "/stream" ? streamed_body() : std::string(3'000'000, 'l'));
  }
}

TEST_F(ServerTest, SendsNoBodyForHead) {
  start();
  raw_socket s = connect();
  s.send("HEAD /large?n=5000 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(s.read_until("\r\n\r\n").find("Content-Length: 5000"), std::string::npos);
  s.send("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(s.read_response()), "GET /next");
}

TEST_F(ServerTest, SaysContinueWhenAsked) {
  start();
  raw_socket s = connect();
  s.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(s.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  s.send("abc");
  EXPECT_EQ(body_of(s.read_response()), "POST /x [abc]");
}

TEST_F(ServerTest, ReadsChunkedBodies) {
  start();
  EXPECT_EQ(body_of(ask("POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")),
            "POST /x [abcde]");
}

TEST_F(ServerTest, RefusesMessagesThatCanBeReadInTwoWays) {
  start();
  for (std::string bad :
       {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01 junk\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nExpect: 200-maybe\r\n\r\n"}) {
    raw_socket s = connect();
    s.send(bad);
    bool ended = false;
    std::string answer = s.read_all(5000, &ended);
    EXPECT_EQ(answer.substr(0, 10), "HTTP/1.1 4") << bad;
    EXPECT_TRUE(ended) << bad;
  }
}

TEST_F(ServerTest, AnswersForAHandlerThatForgets) {
  start();
  EXPECT_EQ(status_line(get("/drop")), "HTTP/1.1 500 Internal Server Error");
}

TEST_F(ServerTest, TellsTheHandlerThatTheClientHasLeft) {
  start();
  {
    raw_socket s = connect();
    s.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return held() == 1; }));
    EXPECT_FALSE(*gone_[0]);
  }
  EXPECT_TRUE(eventually([&] { return gone_[0]->load(); }));
  held_[0]({.body = "nobody reads this"});
}

TEST_F(ServerTest, StripsTheRoutePrefix) {
  server_options o;
  o.route_prefix = "prom/";
  start(o);
  EXPECT_EQ(body_of(get("/prom/api")), "GET /api");
  EXPECT_EQ(body_of(get("/prom/")), "GET /");
  std::string bare = get("/prom");
  EXPECT_EQ(status_line(bare), "HTTP/1.1 301 Moved Permanently");
  EXPECT_NE(bare.find("\r\nLocation: /prom/\r\n"), bare.npos);
  EXPECT_EQ(status_line(get("/prometheus")), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(status_line(get("/prom/../api")), "HTTP/1.1 404 Not Found");
  std::string root = get("/");
  EXPECT_EQ(status_line(root), "HTTP/1.1 302 Found");
  EXPECT_NE(root.find("\r\nLocation: /prom\r\n"), root.npos);
}

TEST_F(ServerTest, AnswersOnlyAllowedOrigins) {
  server_options o;
  o.cors_origin = "https?://(a|b)\\.example";
  start(o);
  std::string good = get("/", "Origin: https://a.example\r\n");
  EXPECT_NE(good.find("Access-Control-Allow-Origin: https://a.example\r\n"), good.npos);
  std::string bad = get("/", "Origin: https://a.example.evil\r\n");
  EXPECT_EQ(bad.find("Access-Control-Allow-Origin"), bad.npos);
  EXPECT_EQ(get("/").find("Access-Control"), std::string::npos);
}

TEST_F(ServerTest, ListensOnSeveralAddressesAndSaysWhichFails) {
  server_options o;
  o.listen = {"127.0.0.1:0", "127.0.0.2:0"};
  ASSERT_TRUE(try_start(o).ok());
  ASSERT_EQ(server_->addresses().size(), 2u);
  server_options taken;
  taken.listen = {server_->addresses()[0]};
  server other(
      taken, [](request&&, responder) {}, *files_, clock_, stats_);
  status s = other.start();
  EXPECT_NE(s.message().find("Address already in use"), std::string::npos) << s.to_string();
  taken.listen = {"no-port"};
  server third(
      taken, [](request&&, responder) {}, *files_, clock_, stats_);
  EXPECT_FALSE(third.start().ok());
}

TEST_F(ServerTest, DrainLetsRequestsInFlightFinish) {
  start();
  raw_socket idle = connect();
  idle.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.read_response();
  raw_socket busy = connect();
  busy.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return held() == 1; }));
  size_t cut = 99;
  std::thread drainer([&] { cut = server_->drain(10'000); });
  bool ended = false;
  EXPECT_EQ(idle.read_all(5000, &ended), "");
  EXPECT_TRUE(ended);
  held_[0]({.body = "finished"});
  std::string answer = busy.read_all(5000, &ended);
  EXPECT_EQ(body_of(answer), "finished");
  EXPECT_NE(answer.find("Connection: close"), answer.npos);
  busy.close();
  drainer.join();
  EXPECT_EQ(cut, 0u);
}

TEST_F(ServerTest, DrainCutsOffWhatTakesTooLong) {
  start();
  raw_socket s = connect();
  s.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return held() == 1; }));
  EXPECT_EQ(server_->drain(50), 1u);
  EXPECT_TRUE(*gone_[0]);
  held_[0]({.body = "too late"});
}

TEST_F(ServerTest, CountsRequestsByRouteAndCode) {
  start();
  get("/a");
  get("/b");
  get("/%zz");
  auto has = [&](const std::string& line) {
    return eventually([&] { return stats_.render().find(line) != std::string::npos; });
  };
  EXPECT_TRUE(has("troupe_http_requests_total{code=\"200\",handler=\"/echo\"} 2") ||
              has("troupe_http_requests_total{handler=\"/echo\",code=\"200\"} 2"))
      << stats_.render();
  EXPECT_TRUE(has("code=\"400\""));
  EXPECT_TRUE(has("\nprometheus_http_request_duration_seconds_count{handler=\"/echo\"} 2"));
  EXPECT_NE(stats_.render().find("troupe_http_refused_total{reason=\"header\"} 1"),
            std::string::npos);
}

}  // namespace
}  // namespace troupe::http::test
