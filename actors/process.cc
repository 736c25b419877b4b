#include "actors/process.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>

namespace troupe::actors {

namespace {

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&set, s);
  return set;
}

/// Field `index` (from 0) of /proc/self/statm, in pages.
double statm_pages(int index) {
  std::ifstream in("/proc/self/statm");
  double v = 0;
  for (int i = 0; i <= index; ++i)
    in >> v;
  return v;
}

double open_files() {
  DIR* dir = opendir("/proc/self/fd");
  if (!dir)
    return 0;
  double n = -3;  // ".", ".." and the directory itself
  while (readdir(dir))
    ++n;
  closedir(dir);
  return n;
}

double cpu_seconds() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(u.ru_utime) + seconds(u.ru_stime);
}

double file_limit() {
  rlimit l{};
  getrlimit(RLIMIT_NOFILE, &l);
  return static_cast<double>(l.rlim_cur);
}

}  // namespace

void block_signals() {
  sigset_t set = handled_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

std::optional<int> wait_signal(int64_t timeout_ms) {
  sigset_t set = handled_signals();
  timespec t{timeout_ms / 1000, timeout_ms % 1000 * 1'000'000};
  int got = sigtimedwait(&set, nullptr, &t);
  if (got < 0)
    return std::nullopt;
  return got;
}

void notify_service_manager(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (!path || (path[0] != '/' && path[0] != '@'))
    return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  size_t n = std::strlen(path);
  if (n >= sizeof to.sun_path)
    return;
  std::memcpy(to.sun_path, path, n);
  if (path[0] == '@')
    to.sun_path[0] = 0;  // abstract namespace
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return;
  sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&to),
         static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + n));
  close(fd);
}

int64_t watchdog_interval_ms() {
  const char* text = std::getenv("WATCHDOG_USEC");
  int64_t us = 0;
  if (text)
    std::from_chars(text, text + std::strlen(text), us);
  return us / 2000;
}

uint64_t raise_file_limit() {
  rlimit l{};
  if (getrlimit(RLIMIT_NOFILE, &l) != 0)
    return 0;
  l.rlim_cur = l.rlim_max;
  setrlimit(RLIMIT_NOFILE, &l);
  getrlimit(RLIMIT_NOFILE, &l);
  return l.rlim_cur;
}

void add_process_metrics(registry& m) {
  auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  m.get_gauge("process_start_time_seconds",
              "Start time of the process since unix epoch in seconds.")
      .set(static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9);
  m.add_counter_callback("process_cpu_seconds_total",
                         "Total user and system CPU time spent in seconds.", cpu_seconds);
  m.add_gauge_callback("process_resident_memory_bytes", "Resident memory size in bytes.",
                       [page] { return statm_pages(1) * page; });
  m.add_gauge_callback("process_virtual_memory_bytes", "Virtual memory size in bytes.",
                       [page] { return statm_pages(0) * page; });
  m.add_gauge_callback("process_open_fds", "Number of open file descriptors.", open_files);
  m.add_gauge_callback("process_max_fds", "Maximum number of open file descriptors.", file_limit);
}

void add_memory_metrics(registry& m, memory_budget& budget) {
  m.add_gauge_callback("troupe_memory_limit_bytes",
                       "Most memory that may be held (--storage.memory-limit); 0: no bound.",
                       [&] { return static_cast<double>(budget.limit()); });
  m.add_gauge_callback("troupe_memory_used_bytes", "Memory held, as compared with the limit.",
                       [&] { return static_cast<double>(budget.used()); });
  m.add_gauge_callback("troupe_memory_level",
                       "0 normal, 1 flushing early, 2 refusing new series, 3 refusing everything.",
                       [&] { return static_cast<double>(budget.level()); });
  m.add_counter_callback("troupe_memory_charges_refused_total",
                         "Parts of queries that did not fit into memory.",
                         [&] { return static_cast<double>(budget.refused()); });
}

unsigned available_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0)
    return 1;
  return static_cast<unsigned>(CPU_COUNT(&set));
}

}  // namespace troupe::actors
