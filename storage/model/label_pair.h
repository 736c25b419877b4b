// One name="value" of packed label sets by its process-wide number: what an index of packed sets is
// keyed by, without strings of its own. Any thread.
#pragma once

#include "storage/model/label_pool.h"

#include <cstdint>
#include <string_view>
#include <utility>

namespace troupe {

/// A counted reference: the number stands for this pair as long as it is held.
class label_pair {
 public:
  label_pair() = default;
  /// `id` of labels::pair_ids() of a set that is held, or of another label_pair.
  explicit label_pair(uint32_t id) : id_(id) { label_pool::instance().retain_pair(id); }
  label_pair(const label_pair& o) : id_(o.id_) {
    if (id_ != 0)
      label_pool::instance().retain_pair(id_);
  }
  label_pair(label_pair&& o) noexcept : id_(std::exchange(o.id_, 0)) {}
  label_pair& operator=(label_pair o) noexcept {
    std::swap(id_, o.id_);
    return *this;
  }
  ~label_pair() {
    if (id_ != 0)
      label_pool::instance().release_pair(id_);
  }

  uint32_t id() const { return id_; }
  label_view view() const { return label_pool::instance().pair(id_); }
  /// The number of the name of a pair that is held; it means something as long as the pair is.
  static uint32_t name_of(uint32_t id) { return label_pool::instance().at(id).name; }
  /// Of a pair that is held.
  static label_view view_of(uint32_t id) { return label_pool::instance().pair(id); }
  /// The number of a pair, 0 if no packed set has it. Not counted: it means something only to who
  /// holds the pair.
  static uint32_t find(std::string_view name, std::string_view value) {
    return label_pool::instance().find_pair(name, value);
  }

 private:
  uint32_t id_ = 0;
};

}  // namespace troupe
