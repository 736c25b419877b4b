// A body as it comes in: bounded, grown by doubling, every step charged to a budget first. One
// owner.
#pragma once

#include "pipeline/http/byte_budget.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::http {

class body_buffer {
 public:
  /// Empties it for the next message.
  void reset(std::shared_ptr<byte_budget> budget, uint64_t limit);
  /// The peer says how much will come. out_of_bounds above the limit; a lie costs nothing but
  /// a small reservation.
  status expect(uint64_t length);
  /// out_of_bounds above the limit, resource_exhausted if the budget is full.
  status append(std::string_view piece);
  size_t size() const { return data_.size(); }
  std::string take_data() { return std::move(data_); }
  /// To be kept as long as the data.
  byte_lease take_lease() { return std::move(lease_); }

 private:
  status over_limit() const;
  status grow(uint64_t capacity);
  uint64_t next_capacity(uint64_t total) const;
  std::shared_ptr<byte_budget> budget_;
  uint64_t limit_ = 0;
  uint64_t expected_ = 0;
  byte_lease lease_;  ///< outlives the data
  std::string data_;
};

}  // namespace troupe::http
