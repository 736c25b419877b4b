// OpenMetrics text out and in: what is written is read again with every bit, in memory or through
// files; what the format cannot carry is counted.
#include "pipeline/parse/exposition_text.h"
#include "pipeline/transfer/openmetrics_source.h"
#include "pipeline/transfer/openmetrics_writer.h"
#include "storage/base/random.h"
#include "tests/support/sim_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>

namespace troupe::transfer {
namespace {

using testing::HasSubstr;

/// Series -> timestamp -> bits of the value.
using content = std::map<std::string, std::map<timestamp_ms, uint64_t>>;

std::string written(const labels& series, const storage::sample_columns& c, bool composite = false,
                    std::vector<exemplar> exemplars = {}) {
  std::string out;
  openmetrics_writer writer(composite);
  writer.add(out, series, c, exemplars);
  return out;
}

storage::sample_columns one(double value, timestamp_ms ts = 1000) {
  storage::sample_columns c;
  c.ts = {ts};
  c.values = {value};
  return c;
}

class openmetrics : public ::testing::Test {
 protected:
  result<std::unique_ptr<openmetrics_source>> read(std::string text, size_t memory = 1 << 20) {
    fs_.put("in", std::move(text));
    openmetrics_source::settings s;
    s.path = "in";
    s.work_dir = "work";
    s.range_ms = 1000;
    s.memory_bytes = memory;
    return openmetrics_source::read(fs_, s, {});
  }
  std::string error_of(const std::string& text) {
    const auto r = read(text);
    EXPECT_EQ(r.code(), errc::invalid_argument);
    return std::string(r.error().message());
  }
  /// Each range by itself, as an import asks.
  static content drain(const openmetrics_source& source) {
    content out;
    for (const auto& [min, max] : source.extents()) {
      auto set = source.open(min, max);
      EXPECT_TRUE(set.ok()) << set.error().message();
      labels before;
      while ((*set)->next()) {
        EXPECT_TRUE(before.empty() || before < (*set)->series());
        before = (*set)->series();
        storage::sample_columns c;
        EXPECT_TRUE((*set)->read(min, max, c).ok());
        for (size_t i = 0; i < c.ts.size(); ++i) {
          EXPECT_TRUE(i == 0 || c.ts[i - 1] < c.ts[i]);
          out[before.to_string()][c.ts[i]] = std::bit_cast<uint64_t>(c.values[i]);
        }
      }
    }
    return out;
  }

  support::sim_file_system fs_{1};
};

TEST_F(openmetrics, every_bit_of_every_number_and_label_comes_back) {
  seeded_random random(2);
  for (const size_t memory : {size_t{1} << 20, size_t{100}}) {
    content want;
    std::string text;
    for (int s = 0; s < 30; ++s) {
      const auto series =
          labels::from({{"__name__", s % 3 ? "m" + std::to_string(s) : "a.b" + std::to_string(s)},
                        {s % 2 ? "l" : "x-\"y", "q\"\\\n\xc3\xa4" + std::to_string(s)}});
      storage::sample_columns c;
      timestamp_ms ts = 1'700'000'000'000 + s;
      for (int i = 0; i < 100; ++i) {
        ts += 1 + static_cast<timestamp_ms>(random.below(2000));
        double v = std::bit_cast<double>(random.next());
        v = std::isnan(v) ? normal_nan() : v;
        c.ts.push_back(ts);
        c.values.push_back(v);
        want[series.to_string()][ts] = std::bit_cast<uint64_t>(v);
      }
      text += written(series, c);
    }
    openmetrics_writer::finish(text);
    const auto source = read(text, memory);
    ASSERT_TRUE(source.ok()) << source.error().message();
    EXPECT_EQ((*source)->samples(), 3000u);
    EXPECT_EQ((*source)->series(), 30u);
    EXPECT_EQ(fs_.files("work").empty(), memory > 1000);
    EXPECT_EQ(drain(**source), want);
  }
  EXPECT_TRUE(fs_.files("work").empty());
}

TEST_F(openmetrics, timestamps_survive_a_reader_that_cuts) {
  seeded_random random(3);
  for (int i = 0; i < 20'000; ++i) {
    const auto ts = static_cast<timestamp_ms>(random.below(4'000'000'000'000)) - 1'000'000'000'000;
    std::string text;
    append_seconds(text, ts);
    ASSERT_EQ(static_cast<timestamp_ms>(std::stod(text) * 1000), ts) << text;
  }
}

TEST_F(openmetrics, special_values_and_what_is_left_out) {
  const auto up = labels::from({{"__name__", "up"}});
  EXPECT_EQ(written(up, one(1)), "up 1 1.000\n");
  EXPECT_EQ(written(up, one(std::numeric_limits<double>::infinity(), -1500)), "up +Inf -1.500\n");
  EXPECT_EQ(written(up, one(-0.0)), "up -0 1.000\n");
  EXPECT_EQ(written(labels::from({{"a", "b"}}), one(1)), "{a=\"b\"} 1 1.000\n");
  EXPECT_EQ(written(labels::from({{"__name__", "a.b"}, {"c", "d"}}), one(1)),
            "{\"a.b\",c=\"d\"} 1 1.000\n");
  openmetrics_writer writer(false);
  std::string out;
  writer.add(out, up, one(stale_nan()), {});
  storage::sample_columns c;
  c.histograms.push_back({1, 0, std::make_shared<const histogram>()});
  writer.add(out, up, c, {});
  EXPECT_EQ(out, "");
  EXPECT_EQ(writer.stale_markers(), 1u);
  EXPECT_EQ(writer.histograms(), 1u);
  EXPECT_EQ(writer.samples(), 0u);
}

TEST_F(openmetrics, histograms_as_one_composite_value) {
  histogram h;
  h.count = 5;
  h.sum = 12.5;
  h.schema = 3;
  h.zero_threshold = 0.25;
  h.zero_count = 1;
  h.negative_spans = {{0, 1}};
  h.negative_buckets = {1};
  h.positive_spans = {{-2, 1}, {3, 2}};
  h.positive_buckets = {1, 1, 1};
  auto c = one(7, 500);
  c.histograms.push_back({1000, 0, std::make_shared<const histogram>(h)});
  EXPECT_EQ(written(labels::from({{"__name__", "m"}}), c, true),
            "m 7 0.500\nm {count:5,sum:12.5,schema:3,zero_threshold:0.25,zero_count:1,"
            "negative_spans:[0:1],negative_buckets:[1],positive_spans:[-2:1,3:2],"
            "positive_buckets:[1,1,1]} 1.000\n");
}

TEST_F(openmetrics, exemplars_go_to_the_first_sample_that_is_not_older) {
  storage::sample_columns c;
  c.ts = {1000, 2000, 3000};
  c.values = {1, 2, 3};
  const auto text =
      written(labels::from({{"__name__", "m_total"}}), c, false,
              {{labels::from({{"trace_id", "x"}}), 0.5, 1500}, {labels(), 0.75, 2500}});
  EXPECT_EQ(text,
            "m_total 1 1.000\nm_total 2 2.000 # {trace_id=\"x\"} 0.5 1.500\n"
            "m_total 3 3.000 # {} 0.75 2.500\n");
  const auto source = read(text + "# EOF\n");
  ASSERT_TRUE(source.ok()) << source.error().message();
  EXPECT_EQ((*source)->exemplars(), 2u);
}

TEST_F(openmetrics, out_of_order_input_and_repetitions_have_one_answer) {
  const auto source = read(
      "# TYPE a gauge\na{x=\"1\"} 5 3.0\na{x=\"1\"} 6 1.0\nb 1 1.5\n{\"a\",x=\"1\"} 9 "
      "3.0\na{x=\"1\"} "
      "7 "
      "3.0\n# EOF\n");
  ASSERT_TRUE(source.ok()) << source.error().message();
  EXPECT_EQ((*source)->series(), 2u);
  const auto bits = [](double v) { return std::bit_cast<uint64_t>(v); };
  EXPECT_EQ(drain(**source), (content{{"a{x=\"1\"}", {{1000, bits(6)}, {3000, bits(9)}}},
                                      {"b", {{1500, bits(1)}}}}));
}

TEST_F(openmetrics, errors_name_file_and_line) {
  EXPECT_THAT(error_of("a 1 1\nb 2\n# EOF\n"),
              HasSubstr("in: line 2: the sample has no timestamp"));
  EXPECT_THAT(error_of("a 1 1\n"), HasSubstr("in: "));
  EXPECT_THAT(error_of("a 1 1\na{ 1\n# EOF\n"), HasSubstr("line 2"));
  EXPECT_THAT(error_of("a{x=\"1\",x=\"2\"} 1 1\n# EOF\n"), HasSubstr("line 1"));
  EXPECT_EQ(read("# EOF\n")->get()->extents().size(), 0u);
}

TEST_F(openmetrics, full_disk_is_reported) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += "a 1 " + std::to_string(i) + "\n";
  fs_.fail_only_on("work");
  fs_.fail_nth(5, errc::no_space, true);
  EXPECT_EQ(read(text + "# EOF\n", 1000).code(), errc::no_space);
}

TEST(exposition_text, names) {
  EXPECT_TRUE(parse::is_legacy_name("a_9", false));
  EXPECT_FALSE(parse::is_legacy_name("9a", false));
  EXPECT_FALSE(parse::is_legacy_name("", false));
  EXPECT_TRUE(parse::is_legacy_name("a:b", true));
  EXPECT_FALSE(parse::is_legacy_name("a:b", false));
  std::string out;
  parse::append_series(out, labels());
  EXPECT_EQ(out, "{}");
}

}  // namespace
}  // namespace troupe::transfer
