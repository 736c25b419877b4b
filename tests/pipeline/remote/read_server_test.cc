#include "pipeline/remote/read_server.h"

#include "storage/base/clock.h"
#include "tests/support/memory_queryable.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace troupe::remote {
namespace {

labels named(std::string name, std::string i) {
  return labels::from({{"__name__", std::move(name)}, {"i", std::move(i)}});
}

histogram_ptr native(double n) {
  auto h = std::make_shared<histogram>();
  h->schema = 2;
  h->count = n + 1;
  h->sum = n / 2;
  h->positive_spans = {{-1, 1}, {2, 1}};
  h->positive_buckets = {n, 1};
  return h;
}

matcher must(match_op op, std::string name, std::string value) {
  return *matcher::make(op, std::move(name), std::move(value));
}

/// Series by name and samples as text.
std::string show(const labels& series, const storage::sample_columns& c) {
  std::string out = series.to_string();
  for (size_t i = 0; i < c.ts.size(); ++i)
    out += " " + std::to_string(c.ts[i]) + ":" + std::to_string(c.values[i]);
  for (const auto& row : c.histograms)
    out += " " + std::to_string(row.ts) + ":h" + std::to_string(row.value->count);
  return out + "\n";
}

class ReadServerTest : public ::testing::Test {
 protected:
  ReadServerTest() {
    for (int i = 0; i < 300; ++i) {
      data.append(named("a", "1"), i * 1000, i * 0.5);
      if (i < 5)
        data.append(named("a", "2"), i * 1000, -i);
      if (i < 3)
        data.append(named("h", "1"), i * 1000, native(i));
    }
    // A series that changes its kind.
    data.append(named("m", "1"), 1000, 1.0);
    data.append(named("m", "1"), 2000, native(1));
    data.append(named("m", "1"), 3000, 3.0);
  }

  static read_request request(read_response how, matchers ms, timestamp_ms start = 0,
                              timestamp_ms end = 1'000'000) {
    read_query q;
    q.start = start;
    q.end = end;
    q.ms = std::move(ms);
    read_request out;
    out.queries = {std::move(q)};
    out.wanted = how;
    return out;
  }

  result<std::string> in_one(const read_request& r, const external_labels& external = {},
                             uint64_t limit = 0) {
    const query::budget budget(clk, 0, UINT64_MAX, 1 << 30, nullptr);
    query::budget memory(clk, 0, UINT64_MAX, 1 << 30, nullptr);
    query::held held(memory);
    return read_all(data, r, external, limit, budget, held);
  }
  std::string in_frames(const read_request& r, const external_labels& external = {},
                        size_t frame = 1 << 20) {
    read_stream stream(data, r, external, frame);
    std::string out;
    while (true) {
      const auto more = stream.next(out);
      EXPECT_TRUE(more.ok()) << more.error().message();
      ++pieces;
      if (!more.ok() || !*more)
        return out;
    }
  }

  static std::string dump(const result<std::vector<read_series>>& got, read_response how,
                          timestamp_ms mint = 0, timestamp_ms maxt = 1'000'000) {
    if (!got.ok())
      return std::string(got.error().message());
    std::string out;
    for (const auto& s : *got) {
      storage::sample_columns c;
      for (const auto message : s.messages)
        if (const auto e = read_samples(message, how, mint, maxt, c); !e.ok())
          return std::string(e.message());
      out += show(s.series, c);
    }
    return out;
  }

  /// Both ways must give the same.
  std::string both(matchers ms, const external_labels& external = {}, timestamp_ms start = 0,
                   timestamp_ms end = 1'000'000) {
    const auto one = in_one(request(read_response::samples, ms, start, end), external);
    EXPECT_TRUE(one.ok());
    const auto frames =
        in_frames(request(read_response::streamed_chunks, ms, start, end), external, 300);
    const auto a = dump(decode_read_response(*one), read_response::samples);
    EXPECT_EQ(a, dump(decode_read_stream(frames, 1 << 20), read_response::streamed_chunks));
    return a;
  }

  manual_clock clk;
  memory_queryable data;
  int pieces = 0;
};

TEST_F(ReadServerTest, BothResponsesSayTheSame) {
  EXPECT_EQ(both({must(match_op::equal, "i", "2")}),
            "a{i=\"2\"} 0:0.000000 1000:-1.000000 2000:-2.000000 3000:-3.000000 4000:-4.000000\n");
  EXPECT_EQ(both({must(match_op::regex, "__name__", "h|m")}),
            "h{i=\"1\"} 0:h1.000000 1000:h2.000000 2000:h3.000000\n"
            "m{i=\"1\"} 1000:1.000000 3000:3.000000 2000:h2.000000\n");
  EXPECT_EQ(both({must(match_op::equal, "__name__", "a"), must(match_op::not_equal, "i", "1")}, {},
                 2500, 3500),
            "a{i=\"2\"} 3000:-3.000000\n");
  const auto long_one =
      both({must(match_op::not_regex, "__name__", "h|m"), must(match_op::equal, "i", "1")});
  EXPECT_TRUE(long_one.starts_with("a{i=\"1\"} 0:0.000000 1000:0.500000 ")) << long_one;
  EXPECT_TRUE(long_one.ends_with(" 299000:149.500000\n")) << long_one;
  EXPECT_EQ(both({must(match_op::equal, "i", "none")}), "");
}

TEST_F(ReadServerTest, ExternalLabelsAreAddedAndAskedFor) {
  const external_labels external = {{"region", "x"}, {"i", "outside"}};
  EXPECT_EQ(both({must(match_op::equal, "__name__", "a"), must(match_op::equal, "region", "x"),
                  must(match_op::regex, "i", "2")},
                 external, 0, 500),
            "a{i=\"2\", region=\"x\"} 0:0.000000\n")
      << "the series' own label stays";
  EXPECT_EQ(both({must(match_op::equal, "__name__", "a"), must(match_op::equal, "region", "y")},
                 external),
            "");
  EXPECT_EQ(local_matchers({must(match_op::equal, "region", "x")}, external),
            matchers{matcher::equal("region", "")});
}

TEST_F(ReadServerTest, SampleLimitIsOfAQuery) {
  auto r = request(read_response::samples, {must(match_op::equal, "i", "2")});
  EXPECT_TRUE(in_one(r, {}, 5).ok());
  EXPECT_EQ(in_one(r, {}, 4).error().message(), "exceeded sample limit (4)");
  r.queries.push_back(r.queries.front());
  EXPECT_TRUE(in_one(r, {}, 5).ok());
}

TEST_F(ReadServerTest, FramesAreBoundedAndOfOneSeries) {
  const auto frames = in_frames(
      request(read_response::streamed_chunks, {must(match_op::equal, "__name__", "a")}), {}, 64);
  const auto got = decode_read_stream(frames, 1 << 20);
  ASSERT_TRUE(got.ok());
  ASSERT_EQ(got->size(), 2u);
  EXPECT_EQ(got->front().messages.size(), 3u) << "300 samples are three chunks";
  EXPECT_EQ(decode_read_stream(frames, 16).error().code(), errc::unsupported);
}

TEST_F(ReadServerTest, LongStreamsComeInPieces) {
  for (int s = 0; s < 400; ++s)
    for (int i = 0; i < 120; ++i)
      data.append(named("wide", std::to_string(s)), i * 1000, std::sqrt(i + s));
  const auto frames = in_frames(
      request(read_response::streamed_chunks, {must(match_op::equal, "__name__", "wide")}));
  EXPECT_GT(frames.size(), 3u * (64 << 10));
  EXPECT_GE(pieces, 4);
  EXPECT_EQ(decode_read_stream(frames, 1 << 20)->size(), 400u);
}

TEST_F(ReadServerTest, EveryChangedOrMissingByteOfAStreamIsFound) {
  const auto frames =
      in_frames(request(read_response::streamed_chunks, {must(match_op::equal, "__name__", "h")}));
  for (size_t i = 0; i < frames.size(); ++i) {
    auto bad = frames;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(decode_read_stream(bad, 1 << 20).ok()) << i;
    if (i > 0) {
      EXPECT_FALSE(decode_read_stream(frames.substr(0, i), 1 << 20).ok()) << i;
    }
  }
  EXPECT_TRUE(decode_read_stream("", 1 << 20)->empty());
}

}  // namespace
}  // namespace troupe::remote
