#include "storage/base/damage.h"

#include <charconv>

namespace troupe {
namespace {

constexpr std::string_view note_suffix = ".why";
constexpr uint64_t longest_note = 64 << 10;

}  // namespace

status note_quarantine(file_system& fs, const std::string& path, int64_t now_ms,
                       std::string_view reason) {
  return write_file_atomically(fs, path + std::string(note_suffix),
                               std::to_string(now_ms) + " " + std::string(reason) + "\n");
}

quarantined_item read_quarantined(file_system& fs, const std::string& path, bool is_directory) {
  quarantined_item item;
  item.path = path;
  item.reason = "unknown";
  item.bytes = (is_directory ? fs.tree_size(path) : fs.file_size(path)).value_or(0);
  const auto note = read_file(fs, path + std::string(note_suffix), longest_note);
  if (!note.ok())
    return item;
  std::string_view text = *note;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), item.time_ms);
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (error != std::errc() || !text.starts_with(' ') || !text.ends_with('\n')) {
    item.time_ms = 0;
    return item;
  }
  item.reason = text.substr(1, text.size() - 2);
  return item;
}

std::vector<quarantined_item> list_quarantine(file_system& fs, const std::string& dir) {
  std::vector<quarantined_item> out;
  const auto entries = fs.list(dir);
  if (!entries.ok())
    return out;
  for (const auto& entry : *entries)
    if (!entry.name.ends_with(note_suffix) && !entry.name.ends_with(".tmp"))
      out.push_back(read_quarantined(fs, join_path(dir, entry.name), entry.is_directory));
  return out;
}

}  // namespace troupe
