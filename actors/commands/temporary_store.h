// A store of the product's own in a temporary folder, for the commands that test. One thread.
#pragma once

#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/base/stats.h"
#include "storage/storage.h"

#include <memory>
#include <string>

namespace troupe::actors {

class temporary_store {
 public:
  explicit temporary_store(file_system& fs) : fs_(fs) {}
  ~temporary_store();
  temporary_store(const temporary_store&) = delete;
  temporary_store& operator=(const temporary_store&) = delete;

  /// An empty one in its place. Must be called first.
  status clear();
  /// Any time from 1970 on; visible to queries afterwards. out_of_bounds if a sample is refused.
  status append(const batch_ptr& batch);
  storage::queryable& data() { return store_->reader(); }
  const clock& clk() const { return clk_; }

 private:
  void close();

  file_system& fs_;
  manual_clock clk_{max_time / 8};
  std::string dir_;
  uint64_t seed_ = 0;
  std::unique_ptr<registry> metrics_;
  std::unique_ptr<storage::storage> store_;
};

}  // namespace troupe::actors
