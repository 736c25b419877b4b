// Series that get a label come out in label order, with their samples.
#include "pipeline/global/labelled_series.h"

#include "tests/support/memory_queryable.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace troupe::global {
namespace {

std::unique_ptr<storage::series_set> select(memory_queryable& from) {
  auto q = from.open("", 0, 1'000'000);
  return std::move(*(*q)->select({}, {}));
}

// "labels=samples;" of each; the second read has other bounds.
std::string texts(storage::series_set& set) {
  std::string out;
  while (set.next()) {
    storage::sample_columns all, some;
    EXPECT_TRUE(set.read(0, 10'000, all).ok());
    EXPECT_TRUE(set.read(2'000, 10'000, some).ok());
    out += set.series().to_string() + "=";
    for (const double v : all.values)
      out += std::to_string(static_cast<int>(v)) + ",";
    out += std::to_string(some.ts.size()) + "+" + std::to_string(all.histograms.size()) + ";";
  }
  EXPECT_TRUE(set.error().ok());
  return out;
}

TEST(labelled_series, a_series_stands_behind_those_with_more_labels) {
  memory_queryable from;
  int n = 0;
  for (const auto& ls : std::vector<std::vector<std::pair<std::string, std::string>>>{
           {{"a", "1"}},
           {{"a", "1"}, {"b", "1"}},
           {{"a", "1"}, {"b", "1"}, {"c", "1"}},
           {{"a", "1"}, {"b", "1"}, {"z", "1"}},
           {{"a", "1"}, {"b", "2"}},
           {{"a", "1"}, {"z", "1"}},
           {{"a", "2"}},
           {{"z", "1"}}}) {
    from.append(labels::from(ls), 1'000, n);
    from.append(labels::from(ls), 3'000, n++);
  }
  from.append(labels::from({{"a", "1"}}), 4'000, std::make_shared<histogram>());
  const auto set = with_label(select(from), "region", "eu", 0, 10'000);
  EXPECT_EQ(texts(*set), R"({a="1", b="1", c="1", region="eu"}=2,2,1+0;)"
                         R"({a="1", b="1", region="eu"}=1,1,1+0;)"
                         R"({a="1", b="1", region="eu", z="1"}=3,3,1+0;)"
                         R"({a="1", b="2", region="eu"}=4,4,1+0;)"
                         R"({a="1", region="eu"}=0,0,1+1;)"
                         R"({a="1", region="eu", z="1"}=5,5,1+0;)"
                         R"({a="2", region="eu"}=6,6,1+0;)"
                         R"({region="eu", z="1"}=7,7,1+0;)");
}

TEST(labelled_series, any_mix_of_labels_comes_out_in_order) {
  memory_queryable from;
  std::vector<labels> want;
  // Every subset of five labels, two values each.
  const std::vector<std::string> names{"a", "p", "q", "s", "z"};
  for (int bits = 0; bits < 243; ++bits) {
    labels_builder b;
    for (int i = 0, rest = bits; i < 5; ++i, rest /= 3)
      if (rest % 3 != 0)
        b.set(names[static_cast<size_t>(i)], std::to_string(rest % 3));
    from.append(b.build(), 1'000, bits);
    want.push_back(b.set("region", "eu").build());
  }
  std::sort(want.begin(), want.end());
  const auto set = with_label(select(from), "region", "eu", 0, 10'000);
  for (const auto& w : want) {
    ASSERT_TRUE(set->next());
    EXPECT_EQ(set->series(), w);
    storage::sample_columns c;
    ASSERT_TRUE(set->read(0, 10'000, c).ok());
    EXPECT_EQ(c.values.size(), 1u);
  }
  EXPECT_FALSE(set->next());
  memory_queryable empty;
  EXPECT_FALSE(with_label(select(empty), "region", "eu", 0, 1)->next());
}

}  // namespace
}  // namespace troupe::global
