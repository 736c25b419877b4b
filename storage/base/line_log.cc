#include "storage/base/line_log.h"

#include "storage/base/log.h"

namespace troupe {
namespace {

const logger log("line_log");

struct batch_of_lines {
  std::string text;
  size_t lines = 0;
};

}  // namespace

line_log::line_log(file_system& files, registry& metrics, uint64_t max_queued_bytes)
    : files_(files),
      max_queued_bytes_(max_queued_bytes),
      dropped_(
          metrics.get_counter("troupe_log_file_lines_dropped_total",
                              "Lines of query and scrape failure logs that were not written.")),
      failed_(metrics.get_counter("troupe_log_file_write_errors_total",
                                  "Failed writes to query and scrape failure logs.")) {}

status line_log::open(const std::vector<std::string>& paths) {
  std::map<std::string, target> fresh;
  for (const auto& p : paths) {
    auto file = files_.open_append(p);
    if (!file.ok())
      return file.error().with_context("can't create json log file");
    fresh[p].file = std::move(*file);
  }
  const std::lock_guard lock(files_mutex_);
  write_queued();
  targets_.swap(fresh);
  active_ = !targets_.empty();
  return {};
}

void line_log::add(const std::string& path, std::string line) {
  const std::lock_guard lock(queue_mutex_);
  if (queued_bytes_ + line.size() > max_queued_bytes_) {
    dropped_.add();
    return;
  }
  queued_bytes_ += line.size();
  queue_.emplace_back(path, std::move(line));
}

void line_log::flush() {
  const std::lock_guard lock(files_mutex_);
  write_queued();
}

// With files_mutex_ held.
void line_log::write_queued() {
  std::vector<std::pair<std::string, std::string>> lines;
  {
    const std::lock_guard lock(queue_mutex_);
    lines.swap(queue_);
    queued_bytes_ = 0;
  }
  std::map<std::string, batch_of_lines> by_path;
  for (auto& [path, line] : lines) {
    auto& b = by_path[path];
    b.text += line;
    b.text += '\n';
    ++b.lines;
  }
  for (const auto& [path, b] : by_path) {
    const auto to = targets_.find(path);
    if (to == targets_.end()) {
      dropped_.add(static_cast<double>(b.lines));  // closed by a reload meanwhile
      continue;
    }
    const status s = append(path, to->second, b.text);
    if (!s.ok()) {
      failed_.add();
      dropped_.add(static_cast<double>(b.lines));
      if (!to->second.failing)
        log.error("lines are lost: {}", s.to_string());
    }
    to->second.failing = !s.ok();
  }
}

status line_log::append(const std::string& path, target& to, std::string_view text) {
  if (!to.file) {
    TROUPE_ASSIGN(to.file, files_.open_append(path));
  }
  // What failed may have left a piece of a line.
  status s = to.failing ? to.file->append("\n" + std::string(text)) : to.file->append(text);
  if (!s.ok())
    to.file = nullptr;
  return s;
}

}  // namespace troupe
