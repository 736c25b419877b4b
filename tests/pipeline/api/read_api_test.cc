// The remote-read route: negotiation, limits, and answers that are whole or say that they are not.
#include "config/config.h"
#include "pipeline/api/api.h"
#include "pipeline/http/bounded_decoder.h"
#include "pipeline/http/snappy_encoder.h"
#include "pipeline/remote/message_encoder.h"
#include "pipeline/remote/read_codec.h"
#include "query/engine/engine.h"
#include "tests/support/memory_queryable.h"

#include <gtest/gtest.h>

namespace troupe::api {
namespace {

class ReadApiTest : public ::testing::Test {
 protected:
  ReadApiTest() {
    for (int i = 0; i < 10; ++i)
      data.append(labels::from({{"__name__", "m"}, {"i", "1"}}), i * 1000, i);
    base.data = base.local = &data;
    base.engine = &engine;
    base.clk = &clk;
    base.metrics = &metrics;
    base.budget = std::make_shared<http::byte_budget>(64u << 20);
    base.read_sample_limit = 10;
    auto c = std::make_shared<config::config>();
    c->global.external_labels = {{"region", "x"}};
    gathered.config = c;
  }

  http::response call(const std::string& protobuf) {
    http::request r;
    r.method = "POST";
    r.path = "/api/v1/read";
    http::snappy(protobuf, r.body);
    return call(r);
  }
  http::response call(const http::request& r) {
    const api a(base);
    const auto m = a.find(r);
    if (m.to == nullptr)
      return m.refusal;
    auto out = std::get<http::response>(a.handle(*m.to, r, gathered));
    while (out.stream && out.stream(out.body)) {
    }
    return out;
  }
  static std::string asking(bool streamed, std::string name = "m") {
    remote::read_query q;
    q.end = 100'000;
    q.ms = {matcher::equal("__name__", std::move(name))};
    auto out = remote::encode_read_request(q);
    if (!streamed)
      out.resize(out.size() - 4);  // the response types, packed
    return out;
  }

  manual_clock clk;
  registry metrics;
  memory_queryable data;
  query::engine engine{{}, clk};
  services base;
  inputs gathered;
};

TEST_F(ReadApiTest, OnePieceIsSnappy) {
  const auto r = call(asking(false));
  ASSERT_EQ(r.status, 200) << r.body;
  EXPECT_EQ(r.content_type, "application/x-protobuf");
  EXPECT_EQ(http::find_header(r.header_fields, "Content-Encoding"), "snappy");
  http::bounded_decoder decoder(base.budget, {1 << 20});
  const auto raw = decoder.decode(http::encoding::snappy, r.body);
  ASSERT_TRUE(raw.ok());
  const auto got = remote::decode_read_response(raw->data);
  ASSERT_EQ(got->size(), 1u);
  EXPECT_EQ(got->front().series, labels::from({{"__name__", "m"}, {"i", "1"}, {"region", "x"}}));
}

TEST_F(ReadApiTest, StreamedWhereItIsWanted) {
  base.read_sample_limit = 1;  // of the other form only
  const auto r = call(asking(true));
  ASSERT_EQ(r.status, 200) << r.body;
  EXPECT_EQ(r.content_type,
            "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
  EXPECT_EQ(remote::decode_read_stream(r.body, 1 << 20)->size(), 1u);
  EXPECT_EQ(call(asking(true, "none")).body, "");
}

TEST_F(ReadApiTest, Refusals) {
  base.read_sample_limit = 9;
  auto r = call(asking(false));
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.body, "exceeded sample limit (9)\n");
  base.read_sample_limit = 10;
  query::engine_options little;
  little.max_memory_bytes = 16;
  query::engine small(little, clk);
  base.engine = &small;
  r = call(asking(false));
  EXPECT_EQ(r.status, 400);
  EXPECT_NE(r.body.find("would use more than the limit of 16 bytes"), std::string::npos) << r.body;
  base.engine = &engine;
  EXPECT_EQ(call("\x0a\x05").status, 400);
  http::request bad;
  bad.method = "POST";
  bad.path = "/api/v1/read";
  bad.body = "no snappy";
  EXPECT_EQ(call(bad).status, 400);
  bad.method = "GET";
  EXPECT_EQ(call(bad).status, 405);
}

TEST_F(ReadApiTest, ThePermitIsKeptByTheStream) {
  for (int s = 0; s < 300; ++s)
    for (int i = 0; i < 120; ++i)
      data.append(labels::from({{"__name__", "w"}, {"i", std::to_string(s)}}), i * 100,
                  1.0 / (1 + i * s));
  gathered.permit = std::make_shared<int>(0);
  const std::weak_ptr<const void> held = gathered.permit;
  http::request r;
  r.method = "POST";
  r.path = "/api/v1/read";
  http::snappy(asking(true, "w"), r.body);
  const api a(base);
  auto out = std::get<http::response>(a.handle(*a.find(r).to, r, gathered));
  gathered.permit.reset();
  ASSERT_TRUE(out.stream);
  EXPECT_FALSE(held.expired());
  out.stream = nullptr;
  EXPECT_TRUE(held.expired());
}

}  // namespace
}  // namespace troupe::api
