#include "tests/storage/node_fixture.h"

#include "storage/base/log.h"
#include "storage/model/slot.h"

namespace troupe::storage {

std::shared_ptr<write_batch> make_batch(const test_samples& samples, std::string_view tenant) {
  auto batch = std::make_shared<write_batch>();
  std::vector<labels> series;
  std::map<std::string, uint32_t> known;
  batch->tenant = tenant;
  batch->group = 1;
  for (const auto& s : samples) {
    const auto [at, fresh] =
        known.emplace(s.series.to_string(), static_cast<uint32_t>(series.size()));
    if (fresh)
      series.push_back(s.series);
    if (s.value.hist) {
      batch->histograms.push_back({s.ts, s.value.start_ts, s.value.hist, at->second});
      continue;
    }
    if (s.value.start_ts != no_start_timestamp)
      batch->starts.push_back({static_cast<uint32_t>(batch->floats.size()), s.value.start_ts});
    batch->floats.push_back({s.ts, s.value.value, at->second});
  }
  batch->table = make_series_table(tenant, std::move(series));
  return batch;
}

std::string difference(const store_content& got, const store_content& want) {
  const auto text = [](const reference_sample& s) {
    return (s.hist ? "histogram " + std::to_string(s.hist->count) : std::to_string(s.value)) + "/" +
           std::to_string(s.start_ts);
  };
  std::string out;
  int lines = 0;
  const auto add = [&](const std::string& series, timestamp_ms ts, const std::string& what) {
    if (++lines <= 10)
      out += series + " @" + std::to_string(ts) + ": " + what + "\n";
  };
  for (const auto& [series, samples] : got)
    for (const auto& [ts, s] : samples) {
      const auto w = want.find(series);
      if (w == want.end() || !w->second.contains(ts))
        add(series, ts, "unexpected " + text(s));
      else if (!(w->second.at(ts) == s))
        add(series, ts, text(s) + " instead of " + text(w->second.at(ts)));
    }
  for (const auto& [series, samples] : want)
    for (const auto& [ts, s] : samples)
      if (const auto g = got.find(series); g == got.end() || !g->second.contains(ts))
        add(series, ts, "missing " + text(s));
  return lines <= 10 ? out : out + "and " + std::to_string(lines - 10) + " more\n";
}

test_node::test_node(uint64_t seed, uint64_t memory_limit)
    : fs(seed),
      memory(
          memory_limit, [this] { return held_memory; }, clk) {
  configure_log(log_level::off, log_format::logfmt);
  opts.dir = "data";
  opts.shards = 2;
  opts.wal_segment_bytes = 16 << 10;
  opts.key_frame_interval = 4;
  opts.min_block_ms = 60'000;
  opts.max_block_ms = 600'000;
  opts.retention_ms = 0;
  opts.head_region_bytes = 512;
}

status test_node::open() {
  auto opened = storage::open(opts, {&fs, &clk, &metrics, ++starts_, &memory});
  if (!opened.ok())
    return opened.error();
  store = std::move(*opened);
  return {};
}

void test_node::hold_memory(uint64_t bytes) {
  held_memory = bytes;
  clk.advance_ms(100);
}

void test_node::replay() {
  for (uint32_t shard = 0; shard < store->shard_count(); ++shard)
    for (bool done = false; !done;) {
      const auto step = store->replay_step(shard);
      ASSERT_TRUE(step.ok()) << step.error().to_string();
      done = *step;
    }
  ASSERT_TRUE(store->ready());
}

void test_node::start() {
  const status s = open();
  ASSERT_TRUE(s.ok()) << s.to_string();
  replay();
}

void test_node::crash() {
  fs.crash();
  store.reset();
}

void test_node::kill() {
  fs.kill();
  store.reset();
}

void test_node::stop() {
  const status s = store->close();
  ASSERT_TRUE(s.ok()) << s.to_string();
  store.reset();
}

status test_node::append(const test_samples& samples, std::string_view tenant) {
  std::map<uint32_t, test_samples> by_shard;
  for (const auto& s : samples)
    by_shard[store->shard_of(slot_of(tenant, s.series))].push_back(s);
  for (const auto& [shard, part] : by_shard)
    TROUPE_TRY(store->appender(shard).append(make_batch(part, tenant)).error());
  return {};
}

status test_node::commit() {
  status first;
  for (uint32_t shard = 0; shard < store->shard_count(); ++shard)
    if (status s = store->appender(shard).commit(); !s.ok() && first.ok())
      first = std::move(s);
  return first;
}

void test_node::write(const test_samples& samples, std::string_view tenant) {
  status s = append(samples, tenant);
  ASSERT_TRUE(s.ok()) << s.to_string();
  s = commit();
  ASSERT_TRUE(s.ok()) << s.to_string();
}

status test_node::maintain(int limit) {
  for (int i = 0; i < limit; ++i) {
    auto more = store->maintain(0);
    if (!more.ok())
      return more.error();
    if (!*more)
      return {};
  }
  return {};
}

store_content test_node::read(timestamp_ms mint, timestamp_ms maxt, std::string_view tenant) {
  store_content out;
  auto q = store->reader().open(tenant, mint, maxt);
  EXPECT_TRUE(q.ok()) << q.error().to_string();
  if (!q.ok())
    return out;
  auto set = (*q)->select({}, {});
  EXPECT_TRUE(set.ok());
  labels last;
  while ((*set)->next()) {
    const labels& series = (*set)->series();
    EXPECT_LT(last, series);
    last = series;
    sample_columns c;
    const status s = (*set)->read(mint, maxt, c);
    EXPECT_TRUE(s.ok()) << s.to_string();
    auto samples = as_map(c);
    if (!samples.empty())
      out.emplace(series.to_string(), std::move(samples));
  }
  EXPECT_TRUE((*set)->error().ok());
  EXPECT_TRUE((*q)->warnings().empty());
  return out;
}

shard_appender::totals test_node::counts() const {
  shard_appender::totals out;
  for (uint32_t shard = 0; shard < store->shard_count(); ++shard) {
    const auto c = store->appender(shard).counts();
    out.stored += c.stored;
    out.duplicates += c.duplicates;
    out.conflicts += c.conflicts;
    out.out_of_order += c.out_of_order;
  }
  return out;
}

}  // namespace troupe::storage
