// Blocks of Prometheus: one that Prometheus 3.5 made, and our own there and back. Damage is an
// error with the file, or nothing at all; never another value.
#include "storage/base/coding.h"
#include "storage/base/hash.h"
#include "storage/tsdb/block_writer.h"
#include "storage/tsdb/folder.h"
#include "storage/tsdb/layout.h"
#include "tests/storage/block/series_data.h"
#include "tests/support/sim_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace troupe::storage::tsdb {
namespace {

using test::flat;
using testing::HasSubstr;

constexpr timestamp_ms day = 24LL * 3600 * 1000;
const std::string ulid = "01M8J1QGV29QY2PVDEW6QVPFJG";

class tsdb_block : public ::testing::Test {
 protected:
  tsdb_block() { EXPECT_TRUE(fs_.create_directories("out").ok()); }

  result<meta> write(const std::vector<test::series_data>& data, timestamp_ms begin = 0,
                     timestamp_ms end = day) {
    return write_block(fs_, "out", {ulid, begin, end}, [&] {
      return result<std::unique_ptr<series_set>>(std::make_unique<test::data_series_set>(data));
    });
  }
  result<std::shared_ptr<const block_reader>> open() { return block_reader::open(fs_, dir_); }
  flat read() {
    const auto block = open();
    EXPECT_TRUE(block.ok()) << block.error().message();
    return block.ok() ? test::drain(*(*block)->select(min_time, max_time)) : flat();
  }

  seeded_random random_{9};
  support::sim_file_system fs_{9};
  const std::string dir_ = "out/" + ulid;
};

// Series whose start timestamps and hints are not those of this format.
std::vector<test::series_data> series_of_the_format(seeded_random& random, size_t series,
                                                    size_t samples) {
  auto data = test::random_series(random, {.series = series, .samples = samples});
  for (auto& d : data) {
    d.columns.start_ts.clear();
    for (auto& row : d.columns.histograms) {
      histogram h = *row.value;
      h.hint = counter_reset_hint::gauge;
      if (h.is_stale()) {
        h = histogram();
        h.sum = stale_nan();
      }
      row = {row.ts, no_start_timestamp, std::make_shared<const histogram>(std::move(h))};
    }
  }
  return data;
}

TEST(tsdb_testdata, block_of_prometheus_3_5_reads_as_prometheus_answers) {
  const auto fs = make_posix_file_system();
  const std::string dir = TROUPE_SOURCE_DIR "/tests/storage/tsdb/testdata/prometheus-3.5";
  const auto from = open_folder(*fs, dir);
  ASSERT_TRUE(from.ok()) << from.error().message();
  ASSERT_EQ(from->blocks.size(), 1u);
  EXPECT_EQ(from->blocks[0]->about().series, 9u);
  // What Prometheus says of it: count_over_time, and sum_over_time or histogram_sum of that.
  const std::map<std::string, std::pair<size_t, double>> want{
      {"native-1-000000/0", {40, 14162.5}},
      {"native-1-000000/1", {40, 10737.5}},
      {"native-1-000000/2", {40, 3525}},
      {"walk16-1-000000/0", {240, 140472.0084753473}},
      {"walk16-1-000000/1", {240, 5486.247606878897}},
      {"walk16-1-000000/2", {240, 36277.943209667734}},
      {"node-1-000000/", {30, 0}},
      {"node-1-000000/diskstats", {30, 0.044808542}},
      {"node-1-000000/503", {30, 0}}};
  std::map<std::string, std::pair<size_t, double>> got;
  auto set = from->blocks[0]->select(min_time, max_time);
  while (set->next()) {
    sample_columns c;
    ASSERT_TRUE(set->read(min_time, max_time, c).ok());
    auto& out =
        got[std::string(set->series().get("instance")) + "/" +
            std::string(set->series().get("id")) + std::string(set->series().get("collector")) +
            std::string(set->series().get("code"))];
    out.first = c.ts.size() + c.histograms.size();
    for (const double v : c.values)
      out.second += v;
    for (const auto& row : c.histograms)
      out.second += row.value->sum;
    if (set->series().get("instance") == "native-1-000000" && set->series().get("id") == "0") {
      const histogram& last = *c.histograms.back().value;
      EXPECT_EQ(last.count, 61);
      EXPECT_EQ(last.sum, 762.5);
      EXPECT_EQ(last.schema, 3);
      EXPECT_EQ(last.zero_count, 1);
      EXPECT_EQ(last.zero_threshold, std::ldexp(1, -128));
      double total = last.zero_count;
      for (const double b : last.positive_buckets)
        total += b;
      EXPECT_EQ(total, 61);
    }
  }
  ASSERT_TRUE(set->error().ok()) << set->error().message();
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, figures] : want) {
    EXPECT_EQ(got[name].first, figures.first) << name;
    EXPECT_NEAR(got[name].second, figures.second, 1e-6) << name;
  }
}

TEST_F(tsdb_block, what_is_written_is_read) {
  const auto data = series_of_the_format(random_, 40, 400);
  const auto made = write(data);
  ASSERT_TRUE(made.ok()) << made.error().message();
  const flat want = test::flatten(data);
  EXPECT_EQ(made->samples, test::count_samples(want));
  EXPECT_EQ(made->series, 40u);
  EXPECT_EQ(read(), want);
  const auto block = *open();
  EXPECT_EQ(block->about().samples, made->samples);
  EXPECT_EQ(block->series_count(), 40u);
  // Windows.
  for (int i = 0; i < 20; ++i) {
    const auto from = static_cast<timestamp_ms>(random_.below(7'000'000));
    const auto to = from + static_cast<timestamp_ms>(random_.below(2'000'000));
    flat part;
    for (const auto& [name, rows] : want)
      for (const auto& [ts, v] : rows)
        if (ts >= from && ts <= to)
          part[name][ts] = v;
    EXPECT_EQ(test::drain(*block->select(from, to), from, to), part);
  }
}

TEST_F(tsdb_block, holds_only_its_half_open_range_and_nothing_if_that_is_empty) {
  test::series_data d;
  d.series = labels::from({{"__name__", "m"}});
  for (const timestamp_ms ts : {99, 100, 199, 200})
    append_float(d.columns, ts, 1);
  EXPECT_EQ(write({d}, 100, 200)->samples, 2u);
  EXPECT_EQ(read().begin()->second.size(), 2u);
  ASSERT_TRUE(fs_.remove_all(dir_).ok());
  EXPECT_EQ(write({d}, 300, 400)->samples, 0u);
  EXPECT_TRUE(fs_.list("out")->empty());
}

TEST_F(tsdb_block, tombstones_are_applied) {
  test::series_data d;
  d.series = labels::from({{"__name__", "m"}});
  for (timestamp_ms ts = 0; ts < 1000; ++ts)
    append_float(d.columns, ts, 1);
  ASSERT_TRUE(write({d}).ok());
  const uint32_t number = [&] {
    const auto bytes = fs_.content(dir_ + "/index");
    return index_reader::open(bytes, "index")->series()[0];
  }();
  fs_.put(dir_ + "/tombstones", encode_tombstones({{number, {{10, 19}, {500, 2000}}}}));
  EXPECT_EQ(read().begin()->second.size(), 490u);
  ASSERT_TRUE(fs_.remove_file(dir_ + "/tombstones").ok());
  EXPECT_EQ(read().begin()->second.size(), 1000u);
}

TEST_F(tsdb_block, each_flipped_byte_is_an_error_with_its_file_or_changes_nothing) {
  const auto data = series_of_the_format(random_, 5, 30);
  ASSERT_TRUE(write(data).ok());
  const flat want = test::flatten(data);
  for (const char* name : {"index", "chunks/000001", "tombstones", "meta.json"}) {
    const std::string path = dir_ + "/" + name;
    const size_t size = fs_.content(path).size();
    size_t errors = 0;
    for (size_t at = 0; at < size; ++at) {
      fs_.flip_bit(path, at, at % 8);
      const auto block = open();
      status failed = block.ok() ? status() : block.error();
      if (block.ok()) {
        auto set = (*block)->select(min_time, max_time);
        flat got;
        while (set->next()) {
          sample_columns c;
          if (status s = set->read(min_time, max_time, c); !s.ok()) {
            failed = s;
            break;
          }
          test::flatten(set->series().to_string(), c, got);
        }
        if (!set->error().ok())
          failed = set->error();
        if (failed.ok()) {
          EXPECT_EQ(got, want) << path << " " << at;
        }
      }
      if (!failed.ok()) {
        ++errors;
        EXPECT_THAT(std::string(failed.message()), HasSubstr(dir_ + "/")) << at;
      }
      fs_.flip_bit(path, at, at % 8);
    }
    EXPECT_GT(errors, 0u) << name;
  }
}

TEST_F(tsdb_block, cut_and_missing_files_are_errors) {
  ASSERT_TRUE(write(series_of_the_format(random_, 5, 30)).ok());
  const auto index = fs_.content(dir_ + "/index");
  for (size_t n = 0; n < index.size(); n += 7) {
    fs_.put(dir_ + "/index", index.substr(0, n));
    EXPECT_FALSE(open().ok()) << n;
  }
  fs_.put(dir_ + "/index", index);
  fs_.put(dir_ + "/chunks/000003", fs_.content(dir_ + "/chunks/000001"));
  EXPECT_THAT(std::string(open().error().message()), HasSubstr("000002 is missing"));
  ASSERT_TRUE(fs_.remove_file(dir_ + "/chunks/000003").ok());
  ASSERT_TRUE(fs_.remove_file(dir_ + "/chunks/000001").ok());
  const auto block = open();
  ASSERT_TRUE(block.ok());
  auto set = (*block)->select(min_time, max_time);
  ASSERT_TRUE(set->next());
  sample_columns c;
  EXPECT_THAT(std::string(set->read(min_time, max_time, c).message()), HasSubstr("000001"));
}

TEST_F(tsdb_block, failure_at_every_write_leaves_no_block) {
  const auto data = series_of_the_format(random_, 5, 30);
  for (uint64_t n = 1;; ++n) {
    fs_.fail_nth(n, errc::no_space);
    const auto made = write(data);
    const bool struck = fs_.fault_struck();
    fs_.clear_faults();
    if (!struck) {
      EXPECT_TRUE(made.ok());
      break;
    }
    if (!made.ok()) {
      // The last step, making the name durable, may fail behind the rename.
      const auto entries = *fs_.list("out");
      EXPECT_TRUE(entries.empty() || (entries.size() == 1 && entries[0].name == ulid)) << n;
    }
    ASSERT_TRUE(fs_.remove_all(dir_).ok());
  }
}

// An index of version 1: symbols and series are named by their offset in the file.
TEST(tsdb_index, version_1) {
  std::string file;
  layout::put_be32(file, layout::index_magic);
  put_u8(file, 1);
  const auto section = [&](const std::string& body) {
    const uint64_t at = file.size();
    layout::put_be32(file, static_cast<uint32_t>(body.size()));
    file += body;
    layout::put_be32(file, crc32c(body));
    return at;
  };
  std::string symbols;
  layout::put_be32(symbols, 2);
  const uint64_t name = file.size() + 8, value = name + 9;
  put_bytes(symbols, "__name__");
  put_bytes(symbols, "up");
  const uint64_t symbols_at = section(symbols), series_at = file.size();
  std::string body;
  put_varint(body, 1);
  put_varint(body, name);
  put_varint(body, value);
  put_varint(body, 1);
  put_svarint(body, -5);
  put_varint(body, 10);
  put_varint(body, 8);
  put_bytes(file, body);
  layout::put_be32(file, crc32c(body));
  std::string postings;
  layout::put_be32(postings, 1);
  layout::put_be32(postings, static_cast<uint32_t>(series_at));
  const uint64_t postings_at = section(postings);
  std::string table;
  layout::put_be32(table, 1);
  put_u8(table, 2);
  put_bytes(table, "");
  put_bytes(table, "");
  put_varint(table, postings_at);
  const uint64_t table_at = section(table);
  std::string toc;
  for (const uint64_t offset :
       {symbols_at, series_at, uint64_t{0}, uint64_t{0}, postings_at, table_at})
    layout::put_be64(toc, offset);
  file += toc;
  layout::put_be32(file, crc32c(toc));
  const auto index = index_reader::open(file, "i");
  ASSERT_TRUE(index.ok()) << index.error().message();
  ASSERT_EQ(index->series().size(), 1u);
  labels series;
  std::vector<chunk_meta> chunks;
  ASSERT_TRUE(index->read(index->series()[0], &series, chunks).ok());
  EXPECT_EQ(series.to_string(), "up");
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(chunks[0].min_ts, -5);
  EXPECT_EQ(chunks[0].max_ts, 5);
  EXPECT_EQ(chunks[0].place, 8u);
  file[4] = 3;
  EXPECT_EQ(index_reader::open(file, "i").code(), errc::unsupported);
}

TEST(tsdb_meta, comes_back_and_bad_texts_are_told) {
  meta m;
  m.ulid = ulid;
  m.min_time = -5;
  m.max_time = 7;
  m.samples = 3;
  const auto again = decode_meta(encode_meta(m));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->ulid, ulid);
  EXPECT_EQ(again->min_time, -5);
  EXPECT_EQ(again->samples, 3u);
  EXPECT_EQ(decode_meta("").code(), errc::corruption);
  EXPECT_THAT(std::string(decode_meta("{\"a\": x}").error().message()), HasSubstr("offset"));
  EXPECT_EQ(decode_meta("[]").code(), errc::corruption);
  EXPECT_EQ(decode_meta("{\"version\": 1}").code(), errc::corruption);
  EXPECT_EQ(decode_meta("{\"version\": 2}").code(), errc::unsupported);
}

TEST_F(tsdb_block, folder_tells_what_its_head_holds) {
  ASSERT_TRUE(write(series_of_the_format(random_, 2, 3)).ok());
  ASSERT_TRUE(fs_.create_directories("out/wal").ok());
  fs_.put("out/wal/00000000", "");
  fs_.put("out/lock", "");
  auto f = open_folder(fs_, "out");
  ASSERT_TRUE(f.ok());
  EXPECT_EQ(f->blocks.size(), 1u);
  EXPECT_EQ(f->head_bytes, 0u);
  fs_.put("out/wal/00000001", std::string(100, 'x'));
  EXPECT_EQ(open_folder(fs_, "out")->head_bytes, 100u);
  EXPECT_EQ(open_folder(fs_, dir_)->blocks.size(), 1u);
  ASSERT_TRUE(fs_.remove_all(dir_).ok());
  EXPECT_THAT(std::string(open_folder(fs_, "out").error().message()), HasSubstr("snapshot"));
}

}  // namespace
}  // namespace troupe::storage::tsdb
