#include "pipeline/remote/series_collector.h"

#include <gtest/gtest.h>

#include <map>

namespace troupe::remote {
namespace {

class SeriesCollector : public ::testing::Test {
 protected:
  std::unique_ptr<series_collector> make(size_t request_bytes = 1 << 20) {
    return std::make_unique<series_collector>(known, limits, request_bytes);
  }
  static std::multimap<std::string, double> samples(const decoded_write& w) {
    std::multimap<std::string, double> out;
    for (const auto& b : w.batches)
      for (const auto& f : b->floats)
        out.emplace(b->table->series.at(f.series).to_string(), f.value);
    return out;
  }

  manual_clock clk;
  write_limits limits;
  series_cache known{{.tenant = "", .shards = 2}, clk};
};

TEST_F(SeriesCollector, MakesBatchesOfSeriesInAnyOrder) {
  for (int round = 0; round < 2; ++round) {
    auto c = make();
    c->begin_series(std::vector<label_view>{{"b", "2"}, {"__name__", "m"}, {"a", ""}});
    c->add(1000, 1.5, 500);
    c->add(2000, 2.5);
    c->begin_series(std::vector<label_view>{{"__name__", "n"}});
    c->add(1000, 3.5);
    c->begin_series(std::vector<label_view>{{"__name__", "m"}, {"b", "2"}});
    c->add(3000, 4.5);
    auto got = c->done();
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(samples(*got),
              (std::multimap<std::string, double>{
                  {"m{b=\"2\"}", 1.5}, {"m{b=\"2\"}", 2.5}, {"m{b=\"2\"}", 4.5}, {"n", 3.5}}));
    size_t starts = 0;
    for (const auto& b : got->batches) {
      EXPECT_NE(b->group, 0u);
      for (const auto& s : b->starts) {
        EXPECT_EQ(s.start_ts, 500);
        EXPECT_EQ(b->floats.at(s.index).ts, 1000);
        ++starts;
      }
    }
    EXPECT_EQ(starts, 1u);
    EXPECT_EQ(known.series_count(), 2u);
  }
}

TEST_F(SeriesCollector, SeriesOfManyFlushesShareABatchPerPage) {
  auto c = make();
  constexpr int count = 3000;
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < count; ++i) {
      const std::string number = std::to_string(i), filler(200, 'x');
      c->begin_series(
          std::vector<label_view>{{"__name__", "m"}, {"i", number}, {"filler", filler}});
      c->add(round, i);
    }
  auto got = c->done();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(samples(*got).size(), 2u * count);
  EXPECT_LE(got->batches.size(), 2u * (count / series_cache::page_series + 1));
}

TEST_F(SeriesCollector, RefusesWhatMustNotBeStored) {
  limits.max_labels = 3;
  auto c = make();
  c->begin_series(std::vector<label_view>{{"a", "1"}});
  c->add(1, 1.0);
  c->add(2, 1.0);
  c->begin_series(std::vector<label_view>{{"__name__", "m"}, {"a", "1"}, {"a", "2"}});
  c->add(1, 1.0);
  c->begin_series(std::vector<label_view>{{"__name__", "m"}, {"a", "1"}, {"b", "2"}, {"c", "3"}});
  c->add(1, 1.0);
  c->begin_series(std::vector<label_view>{{"__name__", "m"}, {"a", "\xff"}});
  c->add(1, 1.0);
  c->begin_series(std::vector<label_view>{{"__name__", "ok"}});
  auto bad = std::make_shared<histogram>();
  bad->count = 3;
  c->add(1, bad);
  c->add(exemplar_fields{{{"k", std::string_view("x")}}, 1.0, 1});
  const std::string longer(200, 'x');
  c->add(exemplar_fields{{{"k", longer}}, 1.0, 1});
  c->add(metadata_fields{"", metric_type::gauge, "", "help"});
  c->refuse_sample("of no kind");
  c->refuse_exemplar("of no value");
  auto got = c->done();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->refused_series.count, 5u);
  EXPECT_EQ(got->samples_of_refused_series, 6u);
  EXPECT_EQ(got->refused_histograms.count, 1u);
  EXPECT_EQ(got->refused_exemplars.count, 2u);
  EXPECT_EQ(got->refused_metadata.count, 1u);
  EXPECT_EQ(got->refused_metadata.why, "metadata without a metric name");
  ASSERT_EQ(got->batches.size(), 1u);
  EXPECT_EQ(got->batches[0]->exemplars.size(), 1u);
}

TEST_F(SeriesCollector, MetadataAreSentUntilTheyAreKnown) {
  for (int round = 0; round < 2; ++round) {
    auto c = make();
    for (int i = 0; i < 2; ++i)
      c->add(metadata_fields{"m", metric_type::counter, "s", "help"});
    auto got = c->done();
    ASSERT_TRUE(got.ok());
    if (round == 0) {
      ASSERT_EQ(got->batches.size(), 1u);
      ASSERT_EQ(got->batches[0]->metadata.size(), 1u);
      EXPECT_EQ(got->batches[0]->metadata[0].family, "m");
      EXPECT_EQ(got->batches[0]->metadata[0].value, (metadata{metric_type::counter, "s", "help"}));
    } else {
      EXPECT_TRUE(got->batches.empty());
    }
    known.metadata().note(got->metadata);
  }
}

TEST_F(SeriesCollector, TakesNoMoreThanTheRequestJustifies) {
  series_collector c(known, limits, 10, {.factor = 10, .free_bytes = 400});
  const std::string value(100, 'x');
  int taken = 0;
  for (; taken < 100 && !c.full(); ++taken) {
    c.begin_series(std::vector<label_view>{{"__name__", value}});
    c.add(1, 1.0);
    c.add(1, std::make_shared<histogram>());
    c.add(exemplar_fields{});
    c.add(metadata_fields{});
  }
  EXPECT_LT(taken, 10);
  const auto got = c.done();
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code(), errc::out_of_bounds);
}

}  // namespace
}  // namespace troupe::remote
