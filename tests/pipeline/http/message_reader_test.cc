#include "pipeline/http/message_reader.h"

#include <gtest/gtest.h>

namespace troupe::http {
namespace {

/// Feeds `text` in pieces of `step` bytes, keeping what was not used, as a connection does.
template <class Reader>
status feed_in_pieces(Reader& reader, const std::string& text, size_t step) {
  std::string pending;
  for (size_t i = 0; i < text.size() && !reader.done(); i += step) {
    pending += text.substr(i, step);
    for (size_t used = 1; used != 0 && !pending.empty() && !reader.done();) {
      auto got = reader.feed(pending);
      if (!got)
        return got.error();
      used = *got;
      pending.erase(0, used);
    }
  }
  return ok_status();
}

TEST(MessageReaderTest, ReadsAResponseHoweverItIsCut) {
  std::string text =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n"
      "Content-Encoding: gzip\r\n\r\n4\r\nwiki\r\n6;x=y\r\npedia \r\n0\r\nT: 1\r\n\r\n";
  for (size_t step = 1; step <= text.size(); ++step) {
    response_reader r;
    r.start({}, nullptr, false, true);
    ASSERT_TRUE(feed_in_pieces(r, text, step).ok()) << step;
    ASSERT_TRUE(r.done()) << step;
    EXPECT_EQ(r.code, 200);
    EXPECT_TRUE(r.keep_alive);
    EXPECT_EQ(r.content_type, "text/plain");
    EXPECT_EQ(r.content_encoding, "gzip");
    EXPECT_EQ(find_header(r.header_fields, "x-a"), "1");
    EXPECT_EQ(r.body.take_data(), "wikipedia ");
  }
}

TEST(MessageReaderTest, ReadsAnEmptyChunkedBodyHoweverItIsCut) {
  const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (size_t step = 1; step <= text.size(); ++step) {
    response_reader r;
    r.start({}, nullptr, false, true);
    ASSERT_TRUE(feed_in_pieces(r, text, step).ok()) << step;
    ASSERT_TRUE(r.done()) << step;
    EXPECT_EQ(r.body.take_data(), "");
  }
}

TEST(MessageReaderTest, ReadsARequestHoweverItIsCut) {
  std::string text =
      "POST /api?x=1 HTTP/1.1\r\nHost: h\r\nX-Fold: a\r\n b\r\nContent-Length: 5\r\n\r\nhello";
  for (size_t step = 1; step <= text.size(); ++step) {
    request_reader r;
    r.start({}, nullptr);
    ASSERT_TRUE(feed_in_pieces(r, text, step).ok()) << step;
    ASSERT_TRUE(r.done()) << step;
    EXPECT_EQ(r.method, "POST");
    EXPECT_EQ(r.target, "/api?x=1");
    EXPECT_EQ(find_header(r.header_fields, "X-Fold"), "a b");
    EXPECT_EQ(r.body.take_data(), "hello");
  }
}

TEST(MessageReaderTest, StopsAfterTheHeadOfARequest) {
  std::string text = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET";
  request_reader r;
  r.start({}, nullptr);
  auto used = r.feed(text);
  ASSERT_TRUE(used.ok());
  EXPECT_EQ(text.substr(*used), "helloGET");
  EXPECT_TRUE(r.header_done());
  EXPECT_TRUE(r.has_body);
  EXPECT_FALSE(r.done());
  auto more = r.feed(text.substr(*used));
  EXPECT_EQ(*more, 5u);
  EXPECT_TRUE(r.done());
}

TEST(MessageReaderTest, TellsLimitsApart) {
  reader_limits limits;
  limits.header_bytes = 100;
  limits.header_fields = 5;
  limits.body_bytes = 10;
  auto code_of = [&](const std::string& text, std::shared_ptr<byte_budget> budget) {
    request_reader r;
    r.start(limits, std::move(budget));
    return feed_in_pieces(r, text, 7).ok() ? 200 : r.error_code;
  };
  std::string start = "POST / HTTP/1.1\r\n";
  EXPECT_EQ(code_of(start + "Content-Length: 10\r\n\r\n0123456789", nullptr), 200);
  EXPECT_EQ(code_of(start + "Content-Length: 11\r\n\r\n", nullptr), 413);
  EXPECT_EQ(code_of(start + "Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n", nullptr),
            413);
  EXPECT_EQ(code_of(start + "A: " + std::string(90, 'a') + "\r\n\r\n", nullptr), 431);
  EXPECT_EQ(code_of(start + "A:1\r\nB:1\r\nC:1\r\nD:1\r\nE:1\r\nF:1\r\n\r\n", nullptr), 431);
  EXPECT_EQ(code_of("POST /" + std::string(200, 'p') + " HTTP/1.1\r\n\r\n", nullptr), 431);
  EXPECT_EQ(
      code_of(start + "Content-Length: 10\r\n\r\n0123456789", std::make_shared<byte_budget>(5)),
      503);
  EXPECT_EQ(code_of(start + "Content-Length: x\r\n\r\n", nullptr), 400);
}

TEST(MessageReaderTest, KnowsWhereResponsesEnd) {
  auto read = [](const std::string& text, bool to_head) {
    response_reader r;
    r.start({}, nullptr, to_head, false);
    EXPECT_TRUE(feed_in_pieces(r, text, text.size()).ok());
    if (r.done())
      return std::string(r.keep_alive ? "kept " : "closed ") + r.body.take_data();
    return "open " + std::string(r.feed_end().message());
  };
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\n\r\n", false), "kept ");
  EXPECT_EQ(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false), "kept ");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true), "kept ");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false), "kept ");
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", false), "closed x");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\nabc", false), "open ");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", false),
            "open the connection ended inside the response");
}

TEST(MessageReaderTest, ReservesLittleForALie) {
  auto budget = std::make_shared<byte_budget>(1 << 30);
  response_reader r;
  reader_limits limits;
  limits.body_bytes = 1 << 30;
  r.start(limits, budget, false, false);
  ASSERT_TRUE(r.feed("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx").ok());
  EXPECT_LE(budget->peak(), 256u << 10);
}

}  // namespace
}  // namespace troupe::http
