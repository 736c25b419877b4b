// Faults, crashes and damage of sim_file_system.
#include "storage/base/check.h"
#include "tests/support/sim_file_system.h"
#include "tests/support/sim_inode.h"

#include <algorithm>
#include <set>
#include <utility>

namespace troupe::support {
namespace {
constexpr uint64_t sector = 512;
}  // namespace

void sim_file_system::fail_nth(uint64_t n, errc code, bool sticky, uint32_t ops) {
  std::lock_guard lock(mutex_);
  fail_in_ = n;
  fail_code_ = code;
  fail_sticky_ = sticky;
  fail_ops_ = ops;
  struck_ = false;
}

void sim_file_system::fail_only_on(std::string part) {
  std::lock_guard lock(mutex_);
  fail_part_ = std::move(part);
}

void sim_file_system::clear_faults() {
  std::lock_guard lock(mutex_);
  fail_in_ = 0;
  fail_sticky_ = false;
  fail_part_.clear();
}

uint64_t sim_file_system::operations(uint32_t ops) const {
  std::lock_guard lock(mutex_);
  uint64_t n = 0;
  for (auto [op, count] : op_counts_)
    n += (op & ops) ? count : 0;
  return n;
}

bool sim_file_system::fault_struck() const {
  std::lock_guard lock(mutex_);
  return struck_;
}

void sim_file_system::set_space_limit(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  space_limit_ = bytes;
}

uint64_t sim_file_system::used_bytes() const {
  std::lock_guard lock(mutex_);
  return used_;
}

void sim_file_system::on_sync(std::function<void(uint64_t)> callback) {
  std::lock_guard lock(mutex_);
  on_sync_ = std::move(callback);
}

status sim_file_system::check(sim_op op, const std::string& path) {
  ++op_counts_[op];
  if (fail_in_ == 0 || !(fail_ops_ & op) || path.find(fail_part_) == std::string::npos)
    return {};
  if (fail_in_ > 1) {
    --fail_in_;
    return {};
  }
  if (!fail_sticky_)
    fail_in_ = 0;
  struck_ = true;
  return {fail_code_, path + ": planned fault"};
}

status sim_file_system::charge(inode& node, uint64_t bytes, const std::string& path) {
  uint64_t used = used_ - node.charged + bytes;
  if (space_limit_ != 0 && used > space_limit_ && bytes > node.charged)
    return {errc::no_space, path + ": no space left on device"};
  used_ = used;
  node.charged = bytes;
  return {};
}

// --- crash ---

void sim_file_system::crash_inode(inode& node) {
  std::string& data = node.mutable_data();
  const uint64_t length = node.size();
  data.resize(node.end());
  node.ahead = 0;
  if (node.cut && random_.below(2) == 0) {
    // The truncation never reached the disk, nor did anything behind it.
    data.resize(node.cut_at);
    data += node.cut_tail;
    node.synced = data.size();
    node.write_ends.clear();
  }
  node.cut = false;
  node.cut_tail.clear();
  uint64_t start = std::min<uint64_t>(node.synced, data.size());
  auto lose = [&](uint64_t from, uint64_t to) {
    std::fill(data.begin() + from, data.begin() + to, '\0');
  };
  auto lose_sectors = [&](uint64_t from, uint64_t to) {
    for (uint64_t at = from; at < to;) {
      uint64_t end = std::min(to, (at / sector + 1) * sector);
      if (random_.below(2) == 0)
        lose(at, end);
      at = end;
    }
  };
  for (auto [from, to] : node.doomed)
    lose_sectors(from, std::min<uint64_t>(to, data.size()));
  node.doomed.clear();
  if (data.size() > start) {
    switch (random_.below(5)) {
      case 0:
        data.resize(start);
        break;
      case 1:
        break;
      case 2:
        data.resize(start + random_.below(data.size() - start));
        break;
      case 3: {
        uint64_t from = start;
        for (uint64_t end : node.write_ends) {
          if (random_.below(2) == 0)
            lose(from, end);
          from = end;
        }
        break;
      }
      default:
        lose_sectors(start, data.size());
        data.resize(start + random_.below(data.size() - start + 1));
    }
  }
  if (length > data.size() && random_.below(2) == 0)  // else the new length was not durable
    data.resize(length);
  node.write_ends.clear();
  node.synced = data.size();
}

void sim_file_system::end_process() {
  ++generation_;
  locked_.clear();
  fail_in_ = 0;
  fail_part_.clear();
}

void sim_file_system::crash() {
  std::lock_guard lock(mutex_);
  auto mode = random_.below(4);
  size_t kept = mode == 0 ? 0 : mode == 2 ? random_.below(pending_.size() + 1) : pending_.size();
  std::set<uint64_t> kept_ids;
  for (size_t i = 0; i < pending_.size(); ++i) {
    const pending_op& op = pending_[i];
    bool keep = i < kept && (mode != 3 || random_.below(2) == 0);
    if (op.needs != 0)
      keep = kept_ids.contains(op.needs) && (op.synced || keep);
    if (!keep)
      continue;
    kept_ids.insert(op.id);
    apply_durable(op);
  }
  pending_.clear();
  for (auto it = durable_names_.begin(); it != durable_names_.end();) {
    bool orphan = !durable_names_.contains(sim_parent(it->first));
    it = orphan ? durable_names_.erase(it) : std::next(it);
  }
  names_ = durable_names_;
  std::set<inode*> done;
  for (auto& [path, node] : names_)
    if (done.insert(node.get()).second)
      crash_inode(*node);
  recount();
  end_process();
}

void sim_file_system::kill() {
  std::lock_guard lock(mutex_);
  end_process();
}

void sim_file_system::recount() {
  used_ = 0;
  std::set<inode*> done;
  for (auto& [path, node] : names_) {
    if (!done.insert(node.get()).second)
      continue;
    node->charged = node->size();
    used_ += node->charged;
  }
}

// --- damage ---

void sim_file_system::flip_bit(const std::string& path, uint64_t offset, unsigned bit) {
  std::lock_guard lock(mutex_);
  auto node = find(path);
  TROUPE_CHECK(node && offset < node->size());
  node->mutable_data()[offset] ^= static_cast<char>(1u << bit);
}

void sim_file_system::overwrite(const std::string& path, uint64_t offset, std::string_view bytes) {
  std::lock_guard lock(mutex_);
  auto node = find(path);
  TROUPE_CHECK(node && offset + bytes.size() <= node->size());
  node->mutable_data().replace(offset, bytes.size(), bytes);
}

void sim_file_system::cut(const std::string& path, uint64_t size) {
  std::lock_guard lock(mutex_);
  auto node = find(path);
  TROUPE_CHECK(node && size <= node->size());
  node->mutable_data().resize(size);
  node->ahead = 0;
  node->synced = std::min(node->synced, size);
  std::erase_if(node->write_ends, [&](uint64_t end) { return end > size; });
}

void sim_file_system::fail_mappings(const std::string& path) {
  std::lock_guard lock(mutex_);
  auto node = find(path);
  TROUPE_CHECK(node && node->mappings_failed);
  node->mappings_failed->store(true);
}

void sim_file_system::put(const std::string& path, std::string content) {
  std::lock_guard lock(mutex_);
  auto node = std::make_shared<inode>();
  node->synced = content.size();
  node->mutable_data() = std::move(content);
  names_[sim_normal(path)] = durable_names_[sim_normal(path)] = node;
  recount();
}

std::string sim_file_system::content(const std::string& path) const {
  std::lock_guard lock(mutex_);
  auto node = find(path);
  return node ? *node->data : std::string();
}

std::vector<std::string> sim_file_system::files(const std::string& prefix) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (auto it = names_.lower_bound(prefix); it != names_.end() && it->first.starts_with(prefix);
       ++it)
    if (!it->second->directory)
      out.push_back(it->first);
  return out;
}

uint64_t sim_file_system::durable_size(const std::string& path) const {
  std::lock_guard lock(mutex_);
  auto it = durable_names_.find(sim_normal(path));
  if (it == durable_names_.end())
    return 0;
  uint64_t size = it->second->synced;
  for (auto [from, to] : it->second->doomed)
    size = std::min(size, from);
  return size;
}

}  // namespace troupe::support
