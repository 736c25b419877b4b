// Cursors as text, requests and answers over HTTP, the id of a node.
#include "pipeline/federate/node_id.h"
#include "pipeline/federate/stream_cursor.h"
#include "pipeline/federate/stream_http.h"
#include "pipeline/http/url.h"
#include "storage/base/random.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

namespace troupe::federate {
namespace {

stream_cursor made(size_t stretches) {
  seeded_random random(3);
  stream_cursor out{random.next(), 1'700'000'000'123, {}};
  for (size_t i = 0; i < stretches; ++i) {
    send::stretch s;
    for (auto& p : s.next)
      p = {1'700'000'000 + random.below(1000), random.below(1 << 20),
           static_cast<uint32_t>(random.below(1 << 10))};
    s.from = {{1'700'000'000, 3}, {1'700'000'000, 9}};
    if (i + 1 < stretches) {
      s.end = s.next;
      s.end_from = s.from;
    }
    out.at.stretches.push_back(std::move(s));
  }
  return out;
}

TEST(StreamCursor, ComesBackAsItWas) {
  for (size_t n = 1; n <= stream_cursor::most_stretches; ++n) {
    const auto back = read_cursor(to_text(made(n)));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, made(n));
  }
  EXPECT_LT(to_text(made(stream_cursor::most_stretches)).size(), 40u << 10) << "fits into a header";
}

TEST(StreamCursor, NothingElseIsOne) {
  EXPECT_EQ(read_cursor(to_text(made(5))).code(), errc::corruption);
  auto endless = made(2);
  endless.at.stretches[0].end.reset();
  EXPECT_EQ(read_cursor(to_text(endless)).code(), errc::corruption);
  const std::string text = to_text(made(1));
  for (size_t n = 0; n < text.size(); ++n)
    EXPECT_EQ(read_cursor(text.substr(0, n)).code(), errc::corruption) << n;
}

http::request as_received(const stream_request& r) {
  http::request out;
  out.query = *http::parse_form(to_form(r));
  return out;
}

TEST(StreamHttp, ARequestComesAsItWasSent) {
  const stream_request sent{"east-1", {"up", "{job=~\"a.+\"}"}, {{"region", "a=b"}}, 7, 8, "c+/="};
  const auto got = read_request(as_received(sent));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->subscription, sent.subscription);
  EXPECT_EQ(got->selectors, sent.selectors);
  EXPECT_EQ(got->labels, sent.labels);
  EXPECT_EQ(got->keep_bytes, sent.keep_bytes);
  EXPECT_EQ(got->wait_ms, sent.wait_ms);
  EXPECT_EQ(got->cursor, sent.cursor);
}

TEST(StreamHttp, WhatIsNoRequestIsRefused) {
  for (const auto& [name, value] : http::params{
           {"keep", "x"}, {"keep", "-1"}, {"wait", "1s"}, {"label", "a"}, {"label", "=b"}}) {
    http::request r;
    r.query = {{name, value}};
    EXPECT_EQ(read_request(r).code(), errc::invalid_argument) << name << value;
  }
}

http::fetch_result as_fetched(http::response r) {
  http::fetch_result out;
  out.code = r.status;
  out.header_fields = std::move(r.header_fields);
  out.body = std::move(r.body);
  return out;
}

TEST(StreamHttp, AnAnswerComesAsItWasGiven) {
  stream_answer a;
  a.body = "body";
  a.cursor = "abc=";
  a.samples = 5;
  a.lag_ms = 1234;
  a.damaged = 2;
  a.gap = stream_gap{1000, 2000, 3};
  a.start = stream_start::other_data;
  auto r = to_response(a);
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(http::find_header(r.header_fields, "Content-Encoding"), "snappy");
  const auto got = read_answer(as_fetched(std::move(r)));
  ASSERT_TRUE(got.error.ok());
  EXPECT_EQ(got.body, a.body);
  EXPECT_EQ(got.cursor, a.cursor);
  EXPECT_EQ(got.samples, a.samples);
  EXPECT_EQ(got.lag_ms, a.lag_ms);
  EXPECT_EQ(got.damaged, a.damaged);
  EXPECT_EQ(got.gap, a.gap);
  EXPECT_EQ(got.start, a.start);
  a.body.clear();
  EXPECT_EQ(to_response(a).status, 204);
}

TEST(StreamHttp, ErrorsKeepTheirKind) {
  stream_answer a;
  a.error = {errc::invalid_argument, "bad selector"};
  const auto refused = read_answer(as_fetched(to_response(a)));
  EXPECT_EQ(refused.error.code(), errc::invalid_argument);
  EXPECT_EQ(refused.error.message(), "status 400: bad selector");
  a.error = {errc::io_error, "disk"};
  EXPECT_EQ(read_answer(as_fetched(to_response(a))).error.code(), errc::unavailable);
  http::fetch_result other;
  other.code = 200;
  EXPECT_EQ(read_answer(other).error.message(), "the answer is not one of a troupe node");
  other.error = {errc::timeout, "too slow"};
  EXPECT_EQ(read_answer(other).error.code(), errc::unavailable);
}

TEST(NodeId, IsMadeOnceAndReplacedWhenItIsDamaged) {
  support::sim_file_system fs(1);
  const uint64_t first = node_id(fs, "d/federation", 1);
  EXPECT_EQ(node_id(fs, "d/federation", 2), first);
  EXPECT_EQ(id_text(0x1f), "000000000000001f");
  fs.put("d/federation/node_id", "12\n");
  const uint64_t second = node_id(fs, "d/federation", 2);
  EXPECT_NE(second, first);
  EXPECT_EQ(node_id(fs, "d/federation", 3), second);
}

}  // namespace
}  // namespace troupe::federate
