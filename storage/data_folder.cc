#include "storage/data_folder.h"

#include "storage/block/block_meta.h"
#include "storage/model/slot.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::storage {
namespace {

constexpr std::string_view meta_name = "troupe.meta";
constexpr std::string_view lock_name = "lock";
constexpr uint64_t max_meta_bytes = 4096;

std::string meta_text() {
  return fmt::format("troupe data folder\nformat 1\nslots {}\nhash xxh3 {:016x}\n", slot_count,
                     slot_hash_seed);
}

status check_meta(file_system& fs, const std::string& path) {
  TROUPE_ASSIGN(const std::string text, read_file(fs, path, max_meta_bytes));
  if (text == meta_text())
    return {};
  if (text.starts_with("troupe data folder\nformat ") &&
      !text.starts_with("troupe data folder\nformat 1\n"))
    return {errc::unsupported, path + ": made by a later version of troupe"};
  return {errc::corruption, path + ": is damaged; it should read:\n" + meta_text()};
}

// What may lie in a folder that is as good as empty.
bool is_harmless(const dir_entry& e) {
  return e.name == "lost+found" || e.name == lock_name || e.name == std::string(meta_name) + ".tmp";
}

bool looks_like_prometheus(file_system& fs, const std::string& dir,
                           const std::vector<dir_entry>& entries) {
  return std::any_of(entries.begin(), entries.end(), [&](const dir_entry& e) {
    if (!e.is_directory)
      return false;
    const bool block =
        is_block_id(e.name) && fs.exists(join_path(join_path(dir, e.name), "meta.json"));
    return e.name == "chunks_head" || block;
  });
}

status foreign(file_system& fs, const std::string& dir, const std::vector<dir_entry>& entries) {
  std::string names;
  for (size_t i = 0; i < entries.size() && i < 5; ++i)
    names += (i ? ", " : "") + entries[i].name;
  const std::string what = looks_like_prometheus(fs, dir, entries)
                               ? "it looks like the data folder of a Prometheus server"
                               : "it holds " + names + " but no " + std::string(meta_name);
  return {errc::permission_denied, dir + ": not a data folder of troupe: " + what +
                                       ". Nothing in it was touched; choose an empty folder "
                                       "(--storage.tsdb.path)"};
}

}  // namespace

status write_folder_meta(file_system& fs, const std::string& dir) {
  return write_file_atomically(fs, join_path(dir, meta_name), meta_text());
}

result<std::unique_ptr<file_lock>> open_data_folder(file_system& fs, const options& opts) {
  auto listed = fs.list(opts.dir);
  if (!listed.ok()) {
    if (listed.code() != errc::not_found)
      return listed.error();
    TROUPE_TRY(fs.create_directories(opts.dir));
    listed = std::vector<dir_entry>();
  }
  const std::string meta = join_path(opts.dir, meta_name);
  const bool ours = std::any_of(listed->begin(), listed->end(),
                                [](const dir_entry& e) { return e.name == meta_name; });
  if (!ours && !std::all_of(listed->begin(), listed->end(), is_harmless))
    return foreign(fs, opts.dir, *listed);
  std::unique_ptr<file_lock> lock;
  if (!opts.no_lockfile) {
    TROUPE_ASSIGN(lock, fs.lock(join_path(opts.dir, lock_name)));
  }
  if (ours)
    TROUPE_TRY(check_meta(fs, meta));
  else
    TROUPE_TRY(write_folder_meta(fs, opts.dir));
  return lock;
}

}  // namespace troupe::storage
