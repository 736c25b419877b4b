// What the log's tests share: a node's log over a simulated disk, random batches, and a plain
// record of samples to compare with. One owner.
#pragma once

#include "storage/base/clock.h"
#include "storage/base/random.h"
#include "storage/wal/wal_directory.h"
#include "storage/wal/wal_reader.h"
#include "storage/wal/wal_writer.h"
#include "tests/support/sim_file_system.h"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::storage {

/// Everything a log may hold, by identity, as comparable bytes.
struct log_content {
  std::map<std::string, std::string>
      samples;  ///< "tenant series @ts" to value bits or histogram bytes, and start
  std::set<std::string> exemplars;
  std::set<std::string> metadata;
  std::set<std::string> tombstones;
  std::vector<std::string> positions;

  void add(const write_batch& batch);
  bool operator==(const log_content&) const = default;
  size_t size() const {
    return samples.size() + exemplars.size() + metadata.size() + tombstones.size();
  }
  /// Of `other`, what is absent here. EXPECTs that nothing here contradicts or exceeds `other`.
  size_t missing_from(const log_content& other) const;
};

/// Collects what a reader gives; a sample given twice must be the same.
class collector final : public wal_sink {
 public:
  status apply(const wal_batch& batch) override;
  log_content content;
  size_t batches = 0;
  size_t doubled = 0;
  std::vector<uint64_t> sequences;
};

/// All entries as text, a line each, in the order they come.
class text_sink final : public wal_sink {
 public:
  status apply(const wal_batch& batch) override;
  std::string lines;
};

/// Batches of a few scrape targets and remote-write senders with every kind of entry and every odd
/// value.
class batch_source {
 public:
  struct shape {
    uint32_t shards = 1;
    uint32_t shard = 0;
    size_t targets = 3;
    size_t series_per_target = 8;
    bool extras = true;  ///< histograms, exemplars, metadata, starts, positions
    bool odd_values = true;
    size_t senders = 1;  ///< whose batches touch many slots
  };
  explicit batch_source(uint64_t seed) : batch_source(seed, shape()) {}
  batch_source(uint64_t seed, const shape& s);
  /// The next batch; timestamps never repeat for a series.
  write_batch next();
  /// Of a given target (scrape) only.
  write_batch scrape(size_t target);

 private:
  struct group {
    std::string tenant;
    uint64_t key = 0;
    bool mixed = false;
    series_table_ptr table;
    std::vector<double> values;
    timestamp_ms ts = 0;
  };
  double value(double previous);
  void grow(group& g);
  labels make_labels(const group& g, size_t i) const;
  write_batch make(group& g);
  void add_extras(group& g, write_batch& b);

  seeded_random random_;
  shape shape_;
  std::vector<group> groups_;
};

/// One node's log on a simulated disk, through any number of starts.
struct log_fixture {
  explicit log_fixture(uint64_t seed = 1) : fs(seed), seed(seed) {}

  /// A new start: epoch, writer of `shard`.
  status start(uint32_t shard = 0);
  /// Reads all there is for the shard with the directory of the last start.
  log_content replay(uint32_t shard = 0, size_t budget = 1 << 20);
  /// start() without a writer, then replay().
  log_content reopen_and_replay(uint32_t shard = 0);
  std::vector<std::string> files(std::string_view extension) const;

  support::sim_file_system fs;
  manual_clock clk;
  uint64_t seed;
  wal_settings settings;
  std::unique_ptr<wal_directory> dir;
  std::unique_ptr<wal_writer> writer;
  wal_report report;
  size_t doubled = 0;
};

labels make_series(std::initializer_list<std::pair<std::string, std::string>> pairs);
/// A batch of one group with all series of `table` at `ts`.
write_batch simple_batch(series_table_ptr table, timestamp_ms ts, const std::vector<double>& values,
                         uint64_t group = 7, std::string tenant = {});
series_table_ptr table_of(std::vector<labels> series, std::string_view tenant = {});

}  // namespace troupe::storage
