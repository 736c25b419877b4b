#include "pipeline/send/kept.h"

#include <set>

namespace troupe::send {
namespace {

constexpr std::string_view cursor_suffix = ".cursor";

}  // namespace

std::string hold_name(std::string_view prefix, const std::string& id, uint32_t shard) {
  return std::string(prefix) + id + "/" + std::to_string(shard);
}

std::string cursor_path(const std::string& folder, const std::string& id) {
  return join_path(folder, id + std::string(cursor_suffix));
}

void forget_others(const kept_places& at, const std::vector<std::string>& ids, const logger& out) {
  std::set<std::string> holds, cursors;
  for (const auto& id : ids) {
    cursors.insert(id + std::string(cursor_suffix));
    for (uint32_t i = 0; at.log != nullptr && i < at.log->shard_count(); ++i)
      holds.insert(hold_name(at.hold_prefix, id, i));
  }
  for (const auto& name : at.log != nullptr ? at.log->holds() : std::vector<std::string>())
    if (name.starts_with(at.hold_prefix) && !holds.contains(name))
      if (const status s = at.log->release(name); !s.ok())
        out.warn("cannot release a hold on the log: {}", s.message());
  const auto files = at.files->list(at.folder);
  if (!files.ok())
    return;
  for (const auto& f : *files)
    if (f.name.ends_with(cursor_suffix) && !cursors.contains(f.name))
      if (const status s = at.files->remove_file(join_path(at.folder, f.name)); !s.ok())
        out.warn("cannot remove a cursor: {}", s.message());
}

}  // namespace troupe::send
