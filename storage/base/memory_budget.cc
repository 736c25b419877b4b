#include "storage/base/memory_budget.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <string>

namespace troupe {
namespace {

constexpr int64_t interval_ns = 100'000'000;

// The number a file begins with; `otherwise` for "max" or no file.
uint64_t number_in(const std::string& path, uint64_t otherwise) {
  std::ifstream in(path);
  uint64_t n = 0;
  return in >> n ? n : otherwise;
}

uint64_t machine_memory() {
  std::ifstream in("/proc/meminfo");
  std::string key;
  for (uint64_t kib; in >> key >> kib; in.ignore(std::numeric_limits<std::streamsize>::max(), '\n'))
    if (key == "MemTotal:")
      return kib * 1024;
  return std::numeric_limits<uint64_t>::max();
}

// The least limit of a group and those above it, as seen from inside of a container or outside.
uint64_t least_limit(const std::string& root, std::string group, const char* file) {
  uint64_t least = std::numeric_limits<uint64_t>::max();
  for (;;) {
    least = std::min(least, number_in(root + group + "/" + file, least));
    const auto slash = group.rfind('/');
    if (slash == std::string::npos)
      return least;
    group.resize(slash);
  }
}

}  // namespace

memory_budget::memory_budget(uint64_t limit, meter measure, const clock& clk)
    : limit_(limit), measure_(std::move(measure)), clock_(clk) {}

uint64_t memory_budget::used() {
  const int64_t now = clock_.monotonic_ns();
  int64_t due = next_ns_.load(std::memory_order_relaxed);
  if (now >= due && next_ns_.compare_exchange_strong(due, now + interval_ns)) {
    const uint64_t charged = charged_.load(std::memory_order_relaxed);
    const uint64_t measured = measure_();
    rest_.store(measured - std::min(measured, charged), std::memory_order_relaxed);
  }
  return rest_.load(std::memory_order_relaxed) + charged_.load(std::memory_order_relaxed);
}

memory_level memory_budget::level() {
  if (limit_ == 0)
    return memory_level::normal;
  const uint64_t held = used();
  if (held < limit_ / 10 * 8)
    return memory_level::normal;
  if (held < limit_ / 10 * 9)
    return memory_level::give_back;
  return held < limit_ / 10 * 11 ? memory_level::no_growth : memory_level::full;
}

bool memory_budget::try_charge(uint64_t bytes) {
  if (limit_ != 0 && used() + bytes > limit_ / 20 * 19) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  charged_.fetch_add(bytes, std::memory_order_relaxed);
  return true;
}

bool memory_charge::set(uint64_t bytes) {
  if (of_ == nullptr)
    return true;
  if (bytes > bytes_ && !of_->try_charge(bytes - bytes_))
    return false;
  if (bytes < bytes_)
    of_->release(bytes_ - bytes);
  bytes_ = bytes;
  return true;
}

uint64_t anonymous_memory() {
  std::ifstream in("/proc/self/statm");  // size, resident, of it backed by files, … in pages
  uint64_t size = 0, resident = 0, shared = 0;
  if (!(in >> size >> resident >> shared))
    return 0;
  return (resident - std::min(resident, shared)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t available_memory() {
  uint64_t least = machine_memory();
  std::ifstream in("/proc/self/cgroup");  // hierarchy:controllers:path
  for (std::string line; std::getline(in, line);) {
    const auto second = line.find(':', line.find(':') + 1);
    if (second == std::string::npos)
      continue;
    const std::string group = line.substr(second + 1);
    if (line.starts_with("0::"))
      least = std::min(least, least_limit("/sys/fs/cgroup", group, "memory.max"));
    else if (line.find(":memory:") != std::string::npos)
      least = std::min(least, least_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
  }
  return least;
}

}  // namespace troupe
