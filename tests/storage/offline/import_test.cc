// Imports: whole, repeated, killed at every write, filtered; of series and of Prometheus' blocks.
#include "storage/offline/block_list.h"
#include "storage/offline/importer.h"
#include "storage/offline/tsdb_source.h"
#include "storage/tsdb/block_writer.h"
#include "tests/storage/compact/store_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

using test::flat;
using test::hour;
using test::series_data;

class offline_import : public ::testing::Test {
 protected:
  offline_import()
      : fs_(5),
        data_(test::random_series(random_, {.series = 12, .samples = 400, .step = 60'000})) {}

  import_source source(const std::vector<series_data>& data, std::string name = "s") {
    import_source out;
    out.identity = std::move(name);
    for (const auto& d : data) {
      if (!d.columns.ts.empty())
        out.extents.push_back({d.columns.ts.front(), d.columns.ts.back()});
      if (!d.columns.histograms.empty())
        out.extents.push_back({d.columns.histograms.front().ts, d.columns.histograms.back().ts});
    }
    out.open = [data](timestamp_ms, timestamp_ms) {
      return result<std::unique_ptr<series_set>>(std::make_unique<test::data_series_set>(data));
    };
    return out;
  }
  import_settings settings() {
    import_settings s;
    s.dir = "data";
    s.min_block_ms = 2 * hour / 3;
    return s;
  }
  result<import_report> run(const import_source& from, const import_settings& s) {
    auto to = importer::open(fs_, clk_, ++seed_, s);
    return to.ok() ? (*to)->run(from, {}) : result<import_report>(to.error());
  }
  import_report must(const import_source& from, const import_settings& s) {
    auto r = run(from, s);
    EXPECT_TRUE(r.ok()) << r.error().message();
    return r.ok() ? *r : import_report();
  }
  std::vector<std::shared_ptr<block_reader>> blocks() {
    auto list = list_blocks(fs_, "data");
    EXPECT_TRUE(list.ok() && list->refused.empty());
    return list.ok() ? std::move(list->blocks) : std::vector<std::shared_ptr<block_reader>>();
  }
  /// What queries see, and how many samples the blocks hold.
  flat content() {
    std::vector<std::unique_ptr<series_set>> sets;
    stored_ = 0;
    for (const auto& b : blocks()) {
      stored_ += b->meta().samples;
      sets.push_back(std::move(*b->select({}, min_time, max_time, nullptr)));
    }
    return test::drain(*merge_series(std::move(sets)));
  }

  seeded_random random_{5};
  support::sim_file_system fs_;
  manual_clock clk_;
  uint64_t seed_ = 0, stored_ = 0;
  std::vector<series_data> data_;
};  // namespace

TEST_F(offline_import, everything_is_there_once_in_aligned_blocks) {
  const flat want = test::flatten(data_);
  const auto r = must(source(data_), settings());
  EXPECT_EQ(content(), want);
  EXPECT_EQ(stored_, test::count_samples(want));
  EXPECT_EQ(r.samples.read, stored_);
  EXPECT_EQ(r.samples.known, 0u);
  const auto made = blocks();
  EXPECT_EQ(made.size(), r.blocks);
  EXPECT_GT(made.size(), 1u);
  for (const auto& b : made) {
    const int64_t width = b->meta().max_time - b->meta().min_time;
    EXPECT_EQ(b->meta().min_time % width, 0);
    EXPECT_EQ(width % settings().min_block_ms, 0);
  }
  EXPECT_FALSE(fs_.exists("data/import.state"));
}

TEST_F(offline_import, twice_stores_nothing_twice) {
  must(source(data_), settings());
  const auto count = blocks().size();
  const auto r = must(source(data_), settings());
  EXPECT_EQ(r.blocks, 0u);
  EXPECT_EQ(r.samples.known, r.samples.read);
  // A part of it from elsewhere, in smaller ranges.
  auto s = settings();
  s.min_block_ms /= 2;
  EXPECT_EQ(must(source({data_.begin(), data_.begin() + 4}, "t"), s).blocks, 0u);
  EXPECT_EQ(blocks().size(), count);
}

TEST_F(offline_import, parts_come_together_in_any_order) {
  const auto other = test::random_series(random_, {.series = 12, .samples = 300, .from = hour});
  must(source(data_), settings());
  must(source(other), settings());
  const flat one = content();
  ASSERT_TRUE(fs_.remove_all("data").ok());
  must(source(other), settings());
  must(source(data_), settings());
  EXPECT_EQ(content(), one);
}

TEST_F(offline_import, killed_at_every_write_it_neither_loses_nor_doubles) {
  data_.resize(4);
  const flat want = test::flatten(data_);
  const uint64_t samples = test::count_samples(want);
  uint64_t resumed = 0;
  for (uint64_t n = 1;; ++n) {
    ASSERT_TRUE(fs_.remove_all("data").ok());
    ASSERT_TRUE(fs_.create_directories("data").ok());
    fs_.fail_nth(n, errc::io_error, true);
    const auto r = run(source(data_), settings());
    const bool struck = fs_.fault_struck();
    fs_.clear_faults();
    if (!struck)
      break;
    if (n % 2)
      fs_.crash();
    else
      fs_.kill();
    const auto again = must(source(data_), settings());
    resumed += again.ranges_resumed;
    ASSERT_EQ(content(), want) << n;
    ASSERT_EQ(stored_, samples) << n;
  }
  EXPECT_GT(resumed, 0u);
}

TEST_F(offline_import, dry_run_counts_and_touches_nothing) {
  auto s = settings();
  s.dry_run = true;
  const uint64_t before = fs_.operations();
  const auto r = must(source(data_), s);
  EXPECT_EQ(r.samples.read, test::count_samples(test::flatten(data_)));
  EXPECT_EQ(r.samples.known, 0u);
  EXPECT_EQ(fs_.operations(), before);
  EXPECT_FALSE(fs_.exists("data"));
  must(source(data_), settings());
  EXPECT_EQ(must(source(data_), s).samples.known, r.samples.read);
}

TEST_F(offline_import, takes_what_the_filter_wants_for_the_tenant) {
  auto s = settings();
  s.tenant = "x";
  s.filter.selectors = {{matcher::equal("i", "1")}, {matcher::equal("i", "2")}};
  s.filter.mint = hour;
  s.filter.maxt = 3 * hour;
  must(source(data_), s);
  flat want;
  for (const auto& [name, rows] : test::flatten({data_[1], data_[2]}))
    for (const auto& [ts, v] : rows)
      if (ts >= hour && ts <= 3 * hour)
        want[name][ts] = v;
  EXPECT_EQ(content(), want);
  for (const auto& b : blocks())
    EXPECT_EQ(b->meta().tenant, "x");
}

TEST_F(offline_import, folder_in_use_or_of_others_is_refused) {
  const auto held = importer::open(fs_, clk_, 1, settings());
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(importer::open(fs_, clk_, 2, settings()).code(), errc::already_exists);
  ASSERT_TRUE(fs_.create_directories("other/wal").ok());
  auto s = settings();
  s.dir = "other";
  EXPECT_EQ(importer::open(fs_, clk_, 2, s).code(), errc::permission_denied);
}

TEST_F(offline_import, blocks_of_prometheus_that_overlap_and_have_tombstones) {
  for (auto& d : data_) {
    d.columns.start_ts.clear();
    for (auto& row : d.columns.histograms) {
      histogram h = row.value->is_stale() ? histogram() : *row.value;
      h.sum = row.value->sum;
      h.hint = row.value->is_stale() ? counter_reset_hint::unknown : counter_reset_hint::gauge;
      row = {row.ts, no_start_timestamp, std::make_shared<const histogram>(std::move(h))};
    }
  }
  const auto write = [&](const std::string& id, std::vector<series_data> part, timestamp_ms begin,
                         timestamp_ms end) {
    ASSERT_TRUE(fs_.create_directories("prom").ok());
    const auto made = tsdb::write_block(fs_, "prom", {id, begin, end}, [&] {
      return result<std::unique_ptr<series_set>>(std::make_unique<test::data_series_set>(part));
    });
    ASSERT_TRUE(made.ok());
  };
  write("01M8J1QGV29QY2PVDEW6QVPFJA", data_, 0, 4 * hour);
  write("01M8J1QGV29QY2PVDEW6QVPFJB", data_, 3 * hour, 24 * hour);
  write("01M8J1QGV29QY2PVDEW6QVPFJC", {data_[3]}, 0, 24 * hour);
  auto folder = tsdb::open_folder(fs_, "prom");
  ASSERT_TRUE(folder.ok()) << folder.error().message();
  must(tsdb_source(*folder), settings());
  const flat want = test::flatten(data_);
  EXPECT_EQ(content(), want);
  EXPECT_EQ(stored_, test::count_samples(want));
  EXPECT_EQ(must(tsdb_source(*folder), settings()).blocks, 0u);
}

TEST_F(offline_import, damaged_source_ends_it_with_file_and_offset_and_whole_ranges) {
  ASSERT_TRUE(fs_.create_directories("prom").ok());
  const std::string id = "01M8J1QGV29QY2PVDEW6QVPFJA";
  ASSERT_TRUE(tsdb::write_block(fs_, "prom", {id, 0, 24 * hour}, [&] {
                return result<std::unique_ptr<series_set>>(
                    std::make_unique<test::data_series_set>(data_));
              }).ok());
  const std::string chunks = "prom/" + id + "/chunks/000001";
  fs_.flip_bit(chunks, fs_.content(chunks).size() - 20, 1);
  auto folder = tsdb::open_folder(fs_, "prom");
  ASSERT_TRUE(folder.ok());
  const auto r = run(tsdb_source(*folder), settings());
  EXPECT_EQ(r.code(), errc::corruption);
  EXPECT_NE(r.error().message().find(chunks + ": offset "), std::string_view::npos);
  EXPECT_TRUE(test::is_part_of(content(), [&] {
    fs_.flip_bit(chunks, fs_.content(chunks).size() - 20, 1);
    return test::drain(*(*tsdb::block_reader::open(fs_, "prom/" + id))->select(min_time, max_time));
  }()));
}

}  // namespace
}  // namespace troupe::storage
