// Remote write 1.0 (prometheus.WriteRequest) and 2.0 (io.prometheus.write.v2.Request): protobuf
// bytes → write batches, one per page of known series. The caller bounds the input; what it grows
// to is bounded by a multiple of it. Sources: https prometheus.io/docs/specs/prw/remote_write_spec/
// and remote_write_spec_2_0/, prometheus/prompb/{remote,types}.proto and
// prompb/io/prometheus/write/v2/types.proto
#pragma once

#include "pipeline/remote/message_codec.h"
#include "pipeline/remote/series_cache.h"
#include "storage/base/result.h"
#include "storage/model/batch.h"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::remote {

/// Parts of a request, of one kind, that must not be stored.
struct refused_parts {
  uint64_t count = 0;
  std::string why;  ///< of the first

  template <class Reason>
  void add(Reason reason) {
    if (count++ == 0)
      why = reason();
  }
};

struct decoded_write {
  std::vector<batch_ptr> batches;  ///< each of one shard; none if nothing is valid
  refused_parts refused_series, refused_histograms, refused_exemplars, refused_metadata;
  uint64_t samples_of_refused_series = 0;  ///< histograms included
  /// What the batches carry, for metadata_cache::note() once they are stored.
  std::vector<metadata_cache::entry> metadata;

  uint64_t refused_count() const {
    return refused_series.count + refused_histograms.count + refused_exemplars.count +
           refused_metadata.count;
  }
};

/// invalid_argument if the bytes are not such a message, out_of_bounds if it grows to more than its
/// size justifies. Series with invalid labels (no or repeated names, empty name, invalid UTF-8, no
/// metric name), histograms and exemplars that do not hold are left out and counted.
result<decoded_write> decode_write(std::string_view protobuf, series_cache& known,
                                   const write_limits& limits = {});
result<decoded_write> decode_write_v2(std::string_view protobuf, series_cache& known,
                                      const write_limits& limits = {});

}  // namespace troupe::remote
