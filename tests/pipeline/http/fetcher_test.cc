#include "pipeline/http/asio_fetcher.h"
#include "pipeline/http/client_body.h"
#include "pipeline/http/gzip_encoder.h"
#include "storage/base/stats.h"
#include "tests/pipeline/http/client_fixture.h"

#include <atomic>

namespace troupe::http::test {
namespace {

using FetcherTest = client_fixture;

/// Serves the same answer as long as the client stays.
fake_target::serve_fn always(std::string answer) {
  return [answer = std::move(answer)](raw_socket& s) {
    while (!read_head(s).empty())
      s.send(answer);
  };
}

TEST_F(FetcherTest, GetsABodyAndTellsAboutIt) {
  fake_target target(always(ok_response("up 1\n", "X-One: 1\r\n")));
  asio_fetcher f({}, clock_, nullptr);
  fetch_request r;
  r.token = 42;
  r.to = to(target.url());
  r.want_headers = true;
  auto got = fetch(f, std::move(r));
  EXPECT_TRUE(got.error.ok()) << got.error.to_string();
  EXPECT_EQ(got.token, 42u);
  EXPECT_EQ(got.code, 200);
  EXPECT_EQ(got.body, "up 1\n");
  EXPECT_EQ(got.content_type, "text/plain");
  EXPECT_EQ(find_header(got.header_fields, "x-one"), "1");
  EXPECT_GT(got.wire_bytes, 50u);
  EXPECT_GT(got.started_ms, 1'600'000'000'000);
  EXPECT_GT(got.duration_ns, 0);
}

TEST_F(FetcherTest, SendsWhatPrometheusWouldSend) {
  std::string head;
  fake_target target([&](raw_socket& s) {
    head = read_head(s);
    s.send(ok_response("x"));
  });
  asio_fetcher f({}, clock_, nullptr);
  auto e = to(target.url("/probe?module=a%20b&x=1"), {}, {{"Accept", "text/plain"}});
  EXPECT_EQ(get(f, e).code, 200);
  EXPECT_EQ(head.substr(0, head.find("\r\n")), "GET /probe?module=a%20b&x=1 HTTP/1.1");
  EXPECT_NE(head.find("\r\nHost: " + target.address() + "\r\n"), head.npos) << head;
  EXPECT_NE(head.find("\r\nAccept: text/plain\r\n"), head.npos);
  EXPECT_NE(head.find("\r\nUser-Agent: troupe-test\r\n"), head.npos);
  EXPECT_EQ(head.find("Content-Length"), head.npos);
}

TEST_F(FetcherTest, PostsABody) {
  std::string seen;
  fake_target target([&](raw_socket& s) {
    seen = read_head(s);
    seen += s.read_until("end");
    s.send("HTTP/1.1 204 No Content\r\n\r\n");
  });
  asio_fetcher f({}, clock_, nullptr);
  fetch_request r;
  r.to = to(target.url("/write"));
  r.method = "POST";
  r.body = std::string(100'000, 'b') + "end";
  r.header_fields = {{"X-Prometheus-Remote-Write-Version", "0.1.0"}};
  auto got = fetch(f, std::move(r));
  EXPECT_TRUE(got.error.ok()) << got.error.to_string();
  EXPECT_EQ(got.code, 204);
  EXPECT_NE(seen.find("Content-Length: 100003\r\n"), seen.npos);
  EXPECT_EQ(seen.substr(seen.size() - 100'003), std::string(100'000, 'b') + "end");
}

TEST_F(FetcherTest, KeepsConnectionsAlive) {
  fake_target target(always(ok_response("x")));
  asio_fetcher f({}, clock_, nullptr);
  auto e = to(target.url());
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(get(f, e).code, 200);
  EXPECT_EQ(target.connections(), 1);
  EXPECT_EQ(f.totals().reused, 19u);
  EXPECT_EQ(f.totals().open, 1u);
  EXPECT_EQ(f.totals().idle, 1u);
}

TEST_F(FetcherTest, DoesNotShareConnectionsBetweenSettings) {
  fake_target target(always(ok_response("x")));
  asio_fetcher f({}, clock_, nullptr);
  get(f, to(target.url()));
  get(f, to(target.url()));
  EXPECT_EQ(target.connections(), 2);
}

TEST_F(FetcherTest, RetriesOnceWhenTheIdleConnectionHasDied) {
  fake_target target([](raw_socket& s) {
    read_head(s);
    s.send(ok_response("x"));
  });
  asio_fetcher f({}, clock_, nullptr);
  auto e = to(target.url());
  for (int i = 0; i < 5; ++i) {
    auto got = get(f, e);
    ASSERT_TRUE(got.error.ok()) << got.error.to_string();
  }
  EXPECT_EQ(target.connections(), 5);
}

TEST_F(FetcherTest, HonoursConnectionClose) {
  fake_target target(always(ok_response("x", "Connection: close\r\n")));
  asio_fetcher f({}, clock_, nullptr);
  auto e = to(target.url());
  EXPECT_EQ(get(f, e).body, "x");
  EXPECT_EQ(f.totals().open, 0u);
}

TEST_F(FetcherTest, DecodesGzipAndChunks) {
  std::string body(200'000, 'a');
  std::string packed = gzip(body);
  fake_target target([&](raw_socket& s) {
    std::string head = read_head(s);
    if (head.find("/chunked") == head.npos) {
      s.send(ok_response(packed, "Content-Encoding: gzip\r\n"));
      return;
    }
    s.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    s.send("1;ext=1\r\n \r\n5\r\nworld\r\n0\r\nTrailer: x\r\n\r\n");
  });
  asio_fetcher f({}, clock_, nullptr);
  auto got = get(f, to(target.url()));
  EXPECT_TRUE(got.error.ok()) << got.error.to_string();
  EXPECT_EQ(got.body, body);
  EXPECT_LT(got.wire_bytes, 2000u);
  EXPECT_EQ(get(f, to(target.url("/chunked"))).body, "hello world");
}

TEST_F(FetcherTest, LeavesTheBodyCodedWhereItsReaderDecodes) {
  const std::string body = std::string(200'000, 'a') + std::string(1'000, 'b');
  std::string packed = gzip(body);
  fake_target target([&](raw_socket& s) {
    const std::string head = read_head(s);
    const bool plain = head.find("/plain") != head.npos;
    s.send(ok_response(plain ? "x" : packed, plain ? "" : "Content-Encoding: gzip\r\n"));
  });
  fetcher_options o;
  o.budget = std::make_shared<byte_budget>(1 << 20);
  const auto budget = o.budget;
  asio_fetcher f(std::move(o), clock_, nullptr);
  fetch_request r;
  r.to = to(target.url());
  r.keep_coded = true;
  r.max_body_bytes = body.size();
  {
    auto got = fetch(f, r);
    ASSERT_NE(got.coded, nullptr);
    EXPECT_TRUE(got.body.empty());
    EXPECT_LT(budget->used(), 10'000u);
    std::string spare(300'000, 'x');
    const char* memory = spare.data();
    expand_body(got, std::move(spare));
    EXPECT_TRUE(got.error.ok()) << got.error.to_string();
    EXPECT_TRUE(got.body == body);
    EXPECT_EQ(got.body.data(), memory);
    EXPECT_EQ(got.coded, nullptr);
    EXPECT_GE(budget->used(), body.size());
    expand_body(got, {});
    EXPECT_TRUE(got.body == body);
  }
  EXPECT_EQ(budget->used(), 0u);
  r.max_body_bytes = body.size() - 1;
  auto got = fetch(f, r);
  expand_body(got, {});
  EXPECT_EQ(got.error.code(), errc::out_of_bounds);
  r.to = to(target.url("/plain"));
  got = fetch(f, r);
  EXPECT_EQ(got.coded, nullptr);
  EXPECT_EQ(got.body, "x");
}

TEST_F(FetcherTest, ReadsABodyThatEndsWithTheConnection) {
  fake_target target([](raw_socket& s) {
    read_head(s);
    s.send("HTTP/1.0 200 OK\r\n\r\nuntil the end");
  });
  asio_fetcher f({}, clock_, nullptr);
  auto got = get(f, to(target.url()));
  EXPECT_TRUE(got.error.ok());
  EXPECT_EQ(got.body, "until the end");
}

TEST_F(FetcherTest, SkipsInterimAnswers) {
  fake_target target([](raw_socket& s) {
    read_head(s);
    s.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
           ok_response("x"));
  });
  asio_fetcher f({}, clock_, nullptr);
  EXPECT_EQ(get(f, to(target.url())).body, "x");
}

TEST_F(FetcherTest, PatientResultsComeWithoutAnyoneElse) {
  fake_target target(always(ok_response("x")));
  asio_fetcher f({}, clock_, nullptr);
  std::vector<fetch_request> batch(3);
  for (auto& r : batch) {
    r.to = to(target.url());
    r.patient = true;
  }
  collector c;
  f.fetch(std::move(batch), c.done());
  for (const auto& r : c.wait(3))
    EXPECT_EQ(r.body, "x");
}

TEST_F(FetcherTest, ReportsEachTokenOnceInBatches) {
  fake_target target(always(ok_response("x")));
  fetcher_options o;
  o.io_threads = 2;
  asio_fetcher f(o, clock_, nullptr);
  std::vector<fetch_request> batch(200);
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i].token = i;
    batch[i].to = to(target.url());
  }
  collector c;
  f.fetch(std::move(batch), c.done());
  auto got = c.wait(200);
  std::vector<int> seen(200);
  for (const auto& r : got) {
    EXPECT_TRUE(r.error.ok()) << r.error.to_string();
    ++seen[r.token];
  }
  EXPECT_EQ(seen, std::vector<int>(200, 1));
}

TEST_F(FetcherTest, ResolvesNamesOnceAndTriesEveryAddress) {
  fake_target target(always(ok_response("x")));
  std::atomic<int> lookups{0};
  fetcher_options o;
  o.max_idle = 1;
  // 127.1.2.3 refuses: the target listens on 127.0.0.1 alone.
  o.lookup = [&](const std::string& host) -> result<std::vector<std::string>> {
    ++lookups;
    if (host != "good.example")
      return {errc::unavailable, "lookup " + host + ": no such host"};
    return std::vector<std::string>{"127.1.2.3", "127.0.0.1"};
  };
  asio_fetcher f(o, clock_, nullptr);
  std::string good = "http://good.example:" + std::to_string(target.port()) + "/";
  EXPECT_EQ(get(f, to(good)).body, "x");
  EXPECT_EQ(get(f, to(good)).body, "x");
  EXPECT_EQ(lookups, 1);
  auto bad = get(f, to("http://bad.example/"));
  EXPECT_EQ(bad.error.message(), "lookup bad.example: no such host");
}

TEST_F(FetcherTest, KeepsIdleConnectionsWithinTheBudgetAndClosesTheFarthest) {
  fake_target near(always(ok_response("near")));
  fake_target middle(always(ok_response("middle")));
  fake_target far(always(ok_response("far")));
  fetcher_options o;
  o.max_idle = 2;
  asio_fetcher f(o, clock_, nullptr);
  auto fetch_with = [&](const endpoint_ptr& e, int64_t in_s) {
    fetch_request r;
    r.to = e;
    r.next_use_ns = clock_.monotonic_ns() + in_s * 1'000'000'000;
    return fetch(f, std::move(r));
  };
  auto a = to(near.url());
  auto b = to(middle.url());
  auto c = to(far.url());
  fetch_with(c, 100);
  fetch_with(a, 10);
  fetch_with(b, 50);
  EXPECT_EQ(f.totals().idle, 2u);
  EXPECT_EQ(f.totals().evicted, 1u);
  fetch_with(a, 10);
  fetch_with(b, 50);
  EXPECT_EQ(near.connections(), 1);
  EXPECT_EQ(middle.connections(), 1);
  fetch_with(c, 20);
  EXPECT_EQ(far.connections(), 2);
}

TEST_F(FetcherTest, WaitsForAFreeConnection) {
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  fake_target target([&](raw_socket& s) {
    while (!read_head(s).empty()) {
      int n = ++now;
      int seen = most;
      while (seen < n && !most.compare_exchange_weak(seen, n)) {
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      --now;
      s.send(ok_response("x"));
    }
  });
  fetcher_options o;
  o.max_open = 4;
  asio_fetcher f(o, clock_, nullptr);
  auto e = to(target.url());
  std::vector<fetch_request> batch(60);
  for (auto& r : batch)
    r.to = e;
  collector c;
  f.fetch(std::move(batch), c.done());
  for (const auto& r : c.wait(60))
    EXPECT_TRUE(r.error.ok()) << r.error.to_string();
  EXPECT_LE(most, 4);
  EXPECT_LE(target.connections(), 60);
}

TEST_F(FetcherTest, StopFailsWhatIsInFlight) {
  fake_target target([](raw_socket& s) { s.read_all(10'000); });
  asio_fetcher f({}, clock_, nullptr);
  std::vector<fetch_request> batch(10);
  for (auto& r : batch)
    r.to = to(target.url());
  collector c;
  f.fetch(std::move(batch), c.done());
  ASSERT_TRUE(eventually([&] { return target.connections() == 10; }));
  f.stop();
  for (const auto& r : c.wait(10))
    EXPECT_EQ(r.error.code(), errc::canceled);
  EXPECT_EQ(get(f, to(target.url())).error.code(), errc::canceled);
}

TEST_F(FetcherTest, ShowsItsConnectionsInTheMetrics) {
  registry stats;
  {
    fake_target target(always(ok_response("x")));
    asio_fetcher f({}, clock_, &stats);
    get(f, to(target.url()));
    EXPECT_NE(stats.render().find("troupe_http_client_idle_connections 1"), std::string::npos);
  }
  EXPECT_NE(stats.render().find("troupe_http_client_connects 1"), std::string::npos);
}

}  // namespace
}  // namespace troupe::http::test
