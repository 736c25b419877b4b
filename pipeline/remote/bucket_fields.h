// Spans and counts of native histograms, which remote write and the protobuf exposition write
// alike. Each appends to `out` while that has no more than `most` elements; malformed bytes throw.
#pragma once

#include "storage/model/histogram.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace protozero {
class pbf_reader;
}

namespace troupe::remote {

/// The BucketSpan message that `m` stands at.
void read_span(protozero::pbf_reader& m, size_t most, std::vector<histogram_span>& out);
/// Doubles, packed or one by one.
void read_doubles(protozero::pbf_reader& m, size_t most, std::vector<double>& out);

/// Counts of a side, each as the difference to the one before, packed or one by one.
class delta_reader {
 public:
  void read(protozero::pbf_reader& m, size_t most, std::vector<double>& out);

 private:
  uint64_t at_ = 0;
};

}  // namespace troupe::remote
