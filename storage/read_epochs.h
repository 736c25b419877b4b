// Tells when all readers that may not know of a new block are gone, so that the head may drop what
// it had set aside for it. Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

namespace troupe::storage {

class read_epochs {
 public:
  /// A reader holds this as long as it reads.
  using token = std::shared_ptr<const int>;

  /// Call before looking at the list of blocks.
  token enter() const {
    const std::lock_guard guard(mutex_);
    return current_;
  }
  /// Readers that enter from now on see the new block.
  void turn() {
    const std::lock_guard guard(mutex_);
    earlier_.push_back(current_);
    current_ = std::make_shared<const int>(0);
  }
  /// True if all readers that entered before the last turn() are gone.
  bool drained() {
    const std::lock_guard guard(mutex_);
    std::erase_if(earlier_, [](const auto& t) { return t.expired(); });
    return earlier_.empty();
  }

 private:
  mutable std::mutex mutex_;
  token current_ = std::make_shared<const int>(0);
  std::vector<std::weak_ptr<const int>> earlier_;
};

}  // namespace troupe::storage
