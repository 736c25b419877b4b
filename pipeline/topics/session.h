// What one publication does with one producer: the log in, records out, and how far that is. Ends
// when it cannot go on exactly; the next one reads again what was not confirmed. Abstract: frames
// (frames_session.h) or bodies of remote write (bodies_session.h). One owner; times are passed in.
#pragma once

#include "pipeline/kafka/cluster.h"
#include "pipeline/send/cursor.h"
#include "pipeline/send/metadata_book.h"
#include "pipeline/send/series_filter.h"
#include "pipeline/topics/oversize.h"
#include "pipeline/topics/publish_figures.h"
#include "storage/log_door.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe::topics {

struct session_options {
  size_t record_bytes = 256 << 10;     ///< about so large are records
  int64_t gather_ms = 300;             ///< samples wait so long for others
  int64_t heartbeat_ms = 5'000;        ///< so often an idle partition tells that it is complete
  int64_t key_interval_ms = 600'000;   ///< so often all series are described anew
  uint64_t segment_bytes = 64u << 20;  ///< and after so much
  uint64_t most_queued = 32u << 20;    ///< bytes of records that are under way
  bool histograms = true;              ///< in bodies of remote write
  bool exemplars = true;               ///< in them
  int64_t age_limit_ms = 0;            ///< of samples in them; 0: any age
};

struct session_parts {
  storage::log_door* log = nullptr;
  kafka::producer* to = nullptr;
  send::series_rules_ptr rules;
  send::metadata_book* described = nullptr;
  publish_figures* metrics = nullptr;
  oversize* too_large = nullptr;
  uint64_t node = 0;    ///< id of the data
  uint64_t number = 0;  ///< of the session, rising over restarts
  uint32_t partitions = 1;
};

/// A time by both clocks.
struct moment {
  timestamp_ms ms = 0;
  int64_t ns = 0;
};

class session {
 public:
  /// Of the log of a shard, read at a time.
  static constexpr size_t slice_bytes = 64 << 10;

  virtual ~session() = default;

  /// Reads up to so many slices of each shard's log, makes records and hands them over, as far as
  /// there is room. True: it could go on at once.
  virtual result<bool> step(int slices, const moment& now) = 0;
  /// Not ok: the producer's word is not what was expected of it, or it gave a record up. The
  /// session is over.
  virtual status on_delivery(const kafka::delivery& d) = 0;
  /// Reads no more; what was read goes out at once.
  virtual void stop() = 0;
  /// It cannot go on, and is over as soon as nothing is under way.
  virtual bool is_spoilt() const = 0;
  /// Records that were handed over and have no delivery yet.
  virtual size_t under_way() const = 0;
  /// Nothing that was read waits for anything.
  virtual bool is_idle() const = 0;

  /// With the places of the moment.
  virtual const send::stretch& at() = 0;
  /// Places that moved since the last call.
  virtual std::vector<send::advance> take_moved() = 0;
  /// The oldest frame that is not done; max_time: none is known.
  virtual timestamp_ms oldest_ts() const = 0;
  /// The log was read to its end, and all of it is done.
  virtual bool caught_up() const = 0;
  virtual uint64_t memory_bytes() const = 0;
};

}  // namespace troupe::topics
