#include "pipeline/remote/write_codec.h"

#include "pipeline/remote/protobuf.h"
#include "storage/model/slot.h"
#include "tests/support/remote_write_body.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace troupe::remote {
namespace {

using support::write_request;

/// Decodes with a cache that knows nothing yet.
result<decoded_write> decode_write(std::string_view protobuf) {
  manual_clock clk;
  series_cache known({}, clk);
  return remote::decode_write(protobuf, known);
}

labels named(std::string name, std::string instance = "i") {
  return labels::from(
      {{"__name__", std::move(name)}, {"job", "j"}, {"instance", std::move(instance)}});
}

TEST(WriteCodec, ReadsSeriesInOrderWithTheirSlots) {
  auto got = decode_write(write_request(
      {{named("a"), {{1000, 1.5}, {2000, stale_nan()}}}, {named("b", "k"), {{-5, -0.0}}}}));
  ASSERT_TRUE(got.ok());
  const auto& b = *got->batches.at(0);
  ASSERT_EQ(b.table->series.size(), 2u);
  EXPECT_EQ(b.table->series[0], named("a"));
  EXPECT_EQ(b.table->slot(1), slot_of("", named("b", "k")));
  ASSERT_EQ(b.floats.size(), 3u);
  EXPECT_EQ(b.floats[0].ts, 1000);
  EXPECT_EQ(std::bit_cast<uint64_t>(b.floats[1].value), stale_nan_bits);
  EXPECT_EQ(b.floats[2].ts, -5);
  EXPECT_TRUE(std::signbit(b.floats[2].value));
  EXPECT_EQ(b.floats[2].series, 1u);
  EXPECT_EQ(got->refused_series.count, 0u);
}

TEST(WriteCodec, TheSameSeriesTwiceIsOneSeries) {
  auto got = decode_write(write_request({{named("a"), {{1, 1}}}, {named("a"), {{2, 2}}}}));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->batches.at(0)->table->series.size(), 1u);
  EXPECT_EQ(got->batches.at(0)->floats.size(), 2u);
}

TEST(WriteCodec, RefusesSeriesNotRequests) {
  std::string bytes =
      write_request({{named("good"), {{1, 1}}}, {labels::from({{"job", "nameless"}}), {{1, 1}}}});
  protozero::pbf_writer request(bytes);
  auto raw = [&](std::vector<std::pair<std::string, std::string>> ls) {
    protozero::pbf_writer ts(request, 1);
    for (const auto& [k, v] : ls) {
      protozero::pbf_writer l(ts, 1);
      l.add_string(1, k);
      l.add_string(2, v);
    }
    protozero::pbf_writer s(ts, 2);
    s.add_double(1, 1);
  };
  raw({{"__name__", "m"}, {"a", "1"}, {"a", "2"}});
  raw({{"__name__", "m"}, {"", "1"}});
  raw({{"__name__", "m"}, {"a", "\xff"}});
  raw({{"__name__", "m"}, {"a", "\xed\xa0\x80"}});
  raw({{"__name__", "m"}, {"a", std::string(100'000, 'x')}});
  auto got = decode_write(bytes);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->refused_series.count, 6u);
  EXPECT_EQ(got->refused_series.why, "series without a metric name");
  EXPECT_EQ(got->samples_of_refused_series, 6u);
  ASSERT_EQ(got->batches.size(), 1u);
  EXPECT_EQ(got->batches.at(0)->floats.size(), 1u);
}

TEST(WriteCodec, LabelsMayComeAfterSamples) {
  std::string bytes;
  protozero::pbf_writer request(bytes);
  {
    protozero::pbf_writer ts(request, 1);
    {
      protozero::pbf_writer s(ts, 2);
      s.add_double(1, 7);
      s.add_int64(2, 9);
    }
    protozero::pbf_writer l(ts, 1);
    l.add_string(1, "__name__");
    l.add_string(2, "late");
  }
  auto got = decode_write(bytes);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->batches.at(0)->table->series[0].metric_name(), "late");
  EXPECT_EQ(got->batches.at(0)->floats[0].value, 7);
}

TEST(WriteCodec, ReadsSamplesInEveryForm) {
  // The bytes behind the labels of one series, and the samples they mean.
  const std::string value("\x09\0\0\0\0\0\0\x1c\x40", 9);  // 7
  const auto field = [](const std::string& sample) {
    return '\x12' + std::string(1, static_cast<char>(sample.size())) + sample;
  };
  const std::string minus_one = "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  const std::vector<std::pair<std::string, std::vector<std::pair<timestamp_ms, double>>>> forms = {
      {field(value + "\x10\x09"), {{9, 7}}},
      {field(value + "\x10\x89\x01"), {{137, 7}}},
      {field(value + minus_one), {{-1, 7}}},
      {field("\x10\x09" + value), {{9, 7}}},
      {field(value), {{0, 7}}},
      {field("\x10\x09"), {{9, 0}}},
      {field(""), {{0, 0}}},
      {field(value + "\x10\x09\x18\x05"), {{9, 7}}},
      {field(value + "\x10\x08\x10\x09"), {{9, 7}}},
      {field(value + "\x10\x09") + field(value + "\x10\x0a"), {{9, 7}, {10, 7}}},
      {field(value + "\x10\x09") + "\x28\x01", {{9, 7}}},
  };
  for (const auto& [bytes, want] : forms) {
    std::string request;
    protozero::pbf_writer(request).add_bytes(1, "\x0a\x0d\x0a\x08__name__\x12\x01m" + bytes);
    auto got = decode_write(request);
    ASSERT_TRUE(got.ok());
    std::vector<std::pair<timestamp_ms, double>> read;
    for (const auto& f : got->batches.at(0)->floats)
      read.emplace_back(f.ts, f.value);
    EXPECT_EQ(read, want);
  }
  for (const std::string& cut : {field(value + "\x10"), field(value + "\x10\x89"),
                                 "\x12\x0b" + value + "\x10", "\x12\x0c" + value + "\x10\x09"}) {
    std::string request;
    protozero::pbf_writer(request).add_bytes(1, "\x0a\x0d\x0a\x08__name__\x12\x01m" + cut);
    EXPECT_FALSE(decode_write(request).ok());
  }
}

TEST(WriteCodec, ALabelFieldOfAnotherTypeIsNoLabel) {
  std::string request;
  protozero::pbf_writer(request).add_bytes(
      1, "\x0a\x0d\x0a\x08__name__\x12\x01m\x08\x05\x12\x02\x10\x09");
  auto got = decode_write(request);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->batches.at(0)->table->series[0], labels::from({{"__name__", "m"}}));
  EXPECT_EQ(got->batches.at(0)->floats.at(0).ts, 9);
}

/// A series with an exemplar and a histogram, and metadata.
std::string rich_request() {
  std::string bytes;
  protozero::pbf_writer request(bytes);
  {
    protozero::pbf_writer ts(request, 1);
    {
      protozero::pbf_writer l(ts, 1);
      l.add_string(1, "__name__");
      l.add_string(2, "h");
    }
    {
      protozero::pbf_writer e(ts, 3);
      {
        protozero::pbf_writer l(e, 1);
        l.add_string(1, "trace_id");
        l.add_string(2, "abc");
      }
      e.add_double(2, 0.5);
      e.add_int64(3, 77);
    }
    protozero::pbf_writer h(ts, 4);
    h.add_uint64(1, 6);
    h.add_double(3, 18.4);
    h.add_sint32(4, 1);
    h.add_uint64(6, 2);
    {
      protozero::pbf_writer span(h, 11);
      span.add_sint32(1, 0);
      span.add_uint32(2, 2);
    }
    std::vector<int64_t> deltas = {1, 2};
    h.add_packed_sint64(12, deltas.begin(), deltas.end());
    h.add_int64(15, 99);
  }
  {
    protozero::pbf_writer m(request, 3);
    m.add_enum(1, 1);
    m.add_string(2, "h");
    m.add_string(4, "help");
    m.add_string(5, "seconds");
  }
  return bytes;
}

TEST(WriteCodec, CarriesMetadataExemplarsAndHistograms) {
  auto got = decode_write(rich_request());
  ASSERT_TRUE(got.ok());
  const auto& b = *got->batches.at(0);
  ASSERT_EQ(b.exemplars.size(), 1u);
  EXPECT_EQ(b.exemplars[0].value.lset.get("trace_id"), "abc");
  ASSERT_EQ(b.histograms.size(), 1u);
  EXPECT_EQ(b.histograms[0].ts, 99);
  EXPECT_EQ(b.histograms[0].value->positive_buckets, (std::vector<double>{1, 3}));
  EXPECT_EQ(b.histograms[0].value->count, 6);
  ASSERT_EQ(b.metadata.size(), 1u);
  EXPECT_EQ(b.metadata[0].value, (metadata{metric_type::counter, "seconds", "help"}));
}

TEST(WriteCodec, EveryCutOfARequestIsAnErrorOrAPart) {
  std::string whole = write_request({{named("a"), {{1000, 1.5}}}, {named("b"), {{2000, 2.5}}}});
  for (size_t n = 0; n < whole.size(); ++n) {
    auto got = decode_write(std::string_view(whole).substr(0, n));
    if (!got.ok()) {
      EXPECT_EQ(got.code(), errc::invalid_argument);
    } else if (!got->batches.empty()) {
      EXPECT_LE(got->batches.at(0)->floats.size(), 1u);
    }
  }
}

// Among them every field with every other wire type, at every level.
TEST(WriteCodec, EveryChangedByteIsAnErrorOrARequest) {
  const std::string whole = rich_request() + write_request({{named("a"), {{1000, 1.5}}}});
  size_t errors = 0;
  for (size_t at = 0; at < whole.size(); ++at)
    for (int change = 1; change < 256; ++change) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      const auto got = decode_write(bytes);
      ASSERT_TRUE(got.ok() || got.code() == errc::invalid_argument);
      errors += got.ok() ? 0 : 1;
    }
  EXPECT_GT(errors, 0u);
}

TEST(WriteCodec, AnEmptyRequestHasNoBatch) {
  auto got = decode_write("");
  ASSERT_TRUE(got.ok());
  EXPECT_TRUE(got->batches.empty());
}

}  // namespace
}  // namespace troupe::remote
