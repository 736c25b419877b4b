// What the stages of Kafka tell people: set by their owners, read by the API. Thread-safe.
#pragma once

#include "pipeline/topics/consumption.h"
#include "pipeline/topics/publisher.h"

#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace troupe::topics {

class topic_board {
 public:
  /// How often an owner tells.
  static constexpr int64_t every_ns = 1'000'000'000;

  void set(std::vector<publication_state> all) {
    const std::lock_guard guard(lock_);
    published_ = std::move(all);
  }
  void set(std::vector<consumption_state> all) {
    const std::lock_guard guard(lock_);
    consumed_ = std::move(all);
  }
  std::vector<publication_state> published() const {
    const std::lock_guard guard(lock_);
    return published_;
  }
  std::vector<consumption_state> consumed() const {
    const std::lock_guard guard(lock_);
    return consumed_;
  }

 private:
  mutable std::mutex lock_;
  std::vector<publication_state> published_;
  std::vector<consumption_state> consumed_;
};

}  // namespace troupe::topics
