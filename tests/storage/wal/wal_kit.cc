#include "tests/storage/wal/wal_kit.h"

#include "storage/base/coding.h"
#include "storage/base/log.h"
#include "storage/wal/section.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace troupe::storage {
namespace {

/// Damage is the daily bread of these tests: no need to hear of it.
class quiet final : public testing::Environment {
 public:
  void SetUp() override { configure_log(log_level::off, log_format::logfmt); }
};
const auto* const registered = testing::AddGlobalTestEnvironment(new quiet);

std::string sample_key(std::string_view tenant, const labels& l, timestamp_ms ts) {
  std::string key;
  put_bytes(key, tenant);
  put_bytes(key, l.blob());
  put_u64(key, static_cast<uint64_t>(ts));
  return key;
}

std::string float_value(double v, timestamp_ms start) {
  std::string out = "f";
  put_u64(out, std::bit_cast<uint64_t>(v));
  put_u64(out, static_cast<uint64_t>(start));
  return out;
}

std::string histogram_value(const histogram& h, timestamp_ms start) {
  std::string out = "h";
  h.encode(out);
  put_u64(out, static_cast<uint64_t>(start));
  return out;
}

std::string exemplar_key(std::string_view tenant, const labels& l, const exemplar& e) {
  std::string key = sample_key(tenant, l, e.ts);
  put_bytes(key, e.lset.blob());
  put_u64(key, std::bit_cast<uint64_t>(e.value));
  return key;
}

std::string metadata_key(std::string_view tenant, const metadata_entry& e) {
  std::string key;
  put_bytes(key, tenant);
  put_metadata(e, key);
  return key;
}

template <class Batch, class Series>
void fill(log_content& c, const Batch& b, std::string_view tenant, Series series, size_t* doubled) {
  size_t next = 0;
  for (uint32_t i = 0; i < b.floats.size(); ++i) {
    const auto& e = b.floats[i];
    timestamp_ms start = 0;
    if (next < b.starts.size() && b.starts[next].index == i)
      start = b.starts[next++].start_ts;
    auto [it, added] = c.samples.try_emplace(sample_key(tenant, series(e.series), e.ts),
                                             float_value(e.value, start));
    if (!added) {
      EXPECT_EQ(it->second, float_value(e.value, start)) << "a second, different value";
      *doubled += 1;
    }
  }
  for (const auto& e : b.histograms)
    c.samples.try_emplace(sample_key(tenant, series(e.series), e.ts),
                          histogram_value(*e.value, e.start_ts));
  for (const auto& e : b.exemplars)
    c.exemplars.insert(exemplar_key(tenant, series(e.series), e.value));
  for (const auto& e : b.metadata)
    c.metadata.insert(metadata_key(tenant, e));
  if (!b.source_position.empty())
    c.positions.emplace_back(b.source_position);
}

template <class Map, class Key>
size_t count_missing(const Map& have, const Map& want, Key key) {
  size_t missing = 0;
  for (const auto& entry : want)
    missing += !have.contains(key(entry));
  return missing;
}

}  // namespace

void log_content::add(const write_batch& batch) {
  size_t doubled = 0;
  fill(
      *this, batch, batch.tenant, [&](uint32_t i) { return batch.table->series[i]; }, &doubled);
  EXPECT_EQ(doubled, 0u);
}

size_t log_content::missing_from(const log_content& other) const {
  size_t wrong = 0;
  for (const auto& [key, value] : samples) {
    auto it = other.samples.find(key);
    wrong += it == other.samples.end() || it->second != value;
  }
  EXPECT_EQ(wrong, 0u) << "wrong or invented samples";
  auto self = [](const std::string& s) -> const std::string& { return s; };
  EXPECT_EQ(count_missing(other.exemplars, exemplars, self), 0u);
  EXPECT_EQ(count_missing(other.metadata, metadata, self), 0u);
  EXPECT_EQ(count_missing(other.tombstones, tombstones, self), 0u);
  return count_missing(samples, other.samples, [](const auto& e) { return e.first; }) +
         count_missing(exemplars, other.exemplars, self) +
         count_missing(metadata, other.metadata, self) +
         count_missing(tombstones, other.tombstones, self);
}

status collector::apply(const wal_batch& batch) {
  ++batches;
  sequences.push_back(batch.sequence);
  fill(
      content, batch, batch.tenant,
      [&](uint32_t i) {
        const wal_series& s = batch.series(i);
        EXPECT_EQ(s.tenant, batch.tenant);
        EXPECT_EQ(s.slot, batch.slot);
        return s.lset;
      },
      &doubled);
  for (const auto& e : batch.tombstones) {
    std::string key;
    put_bytes(key, batch.tenant);
    put_tombstone(e, key);
    content.tombstones.insert(key);
  }
  return {};
}

status text_sink::apply(const wal_batch& b) {
  auto line = [&](std::string text) { lines += text + "\n"; };
  auto hex = [](double v) { return fmt::format("{:016x}", std::bit_cast<uint64_t>(v)); };
  line(fmt::format("batch slot={} tenant={} group={} epoch={} sequence={} position={}", b.slot,
                   b.tenant, b.group, b.epoch, b.sequence, b.source_position));
  for (const auto& e : b.floats)
    line(fmt::format("float {} {} {}", b.series(e.series).lset.to_string(), e.ts, hex(e.value)));
  for (const auto& e : b.starts)
    line(fmt::format("start {} {}", e.index, e.start_ts));
  for (const auto& e : b.histograms)
    line(fmt::format("histogram {} {} {} schema={} count={} sum={} buckets={}",
                     b.series(e.series).lset.to_string(), e.ts, e.start_ts, e.value->schema,
                     hex(e.value->count), hex(e.value->sum), e.value->positive_buckets.size()));
  for (const auto& e : b.exemplars)
    line(fmt::format("exemplar {} {} {} {}", b.series(e.series).lset.to_string(),
                     e.value.lset.to_string(), e.value.ts, hex(e.value.value)));
  for (const auto& e : b.metadata)
    line(fmt::format("metadata {} {} {} {}", e.family, to_string(e.value.type), e.value.unit,
                     e.value.help));
  for (const auto& e : b.tombstones)
    line(fmt::format("tombstone {} {} {}", e.series.to_string(), e.mint, e.maxt));
  return {};
}

// --- batches ---

batch_source::batch_source(uint64_t seed, const shape& s) : random_(seed), shape_(s) {
  for (size_t t = 0; t < s.targets + s.senders; ++t) {
    group g;
    g.tenant = t % 3 == 2 ? "team-" + std::to_string(t % 2) : "";
    g.key = 1000 + t;
    g.mixed = t >= s.targets;
    g.ts = 1'700'000'000'000 + static_cast<timestamp_ms>(random_.below(15'000));
    groups_.push_back(g);
    grow(groups_.back());
  }
}

labels batch_source::make_labels(const group& g, size_t i) const {
  // Targets: the instance decides the slot. Senders: no instance, so every series has a slot of its
  // own.
  for (size_t salt = 0;; ++salt) {
    std::vector<std::pair<std::string, std::string>> pairs = {
        {"__name__", "metric_" + std::to_string(i)}, {"job", "node"}};
    if (g.mixed)
      pairs.emplace_back("id", std::to_string(g.key) + "-" + std::to_string(salt));
    else
      pairs.emplace_back("instance", "host-" + std::to_string(g.key) + "-" + std::to_string(salt));
    labels l = labels::from(pairs);
    if (slot_of(g.tenant, l) % shape_.shards == shape_.shard)
      return l;
  }
}

void batch_source::grow(group& g) {
  std::vector<labels> series;
  if (g.table)
    series = g.table->series;
  size_t n = g.table ? series.size() + 1 + random_.below(3) : shape_.series_per_target;
  while (series.size() < n) {
    series.push_back(make_labels(g, series.size()));
    g.values.push_back(static_cast<double>(random_.below(1000)));
  }
  g.table = make_series_table(g.tenant, std::move(series));
}

double batch_source::value(double previous) {
  if (!shape_.odd_values)
    return previous + static_cast<double>(random_.below(3));
  switch (random_.below(14)) {
    case 0:
      return stale_nan();
    case 1:
      return -0.0;
    case 2:
      return random_.below(2) ? std::numeric_limits<double>::infinity()
                              : -std::numeric_limits<double>::infinity();
    case 3:
      return std::bit_cast<double>(0x7ff0000000000001ULL | random_.next() >> 12);  // any NaN
    case 4:
      return std::bit_cast<double>(0xfff0000000000001ULL | random_.next() >> 12);
    case 5:
      return std::bit_cast<double>(random_.next());
    case 6:
      return random_.unit();
    case 7:
    case 8:
      return previous + 1;
    default:
      return previous;
  }
}

void batch_source::add_extras(group& g, write_batch& b) {
  for (uint32_t i = 0; i < b.floats.size(); ++i)
    if (random_.below(5) == 0)
      b.starts.push_back({i, b.floats[i].ts - static_cast<int64_t>(random_.below(100'000)) - 1});
  auto any = [&] { return static_cast<uint32_t>(random_.below(g.table->series.size())); };
  if (random_.below(3) == 0) {
    auto h = std::make_shared<histogram>();
    h->schema = static_cast<int32_t>(random_.below(8)) - 3;
    h->count = static_cast<double>(random_.below(100));
    h->sum = random_.unit();
    h->positive_spans = {{static_cast<int32_t>(random_.below(5)), 2}};
    h->positive_buckets = {1, static_cast<double>(random_.below(9))};
    b.histograms.push_back({g.ts + 1, random_.below(2) ? g.ts - 5 : 0, h, any()});
  }
  if (random_.below(3) == 0)
    b.exemplars.push_back({{labels::from({{"trace_id", std::to_string(random_.next())}}),
                            random_.unit(), g.ts + static_cast<int64_t>(random_.below(9))},
                           any()});
  if (random_.below(6) == 0)
    b.metadata.push_back({"metric_" + std::to_string(random_.below(9)),
                          {metric_type::counter, "seconds", "help " + std::to_string(g.ts)}});
  if (random_.below(4) == 0)
    b.source_position = "offset " + std::to_string(random_.next());
}

write_batch batch_source::make(group& g) {
  if (random_.below(10) == 0)
    grow(g);
  g.ts += 15'000;
  write_batch b;
  b.tenant = g.tenant;
  b.group = g.key;
  b.table = g.table;
  bool own_times = g.mixed || random_.below(5) == 0;
  for (uint32_t i = 0; i < g.table->series.size(); ++i) {
    if (shape_.odd_values && random_.below(8) == 0)
      continue;
    size_t repeats = g.mixed && random_.below(6) == 0 ? 3 : 1;
    for (size_t r = 0; r < repeats; ++r) {
      double v = value(g.values[i]);
      if (!is_stale(v))
        g.values[i] = v;
      timestamp_ms ts =
          g.ts + (own_times ? static_cast<int64_t>(r * 1000 + random_.below(900)) : 0);
      b.floats.push_back({ts, v, i});
    }
  }
  if (g.mixed && random_.below(3) == 0 && b.floats.size() > 1)
    std::swap(b.floats.front(), b.floats.back());
  if (shape_.extras)
    add_extras(g, b);
  return b;
}

write_batch batch_source::next() {
  return make(groups_[random_.below(groups_.size())]);
}
write_batch batch_source::scrape(size_t target) {
  return make(groups_[target]);
}

// --- the log ---

status log_fixture::start(uint32_t shard) {
  writer.reset();
  settings.fs = &fs;
  settings.clk = &clk;
  settings.seed = seed;
  clk.advance_ms(1000);
  TROUPE_ASSIGN(dir, wal_directory::open(settings));
  TROUPE_ASSIGN(writer, wal_writer::open(*dir, shard));
  return {};
}

log_content log_fixture::replay(uint32_t shard, size_t budget) {
  collector sink;
  auto reader = wal_reader::open_replay(*dir, shard);
  EXPECT_TRUE(reader.ok());
  for (;;) {
    auto done = (*reader)->step(sink, budget);
    EXPECT_TRUE(done.ok());
    if (!done.ok() || *done)
      break;
  }
  report = (*reader)->report();
  doubled = sink.doubled;
  return sink.content;
}

log_content log_fixture::reopen_and_replay(uint32_t shard) {
  writer.reset();
  settings.fs = &fs;
  settings.clk = &clk;
  settings.seed = seed;
  auto opened = wal_directory::open(settings);
  EXPECT_TRUE(opened.ok()) << opened.error().to_string();
  if (!opened.ok())
    return {};
  dir = *std::move(opened);
  return replay(shard);
}

std::vector<std::string> log_fixture::files(std::string_view extension) const {
  std::vector<std::string> out;
  for (const auto& f : fs.files("data/wal/"))
    if (f.ends_with(extension))
      out.push_back(f);
  return out;
}

labels make_series(std::initializer_list<std::pair<std::string, std::string>> pairs) {
  return labels::from(pairs);
}

series_table_ptr table_of(std::vector<labels> series, std::string_view tenant) {
  return make_series_table(tenant, std::move(series));
}

write_batch simple_batch(series_table_ptr table, timestamp_ms ts, const std::vector<double>& values,
                         uint64_t group, std::string tenant) {
  write_batch b;
  b.tenant = std::move(tenant);
  b.group = group;
  b.table = std::move(table);
  for (uint32_t i = 0; i < values.size(); ++i)
    b.floats.push_back({ts, values[i], i});
  return b;
}

}  // namespace troupe::storage
