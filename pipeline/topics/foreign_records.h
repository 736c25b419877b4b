// Records that other programs write: bodies of remote write 1.0 and 2.0 (protobuf, snappy's block
// format), and the JSON of prometheus-kafka-adapter, a sample each. One owner.
#pragma once

#include "pipeline/http/bounded_decoder.h"
#include "pipeline/remote/series_cache.h"
#include "pipeline/remote/write_codec.h"
#include "pipeline/send/series_filter.h"
#include "pipeline/topics/record_reader.h"
#include "pipeline/topics/series_tables.h"
#include "storage/base/clock.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::topics {

class foreign_reader {
 public:
  /// `known` may be null: then it has one of its own.
  foreign_reader(std::shared_ptr<remote::series_cache> known, send::series_rules_ptr rules);

  /// corruption, with the reason, for anything else.
  result<read_record> read(std::string_view payload);
  uint64_t memory_bytes() const;

 private:
  /// What became of the series of a batch's group.
  struct renamed {
    series_table_ptr from;
    kept_table_ptr to;
    std::vector<uint32_t> positions;  ///< by position in `from`
  };

  result<remote::decoded_write> decode(std::string_view payload);
  result<remote::decoded_write> decode_json(std::string_view payload);
  result<remote::decoded_write> decode_snappy(std::string_view payload);
  renamed& follow(const write_batch& batch);
  batch_ptr rename(const write_batch& batch);

  system_clock clock_;  ///< of a cache of its own
  const std::shared_ptr<remote::series_cache> known_;
  const send::series_rules_ptr rules_;
  const http::bounded_decoder unpack_;
  std::unordered_map<uint64_t, renamed> renamed_;  ///< by group
};

}  // namespace troupe::topics
