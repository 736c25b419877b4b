// Targets that misbehave: each gives a clear error, in time, and memory stays bounded.
#include "pipeline/http/gzip_encoder.h"
#include "tests/pipeline/http/client_fixture.h"

#include <cstring>

namespace troupe::http::test {
namespace {

class HostileTargetTest : public client_fixture {
 protected:
  fetch_result ask(fake_target& target, int64_t timeout_ms = 10'000, uint64_t max_body = 64 << 20) {
    fetch_request r;
    r.to = to(target.url());
    r.timeout_ms = timeout_ms;
    r.max_body_bytes = max_body;
    return fetch(fetcher_, std::move(r));
  }
  /// Every answer of a target that always says `text`, then closes.
  fetch_result ask_one_that_says(const std::string& text) {
    fake_target target([&](raw_socket& s) {
      read_head(s);
      s.send(text);
    });
    return ask(target);
  }

  asio_fetcher fetcher_{{}, clock_, nullptr};
};

TEST_F(HostileTargetTest, Refuses) {
  int port = 0;
  {
    fake_target gone([](raw_socket&) {});
    port = gone.port();
  }
  auto got = get(fetcher_, to("http://127.0.0.1:" + std::to_string(port) + "/"));
  EXPECT_EQ(got.error.code(), errc::io_error);
  EXPECT_EQ(got.error.message(), "connect: Connection refused");
}

TEST_F(HostileTargetTest, HangsWithoutAnAnswer) {
  fake_target target([](raw_socket& s) { s.read_all(5000); });
  auto got = ask(target, 200);
  EXPECT_EQ(got.error.code(), errc::timeout);
  EXPECT_EQ(got.error.message(), "deadline of 200ms exceeded while waiting for the response");
  EXPECT_GE(got.duration_ns, 200'000'000);
  EXPECT_LT(got.duration_ns, 2'000'000'000);
}

TEST_F(HostileTargetTest, Drips) {
  fake_target target([](raw_socket& s) {
    read_head(s);
    s.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (s.send("a"))
      s.read_until("never", 10);
  });
  auto got = ask(target, 300);
  EXPECT_EQ(got.error.message(), "deadline of 300ms exceeded while reading the body");
  EXPECT_TRUE(got.body.empty());
}

TEST_F(HostileTargetTest, NeverEndsItsChunks) {
  fake_target target([](raw_socket& s) {
    read_head(s);
    s.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    std::string chunk = "10000\r\n" + std::string(65'536, 'c') + "\r\n";
    while (s.send(chunk)) {
    }
  });
  int64_t before = resident_bytes();
  auto got = ask(target, 10'000, 8 << 20);
  EXPECT_EQ(got.error.code(), errc::out_of_bounds);
  EXPECT_EQ(got.error.message(), "body size limit of 8388608 bytes exceeded");
  EXPECT_LT(got.wire_bytes, 9u << 20);
  EXPECT_LT(grown_since(before), 24 << 20);
}

TEST_F(HostileTargetTest, SendsTwoGigabytesWithoutALength) {
  std::atomic<uint64_t> sent{0};
  fake_target target([&](raw_socket& s) {
    read_head(s);
    s.send("HTTP/1.0 200 OK\r\n\r\n");
    std::string piece(1 << 20, 'p');
    while (sent < (2ULL << 30) && s.send(piece))
      sent += piece.size();
  });
  int64_t before = resident_bytes();
  int64_t highest = 0;
  collector c;
  std::vector<fetch_request> batch(1);
  batch[0].to = to(target.url());
  fetcher_.fetch(std::move(batch), c.done());
  std::vector<fetch_result> got;
  std::atomic<bool> done{false};
  std::thread waiter([&] {
    got = c.wait(1);
    done = true;
  });
  while (!done)
    highest = std::max(highest, grown_since(before));
  waiter.join();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].error.code(), errc::out_of_bounds);
  EXPECT_LT(got[0].wire_bytes, (64 << 20) + (128 << 10));
  EXPECT_LT(sent, 160u << 20);  // the kernel holds some of it
  EXPECT_LT(highest, 140 << 20);
}

TEST_F(HostileTargetTest, AnnouncesTwoGigabytes) {
  auto got = ask_one_that_says("HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n");
  EXPECT_EQ(got.error.code(), errc::out_of_bounds);
  EXPECT_LT(got.wire_bytes, 1000u);
}

TEST_F(HostileTargetTest, LiesAboutItsLength) {
  auto got = ask_one_that_says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
  EXPECT_EQ(got.error.message(), "the connection ended inside the response");
  // Bytes behind the announced ones are not part of any answer: the connection is not used again.
  auto longer = ask_one_that_says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200");
  EXPECT_EQ(longer.body, "ok");
  EXPECT_EQ(fetcher_.totals().idle, 0u);
}

TEST_F(HostileTargetTest, SendsAGzipBombOfTwoGigabytes) {
  // 2 MiB of deflate blocks that expand to 2 GiB; the length at the end says so, or lies.
  std::string megabyte(1 << 20, '\0');
  gzip_stream packer;
  std::string bomb;
  for (int i = 0; i < 2048; ++i)
    packer.write(megabyte, i == 2047, bomb);
  for (bool honest : {true, false}) {
    std::string answer = bomb;
    if (!honest)
      std::memset(answer.data() + answer.size() - 4, 1, 3);
    fake_target target([&](raw_socket& s) {
      read_head(s);
      s.send(ok_response(answer, "Content-Encoding: gzip\r\n"));
    });
    int64_t before = resident_bytes();
    auto got = ask(target);
    EXPECT_FALSE(got.error.ok());
    EXPECT_NE(got.error.code(), errc::io_error) << got.error.to_string();
    EXPECT_TRUE(got.body.empty());
    EXPECT_LT(grown_since(before), 80 << 20);
  }
}

TEST_F(HostileTargetTest, SpeaksNoHttp) {
  for (std::string junk :
       {std::string("SSH-2.0-OpenSSH_9.2\r\n"), std::string(3000, '\xff'),
        std::string("HTTP/1.1 abc OK\r\n\r\n"), std::string("HTTP/3.0 200 OK\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nbad header\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}) {
    auto got = ask_one_that_says(junk);
    EXPECT_EQ(got.error.code(), errc::invalid_argument) << junk << got.error.to_string();
    EXPECT_EQ(got.error.message().substr(0, 18), "malformed response") << got.error.to_string();
  }
}

TEST_F(HostileTargetTest, ClosesOrResets) {
  EXPECT_EQ(ask_one_that_says("").error.message(), "the connection ended without a response");
  EXPECT_EQ(ask_one_that_says("HTTP/1.1 200").error.message(),
            "the connection ended inside the response");
  fake_target target([](raw_socket& s) {
    read_head(s);
    s.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    s.reset_on_close();
  });
  auto got = ask(target);
  EXPECT_EQ(got.error.code(), errc::io_error) << got.error.to_string();
}

TEST_F(HostileTargetTest, SendsAnEndlessHeader) {
  fake_target target([](raw_socket& s) {
    read_head(s);
    s.send("HTTP/1.1 200 OK\r\n");
    while (s.send("X-Header: " + std::string(500, 'h') + "\r\n")) {
    }
  });
  auto got = ask(target);
  EXPECT_EQ(got.error.message(), "header size limit exceeded");
  fake_target line([](raw_socket& s) {
    read_head(s);
    s.send("HTTP/1.1 200 OK\r\nX-Header: ");
    while (s.send(std::string(500, 'h'))) {
    }
  });
  EXPECT_FALSE(ask(line).error.ok());
}

TEST_F(HostileTargetTest, SendsInterimAnswersForEver) {
  fake_target target([](raw_socket& s) {
    read_head(s);
    while (s.send("HTTP/1.1 100 Continue\r\n\r\n")) {
    }
  });
  EXPECT_EQ(ask(target).error.message(), "malformed response: too many interim answers");
}

TEST_F(HostileTargetTest, RedirectsInCircles) {
  fake_target target([](raw_socket& s) {
    while (!read_head(s).empty())
      s.send("HTTP/1.1 302 Found\r\nLocation: /metrics\r\nContent-Length: 0\r\n\r\n");
  });
  EXPECT_EQ(ask(target).error.message(), "stopped after 10 redirects");
}

TEST_F(HostileTargetTest, RedirectsToNonsense) {
  for (std::string location : {"file:///etc/passwd", "gopher://x/", "http://", "http://[::1"}) {
    auto got = ask_one_that_says("HTTP/1.1 302 Found\r\nLocation: " + location +
                                 "\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(got.error.code(), errc::invalid_argument) << location;
  }
}

TEST_F(HostileTargetTest, UsesACodingNobodyAskedFor) {
  auto got = ask_one_that_says(ok_response("x", "Content-Encoding: br\r\n"));
  EXPECT_EQ(got.error.code(), errc::unsupported);
  EXPECT_EQ(got.error.message(), "content encoding \"br\" is not supported");
}

TEST_F(HostileTargetTest, ManyAtOnceStayWithinTheBudget) {
  fake_target target([](raw_socket& s) {
    read_head(s);
    s.send("HTTP/1.0 200 OK\r\n\r\n");
    std::string piece(256 << 10, 'p');
    while (s.send(piece)) {
    }
  });
  fetcher_options o;
  o.budget = std::make_shared<byte_budget>(32 << 20);
  asio_fetcher f(o, clock_, nullptr);
  std::vector<fetch_request> batch(32);
  for (auto& r : batch)
    r.to = to(target.url());
  int64_t before = resident_bytes();
  collector c;
  f.fetch(std::move(batch), c.done());
  for (const auto& r : c.wait(32))
    EXPECT_FALSE(r.error.ok());
  EXPECT_LE(o.budget->peak(), 32u << 20);
  EXPECT_EQ(o.budget->used(), 0u);
  EXPECT_LT(grown_since(before), 64 << 20);
}

}  // namespace
}  // namespace troupe::http::test
