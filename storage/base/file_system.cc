#include "storage/base/file_system.h"

namespace troupe {

result<std::string> read_file(file_system& fs, const std::string& path, uint64_t limit) {
  TROUPE_ASSIGN(auto file, fs.open_read(path));
  const uint64_t size = file->size();
  if (size > limit)
    return {errc::resource_exhausted,
            path + ": " + std::to_string(size) + " bytes, limit " + std::to_string(limit)};
  std::string out;
  TROUPE_TRY(file->read(0, static_cast<size_t>(size), out));
  return out;
}

status write_file_atomically(file_system& fs, const std::string& path, std::string_view content) {
  const std::string tmp = path + ".tmp";
  const auto write = [&]() -> status {
    TROUPE_ASSIGN(auto file, fs.create(tmp));
    TROUPE_TRY(file->append(content));
    TROUPE_TRY(file->sync());
    TROUPE_TRY(file->close());
    return fs.rename(tmp, path);
  };
  if (status s = write(); !s.ok()) {
    fs.remove_file(tmp).ignore();
    return s;
  }
  const auto slash = path.rfind('/');
  if (slash == std::string::npos)
    return fs.sync_directory(".");
  return fs.sync_directory(slash == 0 ? "/" : path.substr(0, slash));
}

std::string join_path(std::string_view dir, std::string_view name) {
  std::string out(dir);
  if (!out.empty() && out.back() != '/')
    out.push_back('/');
  out += name;
  return out;
}

}  // namespace troupe
