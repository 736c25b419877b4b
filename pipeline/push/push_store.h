// The groups that were pushed, in memory and in a file each. Thread-safe.
#pragma once

#include "pipeline/push/grouping.h"
#include "pipeline/push/pushed_body.h"
#include "storage/base/file_system.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::push {

/// Per group: Unix seconds of the last push that was taken, and of the last that was not; 0: none.
inline constexpr std::string_view push_time_name = "push_time_seconds";
inline constexpr std::string_view push_failure_time_name = "push_failure_time_seconds";

struct push_store_options {
  std::string dir;
  uint64_t max_bytes = 256u << 20;  ///< of all groups in memory, about
  size_t max_groups = 100'000;
};

struct pushed_group {
  std::map<std::string, pushed_family> families;
  int64_t pushed_ms = 0, failed_ms = 0;  ///< Unix time; 0: never

  size_t bytes() const;
};
/// The families that the store makes itself of a group.
std::vector<pushed_family> time_families_of(const grouping& group, const pushed_group& g);

class push_store {
 public:
  /// Reads the groups of an earlier run. A file that is damaged is left where it is and named in
  /// `unread`.
  static result<std::unique_ptr<push_store>> open(file_system& fs, push_store_options options,
                                                  std::vector<std::string>& unread);

  /// PUT (`replace`): the families become all of the group. POST: they replace those of their
  /// names. On stable storage when it returns. invalid_argument for a family that has another type
  /// in another group, resource_exhausted beyond the bounds; the group then stays as it was, with
  /// the time of the failure, and is made if there was none.
  status push(const grouping& group, std::vector<pushed_family> families, bool replace,
              int64_t now_ms);
  /// A push to the group could not be read.
  void note_failure(const grouping& group, int64_t now_ms);
  /// Nothing happens if there is no such group.
  status remove(const grouping& group);
  /// Removes all groups.
  status wipe();

  /// All groups as text (0.0.4), family by family.
  std::string exposition() const;
  /// Every group; pushes wait for the end of it.
  void visit(const std::function<void(const grouping&, const pushed_group&)>& visitor) const;
  size_t groups() const;

 private:
  push_store(file_system& fs, push_store_options options) : fs_(fs), options_(std::move(options)) {}

  /// How many groups have a family, and its type in them.
  struct family_use {
    metric_type type = metric_type::unknown;
    size_t groups = 0;
  };

  status load(const std::string& path);
  /// Makes a group part of all, or takes it out; under lock_.
  void enter(const grouping& group, pushed_group g);
  void set_failed(const grouping& group, int64_t now_ms);
  void leave(std::map<grouping, pushed_group>::iterator at);
  status check(const grouping& group, const pushed_group& next, size_t bytes) const;
  status save(const grouping& group, const pushed_group& g) const;
  std::string path_of(const grouping& group) const;

  file_system& fs_;
  const push_store_options options_;
  std::mutex writing_;       ///< changes, one after the other; held while the disk is waited for
  mutable std::mutex lock_;  ///< what is below, for readers beside a change
  std::map<grouping, pushed_group> all_;
  std::map<std::string, family_use> families_;
  uint64_t bytes_ = 0;
};

}  // namespace troupe::push
