// The serving side of remote read: what a request selects, as one response or as a stream of
// frames. External labels are added as Prometheus adds them. One owner each.
#pragma once

#include "pipeline/remote/read_codec.h"
#include "query/engine/budget.h"
#include "storage/tsdb/chunk_codec.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::remote {

using external_labels = std::map<std::string, std::string>;

/// A matcher that asks for an external label as it is becomes one that asks for its absence: it is
/// not stored.
matchers local_matchers(const matchers& ms, const external_labels& external);

/// The ReadResponse message. invalid_argument beyond `sample_limit` samples a query (0: none);
/// what it takes is held in `held`.
result<std::string> read_all(storage::queryable& data, const read_request& request,
                             const external_labels& external, uint64_t sample_limit,
                             const query::budget& time, query::held& held);

/// The frames of the streamed response, a series at a time in memory. `data` must outlive it.
class read_stream {
 public:
  read_stream(storage::queryable& data, read_request request, external_labels external,
              size_t max_frame_bytes)
      : data_(data),
        request_(std::move(request)),
        external_(std::move(external)),
        max_frame_bytes_(max_frame_bytes) {}

  /// Appends some frames, about 64 KiB; false after the last. After a failure it is over.
  result<bool> next(std::string& out);

 private:
  status open_query();
  result<bool> next_series();
  void put_next_frame(std::string& out);

  storage::queryable& data_;
  const read_request request_;
  const external_labels external_;
  const size_t max_frame_bytes_;
  size_t query_ = 0;
  std::unique_ptr<storage::querier> querier_;
  std::unique_ptr<storage::series_set> set_;
  std::string label_fields_;
  storage::sample_columns samples_;  ///< of the series in hand
  std::optional<storage::tsdb::chunk_cutter> cutter_;
};

}  // namespace troupe::remote
