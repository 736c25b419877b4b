// The limits that are on by default, each hit by a client that misbehaves.
#include "pipeline/http/server.h"
#include "tests/pipeline/http/server_fixture.h"

#include <fcntl.h>
#include <sys/resource.h>

namespace troupe::http::test {
namespace {

class ServerLimitsTest : public server_fixture {
 protected:
  /// Everything that comes until the server closes; fails if it does not.
  std::string until_closed(raw_socket& s, int deadline_ms = 10'000) {
    bool ended = false;
    std::string out = s.read_all(deadline_ms, &ended);
    EXPECT_TRUE(ended) << "the server keeps the connection";
    return out;
  }
  double refused(const std::string& reason) {
    return stats_
        .get_counter("troupe_http_refused_total", "Connections and requests that a limit refused.",
                     {{"reason", reason}})
        .value();
  }
};

TEST_F(ServerLimitsTest, RefusesALargeHeader) {
  start();
  raw_socket s = connect();
  s.send("GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + std::string(40'000, 'h') + "\r\n\r\n");
  EXPECT_EQ(status_line(until_closed(s)), "HTTP/1.1 431 Request Header Fields Too Large");
  raw_socket many = connect();
  std::string text = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 3000; ++i)
    text += "X-" + std::to_string(i) + ": 1\r\n";
  many.send(text);
  EXPECT_EQ(status_line(until_closed(many)), "HTTP/1.1 431 Request Header Fields Too Large");
}

TEST_F(ServerLimitsTest, TakesAHeaderJustBelowTheLimit) {
  start();
  EXPECT_EQ(status_line(get("/", "X-Long: " + std::string(31'000, 'h') + "\r\n")),
            "HTTP/1.1 200 OK");
}

TEST_F(ServerLimitsTest, RefusesALargeBodyBeforeReadingIt) {
  start();
  raw_socket s = connect();
  s.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
  EXPECT_EQ(status_line(until_closed(s)), "HTTP/1.1 413 Request Entity Too Large");
}

TEST_F(ServerLimitsTest, RefusesAChunkedBodyThatNeverEnds) {
  server_options o;
  o.limits.max_body_bytes = 1 << 20;
  start(o);
  int64_t before = resident_bytes();
  raw_socket s = connect();
  s.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string chunk = "10000\r\n" + std::string(65'536, 'c') + "\r\n";
  for (int i = 0; i < 1000 && s.send(chunk); ++i) {
  }
  EXPECT_EQ(status_line(s.read_all(2000)), "HTTP/1.1 413 Request Entity Too Large");
  EXPECT_LT(grown_since(before), 8 << 20);
}

TEST_F(ServerLimitsTest, HoldsAllAnswersWithinTheBudget) {
  server_options o;
  o.answer_bytes = 17'000'000;
  start(o);
  EXPECT_EQ(status_line(get("/large?n=18000000")), "HTTP/1.1 503 Service Unavailable");
  int64_t before = resident_bytes();
  std::vector<raw_socket> clients;
  size_t taken = 0, refusals = 0;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(connect(4096));  // reads nothing more than this line
    clients.back().send("GET /large?n=8000000 HTTP/1.1\r\nHost: x\r\n\r\n");
    std::string line = status_line(clients.back().read_until("\r\n"));
    taken += line == "HTTP/1.1 200 OK";
    refusals += line == "HTTP/1.1 503 Service Unavailable";
  }
  EXPECT_EQ(taken, 2u);
  EXPECT_EQ(refusals, 18u);
  EXPECT_EQ(refused("answers"), 19);
  EXPECT_LT(grown_since(before), 40 << 20);
  EXPECT_EQ(status_line(get("/large?n=60000")), "HTTP/1.1 200 OK");
  clients.clear();
  EXPECT_TRUE(eventually([&] {
    return status_line(get("/large?n=16000000")) == "HTTP/1.1 200 OK";
  })) << "the charges of connections that went are kept";
}

TEST_F(ServerLimitsTest, HoldsAllBodiesWithinTheBudget) {
  server_options o;
  o.budget = std::make_shared<byte_budget>(4 << 20);
  start(o);
  std::vector<raw_socket> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(connect());
    clients.back().send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  }
  size_t refusals = 0;
  // Three fit for certain; who of the others comes first is not decided.
  for (size_t i = 0; i < 3; ++i)
    clients[i].send(std::string(999'999, 'b'));
  EXPECT_TRUE(eventually([&] { return o.budget->used() >= 3 * 999'999; }));
  for (size_t i = 3; i < clients.size(); ++i)
    clients[i].send(std::string(999'999, 'b'));
  // Those that fit wait for their last byte, the others have their answer.
  for (auto& c : clients) {
    std::string answer = c.read_all(1000);
    if (answer.empty())
      continue;
    ++refusals;
    EXPECT_EQ(status_line(answer), "HTTP/1.1 503 Service Unavailable");
    EXPECT_NE(answer.find("Retry-After: "), answer.npos);
  }
  EXPECT_GE(refusals, 16u);
  EXPECT_LT(refusals, 20u);
  EXPECT_LE(o.budget->peak(), 4u << 20);
  clients.clear();
  EXPECT_TRUE(eventually([&] { return o.budget->used() == 0; }));
}

TEST_F(ServerLimitsTest, KeepsABodyChargedUntilTheRequestIsDropped) {
  server_options o;
  o.budget = std::make_shared<byte_budget>(4 << 20);
  start(o);
  EXPECT_EQ(body_of(ask("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")),
            "POST /x [ab]");
  EXPECT_GT(o.budget->peak(), 0u);
  EXPECT_TRUE(eventually([&] { return o.budget->used() == 0; }));
}

TEST_F(ServerLimitsTest, EndsASlowHead) {
  server_options o;
  o.limits.header_timeout_ms = 300;
  start(o);
  raw_socket s = connect();
  s.send("GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n");
  EXPECT_EQ(status_line(until_closed(s)), "HTTP/1.1 408 Request Timeout");
  raw_socket silent = connect();
  EXPECT_EQ(until_closed(silent), "");
}

TEST_F(ServerLimitsTest, EndsAHeadThatDrips) {
  server_options o;
  o.limits.header_timeout_ms = 400;
  start(o);
  raw_socket s = connect();
  s.send("GET / HTTP/1.1\r\nHost: x\r\n");
  std::string answer;
  for (int i = 0; i < 100 && answer.empty(); ++i) {
    s.send("X: 1\r\n");
    answer = s.read_until("\r\n", 20);
  }
  EXPECT_EQ(answer, "HTTP/1.1 408 Request Timeout\r\n");
}

TEST_F(ServerLimitsTest, EndsABodyThatTakesTooLong) {
  server_options o;
  o.limits.request_timeout_ms = 1500;
  start(o);
  raw_socket s = connect();
  s.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
  EXPECT_EQ(status_line(until_closed(s)), "HTTP/1.1 408 Request Timeout");
}

TEST_F(ServerLimitsTest, EndsABodyThatDripsBelowTheRate) {
  start();
  raw_socket s = connect();
  s.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  std::string answer;
  for (int i = 0; i < 100 && answer.empty(); ++i) {
    s.send("drip");
    answer = s.read_until("\r\n", 100);
  }
  EXPECT_EQ(answer, "HTTP/1.1 408 Request Timeout\r\n");
}

TEST_F(ServerLimitsTest, ClosesIdleConnections) {
  server_options o;
  o.limits.idle_timeout_ms = 300;
  start(o);
  raw_socket s = connect();
  s.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(status_line(s.read_response()), "HTTP/1.1 200 OK");
  EXPECT_EQ(until_closed(s), "");
}

TEST_F(ServerLimitsTest, DropsASlowReader) {
  server_options o;
  o.limits.write_timeout_ms = 500;
  start(o);
  raw_socket s = connect(4096);
  s.send("GET /large?n=50000000 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return refused("slow_reader") == 1; }, 10'000));
}

TEST_F(ServerLimitsTest, ServesAReaderThatIsSlowButSteady) {
  server_options o;
  o.limits.write_timeout_ms = 500;
  start(o);
  raw_socket s = connect(64 << 10);
  s.send("GET /large?n=4000000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(body_of(until_closed(s)).size(), 4'000'000u);
  EXPECT_EQ(refused("slow_reader"), 0);
}

TEST_F(ServerLimitsTest, SaysSoWhenThereAreTooManyConnections) {
  server_options o;
  o.limits.max_connections = 3;
  start(o);
  std::vector<raw_socket> kept;
  for (int i = 0; i < 3; ++i) {
    kept.push_back(connect());
    kept.back().send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(status_line(kept.back().read_response()), "HTTP/1.1 200 OK");
  }
  raw_socket over = connect();
  over.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string answer = until_closed(over);
  EXPECT_EQ(status_line(answer), "HTTP/1.1 503 Service Unavailable");
  EXPECT_NE(answer.find("Retry-After: "), answer.npos);
  kept.pop_back();
  EXPECT_TRUE(eventually([&] { return status_line(get("/")) == "HTTP/1.1 200 OK"; }));
}

TEST_F(ServerLimitsTest, LivesOnWithoutDescriptors) {
  start();
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  // Clients connect first: a connection waits in the backlog without a descriptor here.
  std::vector<raw_socket> clients;
  rlimit low = before;
  std::vector<int> fillers;
  clients.push_back(connect());
  int highest = open("/dev/null", O_RDONLY);
  fillers.push_back(highest);
  raw_socket waiting = connect();
  ASSERT_TRUE(eventually(
      [&] { return stats_.render().find("troupe_http_connections 2") != std::string::npos; }));
  low.rlim_cur = 40;
  setrlimit(RLIMIT_NOFILE, &low);
  for (int fd = 0; (fd = open("/dev/null", O_RDONLY)) >= 0;)
    fillers.push_back(fd);
  ::close(fillers.back());
  fillers.pop_back();
  raw_socket starved = connect();
  bool told = eventually([&] { return refused("descriptors") >= 1; });
  double after_one = refused("descriptors");
  std::string still =
      (clients[0].send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"), body_of(clients[0].read_response()));
  double tries = refused("descriptors") - after_one;
  setrlimit(RLIMIT_NOFILE, &before);
  for (int fd : fillers)
    ::close(fd);
  EXPECT_TRUE(told);
  EXPECT_EQ(still, "GET /x");
  EXPECT_LT(tries, 5);
  starved.send("GET /y HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(starved.read_response()), "GET /y");
}

}  // namespace
}  // namespace troupe::http::test
