#include "pipeline/route/router.h"

#include "storage/model/slot.h"

#include <gtest/gtest.h>

#include <map>

namespace troupe::route {
namespace {

labels series(const std::string& job, const std::string& instance, const std::string& extra = "") {
  return labels::from({{"__name__", "m"}, {"job", job}, {"instance", instance}, {"x", extra}});
}

std::shared_ptr<write_batch> mixed_batch(size_t n) {
  auto b = std::make_shared<write_batch>();
  std::vector<labels> all;
  for (size_t i = 0; i < n; ++i)
    all.push_back(series("j", "host" + std::to_string(i)));
  b->table = make_series_table("", std::move(all));
  for (uint32_t i = 0; i < n; ++i)
    b->floats.push_back({1000 + i, static_cast<double>(i), i});
  b->starts = {{0, 5}, {static_cast<uint32_t>(n - 1), 7}};
  b->metadata.push_back({"m", {metric_type::gauge, "", "help"}});
  b->source_position = "pos";
  b->taken_over = true;
  return b;
}

TEST(Router, OneSlotPassesTheSameObject) {
  batch_router r(4);
  auto b = std::make_shared<write_batch>();
  b->table = make_series_table("", {series("a", "1", "x"), series("a", "1", "y")});
  ASSERT_GE(b->table->uniform_slot, 0);
  auto parts = r.split(b);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].batch.get(), b.get());
  EXPECT_EQ(parts[0].shard, slot_of("", series("a", "1")) % 4u);
}

TEST(Router, MixedTableKeepsEverySampleOnceInItsShard) {
  batch_router r(4);
  auto b = mixed_batch(200);
  auto parts = r.split(b);
  ASSERT_EQ(parts.size(), 4u);
  std::map<std::string, double> seen;
  size_t starts = 0, meta = 0;
  for (const auto& p : parts) {
    EXPECT_EQ(p.batch->source_position, "pos");
    EXPECT_TRUE(p.batch->taken_over);
    meta += p.batch->metadata.size();
    for (const auto& e : p.batch->floats) {
      const labels& l = p.batch->table->series[e.series];
      EXPECT_EQ(r.shard_of(p.batch->table->slot(e.series)), p.shard);
      EXPECT_TRUE(seen.emplace(l.to_string(), e.value).second);
      EXPECT_EQ(l.get("instance"), "host" + std::to_string(static_cast<int>(e.value)));
    }
    for (const auto& s : p.batch->starts) {
      ++starts;
      EXPECT_EQ(p.batch->floats[s.index].value, s.start_ts == 5 ? 0.0 : 199.0);
    }
  }
  EXPECT_EQ(seen.size(), 200u);
  EXPECT_EQ(starts, 2u);
  EXPECT_EQ(meta, 1u);
}

TEST(Router, KnownTableGivesTheSameShardTables) {
  batch_router r(2);
  auto b = mixed_batch(50);
  auto first = r.split(b);
  auto again = std::make_shared<write_batch>(*b);
  auto second = r.split(again);
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i)
    EXPECT_EQ(first[i].batch->table.get(), second[i].batch->table.get());
}

TEST(Router, PlansAreBounded) {
  batch_router r(2, 3);
  std::vector<std::weak_ptr<const series_table>> tables;
  for (int i = 0; i < 10; ++i) {
    auto b = mixed_batch(10);
    tables.push_back(b->table);
    r.split(b);
  }
  int alive = 0;
  for (const auto& t : tables)
    alive += !t.expired();
  EXPECT_EQ(alive, 3);
}

TEST(Router, EmptyBatchGoesToShardZero) {
  batch_router r(3);
  auto b = std::make_shared<write_batch>();
  b->metadata.push_back({"m", {}});
  auto parts = r.split(b);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].shard, 0u);
}

}  // namespace
}  // namespace troupe::route
