#include "tests/support/sim_file_system.h"

#include "tests/support/sim_inode.h"

#include <algorithm>
#include <utility>

namespace troupe::support {
namespace {

bool below(std::string_view path, std::string_view dir) {
  return path.size() > dir.size() && path.starts_with(dir) && path[dir.size()] == '/';
}

}  // namespace

std::string sim_normal(std::string_view path) {
  std::string out;
  for (char c : path) {
    if (c == '/' && !out.empty() && out.back() == '/')
      continue;
    out.push_back(c);
  }
  while (out.size() > 1 && out.back() == '/')
    out.pop_back();
  return out;
}

class sim_file_system::writer final : public writable_file {
 public:
  writer(sim_file_system& fs, inode_ptr node, std::string path, bool is_new)
      : fs_(fs),
        node_(std::move(node)),
        path_(std::move(path)),
        is_new_(is_new),
        generation_(fs.generation_) {}
  status append(std::string_view data) override {
    return guarded([&] { return fs_.append_to(*node_, data, path_); });
  }
  status sync() override {
    return guarded([&] { return fs_.sync_file(*node_, path_); });
  }
  status reserve(uint64_t size) override {
    if (!is_new_)
      return {errc::unsupported, path_ + ": space is reserved in new files only"};
    return guarded([&] { return fs_.reserve_for(*node_, size, path_); });
  }
  uint64_t size() const override {
    std::lock_guard lock(fs_.mutex_);
    return node_->end();
  }
  status close() override {
    closed_ = true;
    return {};
  }

 private:
  template <class F>
  status guarded(F call) {
    std::unique_lock lock(fs_.mutex_);
    if (closed_ || generation_ != fs_.generation_)
      return {errc::io_error, path_ + ": the handle is dead"};
    return call();
  }
  sim_file_system& fs_;
  inode_ptr node_;
  std::string path_;
  const bool is_new_;
  uint64_t generation_;
  bool closed_ = false;
};

class sim_file_system::reader final : public readable_file {
 public:
  reader(sim_file_system& fs, inode_ptr node, std::string path)
      : fs_(fs), node_(std::move(node)), path_(std::move(path)) {}
  status read(uint64_t offset, size_t n, std::string& out) const override {
    std::lock_guard lock(fs_.mutex_);
    TROUPE_TRY(fs_.check(op_read, path_));
    const std::string& data = *node_->data;
    if (offset >= data.size())
      out.clear();
    else
      out.assign(data, offset, n);
    return {};
  }
  uint64_t size() const override {
    std::lock_guard lock(fs_.mutex_);
    return node_->size();
  }

 private:
  sim_file_system& fs_;
  inode_ptr node_;
  std::string path_;
};

class sim_file_system::mapping final : public mapped_file {
 public:
  mapping(std::shared_ptr<const std::string> data, std::shared_ptr<std::atomic<bool>> failed)
      : data_(std::move(data)), failed_(std::move(failed)) {}
  std::string_view data() const override { return *data_; }
  bool failed() const override { return failed_->load(); }

 private:
  std::shared_ptr<const std::string> data_;
  std::shared_ptr<std::atomic<bool>> failed_;
};

class sim_file_system::held_lock final : public file_lock {
 public:
  held_lock(sim_file_system& fs, std::string path)
      : fs_(fs), path_(std::move(path)), generation_(fs.generation_) {}
  ~held_lock() override {
    std::lock_guard lock(fs_.mutex_);
    if (generation_ == fs_.generation_)
      fs_.locked_.erase(path_);
  }

 private:
  sim_file_system& fs_;
  std::string path_;
  uint64_t generation_;
};

sim_file_system::sim_file_system(uint64_t seed) : random_(seed) {
  for (const char* root : {".", "/"}) {
    auto node = std::make_shared<inode>();
    node->directory = true;
    names_[root] = durable_names_[root] = node;
  }
}

sim_file_system::~sim_file_system() = default;

// --- files ---

sim_file_system::inode_ptr sim_file_system::find(const std::string& path) const {
  auto it = names_.find(sim_normal(path));
  return it == names_.end() ? nullptr : it->second;
}

void sim_file_system::write_at_end(inode& node, std::string_view bytes) {
  const uint64_t over = std::min<uint64_t>(node.ahead, bytes.size());
  node.mutable_data().replace(node.end(), over, bytes);
  node.ahead -= over;
  node.write_ends.push_back(node.end());
}

status sim_file_system::append_to(inode& node, std::string_view data, const std::string& path) {
  const auto fits = [&](uint64_t bytes) {
    return charge(node, std::max(node.end() + bytes, node.size()), path);
  };
  status failed = check(op_append, path);
  if (failed.ok())
    failed = fits(data.size());
  if (!failed.ok()) {
    // A part may have gone through before the failure; what fits counts as used.
    uint64_t part = random_.below(data.size() + 1);
    if (fits(part).ok())
      write_at_end(node, data.substr(0, part));
    return failed;
  }
  write_at_end(node, data);
  return {};
}

status sim_file_system::sync_file(inode& node, const std::string& path) {
  uint64_t bytes = node.end() - std::min<uint64_t>(node.synced, node.end());
  status failed = check(op_sync, path);
  if (on_sync_)
    on_sync_(bytes);
  if (!failed.ok() && node.synced < node.end())
    node.doomed.emplace_back(node.synced, node.end());
  node.synced = node.end();
  node.write_ends.clear();
  node.cut = false;
  node.cut_tail.clear();
  return failed;
}

status sim_file_system::reserve_for(inode& node, uint64_t size, const std::string& path) {
  TROUPE_TRY(check(op_reserve, path));
  if (size <= node.size())
    return {};
  TROUPE_TRY(charge(node, size, path));
  node.ahead += size - node.size();
  node.mutable_data().resize(size);
  return {};
}

void sim_file_system::truncate_locked(inode& node, uint64_t size) {
  std::string& data = node.mutable_data();
  if (size < node.synced) {
    if (!node.cut) {
      node.cut = true;
      node.cut_at = size;
      node.cut_tail = data.substr(size, node.synced - size);
    } else if (size < node.cut_at) {
      node.cut_tail.insert(0, data, size, node.cut_at - size);
      node.cut_at = size;
    }
    node.synced = size;
  }
  data.resize(size);
  node.ahead = 0;
  std::erase_if(node.write_ends, [&](uint64_t end) { return end > size; });
  std::erase_if(node.doomed, [&](auto range) { return range.first >= size; });
  used_ = used_ - node.charged + size;
  node.charged = size;
}

result<std::unique_ptr<writable_file>> sim_file_system::open_locked(const std::string& raw,
                                                                    bool truncate) {
  std::string path = sim_normal(raw);
  auto node = find(path);
  if (node && node->directory)
    return {errc::io_error, path + ": is a directory"};
  if (!node || truncate)
    TROUPE_TRY(check(op_create, path));
  if (!node) {
    auto dir = find(sim_parent(path));
    if (!dir || !dir->directory)
      return {errc::not_found, path + ": no such directory"};
    node = std::make_shared<inode>();
    change(sim_parent(path), {{path, node}});
  } else if (truncate) {
    truncate_locked(*node, 0);
  }
  node->ahead = 0;  // a new writer goes on behind the zeros
  return std::unique_ptr<writable_file>(std::make_unique<writer>(*this, node, path, truncate));
}

result<std::unique_ptr<writable_file>> sim_file_system::create(const std::string& path) {
  std::lock_guard lock(mutex_);
  return open_locked(path, true);
}

result<std::unique_ptr<writable_file>> sim_file_system::open_append(const std::string& path) {
  std::lock_guard lock(mutex_);
  return open_locked(path, false);
}

result<std::unique_ptr<readable_file>> sim_file_system::open_read(const std::string& path) {
  std::lock_guard lock(mutex_);
  TROUPE_TRY(check(op_read, path));
  auto node = find(path);
  if (!node || node->directory)
    return {errc::not_found, path + ": no such file"};
  return std::unique_ptr<readable_file>(std::make_unique<reader>(*this, node, path));
}

result<std::unique_ptr<mapped_file>> sim_file_system::map(const std::string& path) {
  std::lock_guard lock(mutex_);
  TROUPE_TRY(check(op_read, path));
  auto node = find(path);
  if (!node || node->directory)
    return {errc::not_found, path + ": no such file"};
  if (!node->mappings_failed || node->mappings_failed->load())
    node->mappings_failed = std::make_shared<std::atomic<bool>>(false);
  return std::unique_ptr<mapped_file>(std::make_unique<mapping>(node->data, node->mappings_failed));
}

// --- directories ---

result<std::vector<dir_entry>> sim_file_system::list(const std::string& raw) {
  std::lock_guard lock(mutex_);
  std::string dir = sim_normal(raw);
  TROUPE_TRY(check(op_read, dir));
  auto node = find(dir);
  if (!node || !node->directory)
    return {errc::not_found, dir + ": no such directory"};
  std::vector<dir_entry> out;
  std::string prefix = dir == "/" ? "/" : dir == "." ? "" : dir + "/";
  for (auto it = names_.lower_bound(prefix); it != names_.end() && it->first.starts_with(prefix);) {
    std::string_view rest = std::string_view(it->first).substr(prefix.size());
    auto slash = rest.find('/');
    if (slash != std::string_view::npos && slash != 0) {
      it = names_.lower_bound(prefix + std::string(rest.substr(0, slash)) + "0");  // '0' = '/' + 1
      continue;
    }
    if (!rest.empty() && rest != "." && slash != 0)
      out.push_back({std::string(rest), it->second->directory});
    ++it;
  }
  std::sort(out.begin(), out.end(),
            [](const dir_entry& a, const dir_entry& b) { return a.name < b.name; });
  return out;
}

status sim_file_system::create_directories(const std::string& raw) {
  std::lock_guard lock(mutex_);
  std::string dir = sim_normal(raw);
  if (auto node = find(dir); node && node->directory)
    return {};
  TROUPE_TRY(check(op_create, dir));
  for (size_t slash = dir.find('/', 1);; slash = dir.find('/', slash + 1)) {
    std::string part = dir.substr(0, slash);
    auto node = find(part);
    if (node && !node->directory)
      return {errc::io_error, part + ": not a directory"};
    if (!node) {
      node = std::make_shared<inode>();
      node->directory = true;
      names_[part] = durable_names_[part] = node;
    }
    if (slash == std::string::npos)
      return {};
  }
}

void sim_file_system::change(const std::string& dir,
                             std::vector<std::pair<std::string, inode_ptr>> changes) {
  pending_op op;
  op.id = next_op_++;
  op.dir = dir;
  for (auto& [path, node] : changes) {
    if (node)
      names_[path] = node;
    else
      names_.erase(path);
  }
  for (const auto& earlier : pending_)
    if (earlier.needs != 0 && earlier.dir == dir)
      op.needs = earlier.needs;
  op.changes = std::move(changes);
  pending_.push_back(std::move(op));
}

void sim_file_system::apply_durable(const pending_op& op) {
  for (const auto& [path, node] : op.changes) {
    if (node)
      durable_names_[path] = node;
    else
      durable_names_.erase(path);
  }
}

status sim_file_system::sync_directory(const std::string& raw) {
  std::lock_guard lock(mutex_);
  std::string dir = sim_normal(raw);
  status failed = check(op_sync_directory, dir);
  if (on_sync_)
    on_sync_(0);
  TROUPE_TRY(failed);
  if (!find(dir))
    return {errc::not_found, dir + ": no such directory"};
  std::set<uint64_t> applied;
  std::vector<pending_op> rest;
  std::set<uint64_t> waiting;
  for (auto& op : pending_)
    waiting.insert(op.id);
  for (auto& op : pending_) {
    op.synced = op.synced || op.dir == dir;
    bool free = op.needs == 0 || !waiting.contains(op.needs);
    if (op.synced && free) {
      apply_durable(op);
      waiting.erase(op.id);
    } else {
      rest.push_back(std::move(op));
    }
  }
  pending_ = std::move(rest);
  return {};
}

void sim_file_system::rename_directory(const std::string& from, const std::string& to) {
  auto moved = [&](const std::string& path) { return to + path.substr(from.size()); };
  auto inside = [&](const std::string& path) { return path == from || below(path, from); };
  std::map<std::string, inode_ptr> renamed;
  for (auto it = names_.begin(); it != names_.end();) {
    if (!inside(it->first)) {
      ++it;
      continue;
    }
    renamed[moved(it->first)] = it->second;
    it = names_.erase(it);
  }
  names_.merge(renamed);
  pending_op op;
  op.id = next_op_++;
  op.dir = sim_parent(to);
  for (const auto& [path, node] : durable_names_) {
    if (!inside(path))
      continue;
    op.changes.emplace_back(path, nullptr);
    op.changes.emplace_back(moved(path), node);
  }
  // What is not durable inside the folder moves with it and counts only if the rename does.
  std::vector<pending_op> follow;
  std::erase_if(pending_, [&](pending_op& p) {
    if (p.dir != from && !below(p.dir, from))
      return false;
    p.dir = moved(p.dir);
    p.needs = op.id;
    for (auto& [path, node] : p.changes)
      if (inside(path))
        path = moved(path);
    follow.push_back(std::move(p));
    return true;
  });
  pending_.push_back(std::move(op));
  std::move(follow.begin(), follow.end(), std::back_inserter(pending_));
}

status sim_file_system::rename(const std::string& raw_from, const std::string& raw_to) {
  std::lock_guard lock(mutex_);
  std::string from = sim_normal(raw_from), to = sim_normal(raw_to);
  TROUPE_TRY(check(op_rename, to));
  auto node = find(from);
  if (!node)
    return {errc::not_found, from + ": no such file"};
  auto dir = find(sim_parent(to));
  if (!dir || !dir->directory)
    return {errc::not_found, sim_parent(to) + ": no such directory"};
  if (find(to) == node)
    return {};  // one file under both names: rename(2) leaves both
  if (!node->directory) {
    change(sim_parent(to), {{to, node}, {from, nullptr}});
    recount();
    return {};
  }
  auto target = names_.lower_bound(to + "/");
  if (target != names_.end() && below(target->first, to))
    return {errc::io_error, to + ": directory not empty"};
  rename_directory(from, to);
  return {};
}

status sim_file_system::remove_file(const std::string& raw) {
  std::lock_guard lock(mutex_);
  std::string path = sim_normal(raw);
  TROUPE_TRY(check(op_remove, path));
  auto node = find(path);
  if (!node || node->directory)
    return {errc::not_found, path + ": no such file"};
  change(sim_parent(path), {{path, nullptr}});
  recount();
  return {};
}

status sim_file_system::remove_all(const std::string& raw) {
  std::lock_guard lock(mutex_);
  std::string root = sim_normal(raw);
  TROUPE_TRY(check(op_remove, root));
  std::vector<std::string> doomed;
  for (const auto& [path, node] : names_)
    if (path == root || below(path, root))
      doomed.push_back(path);
  for (auto it = doomed.rbegin(); it != doomed.rend(); ++it)
    change(sim_parent(*it), {{*it, nullptr}});
  recount();
  return {};
}

status sim_file_system::link_or_copy(const std::string& raw_from, const std::string& raw_to) {
  std::lock_guard lock(mutex_);
  std::string from = sim_normal(raw_from), to = sim_normal(raw_to);
  TROUPE_TRY(check(op_create, to));
  auto node = find(from);
  if (!node || node->directory)
    return {errc::not_found, from + ": no such file"};
  if (find(to))
    return {errc::io_error, to + ": file exists"};
  if (!find(sim_parent(to)))
    return {errc::not_found, to + ": no such directory"};
  change(sim_parent(to), {{to, node}});
  return {};
}

status sim_file_system::truncate(const std::string& path, uint64_t size) {
  std::lock_guard lock(mutex_);
  TROUPE_TRY(check(op_truncate, path));
  auto node = find(path);
  if (!node || node->directory)
    return {errc::not_found, path + ": no such file"};
  truncate_locked(*node, size);
  return {};
}

bool sim_file_system::exists(const std::string& path) {
  std::lock_guard lock(mutex_);
  return find(path) != nullptr;
}

result<uint64_t> sim_file_system::file_size(const std::string& path) {
  std::lock_guard lock(mutex_);
  auto node = find(path);
  if (!node || node->directory)
    return {errc::not_found, path + ": no such file"};
  return node->size();
}

result<uint64_t> sim_file_system::tree_size(const std::string& raw) {
  std::lock_guard lock(mutex_);
  std::string dir = sim_normal(raw);
  uint64_t total = 0;
  for (auto it = names_.lower_bound(dir + "/"); it != names_.end() && below(it->first, dir); ++it)
    total += it->second->size();
  return total;
}

result<std::unique_ptr<file_lock>> sim_file_system::lock(const std::string& raw) {
  std::lock_guard guard(mutex_);
  std::string path = sim_normal(raw);
  TROUPE_TRY(check(op_create, path));
  if (!find(path)) {
    if (!find(sim_parent(path)))
      return {errc::not_found, path + ": no such directory"};
    change(sim_parent(path), {{path, std::make_shared<inode>()}});
  }
  if (!locked_.insert(path).second)
    return {errc::already_exists, path + ": locked by another process"};
  return std::unique_ptr<file_lock>(std::make_unique<held_lock>(*this, path));
}

result<uint64_t> sim_file_system::free_bytes(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (!find(path))
    return {errc::not_found, path + ": no such file"};
  return space_limit_ == 0 ? (1ULL << 40) : space_limit_ - std::min(space_limit_, used_);
}

}  // namespace troupe::support
