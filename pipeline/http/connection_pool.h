// Idle kept-alive connections of one loop under a descriptor budget: what is needed last goes
// first. One thread.
#pragma once

#include "pipeline/http/client_connection.h"

#include <cstdint>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>

namespace troupe::http {

class connection_pool {
 public:
  explicit connection_pool(size_t max_idle) : max_idle_(max_idle) {}

  /// An idle connection of that key, or null.
  std::unique_ptr<client_connection> take(uint64_t key);
  /// Keeps it for its next use at `next_use_ns`; gives back how many were closed for that (0 or 1;
  /// it may be this one).
  size_t put(std::unique_ptr<client_connection> c, int64_t next_use_ns, int64_t now_ns);
  /// Closes the one whose next use is farthest; false if there is none.
  bool evict_farthest();
  /// Closes those that have been idle since `before_ns`; gives back how many.
  size_t expire(int64_t before_ns);
  void clear();
  size_t size() const { return by_key_.size(); }

 private:
  using order = std::set<std::pair<int64_t, client_connection*>>;
  struct idle {
    std::unique_ptr<client_connection> connection;
    order::iterator place;
  };
  using by_key = std::unordered_multimap<uint64_t, idle>;
  by_key::iterator find(const client_connection* c);
  by_key::iterator erase(by_key::iterator it);

  size_t max_idle_;
  by_key by_key_;
  order by_next_use_;
};

}  // namespace troupe::http
