// The remote write receiver. What is pinned here is what the specifications of 1.0 and 2.0 ask of
// receivers, and what Prometheus' own receiver does.
#include "tests/pipeline/api/door_fixture.h"
#include "tests/support/remote_write_body.h"

#include <zstd.h>

namespace troupe::api {
namespace {

using support::snappy_block;
using support::write_v2_request;
using support::write_v2_series;

const std::string v1_type = "application/x-protobuf;proto=prometheus.WriteRequest";
const std::string v2_type = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

/// Counts of the Written headers, "" for those that are not there.
std::string written(const http::response& r) {
  std::string out;
  for (const char* what : {"Samples", "Histograms", "Exemplars"})
    out += std::string(http::find_header(
               r.header_fields, std::string("X-Prometheus-Remote-Write-") + what + "-Written")) +
           " ";
  out.pop_back();
  return out;
}

std::string zstd_frame(const std::string& raw) {
  std::string out(ZSTD_compressBound(raw.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 1));
  return out;
}

write_v2_series series(std::string name, std::vector<support::write_v2_sample> samples) {
  return {{{"__name__", std::move(name)}}, std::move(samples), {}, {}, {}, 0};
}

class WriteApiTest : public DoorTest {
 protected:
  http::response send(std::string body, http::headers headers) {
    return send_to("/api/v1/write", std::move(body), std::move(headers));
  }
  http::response send_v2(const std::vector<write_v2_series>& all) {
    return send(snappy_block(write_v2_request(all)),
                {{"Content-Type", v2_type},
                 {"Content-Encoding", "snappy"},
                 {"X-Prometheus-Remote-Write-Version", "2.0.0"}});
  }
};

TEST_F(WriteApiTest, TheContentTypeSaysWhichMessageItIs) {
  const std::string v1 =
      support::remote_write_body({{labels::from({{"__name__", "old"}}), {{1, 2.0}}}});
  const std::string v2 = snappy_block(write_v2_request({series("new", {{1, 2.0}})}));
  const auto name = [&]() -> std::string {
    if (stored.empty())
      return "";
    const write_batch& b = *stored[0];
    return std::string(b.table->series[b.floats.at(0).series].metric_name());
  };
  for (const std::string& type :
       {std::string(), std::string("application/x-protobuf"), v1_type,
        std::string("Application/X-Protobuf ; charset=x; Proto=\"prometheus.WriteRequest\"")}) {
    http::headers fields;
    if (!type.empty())
      fields.push_back({"Content-Type", type});
    EXPECT_EQ(send(v1, fields).status, 204) << type;
    EXPECT_EQ(name(), "old");
  }
  for (const std::string& type :
       {v2_type, std::string("application/x-protobuf; proto=\"io.prometheus.write.v2.Request\"")}) {
    EXPECT_EQ(send(v2, {{"Content-Type", type}}).status, 204) << type;
    EXPECT_EQ(name(), "new");
  }
  // The version header decides nothing.
  EXPECT_EQ(
      send(v2, {{"Content-Type", v2_type}, {"X-Prometheus-Remote-Write-Version", "0.1.0"}}).status,
      204);
  for (const char* type : {"application/json", "text/plain", "application/x-protobuf;proto=",
                           "application/x-protobuf;proto=io.prometheus.write.v3.Request",
                           "application/x-protobufs", ";proto=prometheus.WriteRequest"}) {
    const auto r = send(v1, {{"Content-Type", type}});
    EXPECT_EQ(r.status, 415) << type;
    EXPECT_FALSE(r.body.empty());
    EXPECT_EQ(written(r), "  ") << "nothing was negotiated";
  }
}

TEST_F(WriteApiTest, AVersionMayBeRefused) {
  services s = base;
  s.accept_write_v2 = false;
  the_api = std::make_unique<api>(s);
  const std::string body =
      support::remote_write_body({{labels::from({{"__name__", "old"}}), {{1, 2.0}}}});
  EXPECT_EQ(send(body, {}).status, 204);
  auto r = send_v2({series("new", {{1, 2.0}})});
  EXPECT_EQ(r.status, 415);
  EXPECT_EQ(r.body,
            "io.prometheus.write.v2.Request protobuf message is not accepted by this server; only "
            "accepts prometheus.WriteRequest\n");
  s.accept_write_v1 = false;
  s.accept_write_v2 = true;
  the_api = std::make_unique<api>(s);
  EXPECT_EQ(send_v2({series("new", {{1, 2.0}})}).status, 204);
  EXPECT_EQ(send(body, {}).status, 415);
}

TEST_F(WriteApiTest, SnappyAndZstdAreTaken) {
  const std::string raw = write_v2_request({series("m", {{1, 2.0}})});
  const auto with = [&](std::string body, const std::string& coding) {
    return send(std::move(body), {{"Content-Type", v2_type}, {"Content-Encoding", coding}}).status;
  };
  EXPECT_EQ(with(snappy_block(raw), "snappy"), 204);
  EXPECT_EQ(with(snappy_block(raw), "Snappy"), 204);
  EXPECT_EQ(with(zstd_frame(raw), "zstd"), 204);
  EXPECT_EQ(with(snappy_block(raw), ""), 204);
  for (const char* coding : {"gzip", "identity", "snappy, zstd", "br"})
    EXPECT_EQ(with(raw, coding), 415) << coding;
  EXPECT_EQ(with(raw, "snappy"), 400);
  EXPECT_EQ(with(raw, "zstd"), 400);
  EXPECT_EQ(with("", "snappy"), 400);
}

TEST_F(WriteApiTest, TheAnswerCountsWhatIsStored) {
  histogram h;
  h.count = 1;
  h.zero_count = 1;
  auto counter = series("c", {{1, 1.0}, {2, 2.0}, {3, 3.0}});
  counter.exemplars = {{labels::from({{"trace_id", "x"}}), 1, 3}};
  auto hist = series("h", {});
  hist.histograms = {{1, h}, {2, h}};
  auto r = send_v2({counter, hist});
  EXPECT_EQ(r.status, 204);
  EXPECT_TRUE(r.body.empty());
  EXPECT_EQ(written(r), "3 2 1");
  EXPECT_EQ(written(send_v2({})), "0 0 0") << "they are never left out";
  // 1.0 has no such headers, and nobody minds them.
  r = send(support::remote_write_body({{labels::from({{"__name__", "w"}}), {{1, 2.0}}}}), {});
  EXPECT_EQ(written(r), "1 0 0");
  EXPECT_EQ(written(send("junk", {{"Content-Type", v2_type}})), "0 0 0");
  EXPECT_EQ(written(send(snappy_block("junk"), {{"Content-Type", v2_type}})), "0 0 0");
}

TEST_F(WriteApiTest, TheValidPartIsStoredAndTheRestIsNamed) {
  histogram bad;
  bad.count = 3;
  auto hist = series("h", {{7, 1.0}});
  hist.histograms = {{1, bad}};
  hist.exemplars = {{labels::from({{"k", std::string(200, 'x')}}), 1, 3}};
  auto twice = series("d", {{1, 1.0}, {2, 1.0}});
  twice.lset.push_back({"a", "1"});
  twice.lset.push_back({"a", "2"});
  outcome_of = [](const write_batch& b) {
    ingest::outcome o;
    o.report.accepted = b.floats.size() - 2;
    o.report.too_old = 1;
    o.report.too_far_in_future = 1;
    return o;
  };
  const auto r = send_v2(
      {series("ok", {{1, 1.0}, {-62'135'596'800'000, 1.0}, {253'402'300'799'000, 1.0}, {2, 2.0}}),
       twice, hist});
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(written(r), "3 0 0");
  EXPECT_EQ(r.body,
            "the valid part is stored; 1 samples are too old; 1 samples are too far in the future; "
            "1 series (2 samples) are invalid: duplicate label name \"a\"; 1 histograms are "
            "invalid: the count is not that of all buckets together; 1 exemplars are invalid: "
            "labels of an exemplar are longer than 128 characters\n");
  const std::string exposed = metrics.render();
  for (const char* line : {"troupe_remote_write_requests_total{protocol=\"1.0\"} 0\n",
                           "troupe_remote_write_requests_total{protocol=\"2.0\"} 1\n",
                           "troupe_remote_write_refused_total{kind=\"series\"} 1\n",
                           "troupe_remote_write_refused_total{kind=\"histogram\"} 1\n",
                           "troupe_remote_write_refused_total{kind=\"exemplar\"} 1\n",
                           "troupe_remote_write_refused_total{kind=\"metadata\"} 0\n"})
    EXPECT_NE(exposed.find(line), std::string::npos) << line;
}

TEST_F(WriteApiTest, WhatMayPassLaterIsNoBadRequest) {
  for (const auto& [code, status] :
       std::vector<std::pair<errc, int>>{{errc::no_space, 503},
                                         {errc::unavailable, 503},
                                         {errc::timeout, 503},
                                         {errc::resource_exhausted, 503},
                                         {errc::io_error, 500},
                                         {errc::internal, 500},
                                         {errc::invalid_argument, 400}}) {
    outcome_of = [code = code](const write_batch&) {
      return ingest::outcome{{code, "disk is full"}, {}};
    };
    const auto r = send_v2({series("m", {{1, 1.0}})});
    EXPECT_EQ(r.status, status);
    EXPECT_EQ(http::find_header(r.header_fields, "Retry-After"), status == 503 ? "5" : "");
    EXPECT_NE(r.body.find("disk is full"), std::string::npos);
    EXPECT_EQ(written(r), "0 0 0");
  }
}

TEST_F(WriteApiTest, OfAHalfStoredRequestTheStoredHalfIsCounted) {
  remote::series_cache of_two({.tenant = "", .shards = 2}, clk);
  services s = base;
  s.known_series = &of_two;
  the_api = std::make_unique<api>(s);
  std::vector<write_v2_series> many;
  for (int i = 0; i < 50; ++i)
    many.push_back(series("m" + std::to_string(i), {{1, 1.0}}));
  const auto normal = outcome_of;
  const write_batch* first = nullptr;
  outcome_of = [&](const write_batch& b) {
    if (first == nullptr)
      first = &b;
    return &b == first ? normal(b) : ingest::outcome{{errc::no_space, "disk is full"}, {}};
  };
  const auto r = send_v2(many);
  EXPECT_EQ(r.status, 503);
  ASSERT_EQ(stored.size(), 2u);
  EXPECT_EQ(written(r), std::to_string(stored[0]->floats.size()) + " 0 0");
}

TEST_F(WriteApiTest, MetadataAreSentAgainUntilTheyAreStored) {
  auto described = series("m", {{1, 1.0}});
  described.described = {metric_type::counter, "s", "help"};
  const auto normal = outcome_of;
  outcome_of = [](const write_batch&) {
    return ingest::outcome{{errc::unavailable, "starting"}, {}};
  };
  send_v2({described});
  EXPECT_EQ(stored.at(0)->metadata.size(), 1u);
  outcome_of = normal;
  send_v2({described});
  EXPECT_EQ(stored.at(0)->metadata.size(), 1u);
  send_v2({described});
  EXPECT_TRUE(stored.at(0)->metadata.empty());
}

// --- hostile bodies ---

TEST_F(WriteApiTest, BombsAreRefusedWithinTheirBudget) {
  const std::string zeros(64u << 20, '\0');
  std::string lies = "\xff\xff\xff\xff\x0f";  // snappy: 4 GiB announced
  lies += std::string(100, '\0');
  for (const auto& [body, coding] : std::vector<std::pair<std::string, std::string>>{
           {snappy_block(zeros), "snappy"}, {zstd_frame(zeros), "zstd"}, {lies, "snappy"}}) {
    const auto r = send(body, {{"Content-Type", v2_type}, {"Content-Encoding", coding}});
    EXPECT_EQ(r.status, 413) << r.body;
    EXPECT_FALSE(r.body.empty());
  }
  EXPECT_LE(budget->peak(), 3u << 20);
  EXPECT_EQ(budget->used(), 0u);
  std::string empty_series;
  for (int i = 0; i < 400'000; ++i)
    empty_series += std::string("\x2a\0", 2);
  const auto r = send(snappy_block(empty_series), {{"Content-Type", v2_type}});
  EXPECT_EQ(r.status, 413);
  EXPECT_EQ(r.body, "the request holds more elements than its size justifies\n");
  EXPECT_EQ(budget->used(), 0u);
}

TEST_F(WriteApiTest, CutBodiesAreRefused) {
  const std::string raw = write_v2_request({series("m", {{1000, 2.0}})});
  for (size_t n = 1; n < raw.size(); ++n)
    EXPECT_NE(send(snappy_block(raw.substr(0, n)), {{"Content-Type", v2_type}}).status / 100, 5);
  const std::string packed = zstd_frame(raw);
  for (size_t n = 0; n < packed.size(); ++n)
    EXPECT_EQ(
        send(packed.substr(0, n), {{"Content-Type", v2_type}, {"Content-Encoding", "zstd"}}).status,
        400);
}

}  // namespace
}  // namespace troupe::api
