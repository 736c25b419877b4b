#include "pipeline/jsonlines/export.h"

#include "pipeline/jsonlines/decode.h"
#include "query/parser/parser.h"
#include "tests/support/memory_queryable.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace troupe::jsonlines {
namespace {

class JsonLinesExport : public ::testing::Test {
 protected:
  std::string exported(const std::vector<std::string>& selectors, timestamp_ms start = 0,
                       timestamp_ms end = 1'000'000, size_t rows = 0) {
    export_request r;
    for (const auto& s : selectors)
      r.selectors.push_back(*query::parse_metric_selector(s));
    r.start = start;
    r.end = end;
    r.max_rows_per_line = rows;
    auto from = exporter::open(data, std::move(r));
    EXPECT_TRUE(from.ok());
    std::string out;
    while ((*from)->next(out)) {
    }
    EXPECT_TRUE((*from)->error().ok());
    return out;
  }

  memory_queryable data;
};

TEST_F(JsonLinesExport, ALineASeries) {
  const auto m = labels::from({{"__name__", "m"}, {"a", "x\"\n"}});
  data.append(m, 10, 1);
  data.append(m, 20, 0.1);
  data.append(labels::from({{"__name__", "n"}}), 30, 2);
  EXPECT_EQ(exported({"m"}),
            "{\"metric\":{\"__name__\":\"m\",\"a\":\"x\\\"\\n\"},\"values\":[1,0.1],"
            "\"timestamps\":[10,20]}\n");
  EXPECT_EQ(exported({"{__name__=~\".+\"}"}, 15, 30),
            "{\"metric\":{\"__name__\":\"m\",\"a\":\"x\\\"\\n\"},\"values\":[0.1],"
            "\"timestamps\":[20]}\n"
            "{\"metric\":{\"__name__\":\"n\"},\"values\":[2],\"timestamps\":[30]}\n");
  EXPECT_EQ(exported({"none"}), "");
  // A series that two selectors have comes once.
  EXPECT_EQ(exported({"n", "{__name__=~\"n|m\"}", "m"}, 30, 30),
            "{\"metric\":{\"__name__\":\"n\"},\"values\":[2],\"timestamps\":[30]}\n");
}

TEST_F(JsonLinesExport, LinesAreBoundedInRowsAndTime) {
  const auto m = labels::from({{"__name__", "m"}});
  constexpr timestamp_ms day = 24 * 3600 * 1000;
  for (int i = 0; i < 5; ++i)
    data.append(m, i * 50 * day, i);
  std::string out = exported({"m"}, 0, 1000 * day);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3);
  data.clear();
  for (int i = 0; i < 5; ++i)
    data.append(m, i, i);
  EXPECT_EQ(exported({"m"}, 0, 10, 2),
            "{\"metric\":{\"__name__\":\"m\"},\"values\":[0,1],\"timestamps\":[0,1]}\n"
            "{\"metric\":{\"__name__\":\"m\"},\"values\":[2,3],\"timestamps\":[2,3]}\n"
            "{\"metric\":{\"__name__\":\"m\"},\"values\":[4],\"timestamps\":[4]}\n");
}

TEST_F(JsonLinesExport, WhatIsExportedIsImportedBitForBit) {
  const auto m = labels::from({{"__name__", "m"}, {"caf\u00e9", "\u20ac"}});
  const std::vector<double> values = {1,
                                      -0.0,
                                      5e-324,
                                      1.7976931348623157e308,
                                      0.1 + 0.2,
                                      1e21,
                                      1e-7,
                                      std::numeric_limits<double>::infinity(),
                                      -std::numeric_limits<double>::infinity(),
                                      normal_nan(),
                                      stale_nan()};
  for (size_t i = 0; i < values.size(); ++i)
    data.append(m, static_cast<timestamp_ms>(i), values[i]);
  const std::string lines = exported({"m"});
  manual_clock clk;
  remote::series_cache known({}, clk);
  request r;
  r.lines = lines;
  const auto got = decode(r, known);
  ASSERT_TRUE(got.ok());
  ASSERT_EQ(got->batches.size(), 1u) << got->refused_series.why;
  const auto& b = *got->batches[0];
  EXPECT_EQ(b.table->series.at(0), m);
  ASSERT_EQ(b.floats.size(), values.size());
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(std::bit_cast<uint64_t>(b.floats[i].value), std::bit_cast<uint64_t>(values[i])) << i;
}

TEST_F(JsonLinesExport, NativeHistogramsAreLeftOut) {
  const auto m = labels::from({{"__name__", "m"}});
  data.append(m, 1, std::make_shared<histogram>());
  EXPECT_EQ(exported({"m"}), "");
  data.append(m, 2, 3);
  EXPECT_EQ(exported({"m"}),
            "{\"metric\":{\"__name__\":\"m\"},\"values\":[3],\"timestamps\":[2]}\n");
}

}  // namespace
}  // namespace troupe::jsonlines
