// What makes the number of series grow: of the series created in the last 10 seconds, minute and
// hour, which metric, job, target and label value most of them share, and which labels have how
// many values. Always on; its memory is bounded (about 2 MB). Created series are gathered per shard
// and counted some hundred at a time. Any thread; one writer per shard.
#pragma once

#include "storage/base/clock.h"
#include "storage/base/distinct_counter.h"
#include "storage/base/frequent_items.h"
#include "storage/model/cardinality.h"
#include "storage/model/label_pair.h"
#include "storage/model/labels.h"

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace troupe::storage {

class series_growth {
 public:
  series_growth(uint32_t shards, const clock& clk);

  /// A series that was not there before. By the shard's writer; labels that cannot be packed only
  /// count.
  void created(uint32_t shard, const labels& series);
  /// The last 10 s, 1 min, 1 h (and up to a fifth or sixth more), at most `limit` entries a list;
  /// nothing is said of what is active.
  growth_report report(size_t limit);

 private:
  static constexpr size_t most = 256;  ///< keys held of each kind

  struct target_key {
    label_pair job, instance;
  };
  struct label_values {
    label_pair metric, example;
    distinct_counter values;
  };
  /// What was created in one step of time.
  struct pane {
    uint64_t created = 0;
    frequent_items<label_pair> metrics{most}, jobs{most}, pairs{most};
    frequent_items<target_key> targets{most};
    frequent_items<label_values> by_label{most};  ///< of metric and label

    void count(const labels& series);
    void add(const pane& other);
  };
  /// Panes of one length; those that end go into the next level's, too.
  struct level {
    int64_t steps;  ///< of the finest level in a pane
    int64_t keep;   ///< panes that have ended
    int64_t number = 0;
    pane open;
    std::deque<std::pair<int64_t, pane>> ended;  ///< by number
  };
  struct gathered {
    std::mutex mutex;
    // Both are guarded by mutex.
    std::vector<labels> series;
    int64_t step = 0;
  };

  int64_t step_now() const;
  void count(gathered& g);
  void advance(size_t level, int64_t step);
  growth_window window(size_t level, size_t limit) const;

  const clock& clock_;
  std::vector<std::unique_ptr<gathered>> shards_;
  std::mutex mutex_;             ///< locked behind one of a shard
  std::array<level, 3> levels_;  ///< guarded by mutex_
};

}  // namespace troupe::storage
