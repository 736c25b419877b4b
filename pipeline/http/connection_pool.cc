#include "pipeline/http/connection_pool.h"

#include "storage/base/check.h"

namespace troupe::http {

connection_pool::by_key::iterator connection_pool::erase(by_key::iterator it) {
  by_next_use_.erase(it->second.place);
  return by_key_.erase(it);
}

std::unique_ptr<client_connection> connection_pool::take(uint64_t key) {
  auto it = by_key_.find(key);
  if (it == by_key_.end())
    return nullptr;
  auto out = std::move(it->second.connection);
  erase(it);
  return out;
}

size_t connection_pool::put(std::unique_ptr<client_connection> c, int64_t next_use_ns,
                            int64_t now_ns) {
  c->use_by(nullptr);
  c->idle_since_ns = now_ns;
  uint64_t key = c->pool_key();
  // Mostly it is the one that is needed last.
  auto place = by_next_use_.emplace_hint(by_next_use_.end(), next_use_ns, c.get());
  by_key_.emplace(key, idle{std::move(c), place});
  return by_key_.size() > max_idle_ && evict_farthest() ? 1 : 0;
}

connection_pool::by_key::iterator connection_pool::find(const client_connection* c) {
  auto [it, end] = by_key_.equal_range(c->pool_key());
  while (it != end && it->second.connection.get() != c)
    ++it;
  TROUPE_CHECK(it != end);
  return it;
}

bool connection_pool::evict_farthest() {
  if (by_next_use_.empty())
    return false;
  erase(find(std::prev(by_next_use_.end())->second));
  return true;
}

size_t connection_pool::expire(int64_t before_ns) {
  size_t closed = 0;
  for (auto it = by_key_.begin(); it != by_key_.end();) {
    if (it->second.connection->idle_since_ns > before_ns) {
      ++it;
      continue;
    }
    it = erase(it);
    ++closed;
  }
  return closed;
}

void connection_pool::clear() {
  by_next_use_.clear();
  by_key_.clear();
}

}  // namespace troupe::http
