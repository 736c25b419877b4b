#include "storage/offline/block_list.h"

#include <algorithm>
#include <set>

namespace troupe::storage {

result<block_list> list_blocks(file_system& fs, const std::string& dir) {
  block_list out;
  const std::string folder = join_path(dir, "blocks");
  auto entries = fs.list(folder);
  if (entries.code() == errc::not_found)
    return out;
  if (!entries.ok())
    return entries.error();
  std::set<std::string> replaced;
  for (const auto& e : *entries) {
    if (!e.is_directory || !is_block_id(e.name))
      continue;
    const std::string path = join_path(folder, e.name);
    auto block = block_reader::open(fs, path);
    if (block.ok()) {
      replaced.insert((*block)->meta().parents.begin(), (*block)->meta().parents.end());
      out.blocks.push_back(std::move(*block));
    } else if (fs.exists(path)) {
      out.refused.push_back({path, std::string(block.error().message()), 0, 0});
    }
  }
  std::erase_if(out.blocks, [&](const auto& b) { return replaced.contains(b->meta().id); });
  std::sort(out.blocks.begin(), out.blocks.end(), [](const auto& a, const auto& b) {
    return std::pair(a->meta().min_time, a->meta().id) <
           std::pair(b->meta().min_time, b->meta().id);
  });
  return out;
}

}  // namespace troupe::storage
