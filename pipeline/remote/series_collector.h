// What a door decoded, series by series, made into write batches: the doors whose requests are not
// remote write. One owner, one request.
#pragma once

#include "pipeline/remote/write_codec.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::remote {

class series_collector {
 public:
  /// What may be made of a request's bytes. A label that a request names once may be on all of its
  /// series.
  struct growth {
    size_t factor = 128;
    size_t free_bytes = 1u << 20;
  };

  series_collector(series_cache& known, const write_limits& limits, size_t request_bytes,
                   growth grow);
  series_collector(series_cache& known, const write_limits& limits, size_t request_bytes)
      : series_collector(known, limits, request_bytes, growth()) {}

  /// The series of all that is added next. Labels in any order; those without a value are left out.
  void begin_series(std::span<const label_view> all);
  void add(timestamp_ms ts, double value, timestamp_ms start = no_start_timestamp);
  void add(timestamp_ms ts, histogram_ptr value, timestamp_ms start = no_start_timestamp);
  void add(exemplar_fields e);
  /// What could not be made a series or an exemplar.
  void refuse_sample(std::string_view why);
  void refuse_exemplar(std::string_view why);
  /// Not of a series. Texts are copied.
  void add(const metadata_fields& m);

  /// The request holds more than its size justifies: nothing more is taken, done() is an error.
  bool full() const { return full_; }
  /// out_of_bounds if full().
  result<decoded_write> done();

 private:
  struct pending {
    size_t key_end = 0;  ///< in keys_
    size_t floats_end = 0, histograms_end = 0, exemplars_end = 0;
  };
  struct pending_float {
    timestamp_ms ts;
    timestamp_ms start;
    double value;
  };
  struct owned_metadata {
    metric_type type;
    std::string family, unit, help;
  };

  bool charge(size_t bytes);
  void flush();
  void take(const pending& from, const pending& to, uint32_t position, write_batch& into);
  void refuse(std::string_view key, uint64_t samples);
  std::string refusal_of(std::string_view key);
  write_batch& batch_of(const series_cache::page_view& page);

  series_cache& known_;
  const write_limits& limits_;
  size_t left_bytes_;
  bool full_ = false;
  decoded_write out_;
  std::vector<std::shared_ptr<write_batch>> batches_;
  std::unordered_map<uint64_t, size_t> batch_by_group_;
  std::vector<owned_metadata> metadata_;
  std::vector<metadata_cache::entry> metadata_hashes_;

  // Since the last flush: series and what is theirs, in order.
  std::string keys_;
  std::vector<pending> series_;
  std::vector<pending_float> floats_;
  std::vector<histogram_entry> histograms_;
  std::vector<exemplar> exemplars_;

  std::vector<label_view> labels_;  ///< scratch
};

}  // namespace troupe::remote
