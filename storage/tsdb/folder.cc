#include "storage/tsdb/folder.h"

#include "storage/block/block_meta.h"
#include "storage/tsdb/layout.h"

namespace troupe::storage::tsdb {
namespace {

// Files with nothing but their header are as good as empty.
constexpr uint64_t most_header_bytes = 8;

// Bytes of the files of a folder, those in its folders too; 0 if there is none.
result<uint64_t> content_bytes(file_system& fs, const std::string& dir) {
  auto entries = fs.list(dir);
  if (entries.code() == errc::not_found)
    return uint64_t{0};
  if (!entries.ok())
    return entries.error();
  uint64_t total = 0;
  for (const auto& e : *entries) {
    const std::string path = join_path(dir, e.name);
    if (e.is_directory) {
      TROUPE_ASSIGN(const uint64_t below, content_bytes(fs, path));
      total += below;
      continue;
    }
    TROUPE_ASSIGN(const uint64_t size, fs.file_size(path));
    total += size > most_header_bytes ? size : 0;
  }
  return total;
}

}  // namespace

result<folder> open_folder(file_system& fs, const std::string& dir) {
  folder out;
  if (fs.exists(join_path(dir, layout::meta_file))) {
    TROUPE_ASSIGN(auto block, block_reader::open(fs, dir));
    out.blocks.push_back(std::move(block));
    return out;
  }
  TROUPE_ASSIGN(const auto entries, fs.list(dir));
  for (const auto& e : entries) {
    if (!e.is_directory || !is_block_id(e.name))
      continue;
    TROUPE_ASSIGN(auto block, block_reader::open(fs, join_path(dir, e.name)));
    out.blocks.push_back(std::move(block));
  }
  for (const char* part : {"wal", "wbl", "chunks_head"}) {
    TROUPE_ASSIGN(const uint64_t bytes, content_bytes(fs, join_path(dir, part)));
    out.head_bytes += bytes;
  }
  if (out.blocks.empty())
    return {
        errc::not_found,
        dir + ": no blocks of Prometheus in it" +
            (out.head_bytes > 0 ? ", only a log and a head: take a snapshot and import that" : "")};
  return out;
}

}  // namespace troupe::storage::tsdb
