#include "pipeline/discover/file_watcher.h"
#include "storage/base/log.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>

namespace troupe::discover {
namespace {

const logger out_log("discover");

class inotify_watcher final : public file_watcher {
 public:
  inotify_watcher() : fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    if (fd_ < 0)
      out_log.warn("no inotify ({}): files are found by their refresh interval only",
                   std::strerror(errno));
  }
  ~inotify_watcher() override {
    if (fd_ >= 0)
      close(fd_);
  }
  inotify_watcher(const inotify_watcher&) = delete;
  inotify_watcher& operator=(const inotify_watcher&) = delete;

  void watch(const std::vector<std::string>& folders) override {
    if (fd_ < 0)
      return;
    for (auto it = by_id_.begin(); it != by_id_.end();) {
      if (std::find(folders.begin(), folders.end(), it->second) != folders.end()) {
        ++it;
        continue;
      }
      inotify_rm_watch(fd_, it->first);
      it = by_id_.erase(it);
    }
    for (const auto& folder : folders)
      add(folder);
  }

  std::vector<std::string> changed() override {
    std::set<std::string> out;
    alignas(inotify_event) char buffer[16384];
    while (fd_ >= 0) {
      const auto n = read(fd_, buffer, sizeof buffer);
      if (n <= 0)
        break;
      for (const char* p = buffer; p < buffer + n;) {
        const auto* event = reinterpret_cast<const inotify_event*>(p);
        note(*event, out);
        p += sizeof(inotify_event) + event->len;
      }
    }
    return {out.begin(), out.end()};
  }

 private:
  void add(const std::string& folder) {
    const bool known = std::any_of(by_id_.begin(), by_id_.end(),
                                   [&](const auto& entry) { return entry.second == folder; });
    if (known)
      return;
    const int id = inotify_add_watch(fd_, folder.c_str(),
                                     IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                         IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
    if (id >= 0)
      by_id_.insert_or_assign(id, folder);
  }

  void note(const inotify_event& event, std::set<std::string>& out) {
    if (event.mask & IN_Q_OVERFLOW)
      for (const auto& [id, folder] : by_id_)
        out.insert(folder);
    const auto it = by_id_.find(event.wd);
    if (it == by_id_.end())
      return;
    out.insert(it->second);
    // The folder itself is gone: watch() takes it up again when it is back.
    if (event.mask & (IN_IGNORED | IN_MOVE_SELF)) {
      if (event.mask & IN_MOVE_SELF)
        inotify_rm_watch(fd_, event.wd);
      by_id_.erase(it);
    }
  }

  int fd_;
  std::map<int, std::string> by_id_;
};

}  // namespace

std::unique_ptr<file_watcher> make_inotify_watcher() {
  return std::make_unique<inotify_watcher>();
}

}  // namespace troupe::discover
