// Series tables that a reader of a partition keeps from record to record, so that storage knows
// them by address, and the batches that are being made of them. One owner.
#pragma once

#include "storage/base/ref_table.h"
#include "storage/model/batch.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::topics {

/// The series of a (tenant, group) in order of first use; it only grows.
class kept_table {
 public:
  kept_table(std::string_view tenant, uint64_t group) : tenant_(tenant), group_(group) {}

  const std::string& tenant() const { return tenant_; }
  uint64_t group() const { return group_; }
  size_t size() const { return base_size() + added_.size(); }
  /// The position of the series, which is new or known.
  uint32_t position_of(const labels& series);
  /// With all series so far; null if there are none.
  const series_table_ptr& current();
  uint64_t memory_bytes() const;

 private:
  size_t base_size() const { return table_ ? table_->series.size() : 0; }
  const labels& series(uint32_t position) const {
    return position < base_size() ? table_->series[position] : added_[position - base_size()];
  }

  const std::string tenant_;
  const uint64_t group_;
  series_table_ptr table_;
  std::vector<labels> added_;  ///< behind those of table_
  std::vector<uint16_t> added_slots_;
  ref_table by_labels_;  ///< position + 1
};
using kept_table_ptr = std::shared_ptr<kept_table>;

/// Tables that somebody holds, by tenant and group.
class table_book {
 public:
  kept_table_ptr find_or_make(std::string_view tenant, uint64_t group);
  /// The next one who asks gets a new table.
  void retire(const kept_table& t);
  /// Forgets those that nobody holds any more.
  void sweep();
  uint64_t memory_bytes() const;

 private:
  struct key {
    std::string tenant;
    uint64_t group;
    bool operator==(const key&) const = default;
  };
  struct key_hash {
    size_t operator()(const key& k) const { return k.group ^ std::hash<std::string>()(k.tenant); }
  };
  std::unordered_map<key, std::weak_ptr<kept_table>, key_hash> tables_;
};

/// The batches of a record, one per table (more if it grows long), in order of first use.
class batch_list {
 public:
  /// Where the next samples of the table go.
  write_batch& batch_of(const kept_table_ptr& table);
  /// All of them; tables are as they are now.
  std::vector<batch_ptr> take();

 private:
  struct open_batch {
    kept_table_ptr table;
    std::shared_ptr<write_batch> batch;
  };
  std::vector<open_batch> open_;
  std::unordered_map<const kept_table*, size_t> last_;  ///< in open_
};

}  // namespace troupe::topics
