// What waits to be sent. Plain values.
#pragma once

#include "pipeline/send/cursor.h"
#include "storage/model/batch.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace troupe::send {

/// What only some entries have.
struct entry_extra {
  histogram_ptr hist;
  labels exemplar_labels;
};

enum class entry_kind : uint8_t { sample, histogram, exemplar };
inline constexpr size_t entry_kinds = 3;

/// A sample, a histogram or an exemplar of a series.
struct entry {
  labels series;  ///< as it is sent
  timestamp_ms ts = 0;
  timestamp_ms start_ts = no_start_timestamp;
  double value = 0;
  uint32_t number = 0;  ///< of its frame
  entry_kind kind = entry_kind::sample;
  std::shared_ptr<const entry_extra> extra;  ///< never null for histograms and exemplars
};

/// How many of each kind.
struct entry_counts {
  uint64_t samples = 0, histograms = 0, exemplars = 0;

  void add(entry_kind kind, uint64_t n = 1) {
    (kind == entry_kind::sample      ? samples
     : kind == entry_kind::histogram ? histograms
                                     : exemplars) += n;
  }
  entry_counts& operator+=(const entry_counts& o) {
    samples += o.samples;
    histograms += o.histograms;
    exemplars += o.exemplars;
    return *this;
  }
  /// What is left when `o` is taken away, of each kind at least 0.
  entry_counts without(const entry_counts& o) const {
    return {samples - std::min(samples, o.samples), histograms - std::min(histograms, o.histograms),
            exemplars - std::min(exemplars, o.exemplars)};
  }
  uint64_t total() const { return samples + histograms + exemplars; }
  bool operator==(const entry_counts&) const = default;
};

/// Entries of one frame, and where their stream goes on behind them.
struct chunk {
  std::vector<entry> entries;  ///< from `first` on they are still to be sent
  size_t first = 0;
  size_t bytes = 0;  ///< of what is still to be sent
  place at;          ///< of the frame
  place after;       ///< behind it and behind later frames without entries
  storage::log_segment segment;
  timestamp_ms ts = 0;     ///< the frame's
  int64_t arrived_ns = 0;  ///< when it was read

  size_t left() const { return entries.size() - first; }
};

}  // namespace troupe::send
