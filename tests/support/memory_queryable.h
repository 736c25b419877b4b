// A store in memory behind the read door: what tests put in comes out again. Not thread-safe while
// samples are added.
#pragma once

#include "storage/querier.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Ignores the tenant. A sample put twice at one timestamp: the later one stays.
class memory_queryable : public storage::queryable {
 public:
  memory_queryable();
  ~memory_queryable() override;

  void append(const labels& series, timestamp_ms ts, double value,
              timestamp_ms start_ts = no_start_timestamp);
  void append(const labels& series, timestamp_ms ts, histogram_ptr value,
              timestamp_ms start_ts = no_start_timestamp);
  void append(const labels& series, exemplar value);
  void set_metadata(std::string family, metadata value);
  void clear();

  size_t series_count() const { return series_.size(); }
  /// Texts that every querier reports as warnings.
  std::vector<std::string> warnings;

  result<std::unique_ptr<storage::querier>> open(std::string_view tenant, timestamp_ms mint,
                                                 timestamp_ms maxt) override;
  result<std::vector<storage::exemplar_series>> exemplars(
      std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
      std::span<const matchers> selectors) override;
  std::vector<std::pair<std::string, metadata>> metadata_of(std::string_view tenant,
                                                            std::string_view family,
                                                            size_t limit) override;

 private:
  struct point {
    double value = 0;
    timestamp_ms start_ts = no_start_timestamp;
    histogram_ptr native;  ///< null: a float
  };
  struct stored_series {
    std::map<timestamp_ms, point> points;
    std::vector<exemplar> exemplars;
  };
  class view;
  class cursor;
  void read(const stored_series& s, timestamp_ms mint, timestamp_ms maxt,
            storage::sample_columns& out) const;

  std::map<labels, stored_series> series_;
  std::multimap<std::string, metadata> metadata_;
};

}  // namespace troupe
